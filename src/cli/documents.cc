// SPDX-License-Identifier: Apache-2.0
#include "cli/documents.h"

#include <filesystem>

#include "base/files.h"
#include "base/strings.h"
#include "codec/yaml.h"

namespace lazuli::cli {

Result<Document> load_document(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text.ok()) return text.error();
  Result<Json> yaml = parse_yaml(*text);
  if (!yaml.ok()) return with_context(path, yaml.error());
  if (!yaml->is_object()) return invalid_argument(path + " holds no mapping");
  return Document{path, std::filesystem::absolute(path).parent_path().string(), std::move(*yaml)};
}

std::string resolve_path(const Document& document, std::string_view path) {
  std::filesystem::path given(path);
  if (given.is_relative()) given = std::filesystem::path(document.folder) / given;
  return given.lexically_normal().string();
}

bool is_local(std::string_view path) {
  return !istarts_with(path, "azureml:") && path.find("://") == std::string_view::npos;
}

}  // namespace lazuli::cli
