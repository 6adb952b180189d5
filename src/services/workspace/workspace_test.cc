// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/strings.h"
#include "core/testing.h"
#include "services/directory/api.h"
#include "services/storage/api.h"
#include "services/workspace/service.h"

namespace lazuli::workspace {
namespace {

// Storage as the workspace sees it: two accounts and what was asked for.
class FakeStorage : public storage::Storage {
 public:
  Result<void> ensure_account(const std::string& account, const std::string& id) override {
    accounts.try_emplace(account, id);
    return {};
  }
  Result<void> ensure_container(const std::string& account, const std::string& name) override {
    containers.insert(account + "/" + name);
    return {};
  }
  Result<SecretString> account_key(const std::string& account) override {
    return SecretString("key of " + account);
  }
  Result<std::string> arm_id(const std::string& account) override {
    auto found = accounts.find(account);
    if (found == accounts.end()) return not_found("no account " + account);
    return found->second;
  }
  // Of callers, the reader may read and the writer may write.
  Result<void> authorize(const core::Principal& caller, const storage::BlobPath&,
                         storage::Access access) override {
    const bool reads = access == storage::Access::kRead;
    if (caller.name() == (reads ? "reader" : "writer")) return {};
    return permission_denied("no right on the blobs", "AuthorizationFailed");
  }
  Result<storage::BlobInfo> get_info(const storage::BlobPath&) override { return unused(); }
  Result<std::unique_ptr<bytes::Reader>> open(const storage::BlobPath&) override {
    return unused();
  }
  Result<storage::BlobInfo> put(const storage::BlobPath&, std::string_view,
                                const std::string&) override {
    return unused();
  }
  Result<storage::BlobInfo> put_file(const storage::BlobPath&, const std::string&) override {
    return unused();
  }
  Result<storage::BlobInfo> publish(const storage::BlobPath&, bytes::ObjectInfo) override {
    return unused();
  }
  Result<storage::BlobInfo> append(const storage::BlobPath&, std::string_view) override {
    return unused();
  }
  Result<void> remove(const storage::BlobPath&) override { return unused(); }
  Result<void> list(const std::string&, const std::string&, const std::string&,
                    const std::function<Result<void>(const storage::BlobInfo&)>&) override {
    return unused();
  }
  Result<std::string> make_sas(const storage::BlobPath& path,
                               const storage::SasOptions& options) override {
    return "sas of " + path.container + " for " + options.permissions;
  }
  core::Authenticator& shared_key_authenticator() override { std::abort(); }
  core::Authenticator& sas_authenticator() override { std::abort(); }

  std::map<std::string, std::string> accounts;
  std::set<std::string> containers;

 private:
  static Error unused() { return internal_error("not used by the workspace"); }
};

// The directory as the workspace sees it: one principal for each resource.
class FakeIdentities : public directory::Identities {
 public:
  Result<Json> assign_identity(db::Tx&, const std::string& id,
                               const directory::WantedIdentity& wanted) override {
    if (wanted.system_assigned) principals.insert(to_lower(id));
    Json identity = Json::object({{"type", wanted.type}});
    if (wanted.system_assigned) identity.set("principalId", "principal of " + id);
    return identity;
  }
  std::set<std::string> principals;  // resources that have one, lower case
};

class StandIn : public core::Service {
 public:
  explicit StandIn(const char* name) : name_(name) {}
  void describe(core::Manifest& manifest) const override { manifest.service = name_; }
  Result<void> start(const core::ServiceContext&) override { return {}; }
  void stop() noexcept override {}

 private:
  const char* name_;
};

class WorkspaceTest : public testing::TestWithParam<db::testing::Driver> {
 protected:
  std::string base() const {
    return cat({"/subscriptions/", house.installation.subscription_id,
                "/resourceGroups/lazuli/providers/Microsoft.MachineLearningServices/workspaces"});
  }
  std::string id() const { return base() + "/main"; }
  Json json(http::Response response) { return Json::parse(response.text()).value(); }
  http::Response get(const std::string& target) { return house.call({.target = target}); }
  http::Response send(http::Method method, const std::string& below, const Json& body) {
    return house.call({.method = method, .target = id() + below, .body = body.dump()});
  }
  std::string resolve(std::string_view uri) {
    return shown(service.resolve_uri(id(), uri, Authority::settled()));
  }
  std::string resolve_for(const char* name, storage::Access access, std::string_view uri) {
    const core::Principal caller = core::Authenticator::seal({.object_id = name, .name = name});
    return shown(service.resolve_uri(id(), uri, Authority::of(caller, access)));
  }
  static std::string shown(const Result<storage::BlobPath>& path) {
    if (!path.ok()) return path.error().code == Code::kPermissionDenied ? "denied" : "error";
    return cat({path->account, "/", path->container, "/", path->name});
  }
  std::string blob_container() { return "azureml-blobstore-" + service.get(id())->workspace_guid; }

  FakeStorage storage;
  FakeIdentities identities;
  StandIn storage_service{"storage"}, directory_service{"directory"};
  WorkspaceService service{storage, identities};
  core::testing::TestHouse house{GetParam(), {&storage_service, &directory_service, &service}};
};

INSTANTIATE_TEST_SUITE_P(Drivers, WorkspaceTest, db::testing::each_driver(),
                         db::testing::driver_name);

TEST_P(WorkspaceTest, TheDefaultOneIsMadeOnce) {
  auto first = service.get(id());
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_TRUE(storage.containers.contains("lazulitest/azureml"));
  EXPECT_TRUE(storage.containers.contains("lazulitest/" + blob_container()));
  house.restart();
  EXPECT_EQ(service.get(to_lower(id()))->workspace_guid, first->workspace_guid);
  EXPECT_EQ(service.get(base() + "/other").error().code, Code::kNotFound);
  EXPECT_FALSE(service.get("nonsense").ok());
}

TEST_P(WorkspaceTest, ShowsWhatClientsRead) {
  Json workspace = json(get(id() + "?api-version=2024-10-01-preview"));
  EXPECT_EQ(workspace["location"].str(), "local");
  EXPECT_EQ(workspace["kind"].str(), "Default");
  const Json& properties = workspace["properties"];
  EXPECT_EQ(properties["discoveryUrl"].str(),
            "https://local.api.ml.azure.lazuli.localhost:8443/discovery");
  EXPECT_EQ(properties["mlFlowTrackingUri"].str(),
            "azureml://local.api.ml.azure.lazuli.localhost:8443/mlflow/v1.0" + id());
  EXPECT_TRUE(properties["storageAccount"].str().ends_with("/storageAccounts/lazulitest"));
  EXPECT_EQ(json(get(base()))["value"].size(), 1u);
  const std::string everywhere = cat({"/subscriptions/", house.installation.subscription_id,
                                      "/providers/Microsoft.MachineLearningServices/workspaces"});
  EXPECT_EQ(json(get(everywhere))["value"].size(), 1u);
  EXPECT_EQ(get(base() + "/none").status, 404);

  core::testing::Call discovery{.host = core::Host::kApi, .target = "/discovery"};
  EXPECT_EQ(json(house.call(discovery))["api"].str(),
            "https://local.api.ml.azure.lazuli.localhost:8443");
}

TEST_P(WorkspaceTest, TagsAndNamesChange) {
  Json patch = Json::object({{"tags", Json::object({{"team", "a"}})},
                             {"properties", Json::object({{"friendlyName", "Mine"}})}});
  EXPECT_EQ(send(http::Method::kPatch, "", patch).status, 200);
  Json workspace = json(get(id()));
  EXPECT_EQ(workspace["tags"]["team"].str(), "a");
  EXPECT_EQ(workspace["properties"]["friendlyName"].str(), "Mine");
  EXPECT_EQ(send(http::Method::kPatch, "", Json::object({{"tags", 3}})).status, 400);
}

TEST_P(WorkspaceTest, IsMadeOnAnAccountThatIsThere) {
  const std::string account = cat({"/subscriptions/", house.installation.subscription_id,
                                   "/resourceGroups/other/providers/Microsoft.Storage/"
                                   "storageAccounts/second"});
  auto put = [&](std::string_view name, std::string_view location, std::string_view kind) {
    Json body = Json::object(
        {{"location", location},
         {"kind", kind},
         {"identity", Json::object({{"type", "SystemAssigned"}})},
         {"properties", Json::object({{"storageAccount", account}, {"keyVault", "/vault"}})}});
    core::testing::Call call{
        .method = http::Method::kPut, .target = cat({base(), "/", name}), .body = body.dump()};
    return house.call(call);
  };
  EXPECT_EQ(put("new", "local", "Default").status, 400);  // no such account
  storage.accounts["second"] = account;
  EXPECT_EQ(put("new", "", "Default").status, 400);
  EXPECT_EQ(put("new", "local", "Hub").status, 501);
  EXPECT_EQ(put("-", "local", "Default").status, 400);
  http::Response made = put("new", "East US", "Default");
  ASSERT_EQ(made.status, 201);
  const Json properties = json(std::move(made))["properties"];
  EXPECT_EQ(properties["storageAccount"].str(), account);
  EXPECT_EQ(properties["keyVault"].str(), "/vault");
  EXPECT_TRUE(properties["discoveryUrl"].str().starts_with("https://eastus.api.ml.azure."));
  EXPECT_EQ(put("new", "eastus", "Default").status, 200);
  EXPECT_EQ(put("new", "local", "Default").status, 409) << "it stays where it is";
  EXPECT_EQ(json(get(base() + "/new/datastores"))["value"].size(), 2u);
  EXPECT_TRUE(storage.containers.contains("second/azureml"));
}

TEST_P(WorkspaceTest, EveryOneHasAnIdentity) {
  EXPECT_EQ(json(get(id()))["identity"]["principalId"].str(), "principal of " + id());
  EXPECT_TRUE(identities.principals.contains(to_lower(id())));
  auto patch = [&](std::string_view identity) {
    return send(http::Method::kPatch, "",
                Json::object({{"identity", Json::parse(identity).value()}}));
  };
  EXPECT_EQ(patch(R"({"type": "None"})").status, 400);
  EXPECT_EQ(patch(R"({"type": "Robot"})").status, 400);
  const std::string one =
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/"
      "userAssignedIdentities/one";
  http::Response both = patch(cat({R"({"type": "SystemAssigned,UserAssigned", )",
                                   R"("userAssignedIdentities": {")", one, R"(": {}}})"}));
  ASSERT_EQ(both.status, 200);
  EXPECT_EQ(json(std::move(both))["identity"]["type"].str(), "SystemAssigned,UserAssigned");
  send(http::Method::kPatch, "", Json::object({{"tags", Json::object()}}));
  EXPECT_EQ(json(get(id()))["identity"]["type"].str(), "SystemAssigned,UserAssigned");
}

TEST_P(WorkspaceTest, AComputeKeepsItsIdentity) {
  auto put = [&](const Json& identity) {
    Json body = Json::object(
        {{"location", "local"}, {"properties", Json::object({{"computeType", "AmlCompute"}})}});
    if (!identity.is_null()) body.set("identity", identity);
    return json(send(http::Method::kPut, "/computes/cluster", body))["identity"];
  };
  const std::string compute = to_lower(id() + "/computes/cluster");
  EXPECT_TRUE(put(Json()).is_null());
  const Json system = Json::object({{"type", "SystemAssigned"}});
  EXPECT_EQ(put(system)["principalId"].str(), cat({"principal of ", id(), "/computes/cluster"}));
  EXPECT_EQ(put(Json())["type"].str(), "SystemAssigned");
  EXPECT_TRUE(identities.principals.contains(compute));
}

TEST_P(WorkspaceTest, DatastoresOfTheStart) {
  Json list = json(get(id() + "/datastores?count=30&isDefault=true"));
  ASSERT_EQ(list["value"].size(), 1u);
  const Json& store = list["value"].items()[0];
  EXPECT_EQ(store["name"].str(), "workspaceblobstore");
  EXPECT_EQ(store["properties"]["containerName"].str(), blob_container());
  EXPECT_EQ(store["properties"]["endpoint"].str(), "core.lazuli.localhost:8443");
  EXPECT_EQ(store["properties"]["credentials"]["credentialsType"].str(), "AccountKey");
  EXPECT_EQ(json(get(id() + "/datastores"))["value"].size(), 2u);
  EXPECT_EQ(json(get(id() + "/datastores?count=1"))["value"].size(), 1u);
  EXPECT_FALSE(json(get(id() + "/datastores?count=1"))["nextLink"].is_null());
  EXPECT_EQ(send(http::Method::kDelete, "/datastores/workspaceblobstore", Json()).status, 409);
}

TEST_P(WorkspaceTest, SecretsInTheirForms) {
  auto secrets = [&](const std::string& name, const std::string& body) {
    return house.call({.method = http::Method::kPost,
                       .target = cat({id(), "/datastores/", name, "/listSecrets"}),
                       .body = body});
  };
  Json sas =
      json(secrets("workspaceblobstore", R"({"expirableSecret":true,"expireAfterHours":1})"));
  EXPECT_EQ(sas["secretsType"].str(), "Sas");
  EXPECT_EQ(sas["sasToken"].str(), "sas of " + blob_container() + " for rcwl");
  EXPECT_EQ(json(secrets("workspaceblobstore", ""))["key"].str(), "key of lazulitest");
  EXPECT_EQ(secrets("none", "").status, 404);
}

TEST_P(WorkspaceTest, DatastoresOfUsers) {
  auto body = [](const std::string& account, Json credentials) {
    return Json::object({{"properties", Json::object({{"datastoreType", "AzureBlob"},
                                                      {"accountName", account},
                                                      {"containerName", "mine"},
                                                      {"credentials", std::move(credentials)}})}});
  };
  auto key = [](const std::string& text) {
    return Json::object(
        {{"credentialsType", "AccountKey"},
         {"secrets", Json::object({{"secretsType", "AccountKey"}, {"key", text}})}});
  };
  auto put = [&](const Json& json) {
    return send(http::Method::kPut, "/datastores/mine?skipValidation=true", json).status;
  };
  EXPECT_EQ(put(body("lazulitest", key("wrong"))), 400);  // else it would hand out the right one
  EXPECT_EQ(put(body("foreign", key("key of foreign"))), 400);
  EXPECT_EQ(put(body("lazulitest", key("key of lazulitest"))), 201);
  EXPECT_EQ(put(body("lazulitest", key("key of lazulitest"))), 200);
  EXPECT_EQ(service.datastore(id(), "MINE")->container, "mine");

  Json sas = Json::object(
      {{"credentialsType", "Sas"}, {"secrets", Json::object({{"sasToken", "sv=1&sig=2"}})}});
  EXPECT_EQ(put(body("lazulitest", sas)), 200);
  auto secrets = [&] {
    return send(http::Method::kPost, "/datastores/mine/listSecrets", Json::object());
  };
  EXPECT_EQ(json(secrets())["sasToken"].str(), "sv=1&sig=2");
  EXPECT_FALSE(get(id() + "/datastores/mine").text().find("sig=2") != std::string::npos);
  EXPECT_EQ(put(body("lazulitest", Json::object({{"credentialsType", "None"}}))), 200);
  EXPECT_EQ(secrets().status, 400);
  EXPECT_EQ(put(body("lazulitest", Json::object({{"credentialsType", "ServicePrincipal"}}))), 501);
  EXPECT_EQ(send(http::Method::kDelete, "/datastores/mine", Json()).status, 200);
  EXPECT_EQ(send(http::Method::kDelete, "/datastores/mine", Json()).status, 204);
  EXPECT_EQ(send(http::Method::kPut, "/datastores/a-b", body("lazulitest", key("x"))).status, 400);
}

TEST_P(WorkspaceTest, Computes) {
  Json list = json(get(id() + "/computes"));
  EXPECT_EQ(list["value"].size(), 2u);
  Json cluster = json(get(id() + "/computes/cpu-cluster"));
  EXPECT_EQ(cluster["properties"]["computeType"].str(), "AmlCompute");
  EXPECT_EQ(get(id() + "/computes/serverless").status, 200);
  EXPECT_EQ(get(id() + "/computes/none").status, 404);

  Json body = Json::parse(R"({"location":"local","properties":{"computeType":"AmlCompute",
      "properties":{"vmSize":"STANDARD_DS3_V2","scaleSettings":{"minNodeCount":0,"maxNodeCount":4,
      "nodeIdleTimeBeforeScaleDown":"PT3M"}}}})")
                  .value();
  house.installation.region = "north";
  http::Response made = send(http::Method::kPut, "/computes/mine", body);
  EXPECT_EQ(made.status, 201);
  EXPECT_NE(made.headers.get("Azure-AsyncOperation")->find("/locations/north/mfeOperationsStatus/"),
            std::string::npos);
  EXPECT_EQ(json(get(id() + "/computes/mine"))["properties"]["properties"]["vmSize"].str(),
            "STANDARD_DS3_V2");
  EXPECT_EQ(send(http::Method::kPut, "/computes/mine", body).status, 200);
  EXPECT_EQ(send(http::Method::kPut, "/computes/serverless", body).status, 400);
  body["properties"].set("computeType", "ComputeInstance");
  EXPECT_EQ(send(http::Method::kPut, "/computes/other", body).status, 501);
  EXPECT_EQ(send(http::Method::kDelete, "/computes/mine", Json()).status, 202);
  EXPECT_EQ(send(http::Method::kDelete, "/computes/mine", Json()).status, 204);
}

TEST_P(WorkspaceTest, ChecksComputes) {
  for (const std::string& good :
       {std::string(), std::string("cpu-cluster"), std::string("azureml:cpu-cluster"),
        std::string("serverless"), id() + "/computes/CPU-cluster", id() + "/computes/serverless"})
    EXPECT_TRUE(service.check_compute(id(), good).ok()) << good;
  for (const std::string& bad : {std::string("gpu"), std::string("azureml:none"),
                                 base() + "/other/computes/cpu-cluster", id()})
    EXPECT_EQ(service.check_compute(id(), bad).error().code, Code::kNotFound) << bad;
}

TEST_P(WorkspaceTest, NamesWhatIsKnownAndNotHere) {
  for (const char* below :
       {"/batchEndpoints/b/deployments/d", "/connections/c", "/featuresets/f/versions/1"}) {
    http::Response answer = send(http::Method::kPut, below, Json::object());
    EXPECT_EQ(answer.status, 501) << below;
  }
  const std::string group = base().substr(0, base().find("/workspaces"));
  EXPECT_EQ(get(group + "/registries/r/models/m/versions/1").status, 501);
  EXPECT_EQ(get(id() + "/nonsense").status, 404);
}

TEST_P(WorkspaceTest, ResolvesReferences) {
  const std::string home = "lazulitest/" + blob_container() + "/";
  EXPECT_EQ(resolve("azureml://datastores/workspaceblobstore/paths/a/b"), home + "a/b");
  EXPECT_EQ(resolve(service.datastore_uri(id(), "workspaceartifactstore", "x/y")),
            "lazulitest/azureml/x/y");
  EXPECT_EQ(resolve("azureml://jobs/j1/outputs/model/paths/m.onnx"),
            home + "azureml/j1/model/m.onnx");
  EXPECT_EQ(resolve("azureml://jobs/j1/outputs/artifacts/paths/outputs/m"),
            "lazulitest/azureml/ExperimentRun/dcid.j1/outputs/m");
  EXPECT_EQ(resolve("https://lazulitest.blob.core.lazuli.localhost:8443/c/p"), "lazulitest/c/p");
  EXPECT_EQ(resolve("wasbs://c@lazulitest.blob.core.lazuli.localhost/p"), "lazulitest/c/p");
  for (const char* bad :
       {"https://lazulitest.blob.core.windows.net/c/p", "azureml://datastores/none/paths/a",
        "https://foreign.blob.core.lazuli.localhost/c/p",
        "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/a"})
    EXPECT_EQ(resolve(bad), "error") << bad;
}

TEST_P(WorkspaceTest, AnAddressIsReadOnTheCallersAuthority) {
  using storage::Access;
  const std::string home = "lazulitest/" + blob_container() + "/p";
  for (const std::string& address :
       {std::string("https://lazulitest.blob.core.lazuli.localhost/c/p"),
        std::string("wasbs://c@lazulitest.blob.core.lazuli.localhost/p"),
        std::string("abfss://c@lazulitest.dfs.core.lazuli.localhost/p")}) {
    EXPECT_EQ(resolve_for("reader", Access::kRead, address), "lazulitest/c/p") << address;
    EXPECT_EQ(resolve_for("writer", Access::kWrite, address), "lazulitest/c/p") << address;
    EXPECT_EQ(resolve_for("reader", Access::kWrite, address), "denied") << address;
    EXPECT_EQ(resolve_for("writer", Access::kRead, address), "denied") << address;
    EXPECT_EQ(resolve_for("nobody", Access::kRead, address), "denied") << address;
  }
  // The workspace's own container too, as long as it is named by its address.
  const std::string own = cat({"https://lazulitest.blob.core.lazuli.localhost/", blob_container()});
  EXPECT_EQ(resolve_for("nobody", Access::kRead, own + "/p"), "denied");
  EXPECT_EQ(resolve_for("nobody", Access::kRead, "azureml://datastores/workspaceblobstore/paths/p"),
            home);
  // What clients were given to upload into is the workspace's.
  EXPECT_EQ(resolve_for("nobody", Access::kRead,
                        "https://lazulitest.blob.core.lazuli.localhost/upload-1/src"),
            "lazulitest/upload-1/src");
}

TEST_P(WorkspaceTest, ADatastoreWithoutCredentialsIsUsedAsTheCaller) {
  Json properties = Json::object({{"datastoreType", "AzureBlob"},
                                  {"accountName", "lazulitest"},
                                  {"containerName", "mine"},
                                  {"credentials", Json::object({{"credentialsType", "None"}})}});
  ASSERT_EQ(send(http::Method::kPut, "/datastores/mine",
                 Json::object({{"properties", std::move(properties)}}))
                .status,
            201);
  constexpr const char* kPath = "azureml://datastores/mine/paths/p";
  EXPECT_EQ(resolve_for("reader", storage::Access::kRead, kPath), "lazulitest/mine/p");
  EXPECT_EQ(resolve_for("nobody", storage::Access::kRead, kPath), "denied");
}

}  // namespace
}  // namespace lazuli::workspace
