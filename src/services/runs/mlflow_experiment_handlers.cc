// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/mlflow_handlers.h"
#include "services/runs/search_filter.h"

namespace lazuli::runs {
namespace {

http::Response wrapped(const Context& context, const Experiment& experiment) {
  return core::json_response(Json::object({{"experiment", experiment_json(context, experiment)}}));
}

struct SearchableExperiment : Searchable {
  explicit SearchableExperiment(const Experiment& found) : experiment(found) {}
  std::optional<std::string> attribute(std::string_view key) const override {
    if (key == "name") return experiment.name;
    return {};
  }
  std::optional<std::string> tag(std::string_view key) const override {
    const Json* value = experiment.tags.find(key);
    return value ? std::optional(value->text()) : std::nullopt;
  }
  const Experiment& experiment;
};

bool in_view(const Experiment& experiment, std::string_view view) {
  if (view == "ALL") return true;
  return experiment.deleted == (view == "DELETED_ONLY");
}

}  // namespace

Result<std::string> required(const Json& body, std::string_view name) {
  std::string value = body[name].text();
  if (value.empty())
    return invalid_parameter(cat({"Missing value for required parameter '", name, "'."}));
  return value;
}

Result<std::string> required_query(const Context& context, std::string_view name) {
  auto value = context.query(name);
  if (!value || value->empty())
    return invalid_parameter(cat({"Missing value for required parameter '", name, "'."}));
  return std::string(*value);
}

Result<Experiment> find_experiment(Ledger& ledger, const Context& context, const std::string& id) {
  auto found = TRY(ledger.store().experiment(context.workspace_id(), id));
  if (!found) return missing_resource(cat({"No Experiment with id=", id, " exists"}));
  return *found;
}

Answer create_experiment(Ledger& ledger, Context& context) {
  std::string workspace = TRY(ledger.workspaces().get(context.workspace_id())).arm_id;
  Json body = TRY(context.json());
  std::string name = TRY(required(body, "name"));
  if (TRY(ledger.store().experiment_by_name(workspace, name)))
    return existing_resource(cat({"Experiment '", name, "' already exists."}));
  Experiment made = TRY(ledger.store().handle().write([&](db::Tx& tx) -> Result<Experiment> {
    Experiment experiment = TRY(ledger.store().ensure_experiment(tx, workspace, name));
    experiment.tags = tag_map(body["tags"]);
    TRY(ledger.store().update_experiment(tx, experiment));
    return experiment;
  }));
  return core::json_response(Json::object({{"experiment_id", made.id}}));
}

Answer get_experiment(Ledger& ledger, Context& context) {
  std::string id = TRY(required_query(context, "experiment_id"));
  return wrapped(context, TRY(find_experiment(ledger, context, id)));
}

Answer get_experiment_by_name(Ledger& ledger, Context& context) {
  std::string name = TRY(required_query(context, "experiment_name"));
  auto found = TRY(ledger.store().experiment_by_name(context.workspace_id(), name));
  if (!found) return missing_resource(cat({"Could not find experiment with name '", name, "'"}));
  return wrapped(context, *found);
}

Answer search_experiments(Ledger& ledger, Context& context) {
  Json body = Json::object({{"filter", context.query_or("filter", "")},
                            {"view_type", context.query_or("view_type", "")}});
  if (!context.body().empty()) body = TRY(context.json());
  auto filter = TRY(parse_filter(body["filter"].str()));
  std::string view = body["view_type"].text();
  if (view.empty()) view = "ACTIVE_ONLY";
  Json found = Json::array();
  for (const Experiment& experiment : TRY(ledger.store().experiments(context.workspace_id())))
    if (in_view(experiment, view) && matches(filter, SearchableExperiment(experiment)))
      found.push_back(experiment_json(context, experiment));
  return core::json_response(Json::object({{"experiments", std::move(found)}}));
}

Answer set_experiment_tag(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Experiment experiment =
      TRY(find_experiment(ledger, context, TRY(required(body, "experiment_id"))));
  experiment.tags.set(TRY(required(body, "key")), body["value"].text());
  TRY(ledger.store().handle().write([&](db::Tx& tx) -> Result<void> {
    return ledger.store().update_experiment(tx, experiment);
  }));
  return core::json_response(Json::object());
}

}  // namespace lazuli::runs
