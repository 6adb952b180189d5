// SPDX-License-Identifier: Apache-2.0
// The data plane of an endpoint.
// Source: https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints
// (status codes) and azureml-inference-server-http (headers).
#include <charconv>

#include "base/strings.h"
#include "core/arm.h"
#include "core/overload.h"
#include "services/endpoints/handlers.h"

namespace lazuli::endpoints {
namespace {

// Counts a request in and out of its lane.
class Admission {
 public:
  explicit Admission(Lane& lane) : lane_(lane), count_(lane.in_flight.fetch_add(1) + 1) {}
  ~Admission() { lane_.in_flight.fetch_sub(1); }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  bool over_limit() const { return count_ > lane_.in_flight_max; }

 private:
  Lane& lane_;
  int64_t count_;
};

std::string milliseconds(std::chrono::nanoseconds took) {
  char buffer[32];
  double value = static_cast<double>(took.count()) / 1e6;
  auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, 3);
  return std::string(buffer, static_cast<size_t>(end - buffer));
}

// Whatever the model says but success is 424, with its own status in a header.
http::Response model_error(const Error& error) {
  int status = error.code == Code::kInternal ? 500 : 400;
  http::Response response(424, Json::object({{"message", error.message}}).dump(),
                          "application/json");
  response.header("ms-azureml-model-error-reason", "model_error")
      .header("ms-azureml-model-error-statuscode", std::to_string(status));
  if (status == 500) response.header("x-ms-run-function-failed", "True");
  return response;
}

void add_ids(const Context& context, http::Response& response) {
  std::string_view id = context.header("x-request-id");
  if (id.size() > 100 || id.find_first_of("\r\n") != std::string_view::npos) id = {};
  response.header("x-request-id", id.empty() ? std::string_view(context.request_id()) : id);
}

}  // namespace

Answer score(Manager& manager, Context& context) {
  auto target = manager.routing().find(endpoint_of(context.head().host));
  if (!target) return not_found("The endpoint does not exist.");
  std::shared_ptr<Lane> lane =
      TRY(Routing::choose(*target, context.header("azureml-model-deployment")));
  Admission admission(*lane);
  if (admission.over_limit()) return core::busy(core::ErrorShape::kScoring);
  auto begin = std::chrono::steady_clock::now();
  Result<std::string> reply = lane->model->score_json(context.body());
  auto took = std::chrono::steady_clock::now() - begin;
  const int64_t mean_ns = lane->mean_ns.load(std::memory_order_relaxed);
  lane->mean_ns.store((mean_ns * 7 + took.count()) / 8, std::memory_order_relaxed);
  http::Response response = reply.ok() ? http::Response(200, std::move(*reply), "application/json")
                                       : model_error(reply.error());
  if (!reply.ok())
    manager.note(std::string(endpoint_of(context.head().host)), lane->name,
                 cat({context.request_id(), " ", reply.error().message}));
  std::string time = milliseconds(took);
  response.header("x-ms-run-fn-exec-ms", time)
      .header("ms-azureml-model-time", time)
      .header("azureml-model-deployment", lane->name);
  add_ids(context, response);
  return response;
}

}  // namespace lazuli::endpoints
