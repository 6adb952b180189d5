// SPDX-License-Identifier: Apache-2.0
#include "services/workspace/data_uri.h"

#include "base/strings.h"
#include "codec/text.h"

namespace lazuli::workspace {
namespace {

Error bad(std::string_view text, std::string_view why) {
  return invalid_argument(cat({"The data reference '", text.substr(0, 300), "' ", why}));
}

bool strip(std::string_view& text, std::string_view prefix) {
  if (!istarts_with(text, prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Takes "{label}/{value}" and the '/' behind it from the front.
bool take_pair(std::string_view& rest, std::string_view label, std::string& value) {
  std::string_view text = rest;
  if (!strip(text, label) || !strip(text, "/")) return false;
  size_t end = text.find('/');
  value = text.substr(0, end);
  if (value.empty()) return false;
  rest = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return true;
}

Result<void> check_path(std::string_view text, std::string_view path) {
  if (!is_utf8(path)) return bad(text, "is not valid UTF-8");
  for (char c : path)
    if (static_cast<unsigned char>(c) < 0x20) return bad(text, "holds control characters");
  for (std::string_view segment : split(path, '/'))
    if (segment == "." || segment == "..")
      return bad(text, "must not contain '.' or '..' segments");
  return {};
}

Result<DataUri> parse_azureml(std::string_view text, std::string_view rest) {
  DataUri uri;
  if (take_pair(rest, "jobs", uri.job)) {
    uri.kind = DataUri::Kind::kJobOutput;
    if (!take_pair(rest, "outputs", uri.output)) return bad(text, "names no output");
    if (!rest.empty() && !strip(rest, "paths/") && !iequals(rest, "paths"))
      return bad(text, "lacks /paths/");
    uri.path = iequals(rest, "paths") ? std::string_view() : rest;
    return uri;
  }
  if (take_pair(rest, "subscriptions", uri.subscription)) {
    std::string provider;
    if (!take_pair(rest, "resourcegroups", uri.resource_group))
      return bad(text, "names no resource group");
    take_pair(rest, "providers", provider);
    if (!take_pair(rest, "workspaces", uri.workspace)) return bad(text, "names no workspace");
  }
  if (!take_pair(rest, "datastores", uri.datastore)) return bad(text, "names no datastore");
  if (iequals(rest, "paths")) rest = {};
  if (!rest.empty() && !strip(rest, "paths/")) return bad(text, "lacks /paths/");
  uri.path = rest;
  return uri;
}

// "{account}.blob.{suffix}[:port]" or, of abfss, "{account}.dfs.{suffix}".
Result<void> take_host(std::string_view text, std::string_view host, DataUri& uri) {
  host = host.substr(0, host.find(':'));
  size_t dot = host.find('.');
  if (dot == 0 || dot == std::string_view::npos) return bad(text, "names no storage account");
  uri.account = to_lower(host.substr(0, dot));
  std::string_view rest = host.substr(dot + 1);
  if (!strip(rest, "blob.") && !strip(rest, "dfs.")) return bad(text, "names no blob storage host");
  uri.host_suffix = to_lower(rest);
  return {};
}

// https://{host}/{container}/{path}[?sas]; the path is percent-encoded.
Result<DataUri> parse_https(std::string_view text, std::string_view rest) {
  DataUri uri;
  uri.kind = DataUri::Kind::kBlob;
  rest = rest.substr(0, rest.find_first_of("?#"));
  size_t slash = rest.find('/');
  TRY(take_host(text, rest.substr(0, slash), uri));
  if (slash == std::string_view::npos) return bad(text, "names no container");
  std::string decoded = TRY(url_decode(rest.substr(slash + 1)));
  size_t end = decoded.find('/');
  uri.container = decoded.substr(0, end);
  if (uri.container.empty()) return bad(text, "names no container");
  if (end != std::string::npos) uri.path = decoded.substr(end + 1);
  return uri;
}

// wasbs://{container}@{host}/{path}
Result<DataUri> parse_hadoop(std::string_view text, std::string_view rest) {
  DataUri uri;
  uri.kind = DataUri::Kind::kBlob;
  size_t at = rest.find('@'), slash = rest.find('/');
  if (at == std::string_view::npos || at == 0 || slash < at) return bad(text, "names no container");
  uri.container = rest.substr(0, at);
  TRY(take_host(text, rest.substr(at + 1, slash == std::string_view::npos ? slash : slash - at - 1),
                uri));
  if (slash != std::string_view::npos) uri.path = rest.substr(slash + 1);
  return uri;
}

// runs:/{run}[/{path}]: an MLflow run's artifacts.
Result<DataUri> parse_runs(std::string_view text, std::string_view rest) {
  DataUri uri;
  uri.kind = DataUri::Kind::kJobOutput;
  uri.output = "artifacts";
  while (strip(rest, "/")) {
  }
  size_t slash = rest.find('/');
  uri.job = rest.substr(0, slash);
  if (uri.job.empty()) return bad(text, "names no run");
  if (slash != std::string_view::npos) uri.path = rest.substr(slash + 1);
  return uri;
}

Result<DataUri> parse_form(std::string_view text) {
  std::string_view rest = text;
  if (strip(rest, "azureml://")) return parse_azureml(text, rest);
  if (strip(rest, "https://")) return parse_https(text, rest);
  if (strip(rest, "wasbs://") || strip(rest, "wasb://") || strip(rest, "abfss://") ||
      strip(rest, "abfs://"))
    return parse_hadoop(text, rest);
  if (strip(rest, "runs:/")) return parse_runs(text, rest);
  return bad(text,
             "is in no known form: azureml://datastores/…, azureml://jobs/…, https://… of an "
             "account of this server, wasbs://…");
}

}  // namespace

Result<DataUri> parse_data_uri(std::string_view text) {
  // Older documents mark what a reference is: "file:azureml://…", "folder:azureml://…".
  for (std::string_view mark : {"file:", "folder:"})
    if (istarts_with(text, cat({mark, "azureml://"}))) text.remove_prefix(mark.size());
  DataUri uri = TRY(parse_form(text));
  for (const std::string* part :
       {&uri.datastore, &uri.job, &uri.output, &uri.container, &uri.path, &uri.workspace})
    TRY(check_path(text, *part));
  return uri;
}

}  // namespace lazuli::workspace
