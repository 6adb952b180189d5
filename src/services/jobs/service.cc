// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/service.h"

#include "base/strings.h"
#include "core/events.h"
#include "services/jobs/command_executor.h"
#include "services/jobs/definition.h"
#include "services/jobs/execution_log.h"
#include "services/jobs/handlers.h"
#include "services/jobs/projection.h"
#include "services/jobs/store.h"

namespace lazuli::jobs {
namespace {

using http::Method;

constexpr std::string_view kJobs =
    "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.MachineLearningServices/"
    "workspaces/{ws}/jobs";
constexpr std::string_view kOperations = "Microsoft.MachineLearningServices/workspaces/jobs";

class Service final : public JobsService {
 public:
  explicit Service(const Peers& peers) : peers_(peers) {}
  ~Service() override { stop(); }

  void describe(core::Manifest& manifest) const override {
    manifest.service = "jobs";
    manifest.depends_on = {"identity", "directory", "storage", "workspace", "assets", "runs"};
    manifest.resource_types.push_back({std::string(kOperations), {}, {}});
    manifest.migrations = Store::migrations();
    add(manifest, Method::kGet, "", "/read", "Jobs_List", "Lists the submitted jobs.",
        [this](core::RequestContext& request) { return list_jobs(running(), request); });
    add(manifest, Method::kGet, "/{job}", "/read", "Jobs_Get", "Reads a job.",
        [this](core::RequestContext& request) { return get_job(running(), request); });
    add(manifest, Method::kPut, "/{job}", "/write", "Jobs_CreateOrUpdate", "Submits a job.",
        [this](core::RequestContext& request) { return put_job(running(), request); });
    add(manifest, Method::kDelete, "/{job}", "/delete", "Jobs_Delete", "Deletes an ended job.",
        [this](core::RequestContext& request) { return delete_job(running(), request); });
    add(manifest, Method::kPost, "/{job}/cancel", "/cancel/action", "Jobs_Cancel",
        "Asks a job to end.", [this](core::RequestContext& request) {
          return cancel_job(running(), *operations_, request);
        });
  }

  Result<void> start(const core::ServiceContext& service) override {
    context_ = std::make_unique<Context>(
        Context{peers_, service.db, service.installation, service.events, service.authorizer});
    operations_ = &service.operations;
    service.events.attach(core::kResourceDeleted, service.db,
                          [](db::Tx& tx, const core::Event& event) {
                            return Store::remove_workspaces(tx, event.data["id"].text());
                          });
    execution_log_ = std::make_unique<ExecutionLog>(*context_);
    projection_ = std::make_unique<Projection>(*context_, *operations_, *execution_log_);
    executor_ = std::make_unique<CommandExecutor>(*context_);
    peers_.workflow.add_executor(std::string(kCommandStep), *executor_);
    peers_.workflow.set_observer(*projection_);
    peers_.compute.set_listener(*executor_);
    execution_log_->start();
    TRY(peers_.compute.start());
    executor_->start_workers();
    return peers_.workflow.start();
  }

  void stop() noexcept override {
    if (!context_) return;
    peers_.workflow.stop();
    peers_.compute.stop();
    if (executor_) executor_->stop();
    if (execution_log_) execution_log_->stop();
  }

 private:
  void add(core::Manifest& manifest, Method method, std::string_view below,
           std::string_view operation, const char* id, const char* summary,
           core::Handler handler) const {
    manifest.add({method, cat({kJobs, below}), cat({kOperations, operation}), id, summary},
                 std::move(handler));
  }

  const Context& running() const { return *context_; }

  Peers peers_;
  core::Operations* operations_ = nullptr;
  std::unique_ptr<Context> context_;
  std::unique_ptr<ExecutionLog> execution_log_;
  std::unique_ptr<Projection> projection_;
  std::unique_ptr<CommandExecutor> executor_;
};

}  // namespace

std::unique_ptr<JobsService> make_jobs(const Peers& peers) {
  return std::make_unique<Service>(peers);
}

}  // namespace lazuli::jobs
