// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "core/arm.h"
#include "services/runs/mlflow_handlers.h"

namespace lazuli::runs {
namespace {

constexpr size_t kMetricsMax = 1000, kParamsMax = 100, kTagsMax = 100;

struct Batch {
  std::vector<Metric> metrics;
  std::vector<Param> params;
  Json tags = Json::object();
};

// All of it, or nothing: one transaction.
Result<void> write_batch(Ledger& ledger, const Run& run, const Batch& batch) {
  Store& store = ledger.store();
  return store.handle().write([&](db::Tx& tx) -> Result<void> {
    TRY(store.add_params(tx, run.run_id, batch.params));
    TRY(store.add_metrics(tx, run.run_id, batch.metrics));
    if (batch.tags.empty()) return {};
    auto fresh = TRY(store.find_in(tx, run.run_id));
    if (!fresh) return missing_resource("the run is gone");
    for (const auto& [key, value] : batch.tags.members()) {
      fresh->tags.set(key, value);
      if (key == "mlflow.runName") fresh->display_name = value.text();
    }
    return store.update(tx, *fresh);
  });
}

Result<Batch> batch_from(const Json& body) {
  if (body["metrics"].size() > kMetricsMax || body["params"].size() > kParamsMax ||
      body["tags"].size() > kTagsMax)
    return invalid_parameter(
        "A batch logging request can contain at most 1000 metrics, 100 params and 100 tags.");
  Batch batch;
  for (const Json& item : body["metrics"].items())
    batch.metrics.push_back(TRY(metric_from_json(item)));
  for (const Json& item : body["params"].items())
    batch.params.push_back(TRY(param_from_json(item)));
  batch.tags = tag_map(body["tags"]);
  return batch;
}

Answer done() { return core::json_response(Json::object()); }

}  // namespace

Answer log_metric(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run run = TRY(body_run(ledger, context, body));
  Batch batch;
  batch.metrics.push_back(TRY(metric_from_json(body)));
  TRY(write_batch(ledger, run, batch));
  return done();
}

Answer log_param(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run run = TRY(body_run(ledger, context, body));
  Batch batch;
  batch.params.push_back(TRY(param_from_json(body)));
  TRY(write_batch(ledger, run, batch));
  return done();
}

Answer log_batch(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run run = TRY(body_run(ledger, context, body));
  TRY(write_batch(ledger, run, TRY(batch_from(body))));
  return done();
}

Answer set_tag(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run run = TRY(body_run(ledger, context, body));
  Batch batch;
  batch.tags.set(TRY(required(body, "key")), body["value"].text());
  TRY(write_batch(ledger, run, batch));
  return done();
}

Answer delete_tag(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run run = TRY(body_run(ledger, context, body));
  std::string key = TRY(required(body, "key"));
  bool known = run.tags.contains(key);
  if (!known) return missing_resource(cat({"No tag with name: ", key, " in run ", run.run_id}));
  TRY(ledger.change(run.workspace_id, run.run_id, [&](Run& each) -> Result<void> {
    each.tags.erase(key);
    return {};
  }));
  return done();
}

Answer log_outputs(Ledger& ledger, Context& context) {
  Json body = TRY(context.json());
  Run run = TRY(body_run(ledger, context, body));
  TRY(ledger.store().handle().write([&](db::Tx& tx) -> Result<void> {
    return ledger.store().add_outputs(tx, run.run_id, body["models"]);
  }));
  return done();
}

Answer get_metric_history(Ledger& ledger, Context& context) {
  Json query = Json::object(
      {{"run_id", context.query_or("run_id", "")}, {"run_uuid", context.query_or("run_uuid", "")}});
  Run run = TRY(body_run(ledger, context, query));
  std::string key = TRY(required_query(context, "metric_key"));
  size_t limit = static_cast<size_t>(std::clamp<int64_t>(
      parse_int(context.query_or("max_results", "25000")).value_or(25000), 1, 25000));
  size_t skip = static_cast<size_t>(
      std::max<int64_t>(0, parse_int(context.query_or("page_token", "0")).value_or(0)));
  Json metrics = Json::array();
  for (const Metric& metric : TRY(ledger.store().history(run.run_id, key, limit, skip)))
    metrics.push_back(metric_json(metric));
  bool full = metrics.size() == limit;
  Json answer = Json::object({{"metrics", std::move(metrics)}});
  if (full) answer.set("next_page_token", std::to_string(skip + limit));
  return core::json_response(answer);
}

}  // namespace lazuli::runs
