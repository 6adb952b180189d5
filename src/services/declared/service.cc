// SPDX-License-Identifier: Apache-2.0
#include "services/declared/service.h"

#include "base/strings.h"
#include "core/events.h"
#include "services/declared/handlers.h"

namespace lazuli::declared {
namespace {

using core::Host;
using http::Method;

constexpr std::string_view kSubscription = "/subscriptions/{sub}";
constexpr std::string_view kGroup = "/subscriptions/{sub}/resourceGroups/{rg}";

// "Microsoft.X/a/b" → "/providers/Microsoft.X/a/{p1}/b"
std::string collection_path(std::string_view type) {
  const std::vector<std::string_view> parts = split(type, '/');
  std::string path = cat({"/providers/", parts[0]});
  for (size_t i = 1; i < parts.size(); ++i) {
    if (i > 1) path += cat({"/{p", std::to_string(i - 1), "}"});
    path += cat({"/", parts[i]});
  }
  return path;
}

class Declared final : public core::Service {
 public:
  Declared(const core::Installation& installation, storage::Storage& storage,
           directory::Identities& identities)
      : parts_{installation, storage, identities} {}

  void describe(core::Manifest& manifest) const override {
    manifest.service = "declared";
    manifest.depends_on = {"storage", "directory"};
    manifest.migrations = Store::migrations();
    for (const Kind& kind : kinds()) describe_kind(manifest, kind);
    const Kind& accounts = kinds().front();
    add(manifest, accounts,
        {Method::kPost, cat({kGroup, collection_path(kStorageAccounts), "/{name}/listKeys"}),
         "ListKeys", "listKeys/action", list_account_keys, "Releases an account's key."});
    add(manifest, accounts,
        {Method::kPost, cat({kSubscription, "/providers/Microsoft.Storage/checkNameAvailability"}),
         "CheckNameAvailability", "read", check_account_name,
         "Tells whether an account's name is free."});
    for (const MissingAction& each : missing_actions())
      manifest.unimplemented(Host::kManagement, Method::kPost,
                             cat({kGroup, collection_path(each.type), "/{name}/", each.action}),
                             std::string(each.operation_id),
                             {cat({each.type, "/", each.action, "/action"})});
  }

  Result<void> start(const core::ServiceContext& context) override {
    parts_.store = std::make_unique<Store>(context.db);
    parts_.authorizer = &context.authorizer;
    parts_.groups = &context.groups;
    parts_.events = &context.events;
    context.events.attach(core::kResourceDeleted, context.db,
                          [](db::Tx& tx, const core::Event& event) {
                            return Store::erase_below(tx, event.data["id"].text());
                          });
    return ensure_first_account();
  }

  void stop() noexcept override {}

 private:
  using Function = Answer (*)(const Parts&, const Kind&, Context&);
  struct Entry {
    Method method;
    std::string path;
    std::string_view name, permission;  // behind the group's name and the type
    Function function;
    std::string_view summary;
  };

  void add(core::Manifest& manifest, const Kind& kind, const Entry& entry) const {
    core::Route route;
    route.method = entry.method;
    route.path = entry.path;
    route.operation_id = cat({kind.operations, "_", entry.name});
    route.operation = {cat({kind.type, "/", entry.permission})};
    route.summary = entry.summary;
    route.handler = [this, &kind, function = entry.function](Context& context) {
      return function(parts_, kind, context);
    };
    manifest.routes.push_back(std::move(route));
  }

  void describe_kind(core::Manifest& manifest, const Kind& kind) const {
    manifest.resource_types.push_back(
        {std::string(kind.type), {std::string(kind.api_version)}, {}});
    const std::string all = cat({kGroup, collection_path(kind.type)});
    const std::string one = all + "/{name}";
    add(manifest, kind,
        {Method::kGet, all, "ListByResourceGroup", "read", list_resources, "Lists."});
    add(manifest, kind, {Method::kGet, one, "Get", "read", get_resource, "Gets the resource."});
    add(manifest, kind,
        {Method::kPut, one, "CreateOrUpdate", "write", put_resource,
         "Creates or replaces the resource."});
    add(manifest, kind,
        {Method::kPatch, one, "Update", "write", patch_resource, "Changes the resource."});
    add(manifest, kind,
        {Method::kDelete, one, "Delete", "delete", delete_resource, "Deletes the resource."});
    if (split(kind.type, '/').size() == 2)
      add(manifest, kind,
          {Method::kGet, cat({kSubscription, collection_path(kind.type)}), "List", "read",
           list_resources, "Lists those of the subscription."});
  }

  // The account that the installation was made with is a resource like the others.
  Result<void> ensure_first_account() {
    const core::Installation& home = parts_.installation;
    Resource account;
    account.type = kStorageAccounts;
    account.name = home.storage_account;
    account.id = cat({"/subscriptions/", home.subscription_id, "/resourceGroups/",
                      home.resource_group, "/providers/", kStorageAccounts, "/", account.name});
    if (TRY(parts_.store->find(account.id))) return {};
    account.body =
        Json::object({{"location", home.region},
                      {"tags", Json::object()},
                      {"kind", "StorageV2"},
                      {"sku", Json::object({{"name", "Standard_LRS"}, {"tier", "Standard"}})},
                      {"properties", Json::object()}});
    account.system_data = {"lazuli", "lazuli", now(), now()};
    account.etag = "\"1\"";
    TRY(parts_.store->put(account, {}, {}));
    return {};
  }

  Parts parts_;
};

}  // namespace

std::unique_ptr<core::Service> make_declared(const core::Installation& installation,
                                             storage::Storage& storage,
                                             directory::Identities& identities) {
  return std::make_unique<Declared>(installation, storage, identities);
}

}  // namespace lazuli::declared
