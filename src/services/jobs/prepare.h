// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engines/compute/compute.h"
#include "services/jobs/model.h"
#include "services/jobs/peers.h"
#include "services/jobs/transfer.h"

namespace lazuli::jobs {

// The folders of one attempt on this machine. Paths are the same inside and outside of the sandbox.
struct Scratch {
  std::string root;
  std::string working_directory() const { return root + "/wd"; }
  std::string inputs() const { return root + "/inputs"; }
  std::string outputs() const { return root + "/outputs"; }
  // Where the process finds or leaves an output.
  std::string output_path(const OutputSpec& output) const;
};

// The blob user_logs/std_log.txt of a job while the server itself writes to it.
class JobLog {
 public:
  JobLog(storage::Storage& storage, storage::BlobPath blob, bool fresh)
      : storage_(storage), blob_(std::move(blob)), fresh_(fresh) {}
  // A fresh log replaces what an earlier, interrupted preparation wrote.
  Result<void> write(const std::string& text);
  uint64_t size() const { return size_; }
  const storage::BlobPath& blob() const { return blob_; }

 private:
  storage::Storage& storage_;
  storage::BlobPath blob_;
  bool fresh_;
  uint64_t size_ = 0;
};

// Where a job's logs and artifacts are: "{container}/ExperimentRun/dcid.{job}/".
Result<storage::BlobPath> artifact_folder(const Context& context, const std::string& workspace_id,
                                          const std::string& job_id);
Result<storage::BlobPath> std_log(const Context& context, const CommandSpec& spec);

// Makes an attempt's environment and folders and fetches its code and inputs, then says what is to
// run. Blocks (minutes, while an environment is built). Errors are the user's to read.
class Preparation {
 public:
  Preparation(const Context& context, const CommandSpec& spec, Scratch scratch, JobLog& log,
              Cancelled cancelled)
      : context_(context),
        spec_(spec),
        scratch_(std::move(scratch)),
        log_(log),
        cancelled_(std::move(cancelled)),
        transfer_(context.peers.storage) {}

  Result<compute::ProcessSpec> run();

 private:
  Result<void> make_folders();
  Result<compute::BuiltEnvironment> build_environment();
  Result<void> fetch_code();
  Result<void> fetch_input(const InputSpec& input);
  Result<std::string> expand_text(std::string_view text) const;
  Result<compute::ProcessSpec> process_spec(const compute::BuiltEnvironment& environment) const;

  const Context& context_;
  const CommandSpec& spec_;
  Scratch scratch_;
  JobLog& log_;
  Cancelled cancelled_;
  Transfer transfer_;
  std::map<std::string, std::string> input_values_;  // paths and literals, by name
};

}  // namespace lazuli::jobs
