// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/resolver.h"

#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/api.h"

namespace lazuli::jobs {
namespace {

// "azureml:name", "azureml:/subscriptions/…/{kind}/name" or the name itself → the name.
std::string last_name(std::string_view reference) {
  if (istarts_with(reference, "azureml:")) reference.remove_prefix(8);
  const size_t slash = reference.rfind('/');
  return std::string(slash == std::string_view::npos ? reference : reference.substr(slash + 1));
}

// Whether a data reference names an asset rather than a place.
bool names_asset(std::string_view uri) {
  if (uri.starts_with('/')) return true;
  return istarts_with(uri, "azureml:") && !istarts_with(uri, "azureml://");
}

bool is_registry_reference(std::string_view uri) {
  return istarts_with(uri, "azureml://registries/");
}

}  // namespace

Result<Resolver::Environment> Resolver::environment(std::string_view reference) const {
  if (reference.empty()) {
    return invalid_argument("The job names no environment.", "UserError");
  }
  const auto found = TRY(assets_.find(workspace_.arm_id, assets::Kind::kEnvironment, reference));
  Environment environment{found.arm_id, found.properties["image"].text(),
                          found.properties["condaFile"].text()};
  if (found.properties["build"].is_object()) {
    return unimplemented(
        cat({"The environment '", found.name, "' is built from a Dockerfile, which this server ",
             "cannot do: give it an image and a conda file instead."}),
        "EnvironmentBuildNotSupported");
  }
  return environment;
}

Result<std::string> Resolver::code(std::string_view reference) const {
  if (reference.empty()) return std::string();
  const auto found = TRY(assets_.find(workspace_.arm_id, assets::Kind::kCode, reference));
  const std::string uri = found.properties["codeUri"].text();
  TRY(check_uri(uri, storage::Access::kRead));
  return uri;
}

Result<Json> Resolver::component(std::string_view reference) const {
  const auto found = TRY(assets_.find(workspace_.arm_id, assets::Kind::kComponent, reference));
  return found.properties["componentSpec"];
}

Result<void> Resolver::compute(std::string_view reference) const {
  return workspaces_.check_compute(workspace_.arm_id, reference);
}

Result<RunIdentity> Resolver::identity(const Json& given, std::string_view compute_reference,
                                       std::string_view what) const {
  std::string compute_id;
  if (!compute_reference.empty())
    compute_id = cat({workspace_.arm_id, "/computes/", last_name(compute_reference)});
  return identities_.find(given, compute_id, what);
}

Result<InputSpec> Resolver::data(const std::string& name, const std::string& type,
                                 const std::string& uri) const {
  InputSpec input{.name = name, .kind = InputSpec::Kind::kData, .type = type, .uri = uri};
  if (uri.empty()) {
    return invalid_argument(cat({"The input '", name, "' says not where its data is."}),
                            "UserError");
  }
  if (names_asset(uri) || is_registry_reference(uri)) {
    const bool model = is_model_type(type) || uri.find("/models/") != std::string::npos;
    const auto kind = model ? assets::Kind::kModel : assets::Kind::kData;
    auto found = assets_.find(workspace_.arm_id, kind, uri);
    if (!found.ok()) return with_context(cat({"Input '", name, "'"}), std::move(found).error());
    input.asset_id = found->arm_id;
    input.uri = found->properties[model ? "modelUri" : "dataUri"].text();
  }
  auto checked = check_uri(input.uri, storage::Access::kRead);
  if (!checked.ok()) return with_context(cat({"Input '", name, "'"}), std::move(checked).error());
  return input;
}

Result<std::string> Resolver::datastore(std::string_view reference) const {
  if (reference.empty()) {
    return TRY(workspaces_.default_datastore(workspace_.arm_id)).name;
  }
  return TRY(workspaces_.datastore(workspace_.arm_id, last_name(reference))).name;
}

std::string Resolver::default_output(const std::string& datastore, const std::string& job_id,
                                     const std::string& output, const std::string& type) const {
  std::string path = cat({"azureml/", job_id, "/", output, "/"});
  if (is_file_type(type)) path += output;
  return workspaces_.datastore_uri(workspace_.arm_id, datastore, path);
}

Result<std::string> Resolver::artifacts(const std::string& job_id) const {
  const auto store = TRY(workspaces_.datastore(workspace_.arm_id, "workspaceartifactstore"));
  return workspaces_.datastore_uri(workspace_.arm_id, store.name, runs::artifact_prefix(job_id));
}

Result<void> Resolver::check_uri(std::string_view uri, storage::Access access) const {
  TRY(workspaces_.resolve_uri(workspace_.arm_id, uri, workspace::Authority::of(caller_, access)));
  return {};
}

}  // namespace lazuli::jobs
