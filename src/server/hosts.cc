// SPDX-License-Identifier: Apache-2.0
#include "server/hosts.h"

namespace lazuli::server {
namespace {

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (text.size() <= suffix.size() || !text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

}  // namespace

HostName classify_host(std::string_view host, std::string_view domain) {
  std::string_view name = host;
  if (!take_suffix(name, domain) || !take_suffix(name, ".")) return {};
  if (name == "management") return {core::Host::kManagement, {}};
  if (name == "graph") return {core::Host::kGraph, {}};
  if (name == "login") return {core::Host::kLogin, {}};
  if (take_suffix(name, ".blob.core")) {
    return {core::Host::kBlob, {{"account", std::string(name)}}};
  }
  if (take_suffix(name, ".inference.ml.azure")) {
    size_t dot = name.find('.');
    if (dot == std::string_view::npos) return {};
    return {core::Host::kInference,
            {{"endpoint", std::string(name.substr(0, dot))},
             {"region", std::string(name.substr(dot + 1))}}};
  }
  if (take_suffix(name, ".api.ml.azure")) {
    return {core::Host::kApi, {{"region", std::string(name)}}};
  }
  return {};
}

std::string_view unserved_service(std::string_view host, std::string_view domain) {
  struct Unserved {
    std::string_view suffix, service;
  };
  constexpr Unserved kUnserved[] = {
      {".vault", "the data plane of Key Vault (KeyVault)"},
      {".cr", "the data plane of Container Registry (ContainerRegistry)"},
      {".queue.core", "Queue Storage (QueueService)"},
      {".table.core", "Table Storage (TableService)"},
      {".file.core", "File Storage (FileService)"},
      {".dfs.core", "Data Lake Storage (DataLakeStorage)"},
  };
  std::string_view name = host;
  if (!take_suffix(name, domain) || !take_suffix(name, ".")) return {};
  for (const Unserved& each : kUnserved)
    if (name.ends_with(each.suffix)) return each.service;
  if (name == "dc") return "telemetry (ApplicationInsights)";
  if (name == "logs") return "log queries (LogAnalytics)";
  return {};
}

bool is_own_host(std::string_view host, std::string_view domain) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1" || is_own_name(host, domain);
}

bool is_own_name(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

}  // namespace lazuli::server
