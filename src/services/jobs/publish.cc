// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/publish.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/strings.h"
#include "services/jobs/store.h"
#include "services/jobs/transfer.h"

namespace lazuli::jobs {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTailBytes = 16 * 1024;
constexpr size_t kTailLines = 20;
constexpr size_t kMessageBytes = 4000;
constexpr std::string_view kTraceback = "Traceback (most recent call last)";

std::string tail_of(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return {};
  const off_t size = ::lseek(fd, 0, SEEK_END);
  std::string text(std::min<size_t>(kTailBytes, size > 0 ? static_cast<size_t>(size) : 0), '\0');
  const ssize_t count =
      ::pread(fd, text.data(), text.size(), size - static_cast<off_t>(text.size()));
  ::close(fd);
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

// How many bytes at the front belong to a character that was cut off.
size_t continuation_bytes(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && (static_cast<unsigned char>(text[count]) & 0xC0) == 0x80) ++count;
  return count;
}

// The last traceback where there is one, else the last lines; valid UTF-8.
std::string last_words(const std::string& file) {
  std::string tail = tail_of(file);
  tail.erase(0, continuation_bytes(tail));
  if (!is_utf8(tail)) {
    for (char& c : tail) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
  }
  std::string_view text = trim(tail);
  if (const size_t traceback = text.rfind(kTraceback); traceback != std::string_view::npos) {
    text = text.substr(traceback);
  } else {
    size_t at = text.size();
    for (size_t lines = 0; lines < kTailLines && at != std::string_view::npos; ++lines) {
      at = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    }
    if (at != std::string_view::npos) text = text.substr(at + 1);
  }
  if (text.size() > kMessageBytes) text = text.substr(text.size() - kMessageBytes);
  return std::string(text.substr(continuation_bytes(text)));
}

Error failure(std::string message, const std::string& log_file, std::string wire_code) {
  const std::string words = last_words(log_file);
  if (!words.empty()) message += "\n" + words;
  return invalid_argument(std::move(message), std::move(wire_code));
}

struct Written {
  const OutputSpec* output;
  bool there;
  std::optional<assets::NewVersion> version;  // what it is registered as
};

Result<Written> upload_output(const Context& context, const CommandSpec& spec,
                              const Scratch& scratch, const OutputSpec& output) {
  const Transfer transfer(context.peers.storage);
  const auto place = TRY(context.peers.workspaces.resolve_uri(spec.workspace_id, output.uri,
                                                              workspace::Authority::settled()));
  const std::string local = scratch.output_path(output);
  if (!is_file_type(output.type)) {
    storage::BlobPath folder = place;
    if (!folder.name.empty() && !folder.name.ends_with('/')) folder.name += '/';
    return Written{&output, TRY(transfer.upload_folder(local, folder)) > 0, {}};
  }
  std::error_code code;
  if (!fs::exists(fs::symlink_status(local, code))) return Written{&output, false, {}};
  TRY(transfer.upload_file(local, place));
  return Written{&output, true, {}};
}

Json asset_properties(const CommandSpec& spec, const OutputSpec& output) {
  if (is_model_type(output.type)) {
    return Json::object(
        {{"modelType", output.type}, {"modelUri", output.uri}, {"jobName", spec.job_id}});
  }
  return Json::object({{"dataType", output.type}, {"dataUri", output.uri}});
}

Result<assets::NewVersion> new_version(const Context& context, const CommandSpec& spec,
                                       const OutputSpec& output) {
  const auto kind = is_model_type(output.type) ? assets::Kind::kModel : assets::Kind::kData;
  return context.peers.assets.prepare({spec.workspace_id, kind, output.asset_name,
                                       output.asset_version, asset_properties(spec, output)},
                                      workspace::Authority::settled());
}

Result<std::string> register_output(const Context& context, db::Tx& tx, const CommandSpec& spec,
                                    const Written& written) {
  const OutputSpec& output = *written.output;
  // Run history reads the type of what is no asset from its address.
  if (!written.version) return cat({output.uri, "#", output.type});
  return TRY(context.peers.assets.register_version(tx, *written.version, spec.created_by)).arm_id;
}

// Run history shows all outputs of a job: those recorded before, and the new ones.
Result<void> show_outputs(const Context& context, db::Tx& tx, const std::string& job_id) {
  Json shown = Json::object();
  for (const OutputRow& row : TRY(Store::outputs(context.db.join(tx), job_id))) {
    shown.set(row.name, Json::object({{"assetId", row.asset_id}, {"type", row.type}}));
  }
  return context.peers.runs.set_outputs(tx, job_id, shown);
}

Result<Json> record(const Context& context, db::Tx& tx, const CommandSpec& spec,
                    const std::vector<Written>& all, const std::string& attempt_id) {
  db::Tx& own = context.db.join(tx);
  if (auto before = TRY(Store::publication(own, attempt_id))) return std::move(*before);
  Json results = Json::object();
  std::set<std::string> jobs;
  for (const Written& written : all) {
    if (!written.there) continue;
    const OutputSpec& output = *written.output;
    const std::string asset_id = TRY(register_output(context, tx, spec, written));
    for (const OutputSpec::Owner& owner : output.owners) {
      TRY(Store::put_output(own, {owner.job_id, owner.name, asset_id, output.type}));
      jobs.insert(owner.job_id);
    }
    results.set(output.name, Json::object({{"assetId", asset_id}, {"uri", output.uri}}));
  }
  for (const std::string& job_id : jobs) TRY(show_outputs(context, tx, job_id));
  Json result = Json::object({{"outputs", std::move(results)}});
  TRY(Store::put_publication(own, attempt_id, result));
  return result;
}

}  // namespace

workflow::Outcome outcome_of(const compute::ProcessStatus& status, const CommandSpec& spec,
                             const std::string& log_file) {
  using compute::ProcessState;
  workflow::Outcome outcome{workflow::State::kFailed, {}, {}};
  const std::string number = std::to_string(status.exit_code);
  const auto failed = [&](std::initializer_list<std::string_view> text, const char* code) {
    outcome.error = failure(cat(text), log_file, code);
  };
  if (status.state == ProcessState::kExited && status.exit_code == 0 && status.error.empty()) {
    outcome.state = workflow::State::kSucceeded;
  } else if (status.state == ProcessState::kCanceled) {
    outcome.state = workflow::State::kCanceled;
  } else if (!status.error.empty()) {
    outcome.error =
        internal_error(cat({"The job could not be started: ", status.error}), "JobStartFailed");
  } else if (status.state == ProcessState::kExited) {
    failed({"Execution failed. The command exited with status code ", number,
            ". The log user_logs/std_log.txt says:"},
           "UserError");
  } else if (status.state == ProcessState::kSignaled) {
    failed({"Execution failed. The command was ended by signal ", number,
            ". The log user_logs/std_log.txt says:"},
           "UserError");
  } else if (status.state == ProcessState::kTimedOut) {
    failed({"The job timed out: it did not end within its limit of ",
            format_iso8601_duration(spec.timeout), " and was stopped."},
           "JobTimedOut");
  } else {
    failed({"The job's process was lost: its machine or its supervisor stopped."}, "JobLost");
  }
  return outcome;
}

Result<void> publish_artifacts(const Context& context, const CommandSpec& spec,
                               const Scratch& scratch) {
  const Transfer transfer(context.peers.storage);
  for (const char* folder : {"outputs", "logs"}) {
    storage::BlobPath path = TRY(artifact_folder(context, spec.workspace_id, spec.job_id));
    path.name += cat({folder, "/"});
    TRY(transfer.upload_folder(cat({scratch.working_directory(), "/", folder}), path));
  }
  return {};
}

Result<Json> publish_outputs(const Context& context, const CommandSpec& spec,
                             const Scratch& scratch, const std::string& attempt_id) {
  std::vector<Written> all;
  for (const OutputSpec& output : spec.outputs) {
    auto written = upload_output(context, spec, scratch, output);
    if (!written.ok()) {
      return with_context(cat({"Output '", output.name, "'"}), std::move(written).error());
    }
    if (!written->there && !output.asset_name.empty()) {
      return invalid_argument(cat({"Output '", output.name, "' was to be registered as '",
                                   output.asset_name, "', but the job wrote nothing to it."}),
                              "UserError");
    }
    if (!output.asset_name.empty()) written->version = TRY(new_version(context, spec, output));
    all.push_back(std::move(*written));
  }
  return context.db.write([&](db::Tx& tx) { return record(context, tx, spec, all, attempt_id); });
}

}  // namespace lazuli::jobs
