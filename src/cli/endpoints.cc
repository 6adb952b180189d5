// SPDX-License-Identifier: Apache-2.0
#include "cli/endpoints.h"

#include "base/strings.h"
#include "cli/assets.h"
#include "codec/text.h"

namespace lazuli::cli {
namespace {

std::string auth_mode(std::string_view yaml) {
  if (yaml == "aml_token") return "AMLToken";
  if (yaml == "aad_token") return "AADToken";
  return yaml.empty() || yaml == "key" ? "Key" : std::string(yaml);  // the server knows the rest
}

Result<std::string> required(const Document& document, std::string_view key) {
  std::string value = document.yaml[key].text();
  if (value.empty()) return invalid_argument(cat({document.path, " has no ", key}));
  return value;
}

}  // namespace

std::string EndpointRunner::path(std::string_view endpoint, std::string_view below) const {
  return cat(
      {client_.workspace_id(), "/onlineEndpoints/", url_encode(endpoint), below, kApiVersion});
}

Result<Json> EndpointRunner::get(const std::string& endpoint) {
  return client_.get(path(endpoint));
}

Result<Json> EndpointRunner::create_endpoint(const Document& document) {
  std::string name = TRY(required(document, "name"));
  const Json& yaml = document.yaml;
  Json properties = Json::object({{"authMode", auth_mode(yaml["auth_mode"].str())},
                                  {"description", yaml["description"].text()},
                                  {"traffic", yaml["traffic"]}});
  // A file without traffic leaves an existing endpoint's as it is.
  if (!properties["traffic"].is_object()) {
    Result<Json> before = get(name);
    properties.set("traffic", before.ok() ? (*before)["properties"]["traffic"] : Json::object());
  }
  Json body = Json::object({{"location", client_.installation().region},
                            {"identity", Json::object({{"type", "SystemAssigned"}})},
                            {"tags", yaml["tags"].is_object() ? yaml["tags"] : Json::object()},
                            {"properties", std::move(properties)}});
  return client_.put(path(name), std::move(body));
}

Result<Json> EndpointRunner::create_deployment(const Document& document) {
  std::string endpoint = TRY(required(document, "endpoint_name"));
  std::string name = TRY(required(document, "name"));
  const Json& yaml = document.yaml;
  if (!yaml["model"].is_string())
    return invalid_argument(cat({document.path,
                                 ": model must name a registered model, "
                                 "azureml:NAME:VERSION or azureml:NAME@latest"}));
  Json properties = Json::object({{"endpointComputeType", "Managed"},
                                  {"model", yaml["model"]},
                                  {"instanceType", yaml["instance_type"]}});
  const Json& settings = yaml["request_settings"];
  if (settings.contains("max_concurrent_requests_per_instance"))
    properties["requestSettings"].set("maxConcurrentRequestsPerInstance",
                                      settings["max_concurrent_requests_per_instance"]);
  int64_t instances = yaml["instance_count"].integer(1);
  Json body = Json::object({{"location", client_.installation().region},
                            {"properties", std::move(properties)},
                            {"sku", Json::object({{"name", "Default"}, {"capacity", instances}})}});
  return client_.put(path(endpoint, cat({"/deployments/", url_encode(name)})), std::move(body));
}

Result<Json> EndpointRunner::set_traffic(const std::string& endpoint, const Json& traffic) {
  Json body = TRY(get(endpoint));
  body["properties"].set("traffic", traffic);
  return client_.put(path(endpoint), std::move(body));
}

Result<SecretString> EndpointRunner::key(const std::string& endpoint) {
  Json keys = TRY(client_.post(path(endpoint, "/listKeys")));
  return SecretString(keys["primaryKey"].str());
}

Result<std::string> EndpointRunner::score(const std::string& endpoint, std::string body) {
  Json found = TRY(get(endpoint));
  SecretString secret = TRY(key(endpoint));
  http::Response response =
      TRY(client_.score(found["properties"]["scoringUri"].str(), secret, std::move(body)));
  if (response.status == 200) return response.text();
  return internal_error(
      cat({"the endpoint answered ", std::to_string(response.status), ": ", response.text()}));
}

}  // namespace lazuli::cli
