// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/plan_parts.h"

#include "base/strings.h"
#include "services/jobs/bindings.h"

namespace lazuli::jobs {
namespace {

Error user_error(std::string_view what, std::string_view text) {
  return invalid_argument(cat({what, " ", text}), "UserError");
}

Result<int64_t> whole_number(const Json& json, std::string_view what) {
  const auto number = parse_int(json.text());
  if (!number) return user_error(what, cat({"has no whole number in '", json.text(), "'."}));
  return *number;
}

bool is_number_type(std::string_view type) { return type == "number" || type == "integer"; }

Result<void> check_range(const std::string& name, const Json& parameter, double value,
                         std::string_view what) {
  const auto min = parse_double(parameter["min"].text());
  const auto max = parse_double(parameter["max"].text());
  if ((min && value < *min) || (max && value > *max)) {
    return user_error(what, cat({"gives its input '", name, "' a value out of range (",
                                 parameter["min"].text(), " to ", parameter["max"].text(), ")."}));
  }
  return {};
}

// A relative environment of output addresses: ${{name}} is the job, ${{output_name}} the output.
Result<std::string> expand_address(const std::string& uri, const std::string& job_id,
                                   const std::string& name, const std::string& datastore) {
  return expand(uri, [&](std::string_view path) -> Result<std::optional<std::string>> {
    if (path == "name") return std::optional<std::string>(job_id);
    if (path == "output_name") return std::optional<std::string>(name);
    if (path == "default_datastore") return std::optional<std::string>(datastore);
    return unknown_binding(path, cat({"The path of output '", name, "'"}));
  });
}

}  // namespace

const Json& field(const Json& object, std::string_view camel, std::string_view snake) {
  const Json* found = object.find(camel);
  return found != nullptr && !found->is_null() ? *found : object[snake];
}

Result<void> check_supported(const Json& job, std::string_view what) {
  const Json& distribution = job["distribution"];
  if (distribution.is_object() && !distribution.empty()) {
    return unimplemented(cat({what, " asks for a distribution (",
                              field(distribution, "distributionType", "type").text(),
                              "): jobs of several processes are not available yet."}),
                         "DistributionNotSupported");
  }
  const Json& count = field(job["resources"], "instanceCount", "instance_count");
  if (!count.is_null() && TRY(whole_number(count, what)) > 1) {
    return unimplemented(cat({what, " asks for ", count.text(), " instances: jobs run on one."}),
                         "DistributionNotSupported");
  }
  if (!job["services"].empty()) {
    for (const Json::Member& service : job["services"].members()) {
      const std::string type = field(service.value, "jobServiceType", "job_service_type").text();
      if (type.empty() || type == "Studio" || type == "Tracking") continue;
      return unimplemented(cat({what, " asks for the interactive service '", service.key, "' (",
                                type, "), which is not available yet."}),
                           "JobServiceNotSupported");
    }
  }
  return {};
}

Result<Duration> timeout_of(const Json& job, std::string_view what) {
  const Json& timeout = job["limits"]["timeout"];
  if (timeout.is_null()) return Duration(0);
  if (timeout.is_integer()) return Duration(std::chrono::seconds(timeout.integer()));
  if (const auto seconds = parse_int(timeout.text())) {
    return Duration(std::chrono::seconds(*seconds));
  }
  auto parsed = parse_iso8601_duration(timeout.text());
  if (!parsed.ok() || parsed->count() <= 0) {
    return user_error(
        what, cat({"has the timeout '", timeout.text(), "': write a duration such as PT30M."}));
  }
  return *parsed;
}

Result<std::map<std::string, std::string>> environment_variables(const Json& job,
                                                                 std::string_view what) {
  std::map<std::string, std::string> variables;
  const Json& given = field(job, "environmentVariables", "environment_variables");
  for (const Json::Member& variable : given.members()) {
    if (variable.value.is_null()) continue;
    if (variable.key.empty() || variable.key.find('=') != std::string::npos ||
        variable.key.find('\0') != std::string::npos) {
      return user_error(what, cat({"has an environment variable with the name '", variable.key,
                                   "', which cannot be."}));
    }
    variables[variable.key] = variable.value.text();
  }
  return variables;
}

// Names of inputs and outputs become names of folders and variables.
Result<void> check_name(const char* what, const std::string& name) {
  bool good = !name.empty() && name.size() <= 255 && name.front() != '.';
  for (const char c : name) {
    good &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '_' || c == '-' || c == '.';
  }
  if (good) return {};
  return invalid_argument(cat({"'", name.substr(0, 100), "' cannot be the name of an ", what,
                               ": use letters, digits, '_', '-' and '.'."}),
                          "UserError");
}

Result<InputSpec> input_of(const Resolver& resolver, const std::string& name, const Json& json) {
  TRY(check_name("input", name));
  if (json.is_null()) return InputSpec{.name = name};
  if (!json.is_object()) {
    return InputSpec{.name = name, .kind = InputSpec::Kind::kLiteral, .value = json.text()};
  }
  const std::string given = field(json, "jobInputType", "job_input_type").text();
  const std::string type = canonical_type(given.empty() ? json["type"].text() : given);
  if (type.empty()) {
    return invalid_argument(
        cat({"The input '", name, "' has the type '", given, "', which does not exist."}),
        "UserError");
  }
  if (type != "literal") return resolver.data(name, type, json["uri"].text());
  if (json["value"].is_null()) return InputSpec{.name = name};
  return InputSpec{.name = name, .kind = InputSpec::Kind::kLiteral, .value = json["value"].text()};
}

Result<OutputSpec> output_of(const Resolver& resolver, const std::string& datastore,
                             const std::string& job_id, const std::string& name, const Json& json,
                             const std::string& type_default) {
  TRY(check_name("output", name));
  const std::string given = field(json, "jobOutputType", "job_output_type").text();
  OutputSpec output{.name = name,
                    .type = given.empty() ? type_default : canonical_type(given),
                    .asset_name = field(json, "assetName", "asset_name").text(),
                    .asset_version = field(json, "assetVersion", "asset_version").text(),
                    .owners = {{job_id, name}}};
  if (!is_data_type(output.type)) {
    return invalid_argument(
        cat({"The output '", name, "' has the type '", given, "', which does not exist."}),
        "UserError");
  }
  const std::string uri = json["uri"].text();
  if (uri.empty()) {
    output.uri = resolver.default_output(datastore, job_id, name, output.type);
    return output;
  }
  output.uri = TRY(expand_address(uri, job_id, name, datastore));
  if (is_file_type(output.type)) {
    if (output.uri.ends_with('/')) output.uri += name;
  } else if (!output.uri.ends_with('/')) {
    output.uri += '/';
  }
  auto checked = resolver.check_uri(output.uri, storage::Access::kWrite);
  if (!checked.ok()) return with_context(cat({"Output '", name, "'"}), std::move(checked).error());
  return output;
}

Result<void> check_bindings(const CommandSpec& spec, std::string_view what) {
  const Lookup lookup = [&](std::string_view path) -> Result<std::optional<std::string>> {
    if (path == "name") return std::optional<std::string>(spec.job_id);
    for (const InputSpec& input : spec.inputs) {
      if (after_prefix(path, "inputs.") != input.name) continue;
      if (input.kind == InputSpec::Kind::kAbsent) return std::optional<std::string>();
      return std::optional<std::string>(input.value);
    }
    for (const OutputSpec& output : spec.outputs) {
      if (after_prefix(path, "outputs.") == output.name) return std::optional<std::string>("");
    }
    return unknown_binding(path, what);
  };
  TRY(expand(spec.command, lookup));
  for (const auto& [name, value] : spec.environment_variables) TRY(expand(value, lookup));
  return {};
}

Result<void> check_parameter(const std::string& name, const Json& parameter,
                             const std::string& value, std::string_view what) {
  const std::string type = to_lower(parameter["type"].text());
  const auto wrong = [&] {
    return user_error(what, cat({"gives its input '", name, "' the value '", value.substr(0, 200),
                                 "', which is no ", type, "."}));
  };
  if (type == "integer" && !parse_int(value)) return wrong();
  if (type == "number" && !parse_double(value)) return wrong();
  if (type == "boolean" && !iequals(value, "true") && !iequals(value, "false")) return wrong();
  if (is_number_type(type)) TRY(check_range(name, parameter, *parse_double(value), what));
  if (parameter["enum"].empty()) return {};
  std::vector<std::string> choices;
  for (const Json& choice : parameter["enum"].items()) {
    if (choice.text() == value) return {};
    choices.push_back(choice.text());
  }
  return user_error(what, cat({"gives its input '", name, "' the value '", value.substr(0, 200),
                               "'; it can be ", join(choices, ", "), "."}));
}

Json arm_inputs(const std::vector<InputSpec>& inputs) {
  Json result = Json::object();
  for (const InputSpec& input : inputs) {
    if (input.kind == InputSpec::Kind::kLiteral) {
      result.set(input.name, Json::object({{"jobInputType", "literal"}, {"value", input.value}}));
    } else if (input.kind == InputSpec::Kind::kData) {
      const std::string& uri = input.asset_id.empty() ? input.uri : input.asset_id;
      result.set(
          input.name,
          Json::object({{"jobInputType", input.type}, {"uri", uri}, {"mode", "ReadOnlyMount"}}));
    }
  }
  return result;
}

Json arm_outputs(const std::vector<OutputSpec>& outputs) {
  Json result = Json::object();
  for (const OutputSpec& output : outputs) {
    result.set(output.name, Json::object({{"jobOutputType", output.type},
                                          {"uri", output.uri},
                                          {"mode", "ReadWriteMount"}}));
  }
  return result;
}

Json run_inputs_of(const std::vector<InputSpec>& inputs) {
  Json result = Json::object();
  for (const InputSpec& input : inputs) {
    if (input.kind != InputSpec::Kind::kData) continue;
    const std::string& id = input.asset_id.empty() ? input.uri : input.asset_id;
    result.set(input.name, Json::object({{"assetId", id}, {"type", input.type}}));
  }
  return result;
}

}  // namespace lazuli::jobs
