// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/definition.h"

#include <gtest/gtest.h>

#include <set>

#include "base/strings.h"
#include "core/auth.h"
#include "core/events_store.h"
#include "core/operations_store.h"
#include "core/vault.h"
#include "crypto/random.h"
#include "db/testing.h"

namespace lazuli::jobs {
namespace {

constexpr const char* kWorkspace = "/subscriptions/s/workspaces/w";
constexpr const char* kRobot =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/"
    "userAssignedIdentities/robot";

// One datastore, one compute, and whatever addresses of its own.
class Places : public workspace::Workspaces {
 public:
  Result<workspace::Workspace> get(std::string_view id) override {
    return workspace::Workspace{.arm_id = std::string(id), .name = "w"};
  }
  Result<workspace::Datastore> datastore(std::string_view, std::string_view name) override {
    if (name == "nowhere") return not_found("There is no datastore 'nowhere'.");
    return workspace::Datastore{std::string(name), "account", std::string(name), false};
  }
  Result<workspace::Datastore> default_datastore(std::string_view) override {
    return workspace::Datastore{"default", "account", "default", true};
  }
  Result<storage::BlobPath> resolve_uri(std::string_view, std::string_view uri,
                                        const workspace::Authority& authority) override {
    EXPECT_NE(authority.caller(), nullptr);
    constexpr std::string_view kPrefix = "azureml://datastores/default/paths/";
    if (!uri.starts_with(kPrefix)) return invalid_argument(cat({"no address: ", uri}));
    return storage::BlobPath{"account", "default", std::string(uri.substr(kPrefix.size()))};
  }
  std::string datastore_uri(std::string_view, std::string_view name,
                            std::string_view path) const override {
    return cat({"azureml://datastores/", name, "/paths/", path});
  }
  Result<void> check_compute(std::string_view, std::string_view compute) override {
    if (compute.empty() || compute.ends_with("cpu-cluster")) return {};
    return not_found(cat({"There is no compute '", compute, "'."}));
  }
};

// Lets in all but who asks for what was forbidden.
class Allow : public core::Authorizer {
 public:
  Result<core::Allowed> authorize(const core::Access& access) override {
    asked.push_back(access.operation.name + " " + access.scope);
    if (forbidden) return permission_denied("no", "AuthorizationFailed");
    return core::Allowed{};
  }
  std::vector<std::string> asked;
  bool forbidden = false;
};

class Shelf : public assets::Assets {
 public:
  Result<assets::AssetVersion> find(std::string_view, assets::Kind kind,
                                    std::string_view reference) override {
    const auto found = versions.find(std::string(reference));
    if (found == versions.end() || found->second.kind != kind) {
      return not_found(cat({"There is no asset '", reference, "'."}));
    }
    return found->second;
  }
  Result<std::vector<assets::AssetVersion>> list(std::string_view, assets::Kind) override {
    return unimplemented("not here");
  }
  Result<assets::NewVersion> prepare(assets::NewVersion, const workspace::Authority&) override {
    return unimplemented("not here");
  }
  Result<assets::AssetVersion> register_version(db::Tx&, const assets::NewVersion&,
                                                const std::string&) override {
    return unimplemented("not here");
  }
  void put(const std::string& reference, assets::Kind kind, Json properties) {
    versions[reference] = {.kind = kind,
                           .name = reference,
                           .arm_id = "/id/" + reference,
                           .properties = std::move(properties)};
  }
  std::map<std::string, assets::AssetVersion> versions;
};

Json parse(std::string_view text) { return Json::parse(text).value(); }

class JobsDefinitionTest : public testing::Test {
 protected:
  JobsDefinitionTest() {
    shelf.put("env:1", assets::Kind::kEnvironment,
              parse(R"({"image": "i", "condaFile": "name: x"})"));
    shelf.put("docker:1", assets::Kind::kEnvironment,
              parse(R"({"build": {"contextUri": "https://x/"}})"));
    shelf.put("azureml:rows:1", assets::Kind::kData,
              parse(R"({"dataUri": "azureml://datastores/default/paths/rows.csv"})"));
    shelf.put("prepare:1", assets::Kind::kComponent, Json::object({{"componentSpec", parse(R"({
      "name": "prepare", "type": "command", "environment": "env:1",
      "command": "prep ${{inputs.rows}} --f ${{inputs.fraction}} ${{outputs.ready}}",
      "inputs": {"rows": {"type": "uri_file"},
                 "fraction": {"type": "number", "default": "0.2", "max": "1"}},
      "outputs": {"ready": {"type": "uri_folder"}}})")}}));
    shelf.put("train:1", assets::Kind::kComponent, Json::object({{"componentSpec", parse(R"({
      "name": "train", "type": "command", "environment": "env:1",
      "command": "train ${{inputs.ready}} $[[--extra ${{inputs.extra}}]] ${{outputs.model}}",
      "inputs": {"ready": {"type": "uri_folder"}, "extra": {"type": "string", "optional": "true"}},
      "outputs": {"model": {"type": "custom_model"}}})")}}));
    shelf.put("both:1", assets::Kind::kComponent, Json::object({{"componentSpec", parse(R"({
      "name": "both", "type": "pipeline",
      "inputs": {"rows": {"type": "uri_file"}},
      "outputs": {"model": {"type": "custom_model"}},
      "jobs": {
        "train": {"type": "command", "componentId": "train:1",
          "inputs": {"ready": {"value": "${{parent.jobs.prepare.outputs.ready}}"}},
          "outputs": {"model": {"value": "${{parent.outputs.model}}"}}},
        "prepare": {"type": "command", "componentId": "prepare:1",
          "inputs": {"rows": {"value": "${{parent.inputs.rows}}"}}}}})")}}));
  }

  Result<Plan> plan(const Json& properties) {
    const RunIdentities identities(*people, allow, caller);
    const Resolver resolver(places, shelf, {.arm_id = kWorkspace, .name = "w"}, caller, identities);
    return plan_job(resolver, {.job_id = "job1", .properties = properties, .object_id = "me"});
  }
  std::string refusal(const Json& properties) {
    const auto planned = plan(properties);
    return planned.ok() ? "" : planned.error().message;
  }
  static std::vector<db::Migration> migrations() {
    std::vector<db::Migration> all = directory::directory_migrations();
    for (auto& more : {core::StoredEvents::migrations(), core::operations_migrations()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  // A managed identity at that ARM id.
  directory::Principal add_identity(const std::string& arm_id) {
    EXPECT_TRUE(db.handle("jobs")
                    .write([&](db::Tx& tx) -> Result<void> {
                      const directory::WantedIdentity wanted{"SystemAssigned", true, {}};
                      TRY(people->assign_identity(tx, arm_id, wanted));
                      return {};
                    })
                    .ok());
    return people->find_by_resource_id(arm_id).value().value();
  }
  static CommandSpec command(const Plan& planned, size_t step) {
    return command_from_json(planned.definition.steps.at(step).params);
  }

  core::Principal caller = core::Authenticator::seal({.object_id = "me"});
  db::testing::TestDatabase db{db::testing::Driver::kSqlite, migrations()};
  std::unique_ptr<core::Vault> vault = core::make_vault(crypto::random_secret(32));
  std::unique_ptr<core::StoredEvents> events = core::StoredEvents::create(db.handle("core"));
  std::unique_ptr<directory::DirectoryOfTests> people =
      directory::open_directory(db.handle("directory"), *vault, *events).value();
  Allow allow;
  Places places;
  Shelf shelf;
};

Json command_job() {
  return parse(
      R"({"jobType": "Command", "command": "run ${{inputs.rows}} ${{inputs.n}} ${{outputs.out}}",
    "environmentId": "env:1", "computeId": "azureml:cpu-cluster", "experimentName": "e",
    "inputs": {"rows": {"jobInputType": "uri_file", "uri": "azureml:rows:1"},
               "n": {"jobInputType": "literal", "value": "3"}},
    "outputs": {"out": {"jobOutputType": "uri_folder"}},
    "environmentVariables": {"A": "b"},
    "limits": {"jobLimitsType": "Command", "timeout": "PT3S"}})");
}

TEST_F(JobsDefinitionTest, ACommandIsAWorkflowOfOneStep) {
  const auto planned = plan(command_job());
  ASSERT_TRUE(planned.ok()) << planned.error().message;
  ASSERT_EQ(planned->jobs.size(), 1u);
  ASSERT_EQ(planned->definition.steps.size(), 1u);
  const CommandSpec spec = command(*planned, 0);
  EXPECT_EQ(spec.job_id, "job1");
  EXPECT_EQ(spec.conda_file, "name: x");
  EXPECT_EQ(spec.timeout, std::chrono::seconds(3));
  EXPECT_EQ(spec.environment_variables.at("A"), "b");
  EXPECT_EQ(spec.inputs[0].uri, "azureml://datastores/default/paths/rows.csv");
  EXPECT_EQ(spec.inputs[0].asset_id, "/id/azureml:rows:1");
  EXPECT_EQ(spec.outputs[0].uri, "azureml://datastores/default/paths/azureml/job1/out/");
  EXPECT_EQ(to_json(spec), planned->definition.steps[0].params);
  EXPECT_EQ(planned->jobs[0].run_inputs["rows"]["type"].str(), "uri_file");
}

TEST_F(JobsDefinitionTest, SaysWhatIsUnknown) {
  const auto changed = [](const char* key, Json value) {
    Json job = command_job();
    job.set(key, std::move(value));
    return job;
  };
  EXPECT_NE(refusal(changed("environmentId", "env:9")).find("env:9"), std::string::npos);
  EXPECT_NE(refusal(changed("computeId", "gpu")).find("gpu"), std::string::npos);
  EXPECT_NE(refusal(changed("codeId", "code:9")).find("code:9"), std::string::npos);
  EXPECT_NE(refusal(changed("command", "x ${{inputs.zzz}}")).find("inputs.zzz"), std::string::npos);
  EXPECT_NE(refusal(changed("environmentId", "docker:1")).find("Dockerfile"), std::string::npos);
  EXPECT_NE(refusal(changed("command", " ")), "");
  EXPECT_NE(refusal(changed("jobType", "Dance")).find("Dance"), std::string::npos);
  EXPECT_EQ(plan(changed("jobType", "Sweep")).error().code, Code::kUnimplemented);
  EXPECT_EQ(plan(changed("resources", parse(R"({"instanceCount": 2})"))).error().code,
            Code::kUnimplemented);
  EXPECT_EQ(plan(changed("distribution", parse(R"({"distributionType": "PyTorch"})"))).error().code,
            Code::kUnimplemented);
  EXPECT_NE(
      refusal(changed("inputs", parse(R"({"../x": {"jobInputType": "literal", "value": "1"}})"))),
      "");
  EXPECT_NE(refusal(changed("limits", parse(R"({"timeout": "soon"})"))).find("soon"),
            std::string::npos);
}

TEST_F(JobsDefinitionTest, OutputsGoWhereTheyAreSent) {
  Json job = command_job();
  job.set("outputs", parse(R"({
    "out": {"jobOutputType": "uri_folder", "uri": "azureml://datastores/default/paths/x/${{name}}"},
    "file": {"jobOutputType": "uri_file"}})"));
  const auto planned = plan(job);
  ASSERT_TRUE(planned.ok()) << planned.error().message;
  const CommandSpec spec = command(*planned, 0);
  EXPECT_EQ(spec.outputs[0].uri, "azureml://datastores/default/paths/x/job1/");
  EXPECT_EQ(spec.outputs[1].uri, "azureml://datastores/default/paths/azureml/job1/file/file");
  job.set("outputs", parse(R"({"out": {"jobOutputType": "uri_folder", "uri": "ftp://x"}})"));
  EXPECT_NE(refusal(job).find("ftp://x"), std::string::npos);
}

Json pipeline_job() {
  return parse(R"({"jobType": "Pipeline", "experimentName": "e",
    "inputs": {"rows": {"jobInputType": "uri_file", "uri": "azureml:rows:1"},
               "fraction": {"jobInputType": "literal", "value": "0.5"}},
    "outputs": {"model": {"jobOutputType": "custom_model", "assetName": "m"}},
    "settings": {"default_compute": "azureml:cpu-cluster", "continue_on_step_failure": true},
    "jobs": {
      "train": {"type": "command", "componentId": "train:1",
        "inputs": {"ready": {"job_input_type": "literal",
                             "value": "${{parent.jobs.prepare.outputs.ready}}"}},
        "outputs": {"model": {"type": "literal", "value": "${{parent.outputs.model}}"}}},
      "prepare": {"type": "command", "componentId": "prepare:1",
        "inputs": {"rows": {"job_input_type": "literal", "value": "${{parent.inputs.rows}}"},
                   "fraction": {"job_input_type": "literal",
                                "value": "${{parent.inputs.fraction}}"}}}}})");
}

TEST_F(JobsDefinitionTest, APipelineIsAStepPerNode) {
  const auto planned = plan(pipeline_job());
  ASSERT_TRUE(planned.ok()) << planned.error().message;
  ASSERT_EQ(planned->definition.steps.size(), 2u);
  EXPECT_TRUE(planned->definition.continue_on_failure);
  EXPECT_EQ(planned->definition.steps[0].after, std::vector<std::string>({"prepare"}));
  const CommandSpec train = command(*planned, 0), prepare = command(*planned, 1);
  EXPECT_EQ(train.inputs[0].uri, prepare.outputs[0].uri);
  EXPECT_TRUE(train.inputs[0].may_be_empty);
  EXPECT_EQ(train.inputs[1].kind, InputSpec::Kind::kAbsent);
  EXPECT_EQ(prepare.inputs[1].value, "0.5");
  EXPECT_EQ(train.outputs[0].uri, "azureml://datastores/default/paths/azureml/job1/model/");
  EXPECT_EQ(train.outputs[0].asset_name, "m");
  ASSERT_EQ(train.outputs[0].owners.size(), 2u);
  EXPECT_EQ(train.outputs[0].owners[0].job_id, "job1");
  EXPECT_EQ(train.outputs[0].owners[1].job_id, train.job_id);
  ASSERT_EQ(planned->jobs.size(), 3u);
  EXPECT_EQ(planned->jobs[1].job.parent_id, "job1");
  EXPECT_EQ(planned->jobs[1].job.step, "train");
}

TEST_F(JobsDefinitionTest, PipelinesWithinPipelinesAreTakenApart) {
  Json job = pipeline_job();
  job.set("jobs", parse(R"({"outer": {"type": "pipeline", "componentId": "both:1",
      "inputs": {"rows": {"value": "${{parent.inputs.rows}}"}},
      "outputs": {"model": {"value": "${{parent.outputs.model}}"}}}})"));
  const auto planned = plan(job);
  ASSERT_TRUE(planned.ok()) << planned.error().message;
  ASSERT_EQ(planned->definition.steps.size(), 2u);
  EXPECT_EQ(planned->definition.steps[0].name, "outer.train");
  EXPECT_EQ(planned->definition.steps[0].after, std::vector<std::string>({"outer.prepare"}));
  ASSERT_EQ(planned->jobs.size(), 4u);
  EXPECT_EQ(planned->jobs[1].job.type, kPipeline);
  EXPECT_EQ(planned->jobs[2].job.parent_id, planned->jobs[1].job.id);
  const CommandSpec train = command(*planned, 0);
  EXPECT_EQ(train.outputs[0].owners.size(), 3u);
  EXPECT_EQ(command(*planned, 1).inputs[1].value, "0.2");
}

TEST_F(JobsDefinitionTest, PipelineRefusalsNameTheNode) {
  const auto with = [](const char* inputs) {
    Json job = pipeline_job();
    job["jobs"]["train"].set("inputs", parse(inputs));
    return job;
  };
  for (const char* inputs : {R"({"ready": {"value": "${{parent.jobs.nobody.outputs.ready}}"}})",
                             R"({"ready": {"value": "${{parent.jobs.prepare.outputs.nothing}}"}})",
                             R"({"ready": {"value": "${{parent.inputs.nothing}}"}})",
                             R"({"unknown": {"value": "1"}})", R"({})"}) {
    EXPECT_NE(refusal(with(inputs)).find("'train'"), std::string::npos) << inputs;
  }
  Json range = pipeline_job();
  range["inputs"]["fraction"].set("value", "7");
  EXPECT_NE(refusal(range).find("fraction"), std::string::npos);
  range["inputs"]["fraction"].set("value", "much");
  EXPECT_NE(refusal(range).find("much"), std::string::npos);
  Json circle = pipeline_job();
  circle["jobs"]["prepare"]["inputs"].set(
      "rows", parse(R"({"value": "${{parent.jobs.train.outputs.model}}"})"));
  EXPECT_TRUE(plan(circle).ok());  // the workflow engine refuses circles
  Json sweep = pipeline_job();
  sweep["jobs"]["train"].set("type", "sweep");
  EXPECT_EQ(plan(sweep).error().code, Code::kUnimplemented);
}

TEST_F(JobsDefinitionTest, AJobActsAsItsOwnerUnlessItNamesAnother) {
  Json job = command_job();
  EXPECT_EQ(command(*plan(job), 0).identity.object_id, "");
  job.set("identity", parse(R"({"identityType": "AMLToken"})"));
  EXPECT_EQ(command(*plan(job), 0).identity.object_id, "");
  job.set("identity", parse(R"({"identityType": "UserIdentity"})"));
  EXPECT_EQ(command(*plan(job), 0).identity.object_id, "me");
  EXPECT_TRUE(allow.asked.empty());
  // A token that is limited itself cannot hand on all that its identity may do.
  caller = core::Authenticator::seal(
      {.object_id = "me", .grants = std::vector<core::Grant>{{{"*"}, "/"}}});
  EXPECT_EQ(plan(job).error().code, Code::kPermissionDenied);
}

TEST_F(JobsDefinitionTest, AManagedIdentityIsForWhoMayAssignIt) {
  const directory::Principal robot = add_identity(kRobot);
  Json job = command_job();
  for (const auto& [name, value] :
       {std::pair("clientId", robot.app_id), std::pair("objectId", robot.object_id),
        std::pair("resourceId", robot.resource_id)}) {
    job.set("identity", Json::object({{"identityType", "Managed"}, {name, value}}));
    const auto planned = plan(job);
    ASSERT_TRUE(planned.ok()) << planned.error().message;
    EXPECT_EQ(command(*planned, 0).identity.object_id, robot.object_id);
    EXPECT_EQ(command(*planned, 0).identity.client_id, robot.app_id);
  }
  EXPECT_EQ(allow.asked.back(),
            cat({"Microsoft.ManagedIdentity/userAssignedIdentities/assign/action ", kRobot}));
  allow.forbidden = true;
  EXPECT_EQ(plan(job).error().code, Code::kPermissionDenied);
  allow.forbidden = false;
  for (const char* unknown :
       {R"({"identityType": "Managed"})", R"({"identityType": "Managed", "clientId": "nobody"})",
        R"({"identityType": "Robot"})", R"({})"}) {
    job.set("identity", parse(unknown));
    EXPECT_EQ(plan(job).error().code, Code::kInvalidArgument) << unknown;
  }
  // Who is no managed identity cannot be assigned.
  const auto other = people->ensure_service_principal("other").value();
  job.set("identity", Json::object({{"identityType", "Managed"}, {"objectId", other.object_id}}));
  EXPECT_EQ(plan(job).error().code, Code::kInvalidArgument);
}

TEST_F(JobsDefinitionTest, AManagedIdentityWithoutANameIsTheComputes) {
  Json job = command_job();
  job.set("identity", parse(R"({"identityType": "Managed"})"));
  job.set("computeId", "azureml:cpu-cluster");
  EXPECT_EQ(plan(job).error().code, Code::kInvalidArgument);
  const auto own = add_identity(cat({kWorkspace, "/computes/cpu-cluster"}));
  EXPECT_EQ(command(*plan(job), 0).identity.object_id, own.object_id);
  // By its name it is nobody's to assign.
  job.set("identity", Json::object({{"identityType", "Managed"}, {"clientId", own.app_id}}));
  EXPECT_EQ(plan(job).error().code, Code::kInvalidArgument);
}

TEST_F(JobsDefinitionTest, ANodesIdentityComesBeforeThePipelines) {
  const directory::Principal robot = add_identity(kRobot);
  Json job = pipeline_job();
  job.set("identity", parse(R"({"identityType": "UserIdentity"})"));
  job["jobs"]["train"].set(
      "identity", Json::object({{"identity_type", "Managed"}, {"client_id", robot.app_id}}));
  const auto planned = plan(job);
  ASSERT_TRUE(planned.ok()) << planned.error().message;
  std::set<std::string> acting;
  for (size_t i = 0; i < planned->definition.steps.size(); ++i)
    acting.insert(command(*planned, i).identity.object_id);
  EXPECT_EQ(acting, (std::set<std::string>{"me", robot.object_id}));
}

}  // namespace
}  // namespace lazuli::jobs
