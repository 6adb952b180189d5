// SPDX-License-Identifier: Apache-2.0
#include "cli/env_command.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "base/strings.h"
#include "cli/api_client.h"
#include "cli/package_indexes.h"
#include "cli/server_commands.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/x509.h"

namespace lazuli::cli {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// Whether the system's resolver knows names below the domain.
bool resolves(const std::string& domain) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int failure = ::getaddrinfo(("management." + domain).c_str(), nullptr, &hints, &found);
  if (failure == 0) ::freeaddrinfo(found);
  return failure == 0;
}

// One file with everything that the variables named before, the system's authorities and ours.
Result<std::string> trust_file(const core::Installation& installation) {
  std::string bundle = TRY(read_file(installation.ca_bundle));
  bool more = false;
  for (const char* name : {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE",
                           "NODE_EXTRA_CA_CERTS", "PIP_CERT"}) {
    std::string path = variable(name);
    if (path.empty() || path.starts_with(installation.data_dir + "/")) continue;
    Result<std::string> own = read_file(path);
    if (!own.ok()) continue;
    bundle = crypto::append_to_bundle(bundle, *own);
    more = true;
  }
  if (!more) return installation.ca_bundle;
  std::string hash = crypto::sha256(bundle);
  std::string name = to_hex(std::as_bytes(std::span(hash)).first(8));
  std::string path = cat({installation.data_dir, "/ca-bundle-", name, ".pem"});
  if (!file_exists(path)) TRY(write_file_durably(path, bundle, 0644));
  return path;
}

Result<std::string> connection_string(ApiClient& client, const std::string& suffix) {
  Json secret = TRY(client.post(
      client.workspace_id() + "/datastores/workspaceblobstore/listSecrets?api-version=2022-10-01"));
  const std::string& account = client.installation().storage_account;
  return cat({"DefaultEndpointsProtocol=https;AccountName=", account,
              ";AccountKey=", secret["key"].str(), ";BlobEndpoint=https://", account, ".blob.",
              suffix, "/;EndpointSuffix=", suffix});
}

std::string first_of(const char* name, const char* other) {
  std::string value = variable(name);
  return value.empty() ? variable(other) : value;
}

// Package indexes were met directly before, and often are where our proxy may not go: in a private
// network. What went through another proxy still does, by ours.
std::vector<std::string> direct_hosts(bool no_proxy_before) {
  if (!no_proxy_before) return {};
  return package_index_hosts({variable, [](const std::string& path) {
                                auto content = read_file(path);
                                return content.ok() ? std::optional(*content) : std::nullopt;
                              }});
}

void add_proxy(Variables& variables, const ApiClient& client, bool through_us) {
  const std::string& domain = client.installation().domain;
  std::string none = first_of("NO_PROXY", "no_proxy");
  if (through_us) {
    std::string proxy = "http://127.0.0.1:" + std::to_string(client.server().port);
    std::string before = first_of("https_proxy", "HTTPS_PROXY");
    variables.emplace_back("HTTPS_PROXY", proxy);
    variables.emplace_back("https_proxy", proxy);
    // A server that is started from this shell goes on where this one does, not to itself.
    if (before != proxy) variables.emplace_back("LAZULI_PARENT_PROXY", before);
    none = no_proxy_through_us(none, domain, direct_hosts(before.empty() || before == proxy));
  } else {
    none = no_proxy_direct(none, domain);
  }
  variables.emplace_back("NO_PROXY", none);
  variables.emplace_back("no_proxy", none);
}

// Through the proxy every name is met on port 443, whatever port the server has.
Result<Variables> make_variables(ApiClient& client, bool through_us) {
  const core::Installation& installation = client.installation();
  bool plain = through_us || client.server().port == 443;
  std::string domain =
      installation.domain + (plain ? "" : ":" + std::to_string(client.server().port));
  std::string trust = TRY(trust_file(installation));
  Json token =
      TRY(client.post(client.workspace_id() + "/listNotebookAccessToken?api-version=2024-04-01"));
  Variables variables = {
      {"ARM_CLOUD_METADATA_URL",
       cat({"https://management.", domain, "/metadata/endpoints?api-version=2019-05-01"})},
      {"AZURE_AUTHORITY_HOST", "https://login." + domain},
      // "adfs" keeps the clients from asking the public cloud which authorities it knows.
      {"AZURE_TENANT_ID", "adfs"},
      {"AZURE_CLIENT_ID", client.client_id()},
      {"AZURE_CLIENT_SECRET", std::string(client.client_secret().expose())},
      {"REQUESTS_CA_BUNDLE", trust},
      {"SSL_CERT_FILE", trust},
      {"NODE_EXTRA_CA_CERTS", trust},
      {"CURL_CA_BUNDLE", trust}};
  add_proxy(variables, client, through_us);
  variables.insert(
      variables.end(),
      {{"MLFLOW_TRACKING_URI", cat({"https://", installation.region, ".api.ml.azure.", domain,
                                    "/mlflow/v1.0", client.workspace_id()})},
       {"MLFLOW_TRACKING_TOKEN", token["accessToken"].text()},
       {"AZURE_STORAGE_CONNECTION_STRING", TRY(connection_string(client, "core." + domain))},
       {"AZURE_SUBSCRIPTION_ID", installation.subscription_id},
       {"AZURE_RESOURCE_GROUP", installation.resource_group},
       {"AZUREML_WORKSPACE_NAME", installation.workspace},
       {"ORT_DISABLE_TELEMETRY", "1"},
       {"MLFLOW_DISABLE_TELEMETRY", "true"}});
  return variables;
}

bool matches_domain(std::string_view entry, std::string_view domain) {
  while (entry.starts_with('.') || entry.starts_with('*')) entry.remove_prefix(1);
  if (entry.empty()) return true;  // "*": everything
  if (iequals(entry, domain)) return true;
  bool above = domain.size() > entry.size() &&
               iequals(domain.substr(domain.size() - entry.size()), entry) &&
               domain[domain.size() - entry.size() - 1] == '.';
  bool below =
      entry.size() > domain.size() && iequals(entry.substr(entry.size() - domain.size()), domain);
  return above || below;
}

}  // namespace

std::string no_proxy_direct(std::string_view before, std::string_view domain) {
  for (std::string_view entry : split(before, ','))
    if (iequals(trim(entry), domain)) return std::string(before);
  return cat({before, before.empty() ? "" : ",", domain, ",.", domain});
}

std::string no_proxy_through_us(std::string_view before, std::string_view domain,
                                const std::vector<std::string>& direct) {
  std::vector<std::string> kept;
  auto keep = [&](std::string_view entry) {
    if (!entry.empty() && !matches_domain(entry, domain)) kept.emplace_back(entry);
  };
  for (std::string_view entry : split(before, ',')) keep(trim(entry));
  for (const std::string& host : direct)
    if (std::ranges::find(kept, host) == kept.end()) keep(host);
  return join(kept, ",");
}

std::string shell_quote(std::string_view text) {
  return cat({"'", replace_all(text, "'", "'\\''"), "'"});
}

int env(const EnvOptions& options) {
  auto client = ApiClient::connect(options.data_dir);
  if (!client.ok()) return fail(client.error());
  bool through_us = options.proxy || (*client)->server().port != 443 ||
                    !resolves((*client)->installation().domain);
  Result<Variables> variables = make_variables(**client, through_us);
  if (!variables.ok()) return fail(variables.error());
  Json json = Json::object();
  for (const auto& [name, value] : *variables) {
    if (options.json)
      json.set(name, value);
    else
      std::printf("export %s=%s\n", name.c_str(), shell_quote(value).c_str());
  }
  if (options.json) std::printf("%s", json.dump_pretty().c_str());
  return kSuccess;
}

}  // namespace lazuli::cli
