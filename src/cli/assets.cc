// SPDX-License-Identifier: Apache-2.0
#include "cli/assets.h"

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "base/strings.h"
#include "codec/text.h"
#include "codec/yaml.h"
#include "crypto/digest.h"

namespace lazuli::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAnonymousEnvironment = "CliV2AnonymousEnvironment";

struct LocalFile {
  std::string path, name;  // `name` as it is stored, from the base name on
};

// All files of a folder in order of name, or the one file.
Result<std::vector<LocalFile>> local_files(const std::string& path) {
  fs::path root(path);
  std::error_code failure;
  if (fs::is_regular_file(root, failure)) return std::vector<LocalFile>{{path, root.filename()}};
  if (!fs::is_directory(root, failure)) return not_found("there is no file or folder " + path);
  std::vector<LocalFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    std::string relative = fs::relative(entry.path(), root).string();
    bool skipped = relative.find("__pycache__") != std::string::npos;
    if (!entry.is_regular_file() || skipped) continue;
    files.push_back({entry.path().string(), root.filename().string() + "/" + relative});
  }
  std::sort(files.begin(), files.end(),
            [](const LocalFile& a, const LocalFile& b) { return a.name < b.name; });
  if (files.empty()) return invalid_argument("the folder " + path + " is empty");
  return files;
}

Result<std::string> hash_files(const std::vector<LocalFile>& files) {
  crypto::Hasher hasher(crypto::DigestKind::kSha256);
  for (const LocalFile& file : files) {
    hasher.update(file.name);
    hasher.update(TRY(read_file(file.path, size_t{4} << 30)));
  }
  std::string hash = hasher.finish();
  return to_hex(std::as_bytes(std::span(hash)));
}

std::string without_final_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

void copy_if_there(const Json& from, std::string_view key, Json& to, std::string_view as = {}) {
  if (const Json* value = from.find(key)) to.set(as.empty() ? key : as, *value);
}

Result<std::string> name_of(const Document& document) {
  std::string name = document.yaml["name"].text();
  if (name.empty()) return invalid_argument(document.path + " has no name");
  return name;
}

}  // namespace

Result<Json> AssetUploader::default_datastore() {
  if (datastore_.is_null()) {
    Json list = TRY(
        client_.get(cat({client_.workspace_id(), "/datastores", kApiVersion, "&isDefault=true"})));
    if (list["value"].empty()) return not_found("the workspace has no default datastore");
    datastore_ = list["value"].items().front();
  }
  return datastore_;
}

Result<AssetUploader::Uploaded> AssetUploader::upload_files(const std::string& given) {
  std::string path = without_final_slash(given);
  std::vector<LocalFile> files = TRY(local_files(path));
  Json datastore = TRY(default_datastore());
  Uploaded uploaded{datastore["properties"]["containerName"].text(), "", TRY(hash_files(files))};
  std::string root = "LocalUpload/" + uploaded.hash + "/";
  uploaded.prefix = root + fs::path(path).filename().string();
  for (const LocalFile& file : files)
    TRY(client_.upload(datastore["properties"]["accountName"].text(), uploaded.container,
                       root + file.name, file.path));
  return uploaded;
}

Result<std::string> AssetUploader::upload(const std::string& path) {
  Uploaded uploaded = TRY(upload_files(path));
  return cat({"azureml://datastores/", TRY(default_datastore())["name"].str(), "/paths/",
              uploaded.prefix});
}

Result<Json> AssetUploader::put_version(std::string_view collection, const std::string& name,
                                        const std::string& version, Json properties) {
  std::string base = cat({client_.workspace_id(), "/", collection, "/", url_encode(name)});
  std::string number = version;
  if (number.empty()) {
    Result<Json> container = client_.get(cat({base, kApiVersion}));
    if (!container.ok() && container.error().code != Code::kNotFound) return container.error();
    number = container.ok() ? (*container)["properties"]["nextVersion"].text() : "1";
  }
  return client_.put(cat({base, "/versions/", url_encode(number), kApiVersion}),
                     Json::object({{"properties", std::move(properties)}}));
}

// Where its files are; local ones are uploaded.
Result<std::string> AssetUploader::address_of(const Document& document) {
  const std::string path = document.yaml["path"].text();
  if (path.empty()) return invalid_argument(document.path + " has no path");
  if (!is_local(path)) return path;
  return upload(resolve_path(document, path));
}

Result<Json> AssetUploader::create_data(const Document& document) {
  const Json& yaml = document.yaml;
  std::string uri = TRY(address_of(document));
  std::string type = yaml["type"].text();
  Json properties =
      Json::object({{"dataType", type.empty() ? "uri_folder" : type}, {"dataUri", uri}});
  copy_if_there(yaml, "description", properties);
  copy_if_there(yaml, "tags", properties);
  return put_version("data", TRY(name_of(document)), yaml["version"].text(), std::move(properties));
}

Result<Json> AssetUploader::create_model(const Document& document) {
  const Json& yaml = document.yaml;
  std::string uri = TRY(address_of(document));
  std::string type = yaml["type"].text();
  Json properties =
      Json::object({{"modelType", type.empty() ? "custom_model" : type}, {"modelUri", uri}});
  for (std::string_view key : {"description", "tags", "flavors"})
    copy_if_there(yaml, key, properties);
  return put_version("models", TRY(name_of(document)), yaml["version"].text(),
                     std::move(properties));
}

namespace {

// conda_file: a path, or the packages inline.
Result<Json> environment_properties(const Document& document, const Json& yaml) {
  Json properties = Json::object();
  copy_if_there(yaml, "image", properties);
  copy_if_there(yaml, "description", properties);
  copy_if_there(yaml, "tags", properties);
  if (const Json* conda = yaml.find("conda_file")) {
    std::string text = conda->is_string() ? TRY(read_file(resolve_path(document, conda->str())))
                                          : dump_yaml(*conda);
    properties.set("condaFile", text);
  }
  if (yaml.contains("build"))
    return unimplemented(document.path +
                         ": environments from a Dockerfile are not implemented "
                         "yet; use image and conda_file");
  return properties;
}

}  // namespace

Result<Json> AssetUploader::create_environment(const Document& document) {
  Json properties = TRY(environment_properties(document, document.yaml));
  return put_version("environments", TRY(name_of(document)), document.yaml["version"].text(),
                     std::move(properties));
}

Result<std::string> AssetUploader::environment_id(const Document& document, const Json& reference) {
  if (reference.is_string()) return reference.text();  // the server resolves every form
  if (!reference.is_object()) return invalid_argument(document.path + " has no environment");
  Json properties = TRY(environment_properties(document, reference));
  properties.set("isAnonymous", true);
  std::string hash = crypto::sha256(properties.dump());
  Json made = TRY(put_version("environments", std::string(kAnonymousEnvironment),
                              to_hex(std::as_bytes(std::span(hash))), std::move(properties)));
  return made["id"].text();
}

Result<std::string> AssetUploader::data_id(std::string_view reference) {
  std::string_view rest = reference.substr(8);  // "azureml:"
  if (rest.starts_with('/')) return std::string(rest);
  size_t mark = rest.find_first_of(":@");
  std::string name = url_encode(rest.substr(0, mark));
  std::string base = cat({client_.workspace_id(), "/data/", name, "/versions"});
  if (mark != std::string_view::npos && rest[mark] == ':')
    return cat({base, "/", rest.substr(mark + 1)});
  Json list = TRY(client_.get(cat({base, kApiVersion, "&$top=1&$orderBy=createdtime%20desc"})));
  if (list["value"].empty())
    return not_found(cat({"there is no data asset '", name,
                          "': create it with "
                          "`lazuli data create -f FILE`"}));
  return list["value"].items().front()["id"].text();
}

Result<std::string> AssetUploader::code_id(const Document& document, std::string_view path) {
  Uploaded uploaded = TRY(upload_files(resolve_path(document, path)));
  Json datastore = TRY(default_datastore());
  std::string account = datastore["properties"]["accountName"].text();
  std::string uri =
      client_.url(account + ".blob.core", cat({"/", uploaded.container, "/", uploaded.prefix}));
  Json properties = Json::object(
      {{"codeUri", uri},
       {"isAnonymous", true},
       {"properties", Json::object({{"hash_sha256", uploaded.hash}, {"hash_version", 202208}})}});
  Json made = TRY(put_version("codes", uploaded.hash, "1", std::move(properties)));
  return made["id"].text();
}

}  // namespace lazuli::cli
