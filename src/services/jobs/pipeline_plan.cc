// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <set>

#include "base/ids.h"
#include "base/strings.h"
#include "services/jobs/bindings.h"
#include "services/jobs/plan_parts.h"

namespace lazuli::jobs {
namespace {

constexpr int kDepthMax = 10;
constexpr size_t kNodesMax = 1000;
constexpr std::string_view kArtifacts = "artifacts";  // every node's default artifact folder

// A place that steps write to and others read from.
struct Target {
  OutputSpec output;
  std::set<std::string> producers;  // workflow steps
};
using TargetPtr = std::shared_ptr<Target>;

// What an input is bound to.
struct Bound {
  InputSpec input;
  std::set<std::string> after;  // steps that must have succeeded first
};

struct Scope;

struct Node {
  std::string name, step, job_id, what;
  Json given;      // as in the pipeline's "jobs"
  Json component;  // the spec it runs
  std::map<std::string, TargetPtr> outputs;
  std::unique_ptr<Scope> inner;  // of a pipeline component
};

// A pipeline, or a pipeline component used as a node: the names that "parent." reaches.
struct Scope {
  std::string job_id, prefix, what;
  std::map<std::string, Bound> inputs;
  std::map<std::string, TargetPtr> outputs;
  std::vector<Node> nodes;
};

std::string data_type_of(const Json& declared) {
  const std::string type = canonical_type(declared["type"].text());
  return type.empty() || type == "literal" ? "uri_folder" : type;
}

// Says which node, unless the error does already.
Error named(const Node& node, Error error) {
  if (error.message.starts_with(node.what)) return error;
  return with_context(node.what, std::move(error));
}

// Works in two passes: first every node's outputs get their places, then inputs are bound to them,
// so that the order in which nodes are written does not matter.
class PipelinePlanner {
 public:
  PipelinePlanner(const Resolver& resolver, const PlanRequest& request)
      : resolver_(resolver), request_(request), settings_(request.properties["settings"]) {}

  Result<Plan> plan();

 private:
  Result<Scope> root_scope();
  Result<void> declare(Scope& scope, const Json& jobs, int depth);
  Result<Node> declare_node(Scope& scope, const std::string& name, const Json& given, int depth);
  Result<void> declare_outputs(Scope& scope, Node& node);
  Result<TargetPtr> target_of(Scope& scope, const Node& node, const std::string& output,
                              const std::string& type);
  Result<void> declare_inner(Node& node, int depth);

  Result<void> bind(Scope& scope);
  Result<std::vector<Bound>> bind_inputs(Scope& scope, const Node& node);
  Result<Bound> bind_input(Scope& scope, const Node& node, const std::string& name,
                           const Json& declared);
  Result<Bound> bound_to(Scope& scope, const Node& node, std::string_view path);
  Result<Bound> bound_text(Scope& scope, const Node& node, const std::string& text);
  Result<void> emit_step(const Scope& scope, Node& node, std::vector<Bound> inputs);
  Result<CommandSpec> command_of(const Node& node, const std::vector<Bound>& inputs);
  Result<void> emit_frame(const Scope& scope, Node& node, std::vector<Bound> inputs);
  PlannedJob child(const Scope& scope, const Node& node) const;

  const Resolver& resolver_;
  const PlanRequest& request_;
  const Json& settings_;
  std::string datastore_;
  size_t nodes_ = 0;
  Plan plan_;
};

Result<Plan> PipelinePlanner::plan() {
  const Json& given = request_.properties;
  if (!given["componentId"].is_null() && given["jobs"].empty()) {
    return unimplemented("Pipeline jobs that only name a component are not available yet.",
                         "JobTypeNotSupported");
  }
  if (given["jobs"].empty()) return invalid_argument("The pipeline has no jobs.", "UserError");
  const Json& datastore = field(settings_, "defaultDatastore", "default_datastore");
  datastore_ = TRY(resolver_.datastore(datastore.str()));
  TRY(resolver_.compute(field(settings_, "defaultCompute", "default_compute").str()));
  plan_.definition.continue_on_failure =
      field(settings_, "continueOnStepFailure", "continue_on_step_failure").boolean();
  Scope root = TRY(root_scope());
  PlannedJob planned;
  planned.job.id = planned.job.root_id = request_.job_id;
  planned.job.type = kPipeline;
  planned.run_type = "azureml.PipelineRun";
  std::vector<InputSpec> inputs;
  Json parameters = Json::object();
  for (const auto& [name, bound] : root.inputs) {
    inputs.push_back(bound.input);
    if (bound.input.kind == InputSpec::Kind::kLiteral) parameters.set(name, bound.input.value);
  }
  planned.run_inputs = run_inputs_of(inputs);
  planned.run_properties = Json::object({{"azureml.runsource", "azureml.PipelineRun"},
                                         {"runSource", "MFE"},
                                         {"azureml.parameters", parameters.dump()},
                                         {"azureml.pipelineComponent", "pipelinerun"}});
  plan_.jobs.push_back(std::move(planned));
  TRY(declare(root, given["jobs"], 0));
  TRY(bind(root));
  return std::move(plan_);
}

Result<Scope> PipelinePlanner::root_scope() {
  Scope scope{.job_id = request_.job_id, .what = "The pipeline"};
  for (const Json::Member& input : request_.properties["inputs"].members()) {
    scope.inputs[input.key] = {TRY(input_of(resolver_, input.key, input.value)), {}};
  }
  for (const Json::Member& output : request_.properties["outputs"].members()) {
    auto target = std::make_shared<Target>();
    target->output = TRY(
        output_of(resolver_, datastore_, request_.job_id, output.key, output.value, "uri_folder"));
    scope.outputs[output.key] = std::move(target);
  }
  return scope;
}

Result<void> PipelinePlanner::declare(Scope& scope, const Json& jobs, int depth) {
  if (depth > kDepthMax) {
    return invalid_argument("Pipeline components are nested too deeply.", "UserError");
  }
  for (const Json::Member& job : jobs.members()) {
    if (nodes_ >= kNodesMax) {
      return invalid_argument("A pipeline may have 1000 nodes at most.", "UserError");
    }
    scope.nodes.push_back(TRY(declare_node(scope, job.key, job.value, depth)));
    ++nodes_;
  }
  return {};
}

Result<Node> PipelinePlanner::declare_node(Scope& scope, const std::string& name, const Json& given,
                                           int depth) {
  Node node{.name = name,
            .step = scope.prefix + name,
            .job_id = new_uuid(),
            .what = cat({"The node '", scope.prefix, name, "'"}),
            .given = given};
  if (name.empty() || name.find_first_of("./") != std::string::npos) {
    return invalid_argument(cat({node.what, " has a name with '.' or '/' in it."}), "UserError");
  }
  const std::string reference = field(given, "componentId", "component").text();
  if (reference.empty()) {
    return invalid_argument(cat({node.what, " names no component."}), "UserError");
  }
  const std::string type = to_lower(given["type"].text());
  if (!type.empty() && type != "command" && type != "pipeline") {
    return unimplemented(cat({node.what, " is of type '", type,
                              "', which is not available yet; command and pipeline are."}),
                         "JobTypeNotSupported");
  }
  auto component = resolver_.component(reference);
  if (!component.ok()) return named(node, std::move(component).error());
  node.component = std::move(*component);
  TRY(check_supported(given, node.what));
  TRY(check_supported(node.component, node.what));
  const Json& inputs = given["inputs"];
  for (const Json::Member& input : inputs.members()) {
    if (node.component["inputs"].contains(input.key)) continue;
    return invalid_argument(
        cat({node.what, " is given the input '", input.key, "', which its component has not."}),
        "UserError");
  }
  TRY(declare_outputs(scope, node));
  const std::string kind = to_lower(node.component["type"].text());
  if (kind == "pipeline")
    TRY(declare_inner(node, depth));
  else if (kind != "command" && !kind.empty()) {
    return unimplemented(cat({node.what, " uses a component of type '", kind,
                              "', which is not available yet; command and pipeline are."}),
                         "JobTypeNotSupported");
  }
  return node;
}

Result<void> PipelinePlanner::declare_outputs(Scope& scope, Node& node) {
  for (const Json::Member& output : node.given["outputs"].members()) {
    if (node.component["outputs"].contains(output.key) || output.key == kArtifacts) continue;
    return invalid_argument(
        cat({node.what, " has the output '", output.key, "', which its component has not."}),
        "UserError");
  }
  for (const Json::Member& output : node.component["outputs"].members()) {
    TRY(check_name("output", output.key));
  }
  const bool is_step = to_lower(node.component["type"].text()) != "pipeline";
  for (const Json::Member& output : node.component["outputs"].members()) {
    TargetPtr target = TRY(target_of(scope, node, output.key, data_type_of(output.value)));
    if (is_step && !target->producers.insert(node.step).second) {
      return invalid_argument(cat({node.what, " writes two outputs to the same place."}),
                              "UserError");
    }
    node.outputs[output.key] = std::move(target);
  }
  if (!is_step || node.outputs.contains(std::string(kArtifacts))) return {};
  auto artifacts = std::make_shared<Target>();
  artifacts->output = {.name = std::string(kArtifacts),
                       .type = "uri_folder",
                       .uri = TRY(resolver_.artifacts(node.job_id))};
  artifacts->producers.insert(node.step);
  node.outputs[std::string(kArtifacts)] = std::move(artifacts);
  return {};
}

// The place an output goes to: the parent's output it is bound to, or one of its own.
Result<TargetPtr> PipelinePlanner::target_of(Scope& scope, const Node& node,
                                             const std::string& output, const std::string& type) {
  const Json& given = node.given["outputs"][output];
  const std::string value = given.is_object() ? given["value"].text() : given.text();
  if (value.empty()) {
    auto target = std::make_shared<Target>();
    target->output = TRY(output_of(resolver_, datastore_, node.job_id, output, given, type));
    return target;
  }
  const auto path = sole_binding(value);
  const auto name = path ? after_prefix(*path, "parent.outputs.") : std::nullopt;
  const auto found = name ? scope.outputs.find(*name) : scope.outputs.end();
  if (found == scope.outputs.end()) {
    return unknown_binding(path.value_or(value), cat({node.what, ", output '", output, "',"}));
  }
  const OutputSpec& shared = found->second->output;
  if (is_file_type(shared.type) != is_file_type(type)) {
    return invalid_argument(cat({node.what, " binds its output '", output, "' (", type,
                                 ") to the parent's '", *name, "' (", shared.type, ")."}),
                            "UserError");
  }
  found->second->output.owners.push_back({node.job_id, output});
  return found->second;
}

Result<void> PipelinePlanner::declare_inner(Node& node, int depth) {
  node.inner = std::make_unique<Scope>();
  node.inner->job_id = node.job_id;
  node.inner->prefix = node.step + ".";
  node.inner->what = node.what;
  node.inner->outputs = node.outputs;
  return declare(*node.inner, node.component["jobs"], depth + 1);
}

Result<void> PipelinePlanner::bind(Scope& scope) {
  for (Node& node : scope.nodes) {
    std::vector<Bound> inputs = TRY(bind_inputs(scope, node));
    if (node.inner) {
      for (const Bound& bound : inputs) node.inner->inputs[bound.input.name] = bound;
      Scope* inner = node.inner.get();
      TRY(emit_frame(scope, node, std::move(inputs)));
      TRY(bind(*inner));
    } else {
      TRY(emit_step(scope, node, std::move(inputs)));
    }
  }
  return {};
}

Result<std::vector<Bound>> PipelinePlanner::bind_inputs(Scope& scope, const Node& node) {
  std::vector<Bound> inputs;
  for (const Json::Member& declared : node.component["inputs"].members()) {
    TRY(check_name("input", declared.key));
    Bound bound = TRY(bind_input(scope, node, declared.key, declared.value));
    bound.input.name = declared.key;
    const std::string type = canonical_type(declared.value["type"].text());
    if (bound.input.kind == InputSpec::Kind::kLiteral && !is_data_type(type)) {
      TRY(check_parameter(declared.key, declared.value, bound.input.value, node.what));
    } else if (bound.input.kind == InputSpec::Kind::kLiteral) {
      // A place written as plain text where data is wanted.
      bound.input = TRY(resolver_.data(declared.key, type, bound.input.value));
    } else if (bound.input.kind == InputSpec::Kind::kData && type.empty()) {
      return invalid_argument(cat({node.what, " is given data for its input '", declared.key,
                                   "', which is a ", declared.value["type"].text(), "."}),
                              "UserError");
    }
    inputs.push_back(std::move(bound));
  }
  return inputs;
}

Result<Bound> PipelinePlanner::bind_input(Scope& scope, const Node& node, const std::string& name,
                                          const Json& declared) {
  const Json& given = node.given["inputs"][name];
  const Json& value = given.is_object() ? given["value"] : given;
  Bound bound;
  if (!value.is_null()) {
    bound = TRY(bound_text(scope, node, value.text()));
  } else if (given.is_object()) {
    bound.input = TRY(input_of(resolver_, name, given));
  }
  if (bound.input.kind != InputSpec::Kind::kAbsent) return bound;
  if (!declared["default"].is_null()) {
    bound.input = {
        .name = name, .kind = InputSpec::Kind::kLiteral, .value = declared["default"].text()};
    return bound;
  }
  const Json& optional = declared["optional"];
  if (optional.boolean() || iequals(optional.text(), "true")) return bound;
  return invalid_argument(cat({node.what, " gives its required input '", name, "' no value."}),
                          "UserError");
}

Result<Bound> PipelinePlanner::bound_to(Scope& scope, const Node& node, std::string_view path) {
  if (const auto name = after_prefix(path, "parent.inputs.")) {
    const auto found = scope.inputs.find(*name);
    if (found == scope.inputs.end()) return unknown_binding(path, node.what);
    return found->second;
  }
  const auto output = parse_job_output(path);
  if (!output) return unknown_binding(path, node.what);
  for (const Node& other : scope.nodes) {
    if (other.name != output->node) continue;
    const auto found = other.outputs.find(output->output);
    if (found == other.outputs.end() || found->second->producers.empty()) break;
    const OutputSpec& from = found->second->output;
    return Bound{
        {.kind = InputSpec::Kind::kData, .type = from.type, .uri = from.uri, .may_be_empty = true},
        found->second->producers};
  }
  return unknown_binding(path, node.what);
}

Result<Bound> PipelinePlanner::bound_text(Scope& scope, const Node& node, const std::string& text) {
  if (const auto path = sole_binding(text)) return bound_to(scope, node, *path);
  Bound bound;
  bound.input.kind = InputSpec::Kind::kLiteral;
  bound.input.value =
      TRY(expand(text, [&](std::string_view path) -> Result<std::optional<std::string>> {
        if (path == "name") return std::optional<std::string>(request_.job_id);
        const Bound part = TRY(bound_to(scope, node, path));
        if (part.input.kind == InputSpec::Kind::kAbsent) return std::optional<std::string>();
        if (part.input.kind == InputSpec::Kind::kLiteral) {
          return std::optional<std::string>(part.input.value);
        }
        return invalid_argument(
            cat({node.what, " puts data ('", path, "') into the middle of a text."}), "UserError");
      }));
  return bound;
}

PlannedJob PipelinePlanner::child(const Scope& scope, const Node& node) const {
  PlannedJob planned;
  planned.job.id = node.job_id;
  planned.job.parent_id = scope.job_id;
  planned.job.root_id = request_.job_id;
  planned.display_name = field(node.given, "displayName", "display_name").text();
  if (planned.display_name.empty()) planned.display_name = node.name;
  planned.description = node.component["description"].text();
  planned.run_properties = Json::object({{"azureml.runsource", "azureml.StepRun"},
                                         {"azureml.pipelinerunid", request_.job_id},
                                         {"azureml.nodeid", node.step},
                                         {"azureml.moduleName", node.component["name"].text()},
                                         {"azureml.isreused", "false"}});
  planned.job.properties =
      Json::object({{"componentId", field(node.given, "componentId", "component")}});
  return planned;
}

Result<CommandSpec> PipelinePlanner::command_of(const Node& node,
                                                const std::vector<Bound>& inputs) {
  const Json& component = node.component;
  CommandSpec spec{.job_id = node.job_id,
                   .root_id = request_.job_id,
                   .workspace_id = resolver_.workspace().arm_id,
                   .experiment_name = request_.properties["experimentName"].text(),
                   .command = component["command"].text(),
                   .object_id = request_.object_id,
                   .created_by = request_.created_by,
                   .submitted = now()};
  const Json& environment =
      node.given["environment"].is_null() ? component["environment"] : node.given["environment"];
  const auto found = TRY(resolver_.environment(environment.str()));
  spec.environment_id = found.id;
  spec.image = found.image;
  spec.conda_file = found.conda_file;
  spec.code_uri = TRY(resolver_.code(component["code"].str()));
  const std::string compute = field(node.given, "computeId", "compute").text();
  TRY(resolver_.compute(compute));
  const Json& own = node.given["identity"];
  spec.identity = TRY(resolver_.identity(own.is_null() ? request_.properties["identity"] : own,
                                         compute, node.what));
  spec.environment_variables = TRY(environment_variables(component, node.what));
  for (auto& [name, value] : TRY(environment_variables(node.given, node.what))) {
    spec.environment_variables[name] = value;
  }
  spec.timeout = TRY(timeout_of(component, node.what));
  if (!node.given["limits"]["timeout"].is_null()) {
    spec.timeout = TRY(timeout_of(node.given, node.what));
  }
  for (const Bound& bound : inputs) spec.inputs.push_back(bound.input);
  for (const auto& [name, target] : node.outputs) {
    if (name == kArtifacts && !component["outputs"].contains(name)) continue;
    spec.outputs.push_back(target->output);
    spec.outputs.back().name = name;
  }
  TRY(check_bindings(spec, node.what));
  return spec;
}

Result<void> PipelinePlanner::emit_step(const Scope& scope, Node& node, std::vector<Bound> inputs) {
  auto spec = command_of(node, inputs);
  if (!spec.ok()) return named(node, std::move(spec).error());
  std::set<std::string> after;
  for (const Bound& bound : inputs) after.insert(bound.after.begin(), bound.after.end());
  plan_.definition.steps.push_back({.name = node.step,
                                    .kind = std::string(kCommandStep),
                                    .params = to_json(*spec),
                                    .after = {after.begin(), after.end()}});
  PlannedJob planned = child(scope, node);
  planned.job.step = node.step;
  planned.job.type = kCommand;
  planned.run_type = "azureml.StepRun";
  planned.run_inputs = run_inputs_of(spec->inputs);
  planned.job.properties.set("inputs", arm_inputs(spec->inputs));
  planned.job.properties.set("outputs", arm_outputs(spec->outputs));
  planned.job.properties.set("command", spec->command);
  planned.job.properties.set("environmentId", spec->environment_id);
  plan_.jobs.push_back(std::move(planned));
  return {};
}

Result<void> PipelinePlanner::emit_frame(const Scope& scope, Node& node,
                                         std::vector<Bound> inputs) {
  std::vector<InputSpec> specs;
  for (Bound& bound : inputs) specs.push_back(std::move(bound.input));
  PlannedJob planned = child(scope, node);
  planned.job.step = node.step;
  planned.job.type = kPipeline;
  planned.run_type = "azureml.PipelineRun";
  planned.run_inputs = run_inputs_of(specs);
  planned.job.properties.set("inputs", arm_inputs(specs));
  planned.job.properties.set("jobs", Json::object());
  plan_.jobs.push_back(std::move(planned));
  return {};
}

}  // namespace

Result<Plan> plan_pipeline(const Resolver& resolver, const PlanRequest& request) {
  return PipelinePlanner(resolver, request).plan();
}

}  // namespace lazuli::jobs
