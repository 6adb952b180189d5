// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/prepare.h"

#include <filesystem>

#include "base/strings.h"
#include "services/jobs/bindings.h"
#include "services/jobs/job_environment.h"

namespace lazuli::jobs {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLogFile = "user_logs/std_log.txt";
constexpr std::string_view kArtifactStore = "workspaceartifactstore";

Result<void> make_folder(const std::string& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) return internal_error(cat({"create ", path, ": ", code.message()}));
  return {};
}

Error canceled() { return deadline_exceeded("The job was canceled.", "Canceled"); }

}  // namespace

std::string Scratch::output_path(const OutputSpec& output) const {
  const std::string folder = cat({outputs(), "/", output.name});
  if (!is_file_type(output.type)) return folder;
  return cat({folder, "/", output.uri.substr(output.uri.rfind('/') + 1)});
}

Result<void> JobLog::write(const std::string& text) {
  if (text.empty()) return {};
  const bool first = std::exchange(fresh_, false);
  size_ = TRY(first ? storage_.put(blob_, text, "text/plain") : storage_.append(blob_, text)).size;
  return {};
}

Result<storage::BlobPath> artifact_folder(const Context& context, const std::string& workspace_id,
                                          const std::string& job_id) {
  const auto store = TRY(context.peers.workspaces.datastore(workspace_id, kArtifactStore));
  return storage::BlobPath{store.account, store.container, runs::artifact_prefix(job_id)};
}

Result<storage::BlobPath> std_log(const Context& context, const CommandSpec& spec) {
  storage::BlobPath path = TRY(artifact_folder(context, spec.workspace_id, spec.job_id));
  path.name += kLogFile;
  return path;
}

Result<compute::ProcessSpec> Preparation::run() {
  TRY(make_folders());
  const compute::BuiltEnvironment environment = TRY(build_environment());
  TRY(fetch_code());
  for (const InputSpec& input : spec_.inputs) TRY(fetch_input(input));
  if (cancelled_()) return canceled();
  for (const char* folder : {"/outputs", "/logs"}) {
    TRY(make_folder(scratch_.working_directory() + folder));
  }
  compute::ProcessSpec process = TRY(process_spec(environment));
  std::string notes = cat({"[lazuli] sandbox: ", context_.peers.compute.isolation(), "\n"});
  for (const std::string& note : environment.notes) notes += cat({"[lazuli] ", note, "\n"});
  TRY(log_.write(notes));
  return process;
}

Result<void> Preparation::make_folders() {
  std::error_code code;
  fs::remove_all(scratch_.root, code);  // of a preparation that was cut off
  if (code) return internal_error(cat({"remove ", scratch_.root, ": ", code.message()}));
  TRY(make_folder(scratch_.root));
  fs::permissions(scratch_.root, fs::perms::owner_all, code);
  TRY(make_folder(scratch_.working_directory()));
  TRY(make_folder(scratch_.inputs()));
  TRY(make_folder(scratch_.outputs()));
  for (const OutputSpec& output : spec_.outputs) {
    TRY(make_folder(cat({scratch_.outputs(), "/", output.name})));
  }
  return {};
}

Result<compute::BuiltEnvironment> Preparation::build_environment() {
  const auto progress = [this](std::string_view line) {
    (void)log_.write(cat({"[lazuli] ", line, "\n"}));  // a lost note must not fail the job
  };
  return context_.peers.environments.ensure({spec_.image, spec_.conda_file}, progress, cancelled_);
}

Result<void> Preparation::fetch_code() {
  if (spec_.code_uri.empty()) return {};
  const auto path = TRY(context_.peers.workspaces.resolve_uri(spec_.workspace_id, spec_.code_uri,
                                                              workspace::Authority::settled()));
  const auto fetched = TRY(transfer_.download(path, scratch_.working_directory(), cancelled_));
  if (fetched.files > 0) return {};
  return invalid_argument("The job's code snapshot has no files: submit it again.", "UserError");
}

Result<void> Preparation::fetch_input(const InputSpec& input) {
  if (input.kind == InputSpec::Kind::kAbsent) return {};
  if (input.kind == InputSpec::Kind::kLiteral) {
    input_values_[input.name] = input.value;
    return {};
  }
  const std::string folder = cat({scratch_.inputs(), "/", input.name});
  TRY(make_folder(folder));
  const auto path = TRY(context_.peers.workspaces.resolve_uri(spec_.workspace_id, input.uri,
                                                              workspace::Authority::settled()));
  auto fetched = transfer_.download(path, folder, cancelled_);
  if (!fetched.ok()) return with_context(cat({"Input '", input.name, "'"}), fetched.error());
  if (fetched->files == 0 && (is_file_type(input.type) || !input.may_be_empty)) {
    return invalid_argument(cat({"Input '", input.name, "': there is no data at ", input.uri,
                                 input.may_be_empty ? "; the step before did not write it." : "."}),
                            "UserError");
  }
  if (is_file_type(input.type) && !fetched->is_file) {
    return invalid_argument(
        cat({"Input '", input.name, "' is a uri_file, but ", input.uri, " is a folder."}),
        "UserError");
  }
  input_values_[input.name] = fetched->is_file ? cat({folder, "/", fetched->file_name}) : folder;
  return {};
}

Result<std::string> Preparation::expand_text(std::string_view text) const {
  return expand(text, [this](std::string_view path) -> Result<std::optional<std::string>> {
    if (path == "name") return std::optional<std::string>(spec_.job_id);
    for (const InputSpec& input : spec_.inputs) {
      if (after_prefix(path, "inputs.") != input.name) continue;
      if (input.kind == InputSpec::Kind::kAbsent) return std::optional<std::string>();
      return std::optional<std::string>(input_values_.at(input.name));
    }
    for (const OutputSpec& output : spec_.outputs) {
      if (after_prefix(path, "outputs.") != output.name) continue;
      return std::optional<std::string>(scratch_.output_path(output));
    }
    return unknown_binding(path, "The command");
  });
}

Result<compute::ProcessSpec> Preparation::process_spec(
    const compute::BuiltEnvironment& environment) const {
  compute::ProcessSpec process;
  process.argv = {"/bin/bash", "-c", TRY(expand_text(spec_.command))};
  process.environment = TRY(azure_variables(context_, spec_));
  process.environment["PATH"] =
      environment.folder + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  process.environment["VIRTUAL_ENV"] = environment.folder;
  for (const InputSpec& input : spec_.inputs) {
    if (input.kind != InputSpec::Kind::kData) continue;
    process.environment["AZURE_ML_INPUT_" + input.name] = input_values_.at(input.name);
  }
  for (const OutputSpec& output : spec_.outputs) {
    process.environment["AZURE_ML_OUTPUT_" + output.name] = scratch_.output_path(output);
  }
  for (const auto& [name, value] : spec_.environment_variables) {
    process.environment[name] = TRY(expand_text(value));
  }
  process.secret_environment = TRY(secret_variables(context_, spec_));
  process.host_names = TRY(host_names(context_, spec_));
  process.working_directory = scratch_.working_directory();
  process.mounts = {{scratch_.working_directory(), "", true},
                    {scratch_.outputs(), "", true},
                    {scratch_.inputs(), "", false},
                    {environment.folder, "", false},
                    {context_.installation.ca_bundle, "", false}};
  process.timeout = spec_.timeout;
  return process;
}

}  // namespace lazuli::jobs
