// SPDX-License-Identifier: Apache-2.0
#include "services/identity/oauth.h"

#include "base/ids.h"
#include "base/strings.h"
#include "services/identity/tokens.h"

namespace lazuli::identity {
namespace {

const std::string kEmpty;
constexpr size_t kShownMax = 200;
constexpr size_t kFieldsMax = 64;
constexpr std::string_view kStorage = "https://storage.azure.com";
// Of tokens with which one application proves itself as another (workload identity federation).
constexpr std::string_view kExchange = "api://AzureADTokenExchange";
constexpr std::string_view kImpersonation = "user_impersonation";

bool is_graph(const core::Installation& installation, std::string_view audience) {
  return plain_audience(audience) == "https://graph." + installation.domain;
}

// Our own resources, on whatever port, and the public name that storage clients always use.
bool is_house_audience(const core::Installation& installation, std::string_view audience) {
  std::string plain = plain_audience(audience);
  if (plain == kStorage) return true;
  for (std::string_view label : {"management", "ml.azure", "graph", "vault"})
    if (plain == cat({"https://", label, ".", installation.domain})) return true;
  return false;
}

// "{app id}", or an identifier URI of an application.
Result<std::optional<directory::Application>> application_asked(directory::Directory& directory,
                                                                const std::string& resource) {
  if (is_uuid(resource)) return directory.find_application(resource);
  return directory.find_application_by_uri(resource);
}

bool is_oidc_scope(std::string_view scope) {
  return scope == "openid" || scope == "profile" || scope == "email" || scope == "offline_access";
}

struct ResourceScope {
  std::string_view audience, name;
};

// "https://management.x//.default" → ("https://management.x/", ".default"): the part before the
// last slash is the audience as it stands.
ResourceScope split_scope(std::string_view scope) {
  size_t slash = scope.rfind('/');
  if (slash == std::string_view::npos) return {{}, scope};
  return {scope.substr(0, slash), scope.substr(slash + 1)};
}

Error unknown_resource(std::string_view audience) {
  return oauth("invalid_resource", 500011,
               cat({"The resource principal named ", audience.substr(0, kShownMax),
                    " was not found in the tenant."}));
}

// What is asked for, before it is known who exposes it: names of scopes without their resource.
struct Wanted {
  std::vector<std::string> names;
};

Error unknown_scope(std::string_view name) {
  return oauth("invalid_scope", 65005,
               cat({"The resource does not have the scope '", name.substr(0, kShownMax), "'."}));
}

void add_name(std::string_view name, std::string& scopes) {
  for (std::string_view each : split(scopes, ' '))
    if (each == name) return;
  scopes += cat({scopes.empty() ? "" : " ", name});
}

// ".default" of an application: what the client says that it needs of it, else all that there is.
Result<void> add_default(directory::Directory& directory, const directory::Application& resource,
                         const std::string& client_id, Asked& asked) {
  auto client = TRY(directory.find_application(client_id));
  auto needs = [&](const directory::AppScope& scope) {
    return client &&
           std::ranges::find(client->required_scopes, std::pair(resource.app_id, scope.id)) !=
               client->required_scopes.end();
  };
  for (const directory::AppScope& each : resource.scopes)
    if (needs(each)) add_name(each.value, asked.scopes);
  if (!asked.scopes.empty()) return {};
  for (const directory::AppScope& each : resource.scopes) add_name(each.value, asked.scopes);
  if (asked.scopes.empty()) asked.scopes = kImpersonation;
  return {};
}

Result<void> resolve_application(directory::Directory& directory, const Wanted& wanted,
                                 const std::string& client_id, Asked& asked) {
  auto application = TRY(application_asked(directory, asked.resource));
  if (!application) return unknown_resource(asked.resource);
  asked.app_id = application->app_id;
  if (application->token_version == 2) asked.audience = application->app_id;
  if (is_uuid(asked.audience)) asked.version = 2;
  for (const std::string& name : wanted.names) {
    if (name == ".default") {
      TRY(add_default(directory, *application, client_id, asked));
      continue;
    }
    bool exposed = std::ranges::any_of(
        application->scopes, [&](const directory::AppScope& each) { return each.value == name; });
    if (!exposed && (name != kImpersonation || !application->scopes.empty()))
      return unknown_scope(name);
    add_name(name, asked.scopes);
  }
  return {};
}

Result<void> resolve(const core::Installation& installation, directory::Directory& directory,
                     const Wanted& wanted, const std::string& client_id, Asked& asked) {
  asked.audience = asked.resource;
  bool ours = is_house_audience(installation, asked.resource);
  if (asked.resource == kExchange) asked.version = 2;
  if (!ours && asked.resource != kExchange)
    return resolve_application(directory, wanted, client_id, asked);
  for (const std::string& name : wanted.names) {
    bool known =
        name == ".default" || name == kImpersonation || is_graph(installation, asked.resource);
    if (!known) return unknown_scope(name);
    add_name(name == ".default" ? kImpersonation : std::string_view(name), asked.scopes);
  }
  return {};
}

Result<void> add_scope(const core::Installation& installation, std::string_view text, Asked& asked,
                       Wanted& wanted) {
  if (is_oidc_scope(text)) {
    asked.openid = asked.openid || text == "openid";
    asked.offline = asked.offline || text == "offline_access";
    return {};
  }
  ResourceScope scope = split_scope(text);
  // Without a resource it is Graph's: "User.Read".
  std::string resource =
      scope.audience.empty() ? "https://graph." + installation.domain : std::string(scope.audience);
  if (!asked.resource.empty() && asked.resource != resource)
    return oauth("invalid_scope", 28000,
                 "The scopes asked for belong to more than one resource; ask for one at a time.");
  asked.resource = std::move(resource);
  wanted.names.emplace_back(scope.name);
  return {};
}

}  // namespace

Error oauth(std::string_view error, int number, std::string_view message) {
  Code code = error == "invalid_client" ? Code::kUnauthenticated : Code::kInvalidArgument;
  return Error{
      code, std::string(error), cat({"AADSTS", std::to_string(number), ": ", message}), {}, {}};
}

int64_t aadsts_number(const Error& error) {
  std::string_view text = error.message;
  if (!text.starts_with("AADSTS")) return 0;
  return parse_int(text.substr(6, text.find(':') - 6)).value_or(0);
}

Result<Fields> Fields::checked(Result<QueryItems> items, std::string_view unreadable) {
  if (!items.ok()) return oauth("invalid_request", 90023, unreadable);
  if (items->size() > kFieldsMax)
    return oauth("invalid_request", 90023, "There are too many parameters.");
  for (size_t i = 0; i < items->size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if ((*items)[i].first == (*items)[j].first)
        return oauth("invalid_request", 900144,
                     cat({"The parameter '", (*items)[i].first.substr(0, kShownMax),
                          "' is given more than once."}));
  return Fields(std::move(*items));
}

Result<Fields> Fields::of_form(const Context& context) {
  return checked(parse_form(context.body()), "The body is not application/x-www-form-urlencoded.");
}

Result<Fields> Fields::of_query(const Context& context) {
  return checked(parse_form(context.head().query),  // '+' is a space here too
                 "The query cannot be read.");
}

const std::string& Fields::operator[](std::string_view name) const {
  for (const auto& [key, value] : items_)
    if (key == name) return value;
  return kEmpty;
}

Result<Asked> parse_asked(const core::Installation& installation, directory::Directory& directory,
                          const ResourceRequest& request) {
  if (!is_utf8(request.scope) || !is_utf8(request.resource))
    return oauth("invalid_scope", 70011,
                 "The provided value for the input parameter 'scope' is not valid.");
  Asked asked;
  Wanted wanted;
  for (std::string_view each : split(request.scope, ' ')) {
    if (!each.empty()) TRY(add_scope(installation, each, asked, wanted));
  }
  if (asked.resource.empty() && !request.resource.empty()) {
    asked.resource = request.resource;
    wanted.names = {".default"};
  }
  if (asked.resource.empty() && asked.openid) {  // a sign-in alone
    asked.resource = "https://graph." + installation.domain;
    wanted.names = {"openid", "profile"};
  }
  if (asked.resource.empty())
    return oauth("invalid_request", 900144,
                 "The request body must contain the following parameter: 'scope' (URI/.default) "
                 "or 'resource'.");
  TRY(resolve(installation, directory, wanted, request.client_id, asked));
  return asked;
}

Result<void> check_tenant(const core::Installation& installation, const Context& context) {
  std::string_view tenant = context.param("tenant");
  for (std::string_view ours :
       {std::string_view(), std::string_view(installation.tenant_id), std::string_view("adfs"),
        std::string_view("common"), std::string_view("organizations")})
    if (iequals(tenant, ours)) return {};
  return oauth("invalid_tenant", 90002,
               cat({"Tenant '", tenant.substr(0, kShownMax), "' not found."}));
}

bool is_adfs(const Context& context) {
  return istarts_with(context.head().raw_path, "/adfs/") ||
         iequals(context.param("tenant"), "adfs");
}

bool is_token_endpoint(const core::Installation& installation, std::string_view url) {
  std::string prefix = cat({"https://login.", installation.domain});
  if (!istarts_with(url, prefix)) return false;
  url.remove_prefix(prefix.size());
  size_t slash = url.find('/');
  if (slash == std::string_view::npos) return false;
  if (slash > 0 && (url[0] != ':' || !parse_int(url.substr(1, slash - 1)))) return false;
  std::string_view path = url.substr(slash + 1);
  size_t end = path.find('/');
  if (end == std::string_view::npos) return false;
  std::string_view tenant = path.substr(0, end), rest = path.substr(end);
  bool ours = iequals(tenant, installation.tenant_id) || iequals(tenant, "adfs") ||
              iequals(tenant, "common") || iequals(tenant, "organizations");
  return ours && (rest == "/oauth2/v2.0/token" || rest == "/oauth2/token");
}

http::Response no_store(http::Response response) {
  response.header("Cache-Control", "no-store").header("Pragma", "no-cache");
  return response;
}

}  // namespace lazuli::identity
