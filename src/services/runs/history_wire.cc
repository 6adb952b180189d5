// SPDX-License-Identifier: Apache-2.0
#include "services/runs/history_wire.h"

namespace lazuli::runs {
namespace {

Json time_or_null(Timestamp time) {
  return to_micros(time) == 0 ? Json() : Json(format_iso8601(time));
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

Json run_error_json(const Run& run) {
  if (!run.error) return {};
  Json inner = Json::object({{"code", run.error->wire_code},
                             {"message", run.error->message},
                             {"messageParameters", Json::object()},
                             {"details", Json::array()}});
  return Json::object({{"error", std::move(inner)}, {"time", time_or_null(run.ended)}});
}

Json run_json(const Run& run) {
  return Json::object({{"runId", run.run_id},
                       {"runUuid", run.run_id},
                       {"parentRunId", text_or_null(run.parent_run_id)},
                       {"rootRunId", run.root_run_id},
                       {"experimentId", run.experiment_id},
                       {"status", run.status},
                       {"runType", run.run_type},
                       {"displayName", run.display_name.empty() ? run.run_id : run.display_name},
                       {"name", run.display_name},
                       {"description", text_or_null(run.description)},
                       {"createdUtc", time_or_null(run.created)},
                       {"startTimeUtc", time_or_null(run.started)},
                       {"endTimeUtc", time_or_null(run.ended)},
                       {"createdBy", Json::object({{"userName", run.created_by}})},
                       {"hidden", run.hidden},
                       {"tags", run.tags},
                       {"properties", run.properties},
                       {"inputs", run.inputs},
                       {"outputs", run.outputs},
                       {"error", run_error_json(run)}});
}

}  // namespace lazuli::runs
