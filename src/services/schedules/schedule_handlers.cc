// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "core/arm.h"
#include "core/auth.h"
#include "services/schedules/handlers.h"
#include "services/schedules/store.h"
#include "services/schedules/trigger.h"

// azure-ai-ml entities/_schedule/schedule.py and operations/_schedule_operations.py
namespace lazuli::schedules {
namespace {

constexpr size_t kNameMax = 200;  // its jobs' names are longer

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Result<void> check_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= kNameMax && is_alphanumeric(name.front());
  for (const char c : name) good &= is_alphanumeric(c) || c == '-' || c == '_';
  if (good) return {};
  return invalid_argument(
      cat({"'", name.substr(0, kNameMax),
           "' cannot be a schedule's name: use up to 200 letters, digits, '-' and '_', beginning "
           "with a letter or digit."}),
      "InvalidScheduleName");
}

Result<void> check_action(const Json& action) {
  const std::string type = action["actionType"].text();
  for (const std::string_view other :
       {"CreateMonitor", "ImportData", "InvokeBatchEndpoint", "MonitorSchedule"}) {
    if (!iequals(type, other)) continue;
    return unimplemented(
        cat({"Schedules with the action '", type, "' are not available yet; CreateJob is."}),
        "ScheduleActionNotSupported");
  }
  if (!iequals(type, "CreateJob")) {
    return invalid_argument(cat({"'", type, "' is no action of a schedule: CreateJob is."}),
                            "InvalidScheduleAction");
  }
  if (action["jobDefinition"]["jobType"].str().empty()) {
    return invalid_argument("The schedule's action has no 'jobDefinition' with a 'jobType'.",
                            "InvalidScheduleAction");
  }
  return {};
}

Json present(const core::RequestContext& request, const Schedule& schedule) {
  Json properties = schedule.properties;
  properties.set("isEnabled", schedule.enabled);
  properties.set("provisioningState", "Succeeded");
  for (const char* map : {"tags", "properties"}) {
    if (!properties[map].is_object()) properties.set(map, Json::object());
  }
  const std::string id = cat({request.workspace_id(), "/schedules/", schedule.name});
  return core::arm_envelope(id, schedule.system_data, std::move(properties));
}

uint16_t port_of(const core::RequestContext& request) {
  const std::string suffix = request.port_suffix();  // ":8443"
  if (suffix.size() < 2) return 443;
  return static_cast<uint16_t>(parse_int(std::string_view(suffix).substr(1)).value_or(443));
}

Result<Schedule> require(const Context& context, const core::RequestContext& request) {
  TRY(context.workspaces.get(request.workspace_id()));
  const std::string& name = request.param("name");
  auto found = TRY(context.db.read(
      [&](db::Reader& reader) { return Store::find(reader, request.workspace_id(), name); }));
  if (!found) {
    return not_found(cat({"There is no schedule '", name, "' in this workspace."}),
                     "ScheduleNotFound");
  }
  return std::move(*found);
}

Result<View> view_of(const core::RequestContext& request) {
  const std::string_view text = request.query_or("listViewType", "EnabledOnly");
  if (iequals(text, "EnabledOnly")) return View::kEnabled;
  if (iequals(text, "DisabledOnly")) return View::kDisabled;
  if (iequals(text, "All")) return View::kAll;
  return invalid_argument("listViewType is EnabledOnly, DisabledOnly or All.",
                          "InvalidQueryParameterValue");
}

// Whoever may not submit jobs cannot have them submitted either.
Result<void> check_submits(const Context& context, core::RequestContext& request,
                           const std::string& workspace_id, const std::string& name) {
  return context.dispatcher.preflight(
      request.principal(),
      {.method = http::Method::kPut,
       .target = cat({workspace_id, "/jobs/", name, "?api-version=2025-01-01-preview"})});
}

}  // namespace

// Schedules_CreateOrUpdate. A trigger that stays as it was goes on from where it is.
Answer put_schedule(const Context& context, core::RequestContext& request) {
  const auto workspace = TRY(context.workspaces.get(request.workspace_id()));
  const std::string& name = request.param("name");
  TRY(check_name(name));
  const Json body = TRY(request.json());
  const Json& properties = body["properties"];
  TRY(check_action(properties["action"]));
  if (request.principal().grants())
    return permission_denied("A limited credential cannot leave schedules behind.",
                             "AuthorizationFailed");
  TRY(check_submits(context, request, workspace.arm_id, name));
  const Timestamp at = now();
  const std::string caller = core::keep_caller(request.principal(), context.vault);
  bool existed = false;
  const Schedule made = TRY(context.db.write([&](db::Tx& tx) -> Result<Schedule> {
    const auto before = TRY(Store::find(tx, workspace.arm_id, name));
    existed = before.has_value();
    const std::string& who = request.principal().name();
    Schedule schedule{.workspace_id = workspace.arm_id,
                      .name = before ? before->name : name,
                      .properties = properties,
                      .enabled = properties["isEnabled"].boolean(true),
                      .anchor = at,
                      .caller = caller,
                      .port = port_of(request),
                      .system_data = {who, who, at, at}};
    if (before) {
      schedule.system_data.created_by = before->system_data.created_by;
      schedule.system_data.created_at = before->system_data.created_at;
    }
    const bool same = before && before->properties["trigger"] == properties["trigger"];
    if (same) schedule.anchor = before->anchor;
    const Trigger trigger = TRY(Trigger::parse(properties["trigger"], schedule.anchor));
    if (!schedule.enabled) {
      schedule.next = std::nullopt;
    } else if (same && before->enabled) {
      schedule.next = before->next;
    } else {
      schedule.next = trigger.next(at - Duration(1));
    }
    TRY(Store::put(tx, schedule));
    tx.after_commit([&firer = context.firer] { firer.wake(); });
    return schedule;
  }));
  return core::json_response(present(request, made), existed ? 200 : 201);
}

// Schedules_Get.
Answer get_schedule(const Context& context, core::RequestContext& request) {
  return core::json_response(present(request, TRY(require(context, request))));
}

// Schedules_List.
Answer list_schedules(const Context& context, core::RequestContext& request) {
  const auto workspace = TRY(context.workspaces.get(request.workspace_id()));
  const core::Page page = TRY(core::page_of(request));
  const View view = TRY(view_of(request));
  const auto found = TRY(context.db.read([&](db::Reader& reader) {
    return Store::list(reader, workspace.arm_id, view, page.skip, page.top + 1);
  }));
  Json::Array items;
  for (const Schedule& schedule : found) {
    if (items.size() < page.top) items.push_back(present(request, schedule));
  }
  const bool more = found.size() > page.top;
  return core::json_response(
      core::arm_list(std::move(items), more ? core::next_link(request, page) : std::string()));
}

// Schedules_Delete. Jobs it has submitted go on.
Answer delete_schedule(const Context& context, core::RequestContext& request) {
  const auto workspace = TRY(context.workspaces.get(request.workspace_id()));
  const bool removed = TRY(context.db.write([&](db::Tx& tx) -> Result<bool> {
    if (!TRY(Store::remove(tx, workspace.arm_id, request.param("name")))) return false;
    TRY(core::publish_deleted(context.events, tx, request.arm_id()));
    return true;
  }));
  return http::Response(removed ? 200 : 204);
}

// Schedules_Trigger: fires now, in the name of the given time; that time again is the same firing.
Answer trigger_schedule(const Context& context, core::RequestContext& request) {
  const Schedule schedule = TRY(require(context, request));
  TRY(check_submits(context, request, schedule.workspace_id, schedule.name));
  const Json body = request.body().empty() ? Json::object() : TRY(request.json());
  Timestamp scheduled = now();
  if (const std::string_view text = body["scheduleTime"].str(); !text.empty()) {
    scheduled = TRY(parse_iso8601(text));
    if (scheduled > now())
      return invalid_argument("scheduleTime lies in the future.", "InvalidScheduleTime");
  }
  const Firing firing = TRY(
      context.db.write([&](db::Tx& tx) { return context.firer.fire(tx, schedule, scheduled); }));
  return core::json_response(
      Json::object({{"scheduleActionType", "CreateJob"}, {"submissionId", firing.job_name}}));
}

}  // namespace lazuli::schedules
