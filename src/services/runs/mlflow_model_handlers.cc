// SPDX-License-Identifier: Apache-2.0
// Logged models (MLflow 3): without them mlflow.*.log_model fails.
#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/mlflow_handlers.h"
#include "services/runs/search_filter.h"

namespace lazuli::runs {
namespace {

http::Response wrapped(Context& context, const LoggedModel& model) {
  return core::json_response(Json::object({{"model", logged_model_json(context, model)}}));
}

Result<LoggedModel> store_changed(Ledger& ledger, LoggedModel model) {
  model.updated = now();
  TRY(ledger.models().put_logged(model));
  return model;
}

struct SearchableModel : Searchable {
  explicit SearchableModel(const LoggedModel& found) : model(found) {}
  std::optional<std::string> attribute(std::string_view key) const override {
    if (key == "name") return model.name;
    if (key == "model_id") return model.model_id;
    if (key == "source_run_id") return model.source_run_id;
    if (key == "status") return model.status;
    if (key == "model_type") return model.model_type;
    return {};
  }
  std::optional<std::string> tag(std::string_view key) const override {
    const Json* value = model.tags.find(key);
    return value ? std::optional(value->text()) : std::nullopt;
  }
  std::optional<std::string> param(std::string_view key) const override {
    const Json* value = model.params.find(key);
    return value ? std::optional(value->text()) : std::nullopt;
  }
  const LoggedModel& model;
};

}  // namespace

Result<LoggedModel> find_logged_model(Ledger& ledger, const Context& context,
                                      const std::string& model_id) {
  auto found = TRY(ledger.models().logged(context.workspace_id(), model_id));
  if (!found) return missing_resource(cat({"Logged model with ID '", model_id, "' not found."}));
  return *found;
}

Answer create_logged_model(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Experiment experiment =
      TRY(find_experiment(ledger, context, TRY(required(body, "experiment_id"))));
  LoggedModel model;
  model.model_id = "m-" + replace_all(new_uuid(), "-", "");
  model.workspace_id = experiment.workspace_id;
  model.experiment_id = experiment.id;
  model.name = body["name"].text();
  if (model.name.empty()) model.name = model.model_id;
  model.source_run_id = body["source_run_id"].text();
  model.model_type = body["model_type"].text();
  model.status = "LOGGED_MODEL_PENDING";
  model.created = model.updated = now();
  model.tags = tag_map(body["tags"]);
  model.params = tag_map(body["params"]);
  TRY(ledger.models().put_logged(model));
  return wrapped(context, model);
}

Answer get_logged_model(Ledger& ledger, Context& context) {
  return wrapped(context, TRY(find_logged_model(ledger, context, context.param("model"))));
}

Answer finish_logged_model(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  LoggedModel model = TRY(find_logged_model(ledger, context, context.param("model")));
  model.status = TRY(required(body, "status"));
  return wrapped(context, TRY(store_changed(ledger, std::move(model))));
}

Answer set_logged_model_tags(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  LoggedModel model = TRY(find_logged_model(ledger, context, context.param("model")));
  model.tags.merge_patch(tag_map(body["tags"]));
  return wrapped(context, TRY(store_changed(ledger, std::move(model))));
}

Answer log_logged_model_params(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  LoggedModel model = TRY(find_logged_model(ledger, context, context.param("model")));
  model.params.merge_patch(tag_map(body["params"]));
  TRY(store_changed(ledger, std::move(model)));
  return core::json_response(Json::object());
}

Answer search_logged_models(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  auto filter = TRY(parse_filter(body["filter"].str()));
  std::vector<std::string> experiments;
  for (const Json& id : body["experiment_ids"].items()) experiments.push_back(id.text());
  Json models = Json::array();
  for (const LoggedModel& model :
       TRY(ledger.models().logged_in(context.workspace_id(), experiments)))
    if (matches(filter, SearchableModel(model)))
      models.push_back(logged_model_json(context, model));
  return core::json_response(Json::object({{"models", std::move(models)}}));
}

}  // namespace lazuli::runs
