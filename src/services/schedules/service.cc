// SPDX-License-Identifier: Apache-2.0
#include "services/schedules/service.h"

#include "base/strings.h"
#include "services/schedules/handlers.h"
#include "services/schedules/store.h"

namespace lazuli::schedules {
namespace {

using http::Method;

constexpr std::string_view kSchedules =
    "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.MachineLearningServices/"
    "workspaces/{ws}/schedules";
constexpr std::string_view kOperations = "Microsoft.MachineLearningServices/workspaces/schedules";

class Service final : public core::Service {
 public:
  Service(workspace::Workspaces& workspaces, workflow::Engine& workflow)
      : workspaces_(workspaces), workflow_(workflow) {}
  ~Service() override { stop(); }

  void describe(core::Manifest& manifest) const override {
    manifest.service = "schedules";
    manifest.depends_on = {"workspace"};
    manifest.resource_types.push_back({std::string(kOperations), {}, {}});
    manifest.migrations = Store::migrations();
    add(manifest, Method::kGet, "", "/read", "Schedules_List", "Lists the schedules.",
        list_schedules);
    add(manifest, Method::kGet, "/{name}", "/read", "Schedules_Get", "Reads a schedule.",
        get_schedule);
    add(manifest, Method::kPut, "/{name}", "/write", "Schedules_CreateOrUpdate",
        "Creates or changes a schedule.", put_schedule);
    add(manifest, Method::kDelete, "/{name}", "/delete", "Schedules_Delete",
        "Deletes a schedule; its jobs stay.", delete_schedule);
    add(manifest, Method::kPost, "/{name}/trigger", "/write", "Schedules_Trigger",
        "Fires a schedule once, now.", trigger_schedule);
    manifest.unimplemented(core::Host::kManagement, Method::kPatch, cat({kSchedules, "/{name}"}),
                           "Schedules_Update", {cat({kOperations, "/write"})});
  }

  Result<void> start(const core::ServiceContext& service) override {
    firer_ = std::make_unique<Firer>(workflow_, service.dispatcher, service.vault, service.db);
    service.events.attach(core::kResourceDeleted, service.db,
                          [](db::Tx& tx, const core::Event& event) {
                            return Store::remove_workspaces(tx, event.data["id"].text());
                          });
    workflow_.add_executor(Firer::kStepKind, *firer_);
    workflow_.set_observer(*firer_, Firer::kRunPrefix);
    context_ = std::make_unique<Context>(Context{workspaces_, service.dispatcher, service.vault,
                                                 service.events, service.db, *firer_});
    firer_->begin();
    return {};
  }

  void stop() noexcept override {
    if (firer_) firer_->end();
  }

 private:
  using Action = Answer (*)(const Context&, core::RequestContext&);
  void add(core::Manifest& manifest, Method method, std::string_view below,
           std::string_view operation, const char* id, const char* summary, Action action) const {
    core::Route route;
    route.method = method;
    route.path = cat({kSchedules, below});
    route.operation = {cat({kOperations, operation})};
    route.operation_id = id;
    route.summary = summary;
    route.handler = [this, action](core::RequestContext& request) {
      return action(*context_, request);
    };
    manifest.routes.push_back(std::move(route));
  }

  workspace::Workspaces& workspaces_;
  workflow::Engine& workflow_;
  std::unique_ptr<Firer> firer_;
  std::unique_ptr<Context> context_;
};

}  // namespace

std::unique_ptr<core::Service> make_schedules(workspace::Workspaces& workspaces,
                                              workflow::Engine& workflow) {
  return std::make_unique<Service>(workspaces, workflow);
}

}  // namespace lazuli::schedules
