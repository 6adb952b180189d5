// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace lazuli::cli {

// One Azure ML YAML file, and the folder its relative paths start from.
struct Document {
  std::string path, folder;
  Json yaml;
};
Result<Document> load_document(const std::string& path);

// `path` as the document means it.
std::string resolve_path(const Document& document, std::string_view path);

// Whether a reference points at files here rather than at something in the cloud.
bool is_local(std::string_view path);

}  // namespace lazuli::cli
