// SPDX-License-Identifier: Apache-2.0
// Registered models. Their versions are the workspace's model assets: what MLflow registers, Azure
// ML shows, and the other way round.
#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/mlflow_handlers.h"
#include "services/runs/search_filter.h"

namespace lazuli::runs {
namespace {

constexpr std::string_view kSource = "mlflow.source";
constexpr std::string_view kRunId = "mlflow.runId";
constexpr std::string_view kModelId = "mlflow.modelId";

int64_t to_millis(Timestamp time) { return to_micros(time) / 1000; }

Json version_json(const RegisteredModel& model, const assets::AssetVersion& version) {
  const Json& properties = version.properties["properties"];
  Json aliases = Json::array();
  for (const auto& [alias, number] : model.aliases.members())
    if (number.str() == version.version) aliases.push_back(alias);
  return Json::object({{"name", version.name},
                       {"version", version.version},
                       {"creation_timestamp", to_millis(model.updated)},
                       {"last_updated_timestamp", to_millis(model.updated)},
                       {"current_stage", "None"},
                       {"description", version.properties["description"].text()},
                       {"source", properties[kSource].text()},
                       {"run_id", properties[kRunId].text()},
                       {"model_id", properties[kModelId].text()},
                       {"status", "READY"},
                       {"tags", tag_list(version.properties["tags"])},
                       {"aliases", std::move(aliases)}});
}

Json model_json(const RegisteredModel& model) {
  Json aliases = Json::array();
  for (const auto& [alias, version] : model.aliases.members())
    aliases.push_back(Json::object({{"alias", alias}, {"version", version}}));
  return Json::object({{"name", model.name},
                       {"creation_timestamp", to_millis(model.created)},
                       {"last_updated_timestamp", to_millis(model.updated)},
                       {"description", model.description},
                       {"tags", tag_list(model.tags)},
                       {"aliases", std::move(aliases)},
                       {"latest_versions", Json::array()}});
}

// A model that Azure ML registered has no row of ours: it is as MLflow would have made it.
Result<RegisteredModel> find_registered(Ledger& ledger, const Context& context,
                                        const std::string& name) {
  auto found = TRY(ledger.models().registered(context.workspace_id(), name));
  if (found) return *found;
  auto latest =
      ledger.assets().find(context.workspace_id(), assets::Kind::kModel, cat({name, "@latest"}));
  if (!latest.ok())
    return missing_resource(cat({"Registered Model with name=", name, " not found"}));
  RegisteredModel model;
  model.name = name;
  return model;
}

Result<assets::AssetVersion> find_version(Ledger& ledger, const Context& context,
                                          const std::string& name, const std::string& version) {
  auto found =
      ledger.assets().find(context.workspace_id(), assets::Kind::kModel, cat({name, ":", version}));
  if (found.ok()) return found;
  if (found.error().code != Code::kNotFound) return found;
  return missing_resource(
      cat({"Model Version (name=", name, ", version=", version, ") not found"}));
}

Result<assets::AssetVersion> register_model(Ledger& ledger, const Context& context,
                                            assets::NewVersion wanted,
                                            const workspace::Authority& authority) {
  wanted = TRY(ledger.assets().prepare(std::move(wanted), authority));
  return ledger.store().handle().write([&](db::Tx& tx) {
    return ledger.assets().register_version(tx, wanted, context.principal().name());
  });
}

Answer version_answer(const RegisteredModel& model, const assets::AssetVersion& version) {
  return core::json_response(Json::object({{"model_version", version_json(model, version)}}));
}

// "models:/m-…", "runs:/{run}/{path}", "mlflow-artifacts:/…", azureml:// of a run, or a datastore
// address.
Result<std::string> source_address(Ledger& ledger, const Context& context, std::string_view source,
                                   const std::string& model_id) {
  const std::string workspace = context.workspace_id();
  if (!model_id.empty() || istarts_with(source, "models:/")) {
    std::string id = model_id.empty() ? std::string(source.substr(8)) : model_id;
    LoggedModel model = TRY(find_logged_model(ledger, context, id));
    return ledger.artifact_address(model.workspace_id, model.model_id, "");
  }
  if (istarts_with(source, "runs:/")) {
    std::string_view rest = source.substr(6);
    size_t slash = rest.find('/');
    std::string_view path = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
    return ledger.artifact_address(workspace, rest.substr(0, slash), path);
  }
  if (istarts_with(source, "mlflow-artifacts:")) {
    std::string_view rest = source.substr(17);
    while (rest.starts_with('/')) rest.remove_prefix(1);
    return artifact_address(ledger, context, rest);
  }
  // azureml://host/mlflow/v2.0{WS}/experiments/{e}/runs/{r}/artifacts/{path}
  size_t run = source.find("/runs/");
  if (istarts_with(source, "azureml://") && run != std::string_view::npos) {
    std::string_view rest = source.substr(run + 6);
    size_t artifacts = rest.find("/artifacts");
    if (artifacts == std::string_view::npos)
      return invalid_parameter(cat({"Invalid model version source: '", source, "'."}));
    std::string_view path = rest.substr(artifacts + 10);
    while (path.starts_with('/')) path.remove_prefix(1);
    return ledger.artifact_address(workspace, rest.substr(0, artifacts), path);
  }
  return std::string(source);
}

}  // namespace

Answer create_registered_model(Ledger& ledger, Context& context) {
  std::string workspace = TRY(ledger.workspaces().get(context.workspace_id())).arm_id;
  Json body = TRY(context.json());
  RegisteredModel model;
  model.name = TRY(required(body, "name"));
  model.description = body["description"].text();
  model.created = model.updated = now();
  model.tags = tag_map(body["tags"]);
  if (!TRY(ledger.models().insert_registered(workspace, model)))
    return existing_resource(cat({"Registered Model (name=", model.name, ") already exists."}));
  return core::json_response(Json::object({{"registered_model", model_json(model)}}));
}

Answer get_registered_model(Ledger& ledger, Context& context) {
  RegisteredModel model =
      TRY(find_registered(ledger, context, TRY(required_query(context, "name"))));
  return core::json_response(Json::object({{"registered_model", model_json(model)}}));
}

Answer search_registered_models(Ledger& ledger, Context& context) {
  auto filter = TRY(parse_filter(context.query_or("filter", "")));
  struct Found : Searchable {
    const RegisteredModel* model = nullptr;
    std::optional<std::string> attribute(std::string_view key) const override {
      return key == "name" ? std::optional(model->name) : std::nullopt;
    }
    std::optional<std::string> tag(std::string_view key) const override {
      const Json* value = model->tags.find(key);
      return value ? std::optional(value->text()) : std::nullopt;
    }
  };
  Json models = Json::array();
  for (const RegisteredModel& model : TRY(ledger.models().all_registered(context.workspace_id()))) {
    Found found;
    found.model = &model;
    if (matches(filter, found)) models.push_back(model_json(model));
  }
  return core::json_response(Json::object({{"registered_models", std::move(models)}}));
}

Answer set_registered_model_alias(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  std::string name = TRY(required(body, "name")), version = TRY(required(body, "version"));
  TRY(find_version(ledger, context, name, version));
  RegisteredModel model = TRY(find_registered(ledger, context, name));
  model.aliases.set(TRY(required(body, "alias")), version);
  std::string workspace = context.workspace_id();
  if (to_micros(model.created) == 0) {
    model.created = now();
    TRY(ledger.models().insert_registered(workspace, model));
  }
  TRY(ledger.models().update_registered(workspace, model));
  return core::json_response(Json::object());
}

Answer get_model_version_by_alias(Ledger& ledger, Context& context) {
  std::string name = TRY(required_query(context, "name"));
  std::string alias = TRY(required_query(context, "alias"));
  RegisteredModel model = TRY(find_registered(ledger, context, name));
  const Json* version = model.aliases.find(alias);
  if (version == nullptr)
    return missing_resource(cat({"Registered model alias ", alias, " not found."}));
  return version_answer(model, TRY(find_version(ledger, context, name, version->text())));
}

// The source becomes the address of a place in storage, where Azure ML expects a model to be; it
// must be within the caller's reach.
Answer create_model_version(Ledger& ledger, Context& context) {
  std::string workspace = TRY(ledger.workspaces().get(context.workspace_id())).arm_id;
  Json body = TRY(context.json());
  std::string name = TRY(required(body, "name")), source = TRY(required(body, "source"));
  RegisteredModel model = TRY(find_registered(ledger, context, name));
  std::string model_id = body["model_id"].text();
  std::string uri = TRY(source_address(ledger, context, source, model_id));
  while (uri.ends_with('/')) uri.pop_back();
  const auto authority = workspace::Authority::of(context.principal());
  TRY(ledger.workspaces().resolve_uri(workspace, uri, authority));
  std::string run_id = body["run_id"].text();
  if (run_id.empty() && !model_id.empty())
    run_id = TRY(find_logged_model(ledger, context, model_id)).source_run_id;
  Json properties = Json::object({{"modelUri", uri},
                                  {"modelType", "mlflow_model"},
                                  {"description", body["description"].text()},
                                  {"tags", tag_map(body["tags"])},
                                  {"properties", Json::object({{kSource.data(), source},
                                                               {kRunId.data(), run_id},
                                                               {kModelId.data(), model_id}})}});
  auto version = TRY(register_model(
      ledger, context, {workspace, assets::Kind::kModel, name, "", std::move(properties)},
      authority));
  model.updated = now();
  return version_answer(model, version);
}

Answer get_model_version(Ledger& ledger, Context& context) {
  std::string name = TRY(required_query(context, "name"));
  std::string version = TRY(required_query(context, "version"));
  assets::AssetVersion found = TRY(find_version(ledger, context, name, version));
  return version_answer(TRY(find_registered(ledger, context, name)), found);
}

Answer search_model_versions(Ledger& ledger, Context& context) {
  auto filter = TRY(parse_filter(context.query_or("filter", "")));
  struct Found : Searchable {
    const assets::AssetVersion* version = nullptr;
    std::optional<std::string> attribute(std::string_view key) const override {
      if (key == "name") return version->name;
      if (key == "version_number" || key == "version") return version->version;
      if (key == "run_id") return version->properties["properties"][kRunId].text();
      if (key == "source_path") return version->properties["properties"][kSource].text();
      return {};
    }
    std::optional<std::string> tag(std::string_view key) const override {
      const Json* value = version->properties["tags"].find(key);
      return value ? std::optional(value->text()) : std::nullopt;
    }
  };
  Json versions = Json::array();
  for (const assets::AssetVersion& version :
       TRY(ledger.assets().list(context.workspace_id(), assets::Kind::kModel))) {
    Found found;
    found.version = &version;
    if (!matches(filter, found)) continue;
    versions.push_back(version_json(TRY(find_registered(ledger, context, version.name)), version));
  }
  return core::json_response(Json::object({{"model_versions", std::move(versions)}}));
}

// An address in the asker's form, whatever the model's source was.
Answer get_model_download_uri(Ledger& ledger, Context& context) {
  std::string name = TRY(required_query(context, "name"));
  std::string version = TRY(required_query(context, "version"));
  assets::AssetVersion found = TRY(find_version(ledger, context, name, version));
  const Json& properties = found.properties["properties"];
  std::string model_id = properties[kModelId].text();
  std::string uri = cat({"mlflow-artifacts:/registered/", name, "/", version, "/artifacts"});
  if (!model_id.empty())
    uri = model_artifact_uri(context, TRY(find_logged_model(ledger, context, model_id)));
  return core::json_response(Json::object({{"artifact_uri", uri}}));
}

Answer set_model_version_tag(Ledger& ledger, Context& context) {
  std::string workspace = TRY(ledger.workspaces().get(context.workspace_id())).arm_id;
  Json body = TRY(context.json());
  std::string name = TRY(required(body, "name")), version = TRY(required(body, "version"));
  assets::AssetVersion found = TRY(find_version(ledger, context, name, version));
  Json properties = found.properties;
  properties["tags"].set(TRY(required(body, "key")), body["value"].text());
  TRY(register_model(ledger, context,
                     {workspace, assets::Kind::kModel, name, version, std::move(properties)},
                     workspace::Authority::settled()));
  return core::json_response(Json::object());
}

}  // namespace lazuli::runs
