// SPDX-License-Identifier: Apache-2.0
#include "cli/resource_commands.h"

#include <cstdio>

#include "base/strings.h"
#include "cli/endpoints.h"
#include "cli/jobs.h"
#include "cli/server_commands.h"
#include "cli/table.h"
#include "codec/text.h"

namespace lazuli::cli {
namespace {

struct Noun {
  std::string_view name, collection;
  std::vector<Column> columns;  // of a list
};

const std::vector<Noun>& nouns() {
  static const std::vector<Noun> kNouns = {
      {"job",
       "jobs",
       {{"NAME", "name"},
        {"DISPLAY NAME", "properties.displayName"},
        {"TYPE", "properties.jobType"},
        {"STATUS", "properties.status"},
        {"CREATED", "systemData.createdAt"}}},
      {"model",
       "models",
       {{"NAME", "name"},
        {"LATEST", "properties.latestVersion"},
        {"CREATED", "systemData.createdAt"}}},
      {"data",
       "data",
       {{"NAME", "name"},
        {"LATEST", "properties.latestVersion"},
        {"CREATED", "systemData.createdAt"}}},
      {"environment",
       "environments",
       {{"NAME", "name"},
        {"LATEST", "properties.latestVersion"},
        {"CREATED", "systemData.createdAt"}}},
      {"endpoint",
       "onlineEndpoints",
       {{"NAME", "name"},
        {"STATE", "properties.provisioningState"},
        {"AUTH", "properties.authMode"},
        {"SCORING URI", "properties.scoringUri"}}},
      {"deployment",
       "deployments",
       {{"NAME", "name"},
        {"STATE", "properties.provisioningState"},
        {"MODEL", "properties.model"}}},
  };
  return kNouns;
}

const Noun* find_noun(std::string_view name) {
  for (const Noun& noun : nouns())
    if (noun.name == name) return &noun;
  return nullptr;
}

class Command {
 public:
  Command(ApiClient& client, const ResourceRequest& request, const Noun& noun)
      : client_(client), request_(request), noun_(noun) {}

  Result<Json> run() {
    if (request_.verb == "create") return create();
    if (request_.verb == "list") return list();
    if (request_.verb == "stream") return JobRunner(client_).stream(request_.name);
    return show();
  }

 private:
  std::string base() const {
    std::string workspace = client_.workspace_id();
    if (noun_.name != "deployment") return cat({workspace, "/", noun_.collection});
    return cat({workspace, "/onlineEndpoints/", url_encode(request_.endpoint), "/deployments"});
  }

  Result<Json> create() {
    Document document = TRY(load_document(request_.file));
    AssetUploader assets(client_);
    EndpointRunner endpoints(client_);
    if (noun_.name == "data") return assets.create_data(document);
    if (noun_.name == "model") return assets.create_model(document);
    if (noun_.name == "environment") return assets.create_environment(document);
    if (noun_.name == "endpoint") return endpoints.create_endpoint(document);
    if (noun_.name == "deployment") return endpoints.create_deployment(document);
    JobRunner jobs(client_);
    Json job = TRY(jobs.create(document, request_.name));
    if (!request_.stream) return job;
    std::fprintf(stderr, "job %s\n", job["name"].text().c_str());
    return jobs.stream(job["name"].text());
  }

  Result<Json> list() {
    std::string path = base();
    bool versions = !request_.name.empty() && noun_.name != "job";
    if (versions) path += cat({"/", url_encode(request_.name), "/versions"});
    path += kApiVersion;
    return client_.list(std::move(path));
  }

  Result<Json> show() {
    std::string path = cat({base(), "/", url_encode(request_.name)});
    if (!request_.version.empty()) path += cat({"/versions/", url_encode(request_.version)});
    return client_.get(cat({path, kApiVersion}));
  }

  ApiClient& client_;
  const ResourceRequest& request_;
  const Noun& noun_;
};

void print(const Noun& noun, const ResourceRequest& request, const Json& result) {
  if (request.verb == "stream" || request.stream) return;  // the log was the answer
  Json rows = result.is_array() ? result : Json::array({result});
  std::printf("%s", format_table(noun.columns, rows).c_str());
}

}  // namespace

int resource_command(const ResourceRequest& request) {
  const Noun* noun = find_noun(request.noun);
  if (noun == nullptr) return fail(internal_error("unknown noun " + request.noun));
  return ask_and_show(
      request.data_dir, request.json,
      [&](ApiClient& client) { return Command(client, request, *noun).run(); },
      [&](const Json& result) { print(*noun, request, result); });
}

}  // namespace lazuli::cli
