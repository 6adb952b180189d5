// SPDX-License-Identifier: Apache-2.0
// The mlflow-artifacts: scheme. Source: mlflow/store/artifact/mlflow_artifacts_repo.py,
// http_artifact_repo.py.
#include <set>

#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/mlflow_handlers.h"

namespace lazuli::runs {
namespace {

constexpr size_t kListMax = 10000;

class BlobSource final : public http::BodySource {
 public:
  explicit BlobSource(std::unique_ptr<bytes::Reader> reader) : reader_(std::move(reader)) {}
  Result<size_t> read(std::span<std::byte> out) override {
    size_t count = TRY(reader_->read(offset_, out));
    offset_ += count;
    return count;
  }

 private:
  std::unique_ptr<bytes::Reader> reader_;
  uint64_t offset_ = 0;
};

class ArtifactSink final : public http::BodySink {
 public:
  explicit ArtifactSink(std::unique_ptr<bytes::Writer> writer) : writer_(std::move(writer)) {}
  Result<void> append(std::span<const std::byte> data) override { return writer_->append(data); }
  Result<bytes::ObjectInfo> finish() { return writer_->finish(); }

 private:
  std::unique_ptr<bytes::Writer> writer_;
};

// The files and folders directly below a folder; a file itself lists as nothing.
Result<Json> list_below(Ledger& ledger, storage::BlobPath folder, std::string_view shown_prefix) {
  if (!folder.name.empty() && !folder.name.ends_with('/')) folder.name += '/';
  Json files = Json::array();
  std::set<std::string> folders;
  TRY(ledger.storage().list(
      folder.account, folder.container, folder.name,
      [&](const storage::BlobInfo& blob) -> Result<void> {
        std::string_view rest = std::string_view(blob.name).substr(folder.name.size());
        if (rest.empty() || files.size() >= kListMax) return {};
        size_t slash = rest.find('/');
        if (slash != std::string_view::npos) {
          folders.emplace(rest.substr(0, slash));
          return {};
        }
        files.push_back(Json::object(
            {{"path", cat({shown_prefix, rest})}, {"is_dir", false}, {"file_size", blob.size}}));
        return {};
      }));
  for (const std::string& name : folders)
    files.push_back(Json::object({{"path", cat({shown_prefix, name})}, {"is_dir", true}}));
  return files;
}

// The blob there, as far as the caller may reach it.
Result<storage::BlobPath> resolve_artifact(Ledger& ledger, const Context& context,
                                           std::string_view path, storage::Access access) {
  return ledger.workspaces().resolve_uri(context.workspace_id(),
                                         TRY(artifact_address(ledger, context, path)),
                                         workspace::Authority::of(context.principal(), access));
}

}  // namespace

Result<std::string> artifact_address(Ledger& ledger, const Context& context,
                                     std::string_view path) {
  size_t artifacts = path.find("/artifacts");
  std::string_view rest;
  std::vector<std::string_view> owner;
  if (artifacts != std::string_view::npos) {
    owner = split(path.substr(0, artifacts), '/');
    rest = path.substr(artifacts + 10);
    while (rest.starts_with('/')) rest.remove_prefix(1);
  }
  const std::string workspace = context.workspace_id();
  if (owner.size() == 2) {
    TRY(body_run(ledger, context, Json::object({{"run_id", owner[1]}})));
    return ledger.artifact_address(workspace, owner[1], rest);
  }
  if (owner.size() == 3 && owner[1] == "models") {
    LoggedModel model = TRY(find_logged_model(ledger, context, std::string(owner[2])));
    return ledger.artifact_address(workspace, model.model_id, rest);
  }
  if (owner.size() == 3 && owner[0] == "registered") {
    assets::AssetVersion version =
        TRY(ledger.assets().find(workspace, assets::Kind::kModel, cat({owner[1], ":", owner[2]})));
    std::string uri = version.properties["modelUri"].text();
    while (uri.ends_with('/')) uri.pop_back();
    if (!rest.empty()) uri += cat({"/", rest});
    return uri;
  }
  return invalid_parameter(cat({"Invalid artifact path: '", path.substr(0, 200), "'."}));
}

Answer list_mlflow_artifacts(Ledger& ledger, Context& context) {
  storage::BlobPath folder =
      TRY(resolve_artifact(ledger, context, context.query_or("path", ""), storage::Access::kRead));
  return core::json_response(Json::object({{"files", TRY(list_below(ledger, folder, ""))}}));
}

// GET artifacts/list?run_id=&path=: paths are shown from the run's root.
Answer list_mlflow_run_artifacts(Ledger& ledger, Context& context) {
  Json query = Json::object(
      {{"run_id", context.query_or("run_id", "")}, {"run_uuid", context.query_or("run_uuid", "")}});
  Run run = TRY(body_run(ledger, context, query));
  std::string below(context.query_or("path", ""));
  storage::BlobPath folder = TRY(ledger.artifact_path(run.workspace_id, run.run_id, below));
  if (!below.empty() && !below.ends_with('/')) below += '/';
  return core::json_response(
      Json::object({{"root_uri", artifact_uri(context, run.experiment_id, run.run_id)},
                    {"files", TRY(list_below(ledger, folder, below))}}));
}

Answer get_mlflow_artifact(Ledger& ledger, Context& context) {
  storage::BlobPath path =
      TRY(resolve_artifact(ledger, context, context.param("path"), storage::Access::kRead));
  std::unique_ptr<bytes::Reader> reader = TRY(ledger.storage().open(path));
  http::Response response(200);
  response.header("Content-Type", "application/octet-stream")
      .header("X-Content-Type-Options", "nosniff")
      .header("Content-Disposition", "attachment");
  uint64_t size = reader->size();
  response.body = http::StreamBody{std::make_unique<BlobSource>(std::move(reader)), size};
  return response;
}

Result<std::unique_ptr<http::BodySink>> artifact_sink(bytes::Store& bytes) {
  return std::unique_ptr<http::BodySink>(std::make_unique<ArtifactSink>(TRY(bytes.create())));
}

Answer put_mlflow_artifact(Ledger& ledger, Context& context) {
  storage::BlobPath path =
      TRY(resolve_artifact(ledger, context, context.param("path"), storage::Access::kWrite));
  bytes::ObjectInfo object = TRY(static_cast<ArtifactSink*>(context.sink())->finish());
  TRY(ledger.storage().publish(path, std::move(object)));
  return core::json_response(Json::object());
}

Answer delete_mlflow_artifact(Ledger& ledger, Context& context) {
  TRY(ledger.storage().remove(
      TRY(resolve_artifact(ledger, context, context.param("path"), storage::Access::kWrite))));
  return http::Response(204);
}

}  // namespace lazuli::runs
