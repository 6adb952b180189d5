// SPDX-License-Identifier: Apache-2.0
#include "core/auth.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/json.h"
#include "core/grant_json.h"
#include "core/vault.h"

namespace lazuli::core {
namespace {
constexpr std::string_view kKeptCaller = "core.kept_caller";
}  // namespace

Principal Authenticator::seal(Verified verified) {
  Principal principal;
  principal.tenant_id_ = std::move(verified.tenant_id);
  principal.object_id_ = std::move(verified.object_id);
  principal.app_id_ = std::move(verified.app_id);
  principal.name_ = std::move(verified.name);
  principal.kind_ = verified.kind;
  principal.expires_ = verified.expires;
  principal.kept_ = verified.kept;
  principal.grants_ = std::move(verified.grants);
  return principal;
}

std::string keep_caller(const Principal& caller, Vault& vault) {
  const Timestamp since = caller.kept() == Timestamp{} ? now() : caller.kept();
  Json json = Json::object({{"tenant", caller.tenant_id()},
                            {"object", caller.object_id()},
                            {"application", caller.app_id()},
                            {"name", caller.name()},
                            {"kind", static_cast<int>(caller.kind())},
                            {"expires", to_micros(caller.expires())},
                            {"kept", to_micros(since)}});
  if (caller.grants()) json.set("grants", to_json(*caller.grants()));
  return vault.seal(kKeptCaller, json.dump());
}

Result<Principal> recall_caller(std::string_view kept, Vault& vault) {
  const SecretString text = TRY(vault.open(kKeptCaller, kept));
  const Json json = TRY(Json::parse(text.expose()));
  Verified verified;
  verified.tenant_id = json["tenant"].text();
  verified.object_id = json["object"].text();
  verified.app_id = json["application"].text();
  verified.name = json["name"].text();
  verified.kind = static_cast<CredentialKind>(json["kind"].integer());
  verified.expires = from_micros(json["expires"].integer());
  verified.kept = from_micros(json["kept"].integer(1));
  if (const Json* grants = json.find("grants")) verified.grants = grants_from_json(*grants);
  return Authenticator::seal(std::move(verified));
}

Principal server_reader(std::string name) {
  Verified verified;
  verified.name = std::move(name);
  verified.grants = std::vector<Grant>{{{"*/read"}, "/"}};
  return Authenticator::seal(std::move(verified));
}

namespace {

std::string attribute_key(std::string_view source, std::string_view name) {
  return to_lower(cat({source, "[", name}));
}

}  // namespace

void Attributes::set(std::string_view source, std::string_view name, std::string value) {
  values_.push_back({attribute_key(source, name), {std::move(value)}});
}

const std::vector<std::string>* Attributes::find(std::string_view source,
                                                 std::string_view name) const {
  const std::string key = attribute_key(source, name);
  for (const auto& [known, values] : values_)
    if (known == key) return &values;
  return nullptr;
}

bool grants_cover(const Principal& principal, const Operation& operation, std::string_view scope) {
  if (!principal.grants()) return false;
  for (const Grant& grant : *principal.grants()) {
    if (!scope_covers(grant.scope, scope)) continue;
    for (const std::string& pattern : grant.operations)
      if (operation_matches(pattern, operation.name)) return true;
  }
  return false;
}

Result<void> refuse_limited(const Principal& principal) {
  if (!principal.grants()) return {};
  return permission_denied("a token that is limited itself is not exchanged for another");
}

Duration lifetime_within(const Principal& principal, Duration asked) {
  if (!principal.grants()) return asked;
  const auto left = std::chrono::duration_cast<Duration>(principal.expires() - now());
  return std::clamp(left, Duration::zero(), asked);
}

}  // namespace lazuli::core
