// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "base/ids.h"
#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/mlflow_handlers.h"
#include "services/runs/search_filter.h"

namespace lazuli::runs {
namespace {

constexpr size_t kSearchMax = 50000;

struct FoundRun : Searchable {
  Run run;
  RunData data;

  std::optional<std::string> attribute(std::string_view key) const override {
    if (key == "status") return mlflow_status(run.status);
    if (key == "run_id") return run.run_id;
    if (key == "run_name" || key == "name") return run.display_name;
    if (key == "user_id") return run.created_by;
    if (key == "start_time" || key == "created")
      return std::to_string(to_micros(to_micros(run.started) ? run.started : run.created) / 1000);
    if (key == "end_time") return std::to_string(to_micros(run.ended) / 1000);
    return {};
  }
  std::optional<std::string> tag(std::string_view key) const override {
    if (key == "mlflow.parentRunId" && !run.parent_run_id.empty()) return run.parent_run_id;
    if (key == "mlflow.runName") return run.display_name;
    const Json* value = run.tags.find(key);
    return value ? std::optional(value->text()) : std::nullopt;
  }
  std::optional<std::string> param(std::string_view key) const override {
    for (const Param& each : data.params)
      if (each.key == key) return each.value;
    return {};
  }
  std::optional<double> metric(std::string_view key) const override {
    for (const Metric& each : data.metrics)
      if (each.key == key) return each.value;
    return {};
  }
};

http::Response wrapped(Context& context, const Run& run, const RunData& data) {
  return core::json_response(Json::object({{"run", mlflow_run_json(context, run, data)}}));
}

// One term of order_by: "metrics.accuracy DESC". Absent values come last.
struct Order {
  std::string entity, key;
  bool descending = false;
};

Order parse_order(std::string_view text) {
  Order order;
  std::string_view term = trim(text);
  std::string lower = to_lower(term);
  order.descending = lower.ends_with(" desc");
  if (order.descending || lower.ends_with(" asc")) term = trim(term.substr(0, term.rfind(' ')));
  size_t dot = term.find('.');
  order.entity = dot == std::string_view::npos ? "attributes" : to_lower(term.substr(0, dot));
  order.key = dot == std::string_view::npos ? term : term.substr(dot + 1);
  for (char quote : {'`', '"'})
    if (order.key.size() > 1 && order.key.front() == quote && order.key.back() == quote)
      order.key = order.key.substr(1, order.key.size() - 2);
  return order;
}

std::optional<std::string> text_of(const FoundRun& run, const Order& order) {
  if (order.entity.starts_with("param")) return run.param(order.key);
  if (order.entity.starts_with("tag")) return run.tag(order.key);
  return run.attribute(order.key);
}

// <0, 0, >0 with the term's direction applied.
int compare(const FoundRun& a, const FoundRun& b, const Order& order) {
  int sign = order.descending ? -1 : 1;
  if (order.entity.starts_with("metric")) {
    auto left = a.metric(order.key), right = b.metric(order.key);
    bool no_left = !left || std::isnan(*left), no_right = !right || std::isnan(*right);
    if (no_left || no_right) return int{no_left} - int{no_right};
    return *left == *right ? 0 : (*left < *right ? -sign : sign);
  }
  auto left = text_of(a, order), right = text_of(b, order);
  if (!left || !right) return int{!left} - int{!right};
  return left->compare(*right) * sign;
}

void sort_runs(std::vector<FoundRun>& runs, const Json& order_by) {
  std::vector<Order> orders;
  for (const Json& item : order_by.items()) orders.push_back(parse_order(item.str()));
  std::stable_sort(runs.begin(), runs.end(), [&](const FoundRun& a, const FoundRun& b) {
    for (const Order& order : orders)
      if (int result = compare(a, b, order)) return result < 0;
    return false;
  });
}

bool in_view(const Run& run, std::string_view view) {
  return view == "ALL" || run.hidden == (view == "DELETED_ONLY");
}

Result<std::vector<FoundRun>> find_runs(Ledger& ledger, const Context& context, const Json& body) {
  auto filter = TRY(parse_filter(body["filter"].str()));
  std::vector<std::string> experiments;
  for (const Json& id : body["experiment_ids"].items()) experiments.push_back(id.text());
  std::string view = body["run_view_type"].text();
  if (view.empty()) view = "ACTIVE_ONLY";
  std::vector<FoundRun> found;
  for (Run& run : TRY(ledger.store().in_experiments(context.workspace_id(), experiments))) {
    if (!in_view(run, view)) continue;
    FoundRun candidate;
    candidate.data = TRY(ledger.store().data(run.run_id));
    candidate.run = std::move(run);
    if (matches(filter, candidate)) found.push_back(std::move(candidate));
  }
  sort_runs(found, body["order_by"]);
  return found;
}

}  // namespace

Result<Run> body_run(Ledger& ledger, const Context& context, const Json& body) {
  std::string id = body["run_id"].text();
  if (id.empty()) id = TRY(required(body, "run_uuid"));
  auto run = TRY(ledger.store().find(context.workspace_id(), id));
  if (!run) return missing_resource(cat({"Run with id=", id, " not found"}));
  return *run;
}

Answer create_mlflow_run(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Experiment experiment =
      TRY(find_experiment(ledger, context, TRY(required(body, "experiment_id"))));
  Run run;
  run.workspace_id = experiment.workspace_id;
  run.run_id = new_uuid();
  run.experiment_name = experiment.name;
  run.experiment_id = experiment.id;
  run.tags = tag_map(body["tags"]);
  run.display_name = body["run_name"].text();
  if (run.display_name.empty()) run.display_name = run.tags["mlflow.runName"].text();
  if (run.display_name.empty()) run.display_name = "run-" + run.run_id.substr(0, 8);
  run.parent_run_id = run.tags["mlflow.parentRunId"].text();
  run.run_type = "mlflow";
  run.status = "Running";
  run.created_by = context.principal().name();
  run.created = run.started = now();
  TRY(ledger.store().handle().write(
      [&](db::Tx& tx) -> Result<void> { return ledger.create(tx, run); }));
  run.root_run_id = run.run_id;
  return wrapped(context, run, {});
}

Answer get_mlflow_run(Ledger& ledger, Context& context) {
  Json query = Json::object(
      {{"run_id", context.query_or("run_id", "")}, {"run_uuid", context.query_or("run_uuid", "")}});
  Run run = TRY(body_run(ledger, context, query));
  return wrapped(context, run, TRY(ledger.store().data(run.run_id)));
}

// A job's status is the server's business: its script ends "its" run when mlflow's context closes.
Answer update_mlflow_run(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run before = TRY(body_run(ledger, context, body));
  std::string status;
  if (body.contains("status")) status = TRY(status_from_mlflow(body["status"].str()));
  Run run = TRY(ledger.change(before.workspace_id, before.run_id, [&](Run& each) -> Result<void> {
    if (!body["run_name"].str().empty()) each.display_name = body["run_name"].text();
    if (is_job(each) || status.empty()) return {};
    each.status = status;
    int64_t ended = body["end_time"].is_string() ? parse_int(body["end_time"].str()).value_or(0)
                                                 : body["end_time"].integer();
    if (is_terminal(status)) each.ended = ended ? from_micros(ended * 1000) : now();
    return {};
  }));
  RunData data = TRY(ledger.store().data(run.run_id));
  return core::json_response(
      Json::object({{"run_info", mlflow_run_json(context, run, data)["info"]}}));
}

Answer search_mlflow_runs(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  std::vector<FoundRun> found = TRY(find_runs(ledger, context, body));
  size_t limit = static_cast<size_t>(body["max_results"].integer(1000));
  limit = std::clamp<size_t>(limit, 1, kSearchMax);
  size_t skip =
      static_cast<size_t>(std::max<int64_t>(0, parse_int(body["page_token"].str()).value_or(0)));
  Json runs = Json::array();
  for (size_t i = skip; i < found.size() && i < skip + limit; ++i)
    runs.push_back(mlflow_run_json(context, found[i].run, found[i].data));
  Json answer = Json::object({{"runs", std::move(runs)}});
  if (skip + limit < found.size()) answer.set("next_page_token", std::to_string(skip + limit));
  return core::json_response(answer);
}

Answer set_run_hidden(Ledger& ledger, Context& context, bool hidden) {
  Run run = TRY(body_run(ledger, context, TRY(context.json())));
  TRY(ledger.change(run.workspace_id, run.run_id, [&](Run& each) -> Result<void> {
    each.hidden = hidden;
    return {};
  }));
  return core::json_response(Json::object());
}

}  // namespace lazuli::runs
