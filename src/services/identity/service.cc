// SPDX-License-Identifier: Apache-2.0
#include "services/identity/service.h"

#include "base/strings.h"
#include "http/egress.h"
#include "services/identity/discovery_handlers.h"
#include "services/identity/key_handlers.h"
#include "services/identity/login_handlers.h"
#include "services/identity/maintenance.h"
#include "services/identity/managed_identity.h"
#include "services/identity/sign_in_handlers.h"
#include "services/identity/store.h"
#include "services/identity/token_handlers.h"

namespace lazuli::identity {
namespace {

using core::Host;
using http::Method;

constexpr uint64_t kFormBytesMax = 64 * 1024;

// A test suite signs in often from one address; a guesser needs more than this in either bucket.
constexpr RateLimit::Options kRequestLimit{.burst = 600, .per_second = 100};
constexpr RateLimit::Options kFailureLimit{.burst = 20, .per_second = 0.2};

// All that works together, made once the database is open.
struct Parts {
  Parts(const core::Installation& installation, directory::Directory& directory,
        std::unique_ptr<KeyRing> key_ring, const db::Database::Handle& handle, core::Vault& vault,
        Fetch fetch)
      : keys(std::move(key_ring)),
        revocations(handle),
        tokens(installation, directory, *keys, revocations),
        sessions(handle, directory, revocations, vault.derive("identity.refresh_token")),
        issuers(std::move(fetch)),
        prover(installation, directory, tokens, issuers, handle),
        sign_ins(handle),
        maintenance(handle, *keys, revocations, sign_ins),
        browser(handle, vault),
        discovery{installation, tokens, *keys},
        token{installation, directory, handle,   tokens,  sessions,
              prover,       sign_ins,  requests, failures},
        login{token, browser, issuers},
        administration{handle, *keys, revocations},
        managed(token, vault, revocations) {}

  std::unique_ptr<KeyRing> keys;
  Revocations revocations;
  Tokens tokens;
  Sessions sessions;
  ForeignIssuers issuers;
  ClientProver prover;
  SignInStore sign_ins;
  RateLimit requests{kRequestLimit};
  RateLimit failures{kFailureLimit};
  Maintenance maintenance;
  BrowserGuard browser;
  DiscoveryParts discovery;
  TokenParts token;
  LoginParts login;
  KeyParts administration;
  ManagedIdentity managed;
};

class Service final : public IdentityService {
 public:
  Service(const core::Installation& installation, directory::Directory& directory)
      : installation_(installation), directory_(directory) {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "identity";
    manifest.depends_on = {"directory"};
    manifest.migrations = Store::migrations();
    describe_discovery(manifest);
    describe_tokens(manifest);
    describe_pages(manifest);
    describe_managed(manifest);
    describe_log(manifest);
    describe_keys(manifest);
  }

  Result<void> open(db::Database::Handle handle, core::Vault& vault) override {
    auto keys = TRY(KeyRing::create(handle, vault));
    auto fetch = [this](const http::ClientRequest& request) { return ask_elsewhere(request); };
    parts_ =
        std::make_unique<Parts>(installation_, directory_, std::move(keys), handle, vault, fetch);
    return parts_->revocations.refresh();
  }

  Result<void> start(const core::ServiceContext& context) override {
    if (!parts_) TRY(open(context.db, context.vault));
    egress_ = &context.egress;
    parts_->maintenance.start();
    return {};
  }
  void stop() noexcept override {
    if (parts_) parts_->maintenance.stop();
  }

  Result<ServicePrincipal> ensure_service_principal(const std::string& name) override {
    directory::Principal made = TRY(directory_.ensure_service_principal(name));
    return ServicePrincipal{made.app_id, made.object_id, made.name};
  }

  Result<SecretString> add_secret(const std::string& app_id) override {
    return std::move(TRY(directory_.add_secret(app_id, {})).text);
  }

  Result<SecretString> issue_token(const TokenRequest& request) override {
    auto principal = TRY(directory_.find_by_object_id(request.object_id));
    if (!principal) return not_found("no principal has the object id " + request.object_id);
    if (!principal->enabled) return permission_denied("the principal is disabled");
    if (request.since && *request.since < principal->not_before)
      return permission_denied("the principal was signed out meanwhile");
    Access access;
    access.subject = std::move(*principal);
    access.audience = request.audience;
    access.lifetime = request.lifetime;
    access.grants = request.grants;
    access.job_id = request.job_id;
    if (access.subject.kind == directory::PrincipalKind::kUser)
      access.scopes = "user_impersonation";
    if (request.parent != nullptr) TRY(narrow(*request.parent, access));
    return parts_->tokens.issue(access);
  }

  Result<void> revoke_job(db::Tx& tx, const std::string& job_id) override {
    return parts_->revocations.add(tx, kJobEnded, job_id, now() + kTokenLifetimeMax);
  }

  SecretString job_credential(const JobIdentity& job) override {
    return parts_->managed.credential(job);
  }

  core::Authenticator& bearer_authenticator() override { return parts_->tokens; }

 private:
  using DiscoveryFunction = Answer (*)(const DiscoveryParts&, Context&);
  using TokenFunction = Answer (*)(const TokenParts&, Context&);
  using LoginFunction = Answer (*)(const LoginParts&, Context&);
  using ManagedFunction = Answer (ManagedIdentity::*)(Context&) const;

  static core::Route route_of(Method method, std::string path, std::string id) {
    core::Route route;
    route.host = Host::kLogin;
    route.method = method;
    route.path = std::move(path);
    route.operation_id = std::move(id);
    route.anonymous = true;
    route.errors = core::ErrorShape::kOAuth;
    route.body_bytes_max = kFormBytesMax;
    route.summary = "Token service.";
    return route;
  }

  void add(core::Manifest& manifest, std::string path, std::string id,
           DiscoveryFunction function) const {
    core::Route route = route_of(Method::kGet, std::move(path), std::move(id));
    route.handler = [this, function](Context& context) {
      return function(parts_->discovery, context);
    };
    manifest.routes.push_back(std::move(route));
  }

  void add(core::Manifest& manifest, std::string path, std::string id,
           TokenFunction function) const {
    core::Route route = route_of(Method::kPost, std::move(path), std::move(id));
    route.handler = [this, function](Context& context) { return function(parts_->token, context); };
    manifest.routes.push_back(std::move(route));
  }

  void add(core::Manifest& manifest, Method method, std::string path, std::string id,
           LoginFunction function) const {
    core::Route route = route_of(method, std::move(path), std::move(id));
    route.summary = "Pages of the token service.";
    route.handler = [this, function](Context& context) { return function(parts_->login, context); };
    manifest.routes.push_back(std::move(route));
  }

  void add(core::Manifest& manifest, Method method, std::string path,
           ManagedFunction function) const {
    core::Route route = route_of(method, std::move(path), "ManagedIdentity_Token");
    route.summary = "Tokens of a job's identity.";
    route.path_is_secret = route.path.find("{credential}") != std::string::npos;
    route.handler = [this, function](Context& context) {
      return (parts_->managed.*function)(context);
    };
    manifest.routes.push_back(std::move(route));
  }

  void describe_discovery(core::Manifest& manifest) const {
    for (std::string_view base : {"/{tenant}", "/{tenant}/v2.0", "/adfs"})
      add(manifest, cat({base, "/.well-known/openid-configuration"}), "OpenIdConfiguration_Get",
          get_configuration);
    for (std::string_view path :
         {"/{tenant}/discovery/v2.0/keys", "/{tenant}/discovery/keys", "/adfs/discovery/keys"})
      add(manifest, std::string(path), "Keys_List", get_keys);
    add(manifest, "/common/discovery/instance", "InstanceDiscovery_Get", get_instance_discovery);
    add(manifest, "/{tenant}/userrealm/{upn}", "UserRealm_Get", get_user_realm);
  }

  void describe_tokens(core::Manifest& manifest) const {
    for (std::string_view base : {"/{tenant}/oauth2/v2.0", "/{tenant}/oauth2", "/adfs/oauth2"}) {
      add(manifest, cat({base, "/token"}), "Token_Create", post_token);
      add(manifest, cat({base, "/devicecode"}), "DeviceCode_Create", post_device_code);
    }
  }

  void describe_pages(core::Manifest& manifest) const {
    for (std::string_view base : {"/{tenant}/oauth2/v2.0", "/{tenant}/oauth2", "/adfs/oauth2"}) {
      add(manifest, Method::kGet, cat({base, "/authorize"}), "Authorize", get_authorize);
      add(manifest, Method::kGet, cat({base, "/logout"}), "Logout", get_logout);
    }
    for (std::string_view path : {"/{tenant}/openid/userinfo", "/adfs/userinfo"}) {
      add(manifest, Method::kGet, std::string(path), "UserInfo_Get", get_userinfo);
      add(manifest, Method::kPost, std::string(path), "UserInfo_Post", get_userinfo);
    }
    for (std::string_view path : {"/device", "/{tenant}/oauth2/deviceauth"})
      add(manifest, Method::kGet, std::string(path), "Device_Page", get_device);
    add(manifest, Method::kGet, "/{tenant}/password", "Password_Page", get_password);
    add(manifest, Method::kPost, "/common/login", "Login_Submit", post_login);
    add(manifest, Method::kPost, "/common/continue", "Account_Submit", post_continue);
    add(manifest, Method::kPost, "/common/password", "Password_Submit", post_password);
    add(manifest, Method::kPost, "/common/device", "Device_Submit", post_device);
    add(manifest, Method::kPost, "/common/device/confirm", "Device_Confirm", post_device_confirm);
    add(manifest, Method::kGet, "/common/federated/callback", "Federated_Callback",
        get_federated_callback);
    add(manifest, Method::kPost, "/common/federated/{provider}", "Federated_Start", post_federated);
  }

  // The credential is in a header, or in the path where the protocol has no header for it.
  void describe_managed(core::Manifest& manifest) const {
    add(manifest, Method::kGet, "/msi/token", &ManagedIdentity::get_token);
    add(manifest, Method::kGet, "/msi/{credential}/metadata/identity/oauth2/token",
        &ManagedIdentity::get_token);
    add(manifest, Method::kPost, "/msi/{credential}/cloudshell",
        &ManagedIdentity::post_cloud_shell);
  }

  static core::Route graph_route(Method method, std::string path, std::string operation) {
    core::Route route;
    route.host = Host::kGraph;
    route.method = method;
    route.path = "/{version}/" + std::move(path);
    route.operation = {"Microsoft.Authorization/directory/" + std::move(operation)};
    route.credentials = {core::Credential::kGraphToken};
    route.errors = core::ErrorShape::kGraph;
    route.body_bytes_max = kFormBytesMax;
    route.scope = [](const Context&) -> Result<std::string> { return std::string("/"); };
    return route;
  }

  void describe_log(core::Manifest& manifest) const {
    core::Route route = graph_route(Method::kGet, "auditLogs/signIns", "signIns/read");
    route.operation_id = "auditLogs_ListSignIns";
    route.summary = "Who signed in, and who tried.";
    route.handler = [this](Context& context) { return list_sign_ins(parts_->sign_ins, context); };
    manifest.routes.push_back(std::move(route));
  }

  void add(core::Manifest& manifest, core::Route route, std::string id,
           Answer (*function)(const KeyParts&, Context&)) const {
    route.operation_id = std::move(id);
    route.summary = "Keys of the token service.";
    route.handler = [this, function](Context& context) {
      return function(parts_->administration, context);
    };
    manifest.routes.push_back(std::move(route));
  }

  // Writes, so that only who may write the directory may do it.
  void describe_keys(core::Manifest& manifest) const {
    const std::string keys = "directory/signingKeys";
    add(manifest, graph_route(Method::kGet, keys, "signingKeys/read"), "signingKeys_List",
        list_signing_keys);
    add(manifest, graph_route(Method::kPost, keys + "/rotate", "signingKeys/write"),
        "signingKeys_Rotate", rotate_signing_keys);
    add(manifest, graph_route(Method::kDelete, keys + "/{id}", "signingKeys/delete"),
        "signingKeys_Delete", delete_signing_key);
    add(manifest, graph_route(Method::kPost, "directory/revokedTokens", "revokedTokens/write"),
        "revokedTokens_Create", revoke_token);
  }

  // Issuers and providers are named by users: only where they may lead.
  Result<http::Response> ask_elsewhere(const http::ClientRequest& request) const {
    if (egress_ == nullptr) return unavailable("the service has not started");
    http::EgressOptions options;
    options.ca_file = installation_.ca_bundle;
    options.timeout = std::chrono::seconds(10);
    options.response_bytes_max = 1u << 20;
    return TRY(http::EgressClient::create(std::move(options), *egress_))->send(request);
  }

  // A derived credential's own tokens: within what it may do, and ended with it.
  static Result<void> narrow(const core::Principal& parent, Access& access) {
    if (!parent.grants()) return {};
    if (access.grants.empty()) access.grants = *parent.grants();
    for (const core::Grant& grant : access.grants)
      for (const std::string& operation : grant.operations)
        if (!core::grants_cover(parent, {operation}, grant.scope))
          return permission_denied("the credential may not hand on more than it may do itself");
    access.lifetime = std::min<Duration>(access.lifetime, parent.expires() - now());
    return {};
  }

  const core::Installation& installation_;
  directory::Directory& directory_;
  http::Egress* egress_ = nullptr;  // from start() on
  std::unique_ptr<Parts> parts_;
};

}  // namespace

std::unique_ptr<IdentityService> make_identity(const core::Installation& installation,
                                               directory::Directory& directory) {
  return std::make_unique<Service>(installation, directory);
}

}  // namespace lazuli::identity
