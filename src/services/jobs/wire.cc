// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/wire.h"

#include "base/strings.h"
#include "codec/text.h"
#include "core/arm.h"

namespace lazuli::jobs {
namespace {

constexpr size_t kNameMax = 255;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

Json service_json(const char* type, const std::string& endpoint) {
  return Json::object({{"jobServiceType", type},
                       {"endpoint", endpoint},
                       {"port", Json()},
                       {"status", Json()},
                       {"errorMessage", Json()},
                       {"properties", Json::object()}});
}

Json services_of(const core::RequestContext& request, const Context& context, const Job& job) {
  const core::Installation& here = context.installation;
  const std::string studio = request.url(
      "ml.azure", cat({"/runs/", job.id, "?wsid=", job.workspace_id, "&tid=", here.tenant_id}));
  const std::string tracking = cat({"azureml://", here.region, ".api.ml.azure.", here.domain,
                                    request.port_suffix(), "/mlflow/v1.0", job.workspace_id, "?"});
  return Json::object({{"Tracking", service_json("Tracking", tracking)},
                       {"Studio", service_json("Studio", studio)}});
}

}  // namespace

Result<void> check_job_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= kNameMax && is_alphanumeric(name.front());
  for (const char c : name) good &= is_alphanumeric(c) || c == '-' || c == '_';
  if (good) return {};
  return invalid_argument(
      cat({"'", name.substr(0, kNameMax),
           "' cannot be a job's name: use up to 255 letters, digits, '-' and '_', beginning with a "
           "letter or digit."}),
      "InvalidJobName");
}

std::string job_arm_id(const Job& job) { return cat({job.workspace_id, "/jobs/", job.id}); }

Json present(const core::RequestContext& request, const Context& context, const Job& job,
             const runs::Run& run) {
  Json properties = job.properties;
  properties.set("jobType", job.type);
  properties.set("displayName", run.display_name);
  properties.set("description", run.description);
  properties.set("experimentName", run.experiment_name);
  properties.set("tags", run.tags.is_object() ? run.tags : Json::object());
  properties.set("properties", run.properties.is_object() ? run.properties : Json::object());
  properties.set("status", run.status);
  properties.set("isArchived", run.hidden);
  properties.set("services", services_of(request, context, job));
  for (const char* map : {"inputs", "outputs"}) {
    if (!properties[map].is_object()) properties.set(map, Json::object());
  }
  if (!job.parent_id.empty()) properties.set("parentJobName", job.parent_id);
  const core::SystemData system_data{job.created_by, job.created_by, job.created, job.created};
  return core::arm_envelope(job_arm_id(job), system_data, std::move(properties));
}

}  // namespace lazuli::jobs
