// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/model.h"

#include <array>
#include <span>

#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"

namespace lazuli::jobs {
namespace {

constexpr size_t kJobIdInName = 100;
constexpr std::array<std::string_view, 6> kDataTypes = {
    "uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model"};
constexpr std::array<std::string_view, 3> kInputKinds = {"absent", "literal", "data"};

Json input_to_json(const InputSpec& input) {
  return Json::object({{"name", input.name},
                       {"kind", kInputKinds[static_cast<size_t>(input.kind)]},
                       {"type", input.type},
                       {"value", input.value},
                       {"uri", input.uri},
                       {"assetId", input.asset_id},
                       {"mayBeEmpty", input.may_be_empty}});
}

InputSpec input_from_json(const Json& json) {
  InputSpec input{.name = json["name"].text(),
                  .type = json["type"].text(),
                  .value = json["value"].text(),
                  .uri = json["uri"].text(),
                  .asset_id = json["assetId"].text(),
                  .may_be_empty = json["mayBeEmpty"].boolean()};
  if (json["kind"].str() == "literal") input.kind = InputSpec::Kind::kLiteral;
  if (json["kind"].str() == "data") input.kind = InputSpec::Kind::kData;
  return input;
}

Json output_to_json(const OutputSpec& output) {
  Json owners = Json::array();
  for (const OutputSpec::Owner& owner : output.owners) {
    owners.push_back(Json::object({{"job", owner.job_id}, {"name", owner.name}}));
  }
  return Json::object({{"name", output.name},
                       {"type", output.type},
                       {"uri", output.uri},
                       {"assetName", output.asset_name},
                       {"assetVersion", output.asset_version},
                       {"owners", std::move(owners)}});
}

OutputSpec output_from_json(const Json& json) {
  OutputSpec output{json["name"].text(),      json["type"].text(),         json["uri"].text(),
                    json["assetName"].text(), json["assetVersion"].text(), {}};
  for (const Json& owner : json["owners"].items()) {
    output.owners.push_back({owner["job"].text(), owner["name"].text()});
  }
  return output;
}

}  // namespace

Json to_json(const CommandSpec& spec) {
  Json inputs = Json::array(), outputs = Json::array(), variables = Json::object();
  for (const InputSpec& input : spec.inputs) inputs.push_back(input_to_json(input));
  for (const OutputSpec& output : spec.outputs) outputs.push_back(output_to_json(output));
  for (const auto& [name, value] : spec.environment_variables) variables.set(name, value);
  return Json::object({{"job", spec.job_id},
                       {"root", spec.root_id},
                       {"workspace", spec.workspace_id},
                       {"experiment", spec.experiment_name},
                       {"command", spec.command},
                       {"code", spec.code_uri},
                       {"environment", spec.environment_id},
                       {"image", spec.image},
                       {"condaFile", spec.conda_file},
                       {"inputs", std::move(inputs)},
                       {"outputs", std::move(outputs)},
                       {"environmentVariables", std::move(variables)},
                       {"timeoutUs", spec.timeout.count()},
                       {"objectId", spec.object_id},
                       {"createdBy", spec.created_by},
                       {"identityObjectId", spec.identity.object_id},
                       {"identityClientId", spec.identity.client_id},
                       {"submittedUs", to_micros(spec.submitted)}});
}

CommandSpec command_from_json(const Json& json) {
  CommandSpec spec{.job_id = json["job"].text(),
                   .root_id = json["root"].text(),
                   .workspace_id = json["workspace"].text(),
                   .experiment_name = json["experiment"].text(),
                   .command = json["command"].text(),
                   .code_uri = json["code"].text(),
                   .environment_id = json["environment"].text(),
                   .image = json["image"].text(),
                   .conda_file = json["condaFile"].text(),
                   .timeout = Duration(json["timeoutUs"].integer()),
                   .object_id = json["objectId"].text(),
                   .created_by = json["createdBy"].text(),
                   .identity = {json["identityObjectId"].text(), json["identityClientId"].text()},
                   // Plans of older servers do not say it.
                   .submitted = from_micros(json["submittedUs"].integer(to_micros(now())))};
  for (const Json& input : json["inputs"].items()) spec.inputs.push_back(input_from_json(input));
  for (const Json& output : json["outputs"].items()) {
    spec.outputs.push_back(output_from_json(output));
  }
  for (const Json::Member& variable : json["environmentVariables"].members()) {
    spec.environment_variables[variable.key] = variable.value.text();
  }
  return spec;
}

bool is_file_type(std::string_view type) { return type == "uri_file"; }
bool is_model_type(std::string_view type) { return type.ends_with("_model"); }

bool is_data_type(std::string_view type) {
  for (const std::string_view known : kDataTypes) {
    if (known == type) return true;
  }
  return false;
}

std::string canonical_type(std::string_view type) {
  const std::string wanted = replace_all(to_lower(type), "_", "");
  if (wanted == "literal") return "literal";
  for (const std::string_view known : kDataTypes) {
    if (replace_all(known, "_", "") == wanted) return std::string(known);
  }
  return {};
}

std::string process_id(const std::string& job_id, int attempt) {
  if (job_id.size() <= kJobIdInName) return cat({job_id, ".", std::to_string(attempt)});
  const std::string digest = crypto::sha256(job_id);
  return cat({to_hex(std::as_bytes(std::span(digest))), ".", std::to_string(attempt)});
}

}  // namespace lazuli::jobs
