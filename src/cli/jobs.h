// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "cli/assets.h"

namespace lazuli::cli {

// Submits jobs from Azure ML YAML and follows them.
class JobRunner {
 public:
  explicit JobRunner(ApiClient& client) : client_(client), assets_(client) {}

  // Uploads what the job needs and submits it; the job resource. `name` empty: the file's, or a
  // fresh one.
  Result<Json> create(const Document& document, std::string name = {});
  Result<Json> create_component(const Document& document);
  Result<Json> get(const std::string& name);
  // Prints the log as it grows until the job ends; the job then. kInternal with the job's own error
  // when it failed.
  Result<Json> stream(const std::string& name);
  // Calls `look` with the job and its child runs until it ends.
  Result<Json> wait(const std::string& name,
                    const std::function<void(const Json& job, const Json& children)>& look);
  // The datastore address of a named output of a finished job.
  Result<std::string> output_uri(const std::string& name, const std::string& output);
  // The content of a blob in a datastore, by its long azureml:// address.
  Result<std::string> read_uri(std::string_view uri);

 private:
  Result<Json> command_properties(const Document& document);
  Result<Json> pipeline_properties(const Document& document);
  Result<Json> node(const Document& document, std::string_view name, const Json& yaml);
  Result<Json> component_spec(const Document& document, const Json& yaml);
  Result<Json> inputs(const Document& document, const Json& yaml);
  Json outputs(const Json& yaml) const;
  Result<Json> api_get(std::string path);
  Result<Json> api_post(std::string path, Json body);
  std::string compute_id(std::string_view reference) const;

  ApiClient& client_;
  AssetUploader assets_;
};

}  // namespace lazuli::cli
