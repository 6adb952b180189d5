// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "base/strings.h"
#include "codec/text.h"
#include "core/arm.h"
#include "core/events.h"
#include "crypto/digest.h"
#include "services/jobs/definition.h"
#include "services/jobs/handlers.h"
#include "services/jobs/store.h"
#include "services/jobs/wire.h"

namespace lazuli::jobs {
namespace {

constexpr size_t kListBatch = 200;

Error already_ended(const std::string& id) {
  return conflict(cat({"The job '", id, "' has already ended."}), "JobAlreadyEnded");
}

Error no_such_job(const std::string& id) {
  return not_found(cat({"There is no job '", id, "' in this workspace."}));
}

Result<Job> require_job(const Context& context, const core::RequestContext& request) {
  const auto workspace = TRY(context.peers.workspaces.get(request.workspace_id()));
  const std::string& id = request.param("job");
  auto job = TRY(context.db.read(
      [&](db::Reader& reader) { return Store::find(reader, workspace.arm_id, id); }));
  if (!job) return no_such_job(id);
  return std::move(*job);
}

Result<Json> resource_of(const Context& context, const core::RequestContext& request,
                         const Job& job) {
  return present(request, context, job, TRY(context.peers.runs.get(job.workspace_id, job.id)));
}

// Two requests that ask for the same job, such as a retry after a lost answer, agree in it.
std::string fingerprint_of(const Json& properties) {
  const std::string digest = crypto::sha256(properties.dump());
  return to_hex(std::as_bytes(std::span(digest)));
}

runs::Run run_of(const PlannedJob& planned, const std::string& experiment) {
  return {.workspace_id = planned.job.workspace_id,
          .run_id = planned.job.id,
          .experiment_name = experiment,
          .display_name = planned.display_name,
          .description = planned.description,
          .parent_run_id = planned.job.parent_id,
          .root_run_id = planned.job.root_id,
          .status = "NotStarted",
          .run_type = planned.run_type,
          .created_by = planned.job.created_by,
          .tags = planned.tags,
          .properties = planned.run_properties,
          .inputs = planned.run_inputs,
          .created = planned.job.created};
}

Result<void> create(const Context& context, db::Tx& tx, const Plan& plan) {
  for (const PlannedJob& planned : plan.jobs) {
    if (!TRY(Store::insert(context.db.join(tx), planned.job))) {
      return conflict(cat({"A job with the name '", planned.job.id, "' exists already."}),
                      "JobAlreadyExists");
    }
    TRY(context.peers.runs.create(
        tx, run_of(planned, planned.job.properties["experimentName"].text())));
  }
  return context.peers.workflow.submit(tx, plan.jobs.front().job.id, plan.definition);
}

enum class View { kActive, kArchived, kAll };

Result<View> view_of(const core::RequestContext& request) {
  const std::string_view text = request.query_or("listViewType", "ActiveOnly");
  if (iequals(text, "ActiveOnly")) return View::kActive;
  if (iequals(text, "ArchivedOnly")) return View::kArchived;
  if (iequals(text, "All")) return View::kAll;
  return invalid_argument("listViewType is ActiveOnly, ArchivedOnly or All.",
                          "InvalidQueryParameterValue");
}

// `tag` is "name" or "name=value".
bool has_tag(const runs::Run& run, std::string_view tag) {
  if (tag.empty()) return true;
  const size_t equals = tag.find('=');
  const Json* value = run.tags.find(tag.substr(0, equals));
  if (value == nullptr) return false;
  return equals == std::string_view::npos || value->text() == tag.substr(equals + 1);
}

struct Filter {
  View view;
  std::string_view tag;
  bool matches(const runs::Run& run) const {
    if (view == View::kActive && run.hidden) return false;
    if (view == View::kArchived && !run.hidden) return false;
    return has_tag(run, tag);
  }
};

}  // namespace

// Jobs_CreateOrUpdate.
Answer put_job(const Context& context, core::RequestContext& request) {
  const auto workspace = TRY(context.peers.workspaces.get(request.workspace_id()));
  const std::string& id = request.param("job");
  TRY(check_job_name(id));
  const Json body = TRY(request.json());
  const Json& properties = body["properties"];
  if (!properties.is_object()) {
    return invalid_argument("The body has no 'properties'.", "InvalidRequestContent");
  }
  const std::string fingerprint = fingerprint_of(properties);
  const auto existing =
      TRY(context.db.read([&](db::Reader& reader) { return Store::find_by_id(reader, id); }));
  if (existing && existing->workspace_id == workspace.arm_id &&
      existing->fingerprint == fingerprint) {
    return core::json_response(TRY(resource_of(context, request, *existing)));
  }
  if (existing) {
    return conflict(cat({"A job with the name '", id, "' exists already: jobs cannot be changed, ",
                         "submit another one under a new name."}),
                    "JobAlreadyExists");
  }
  const RunIdentities identities(context.peers.directory, context.authorizer, request.principal());
  const Resolver resolver(context.peers.workspaces, context.peers.assets, workspace,
                          request.principal(), identities);
  Plan plan = TRY(plan_job(resolver, {.job_id = id,
                                      .properties = properties,
                                      .object_id = request.principal().object_id(),
                                      .created_by = request.principal().name()}));
  plan.jobs.front().job.fingerprint = fingerprint;
  TRY(context.db.write([&](db::Tx& tx) { return create(context, tx, plan); }));
  return core::json_response(TRY(resource_of(context, request, plan.jobs.front().job)), 201);
}

// Jobs_Get.
// A run that no job of ours made (MLflow's own) is a job without properties: the client then asks
// run history for the rest.
Answer get_job(const Context& context, core::RequestContext& request) {
  const auto job = require_job(context, request);
  if (job.ok()) return core::json_response(TRY(resource_of(context, request, *job)));
  if (job.error().code != Code::kNotFound) return job.error();
  const auto run = context.peers.runs.get(request.workspace_id(), request.param("job"));
  if (!run.ok()) return job.error();
  const core::SystemData data{run->created_by, run->created_by, run->created, run->created};
  return core::json_response(core::arm_envelope(request.arm_id(), data, Json()));
}

// Jobs_List: submitted jobs, newest first.
Answer list_jobs(const Context& context, core::RequestContext& request) {
  const auto workspace = TRY(context.peers.workspaces.get(request.workspace_id()));
  const core::Page page = TRY(core::page_of(request));
  const Filter filter{TRY(view_of(request)), request.query_or("tag", {})};
  const std::string type(request.query_or("jobType", {}));
  Json::Array found;
  size_t passed = 0;
  for (size_t at = 0; found.size() <= page.top; at += kListBatch) {
    const auto batch = TRY(context.db.read([&](db::Reader& reader) {
      return Store::list(reader, workspace.arm_id, type, at, kListBatch);
    }));
    for (const Job& job : batch) {
      if (found.size() > page.top) break;
      const runs::Run run = TRY(context.peers.runs.get(job.workspace_id, job.id));
      if (!filter.matches(run) || passed++ < page.skip) continue;
      found.push_back(present(request, context, job, run));
    }
    if (batch.size() < kListBatch) break;
  }
  const bool more = found.size() > page.top;
  if (more) found.pop_back();
  return core::json_response(
      core::arm_list(std::move(found), more ? core::next_link(request, page) : std::string()));
}

// Jobs_Delete: the job and its steps; run history keeps what it knows of them.
Answer delete_job(const Context& context, core::RequestContext& request) {
  TRY(context.peers.workspaces.get(request.workspace_id()));
  const auto found = require_job(context, request);
  if (!found.ok() && found.error().code == Code::kNotFound) return http::Response(204);
  const Job job = TRY(require_job(context, request));
  if (!job.parent_id.empty()) {
    return conflict(cat({"'", job.id, "' is a step of the job '", job.root_id,
                         "' and can only be deleted with it."}));
  }
  if (!job.ended) {
    return conflict(cat({"The job '", job.id, "' has not ended yet: cancel it first."}));
  }
  TRY(context.db.write([&](db::Tx& tx) -> Result<void> {
    TRY(Store::remove_family(tx, job.id));
    return core::publish_deleted(context.events, tx, request.arm_id());
  }));
  return http::Response(200);
}

// Jobs_Cancel: answers 202 and a status to poll, which succeeds once the job has ended.
Answer cancel_job(const Context& context, core::Operations& operations,
                  core::RequestContext& request) {
  const Job job = TRY(require_job(context, request));
  if (!job.parent_id.empty()) {
    return invalid_argument(
        cat({"'", job.id, "' is a step of the job '", job.root_id, "': cancel that one."}),
        "UserError");
  }
  if (job.ended) {
    const runs::Run run = TRY(context.peers.runs.get(job.workspace_id, job.id));
    if (run.status == "Canceled") return http::Response(200);
    return already_ended(job.id);
  }
  const std::string operation = TRY(context.db.write([&](db::Tx& tx) -> Result<std::string> {
    db::Tx& own = context.db.join(tx);
    const auto current = TRY(Store::find_by_id(own, job.id));
    if (!current) return no_such_job(job.id);
    if (!current->cancel_operation.empty()) return current->cancel_operation;
    std::string begun = TRY(operations.begin(tx, job_arm_id(job)));
    TRY(Store::set_cancel_operation(own, job.id, begun));
    TRY(context.peers.workflow.cancel(tx, job.id));
    return begun;
  }));
  http::Response response(202);
  core::add_polling_headers(request, operation, response);
  return response;
}

}  // namespace lazuli::jobs
