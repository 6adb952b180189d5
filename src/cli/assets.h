// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/api_client.h"
#include "cli/documents.h"

namespace lazuli::cli {

// Turns Azure ML YAML into assets of the workspace, as azure-ai-ml does. Each returns the resource.
class AssetUploader {
 public:
  explicit AssetUploader(ApiClient& client) : client_(client) {}

  Result<Json> create_data(const Document& document);
  Result<Json> create_model(const Document& document);
  Result<Json> create_environment(const Document& document);

  // The ARM id of "azureml:name:version", "azureml:name@latest", or of what stands inline.
  Result<std::string> environment_id(const Document& document, const Json& reference);
  Result<std::string> data_id(std::string_view reference);
  // Uploads a code folder once; the ARM id of its version.
  Result<std::string> code_id(const Document& document, std::string_view path);
  // Uploads a file or folder to the default datastore; its azureml:// address.
  Result<std::string> upload(const std::string& path);

 private:
  struct Uploaded {
    std::string container, prefix;  // where it lies
    std::string hash;
  };
  Result<Uploaded> upload_files(const std::string& path);
  Result<std::string> address_of(const Document& document);
  Result<Json> put_version(std::string_view collection, const std::string& name,
                           const std::string& version, Json properties);
  Result<Json> default_datastore();

  ApiClient& client_;
  Json datastore_;
};

inline constexpr std::string_view kApiVersion = "?api-version=2024-10-01-preview";

}  // namespace lazuli::cli
