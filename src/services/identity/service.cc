// SPDX-License-Identifier: Apache-2.0
#include "services/identity/service.h"

#include "base/strings.h"
#include "services/identity/token_handlers.h"

namespace lazuli::identity {
namespace {

using core::Host;
using http::Method;

constexpr uint64_t kFormBytesMax = 64 * 1024;

class Service final : public IdentityService {
 public:
  Service(const core::Installation& installation, directory::Directory& directory)
      : installation_(installation), directory_(directory) {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "identity";
    manifest.depends_on = {"directory"};
    manifest.migrations = Store::migrations();
    for (std::string_view base : {"/{tenant}", "/{tenant}/v2.0", "/adfs"})
      add(manifest, Method::kGet, cat({base, "/.well-known/openid-configuration"}),
          "OpenIdConfiguration_Get", get_configuration);
    for (std::string_view path :
         {"/{tenant}/discovery/v2.0/keys", "/{tenant}/discovery/keys", "/adfs/discovery/keys"})
      add(manifest, Method::kGet, std::string(path), "Keys_List", get_keys);
    add(manifest, Method::kGet, "/common/discovery/instance", "InstanceDiscovery_Get",
        get_instance_discovery);
    for (std::string_view path :
         {"/{tenant}/oauth2/v2.0/token", "/{tenant}/oauth2/token", "/adfs/oauth2/token"})
      add(manifest, Method::kPost, std::string(path), "Token_Create", post_token);
    describe_missing(manifest);
  }

  Result<void> open(db::Database::Handle handle, core::Vault& vault) override {
    store_ = std::make_unique<Store>(std::move(handle));
    tokens_ = TRY(Tokens::create(installation_, *store_, vault, directory_));
    parts_.reset(new TokenParts{installation_, directory_, *tokens_});
    return {};
  }

  Result<void> start(const core::ServiceContext&) override { return {}; }
  void stop() noexcept override {}

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
    return tokens_->issue({principal->app_id, principal->object_id, principal->name}, request);
  }

  Result<void> revoke_job(db::Tx& tx, const std::string& job_id) override {
    return store_->revoke_job(tx, job_id);
  }

  core::Authenticator& bearer_authenticator() override { return *tokens_; }
  Result<core::Verified> verify_token(std::string_view token, std::string_view audience) override {
    return tokens_->verify_token(token, audience);
  }

 private:
  using Function = Answer (*)(const TokenParts&, Context&);

  void add(core::Manifest& manifest, Method method, std::string path, std::string id,
           Function function) const {
    core::Route route;
    route.host = Host::kLogin;
    route.method = method;
    route.path = std::move(path);
    route.operation_id = std::move(id);
    route.anonymous = true;
    route.errors = core::ErrorShape::kOAuth;
    route.body_bytes_max = kFormBytesMax;
    route.summary = "Token service.";
    route.handler = [this, function](Context& context) { return function(*parts_, context); };
    manifest.routes.push_back(std::move(route));
  }

  void describe_missing(core::Manifest& manifest) const {
    for (std::string_view path :
         {"/{tenant}/oauth2/v2.0/authorize", "/{tenant}/oauth2/v2.0/devicecode",
          "/adfs/oauth2/authorize", "/adfs/oauth2/devicecode"}) {
      core::Route route;
      route.host = Host::kLogin;
      route.method = path.ends_with("authorize") ? Method::kGet : Method::kPost;
      route.path = std::string(path);
      route.operation_id = path.ends_with("authorize") ? "Authorize" : "DeviceCode";
      route.anonymous = true;
      route.errors = core::ErrorShape::kOAuth;
      route.summary = "Known, not there yet.";
      manifest.routes.push_back(std::move(route));
    }
  }

  const core::Installation& installation_;
  directory::Directory& directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Tokens> tokens_;
  std::unique_ptr<TokenParts> parts_;
};

}  // namespace

std::unique_ptr<IdentityService> make_identity(const core::Installation& installation,
                                               directory::Directory& directory) {
  return std::make_unique<Service>(installation, directory);
}

}  // namespace lazuli::identity
