// SPDX-License-Identifier: Apache-2.0
// What every resource of Azure Resource Manager can do:
// https://github.com/cloud-and-ai-microsoft/resource-provider-contract (v1.0, resource API)
#include "base/strings.h"
#include "codec/text.h"
#include "core/arm.h"
#include "core/events.h"
#include "core/groups.h"
#include "core/tags.h"
#include "crypto/digest.h"
#include "services/declared/handlers.h"

namespace lazuli::declared {
namespace {

constexpr std::string_view kMembers[] = {"location",         "tags",      "sku",   "kind",
                                         "identity",         "plan",      "zones", "managedBy",
                                         "extendedLocation", "properties"};
constexpr size_t kNameMax = 260;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax &&
         name.find_first_of("<>%&\\?/#\r\n") == name.npos;
}

// Storage has a name's rules of its own.
bool is_account_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 24 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == name.npos;
}

std::string etag_of(const Resource& resource) {
  const std::string digest =
      crypto::sha256(resource.body.dump() + format_iso8601(resource.system_data.last_modified_at));
  return cat({"\"", to_hex(std::string_view(digest).substr(0, 8)), "\""});
}

Json resource_json(const Kind& kind, const Context& context, const Resource& resource) {
  Json properties = resource.body["properties"];
  if (!properties.is_object()) properties = Json::object();
  properties.set("provisioningState", "Succeeded");
  if (kind.describe != nullptr) kind.describe(context, resource.name, properties);
  Json json = core::arm_envelope(resource.id, resource.system_data, std::move(properties));
  json.set("type", resource.type);
  for (std::string_view member : kMembers)
    if (member != "properties" && resource.body.contains(member))
      json.set(member, resource.body[member]);
  json.set("etag", resource.etag);
  return json;
}

http::Response answer_with(const Kind& kind, const Context& context, const Resource& resource,
                           int status) {
  http::Response response = core::json_response(resource_json(kind, context, resource), status);
  response.header("ETag", resource.etag);
  return response;
}

Result<void> check_subscription(const Parts& parts, const Context& context) {
  if (iequals(context.param("sub"), parts.installation.subscription_id)) return {};
  return not_found(cat({"The subscription '", context.param("sub"), "' could not be found."}),
                   "SubscriptionNotFound");
}

// The id without its last type and name: what a child lies in.
std::string parent_of(const std::string& id) {
  const size_t name = id.rfind('/');
  return id.substr(0, id.rfind('/', name - 1));
}

Result<void> check_parent(const Parts& parts, const Kind& kind, const std::string& id) {
  if (split(kind.type, '/').size() == 2) return {};
  const std::string parent = parent_of(id);
  if (TRY(parts.store->find(parent))) return {};
  return not_found(cat({"Can not perform requested operation on nested resource. Parent resource '",
                        parent, "' not found."}),
                   "ParentResourceNotFound");
}

Result<Resource> find_resource(const Parts& parts, const Kind& kind, const Context& context) {
  auto found = TRY(parts.store->find(context.arm_id()));
  if (found) return std::move(*found);
  return not_found(cat({"The Resource '", kind.type, "/", context.param("name"),
                        "' under resource group '", context.param("rg"), "' was not found."}));
}

// The group is there, and the location is one and stays what it was.
Result<void> check_place(const Parts& parts, const Kind& kind, db::Tx& tx, const Resource& resource,
                         const std::optional<Resource>& before) {
  core::Placement placement{resource.id};
  if (kind.has_location) placement.location = resource.body["location"].str();
  if (before && kind.has_location) placement.location_before = before->body["location"].str();
  return core::check_group(*parts.groups, tx, placement);
}

using WantedIdentity = std::optional<directory::WantedIdentity>;

// Nothing: the resource keeps what it has.
Result<WantedIdentity> identity_in(const Parts& parts, const Context& context, const Json& sent,
                                   const Json& before, directory::IdentityChange change) {
  auto wanted = TRY(directory::read_identity(sent, before, change));
  if (wanted) TRY(directory::check_assignable(*parts.authorizer, context.principal(), *wanted));
  return wanted;
}

// Within the transaction that writes the resource: a principal is there if its resource is.
Result<void> give_identity(const Parts& parts, db::Tx& tx, Resource& resource,
                           const WantedIdentity& wanted) {
  if (!wanted) return {};
  resource.body.set("identity", TRY(parts.identities.assign_identity(tx, resource.id, *wanted)));
  return {};
}

// Accounts exist in storage, with the rights the resource's own path gives.
Result<void> make_in_storage(const Parts& parts, const Kind& kind, const Context& context,
                             const std::string& id) {
  if (kind.type == kStorageAccounts) {
    auto owner = parts.storage.arm_id(context.param("name"));
    if (owner.ok() && !iequals(*owner, id))
      return conflict(
          cat({"The storage account named ", context.param("name"), " is already taken."}),
          "StorageAccountAlreadyTaken");
    return parts.storage.ensure_account(context.param("name"), id);
  }
  return {};
}

}  // namespace

Answer get_resource(const Parts& parts, const Kind& kind, Context& context) {
  return answer_with(kind, context, TRY(find_resource(parts, kind, context)), 200);
}

// Of a group, of the whole subscription, or of a parent.
Answer list_resources(const Parts& parts, const Kind& kind, Context& context) {
  TRY(check_subscription(parts, context));
  std::string scope = context.arm_id();
  Json::Array items;
  for (const Resource& each : TRY(parts.store->list(std::string(kind.type), scope)))
    items.push_back(resource_json(kind, context, each));
  return core::json_response(core::arm_list(std::move(items)));
}

// "Create Or Update": the whole resource.
Answer put_resource(const Parts& parts, const Kind& kind, Context& context) {
  const Json body = TRY(context.json());
  const std::string& name = context.param("name");
  const bool account = kind.type == kStorageAccounts;
  if (account ? !is_account_name(name) : !is_name(name))
    return invalid_argument(cat({"'", name.substr(0, 100),
                                 "' is not a valid name for a resource "
                                 "of type '",
                                 kind.type, "'."}),
                            account ? "AccountNameInvalid" : "InvalidResourceName");
  Resource resource;
  resource.id = context.arm_id();
  resource.type = kind.type;
  resource.name = name;
  resource.body = Json::object();
  for (std::string_view member : kMembers)
    if (body.contains(member)) resource.body.set(member, body[member]);
  resource.body.set("tags", TRY(core::checked_tags(body["tags"])));
  const auto before = TRY(parts.store->find(resource.id));
  const Store::Check place = [&](db::Tx& tx, const std::optional<Resource>& there) {
    return check_place(parts, kind, tx, resource, there);
  };
  TRY(check_parent(parts, kind, resource.id));
  const std::string& who = context.principal().name();
  resource.system_data = {before ? before->system_data.created_by : who, who,
                          before ? before->system_data.created_at : now(), now()};
  if (before) resource.id = before->id;
  const Json had = before ? before->body["identity"] : Json();
  const auto identity =
      TRY(identity_in(parts, context, body["identity"], had, directory::IdentityChange::kReplace));
  if (!identity) resource.body.erase("identity");
  if (!identity && !had.is_null()) resource.body.set("identity", had);
  resource.etag = etag_of(resource);
  const Condition condition = {std::string(context.header("If-Match")),
                               context.header("If-None-Match") == "*"};
  TRY(check_condition(resource.id, before, condition));  // an account's name is taken for good
  if (account) TRY(parts.store->check(resource.id, place));
  TRY(make_in_storage(parts, kind, context, resource.id));
  const bool created = TRY(parts.store->put(
      resource, condition, [&](db::Tx& tx, const std::optional<Resource>& there) -> Result<void> {
        TRY(place(tx, there));
        return give_identity(parts, tx, resource, identity);
      }));
  return answer_with(kind, context, resource, created && !account ? 201 : 200);
}

Result<Resource> patched(const Parts& parts, const Kind& kind, Context& context, const Json& body) {
  Resource resource = TRY(find_resource(parts, kind, context));
  Condition condition = {std::string(context.header("If-Match"))};
  if (condition.if_match.empty()) condition.if_match = resource.etag;
  const auto identity = TRY(identity_in(parts, context, body["identity"], resource.body["identity"],
                                        directory::IdentityChange::kMerge));
  for (std::string_view member : {"sku", "kind"})
    if (body.contains(member)) resource.body.set(member, body[member]);
  if (body.contains("tags")) resource.body.set("tags", TRY(core::checked_tags(body["tags"])));
  if (body.contains("properties")) resource.body["properties"].merge_patch(body["properties"]);
  resource.system_data.last_modified_by = context.principal().name();
  resource.system_data.last_modified_at = now();
  resource.etag = etag_of(resource);
  TRY(parts.store->put(resource, condition, [&](db::Tx& tx, const std::optional<Resource>&) {
    return give_identity(parts, tx, resource, identity);
  }));
  return resource;
}

// A change in between is read and patched again, unless the client named what it expects.
Answer patch_resource(const Parts& parts, const Kind& kind, Context& context) {
  constexpr int kTriesMax = 5;
  const Json body = TRY(context.json());
  for (int tries = 1;; ++tries) {
    Result<Resource> resource = patched(parts, kind, context, body);
    if (resource.ok()) return answer_with(kind, context, *resource, 200);
    const bool raced =
        resource.error().code == Code::kPreconditionFailed && context.header("If-Match").empty();
    if (!raced || tries == kTriesMax) return std::move(resource).error();
  }
}

Answer delete_resource(const Parts& parts, const Kind&, Context& context) {
  TRY(check_subscription(parts, context));
  const std::string id = context.arm_id();
  const std::string_view expected = context.header("If-Match");
  const auto found = TRY(parts.store->find(id));
  if (found && !expected.empty() && expected != "*" && expected != found->etag)
    return precondition_failed(
        cat({"The resource '", id, "' is not the one that If-Match names."}));
  const bool erased = TRY(parts.store->erase(
      id, [&](db::Tx& tx) { return core::publish_deleted(*parts.events, tx, id); }));
  return http::Response(erased ? 200 : 204);
}

// https://learn.microsoft.com/rest/api/storagerp/storage-accounts/list-keys
Answer list_account_keys(const Parts& parts, const Kind& kind, Context& context) {
  const Resource account = TRY(find_resource(parts, kind, context));
  SecretString key = TRY(parts.storage.account_key(account.name));
  return core::json_response(Json::object(
      {{"keys", Json::array({Json::object(
                    {{"keyName", "key1"}, {"value", key.expose()}, {"permissions", "FULL"}})})}}));
}

// https://learn.microsoft.com/rest/api/storagerp/storage-accounts/check-name-availability
Answer check_account_name(const Parts& parts, const Kind&, Context& context) {
  const Json body = TRY(context.json());
  const std::string name(body["name"].str());
  if (!is_account_name(name))
    return core::json_response(Json::object(
        {{"nameAvailable", false},
         {"reason", "AccountNameInvalid"},
         {"message", cat({name.substr(0, 100), " is not a valid storage account name."})}}));
  if (parts.storage.arm_id(name).ok())
    return core::json_response(Json::object(
        {{"nameAvailable", false},
         {"reason", "AlreadyExists"},
         {"message", cat({"The storage account named ", name, " is already taken."})}}));
  return core::json_response(Json::object({{"nameAvailable", true}}));
}

}  // namespace lazuli::declared
