// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"

namespace lazuli::jobs {

inline constexpr std::string_view kCommand = "Command";
inline constexpr std::string_view kPipeline = "Pipeline";

// A job as stored. Its status, display name, description and tags live in run history.
struct Job {
  std::string id;
  std::string workspace_id;  // canonical
  std::string parent_id;     // empty for what a client submitted
  std::string root_id;       // the submitted job; its id names the workflow run
  // The workflow step of a command; of a pipeline within a pipeline, what its steps' names begin
  // with.
  std::string step;
  std::string type;         // kCommand, kPipeline
  Json properties;          // as ARM shows them, without what run history adds
  std::string fingerprint;  // of the request that made it
  std::string created_by;
  Timestamp created{};
  std::string cancel_operation;  // the long-running operation that waits for its end
  bool ended = false;            // of submitted jobs
};

// One input of a command, resolved as far as it can be when the job is submitted.
struct InputSpec {
  enum class Kind { kAbsent, kLiteral, kData };
  std::string name;
  Kind kind = Kind::kAbsent;
  std::string type;           // "uri_file", "custom_model"…, of data
  std::string value;          // the literal
  std::string uri;            // of data
  std::string asset_id;       // where the data came from an asset
  bool may_be_empty = false;  // another step writes it
};

// Where an output goes, and what becomes of it.
struct OutputSpec {
  std::string name;
  std::string type;
  std::string uri;  // azureml://…; of a uri_file the file itself, else the folder, with final '/'
  std::string asset_name, asset_version;  // registered under this name when it is there
  struct Owner {
    std::string job_id, name;
  };
  std::vector<Owner> owners;  // jobs that show it as theirs: the step's own, and those around it
};

// Whom a job's processes act as when they ask for tokens.
struct RunIdentity {
  std::string object_id;  // empty: whose job it is, within what a job needs of its workspace
  std::string client_id;  // of a managed identity
};

// All that is needed to run one command: the params of a workflow step, frozen at submission.
struct CommandSpec {
  std::string job_id, root_id, workspace_id;
  std::string experiment_name;
  std::string command;  // with its bindings
  std::string code_uri;
  std::string environment_id, image, conda_file;
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  std::map<std::string, std::string> environment_variables;
  Duration timeout{0};
  std::string object_id;   // whose job it is
  std::string created_by;  // for people
  RunIdentity identity;
  Timestamp submitted{};  // it ends with a sign-out of whose it is
};

Json to_json(const CommandSpec& spec);
CommandSpec command_from_json(const Json& json);

bool is_file_type(std::string_view type);   // "uri_file"
bool is_model_type(std::string_view type);  // "custom_model", "mlflow_model", "triton_model"
bool is_data_type(std::string_view type);   // files, folders, tables and models
// "uri_file" from "UriFile", "URI_FILE"…: clients of all ages; empty for unknown types.
std::string canonical_type(std::string_view type);

// The name of an attempt's process and scratch folder: short, a file name, one per attempt.
std::string process_id(const std::string& job_id, int attempt);

}  // namespace lazuli::jobs
