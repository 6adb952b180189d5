// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lazuli::workspace {

// A data reference, taken apart but not yet looked up. Source of the forms: azure-ai-ml
// azure/ai/ml/_utils/_storage_utils.py (AzureMLDatastorePathUri) and surface notes of samples.
struct DataUri {
  enum class Kind {
    kDatastore,  // azureml://[subscriptions/…/workspaces/{w}/]datastores/{d}/paths/{p}
    kJobOutput,  // azureml://jobs/{j}/outputs/{o}[/paths/{p}], runs:/{j}[/{p}]
    kBlob,       // https://{account}.blob.{suffix}/{c}/{p}, wasbs:// and abfss://{c}@{account}…
  } kind = Kind::kDatastore;
  std::string subscription, resource_group, workspace;  // of the long form, else empty
  std::string datastore;
  std::string job, output;
  std::string account, host_suffix, container;  // host_suffix: "core.lazuli.localhost"
  std::string path;  // below the datastore, output or container; may be empty or end in '/'
};

// kInvalidArgument for other forms, names with '..', bad UTF-8 or control characters.
Result<DataUri> parse_data_uri(std::string_view text);

}  // namespace lazuli::workspace
