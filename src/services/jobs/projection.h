// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/operations.h"
#include "services/jobs/execution_log.h"
#include "services/jobs/model.h"
#include "services/jobs/peers.h"

namespace lazuli::jobs {

// Shows in run history what the workflow engine does, within the same transactions: the status of
// jobs and their steps in Azure's words, the error a pipeline failed with, the end of a
// cancellation.
class Projection : public workflow::Observer {
 public:
  Projection(const Context& context, core::Operations& operations, ExecutionLog& log)
      : context_(context), operations_(operations), log_(log) {}

  Result<void> on_step(db::Tx& tx, const std::string& run_id,
                       const workflow::StepStatus& step) override;
  Result<void> on_run(db::Tx& tx, const workflow::RunStatus& run) override;

 private:
  Result<void> show_frames(db::Tx& tx, const workflow::RunStatus& run);
  Result<void> tell(db::Tx& tx, const std::string& root_id, const std::string& text);

  const Context& context_;
  core::Operations& operations_;
  ExecutionLog& log_;
};

}  // namespace lazuli::jobs
