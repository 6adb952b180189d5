// SPDX-License-Identifier: Apache-2.0
#include "services/directory/federations.h"

#include "base/strings.h"
#include "codec/json.h"

namespace lazuli::directory {
namespace {

constexpr size_t kFederationsMax = 20;
constexpr size_t kTextMax = 600;

Error bad_value(std::string_view name) {
  return invalid_argument(cat({"Invalid value specified for property '", name, "' of resource."}),
                          "Request_BadRequest");
}

Result<void> write_text(const Json& body, std::string_view name, std::string& into) {
  const Json* value = body.find(name);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string() || value->str().size() > kTextMax) return bad_value(name);
  into = value->text();
  return {};
}

}  // namespace

Result<void> write_federation(const Json& body, KeptFederation& federation) {
  TRY(write_text(body, "issuer", federation.issuer));
  TRY(write_text(body, "subject", federation.subject));
  TRY(write_text(body, "description", federation.description));
  if (const Json* audiences = body.find("audiences"); audiences != nullptr) {
    federation.audiences.clear();
    for (const Json& each : audiences->items()) federation.audiences.push_back(each.text());
  }
  if (!federation.issuer.starts_with("https://")) return bad_value("issuer");
  if (federation.subject.empty()) return bad_value("subject");
  if (federation.audiences.size() != 1 || federation.audiences.front().empty() ||
      federation.audiences.front().size() > kTextMax)
    return bad_value("audiences");
  return {};
}

Result<void> check_federation_room(db::Executor& db, const Object& holder) {
  if (TRY(CredentialStore::federations_of(db, holder.object_id)).size() < kFederationsMax)
    return {};
  return invalid_argument("There are at most 20 federated identity credentials per application.",
                          "Request_BadRequest");
}

}  // namespace lazuli::directory
