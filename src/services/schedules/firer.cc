// SPDX-License-Identifier: Apache-2.0
#include "services/schedules/firer.h"

#include <algorithm>

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/auth.h"
#include "services/schedules/store.h"
#include "services/schedules/trigger.h"

namespace lazuli::schedules {
namespace {

constexpr size_t kAtOnce = 100;
constexpr int kThreads = 2;
constexpr size_t kQueueMax = 4096;
constexpr int kAttempts = 20;
constexpr std::string_view kJobsVersion = "api-version=2025-01-01-preview";
constexpr auto kLookAgain = std::chrono::seconds(5);  // other servers change schedules, too
constexpr auto kRetryPause = std::chrono::milliseconds(500);
constexpr auto kForgetPause = std::chrono::minutes(10);
constexpr Duration kRemembered = std::chrono::hours(24 * 30);

workflow::Definition definition_of(const Schedule& schedule, const Firing& firing) {
  Json job = schedule.properties["action"]["jobDefinition"];
  job.set("displayName", firing.job_name);
  workflow::Definition definition;
  workflow::Step step;
  step.name = "submit";
  step.kind = Firer::kStepKind;
  step.params = Json::object({{"workspace", schedule.workspace_id},
                              {"job", firing.job_name},
                              {"properties", std::move(job)},
                              {"caller", to_base64(schedule.caller)},
                              {"port", schedule.port}});
  step.attempts_max = kAttempts;
  step.backoff = {std::chrono::seconds(1), 2, std::chrono::minutes(10)};
  definition.steps.push_back(std::move(step));
  return definition;
}

// What is worth another attempt is the server's trouble, not the job's.
workflow::Outcome failure(const http::Response& answer) {
  const auto* text = std::get_if<std::string>(&answer.body);
  const auto body = Json::parse(text == nullptr ? std::string_view() : *text);
  const Json error = body.ok() ? (*body)["error"] : Json();
  workflow::Outcome outcome{workflow::State::kFailed, {}, {}};
  outcome.error = internal_error(cat({"The job could not be created: ", error["message"].text()}));
  outcome.error->wire_code = error["code"].text();
  outcome.retry = answer.status >= 500 || answer.status == 429 || answer.status == 408;
  return outcome;
}

// What a job has beyond its definition.
Json without_state(Json properties) {
  for (const char* name : {"status", "services", "isArchived", "parentJobName", "sourceJobId"}) {
    properties.erase(name);
  }
  return properties;
}

}  // namespace

std::string job_name(const std::string& schedule, Timestamp scheduled) {
  std::string time = format_iso8601_seconds(scheduled);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return cat({schedule, "-", time});
}

Firer::Firer(workflow::Engine& engine, core::Dispatcher& dispatcher, core::Vault& vault,
             db::Database::Handle handle, std::function<Timestamp()> clock)
    : engine_(engine),
      dispatcher_(dispatcher),
      vault_(vault),
      handle_(std::move(handle)),
      clock_(std::move(clock)),
      queue_(kQueueMax) {}

void Firer::begin() {
  {
    std::lock_guard lock(mutex_);
    if (running_) return;
    running_ = true;
  }
  queue_.start(kThreads);
  thread_ = std::thread([this] { watch(); });
}

void Firer::end() noexcept {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  queue_.stop();
}

void Firer::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Firer::watch() {
  auto next_forgetting = SteadyClock::now();
  std::unique_lock lock(mutex_);
  while (running_) {
    woken_ = false;
    lock.unlock();
    Result<void> done = fire_due();
    if (done.ok() && SteadyClock::now() >= next_forgetting) {
      next_forgetting = SteadyClock::now() + kForgetPause;
      done = forget_old();
    }
    const auto next = handle_.read([](db::Reader& reader) { return Store::next_due(reader); });
    Duration pause = kLookAgain;
    if (next.ok() && *next) pause = std::clamp(Duration(**next - clock_()), Duration(0), pause);
    if (!done.ok()) {
      log::warning("schedules", "cannot fire; will try again", {{"error", done.error().message}});
      pause = kRetryPause;
    }
    lock.lock();
    changed_.wait_for(lock, pause, [&] { return !running_ || woken_; });
  }
}

Result<void> Firer::fire_due() {
  for (;;) {
    const Timestamp at = clock_();
    const auto due =
        TRY(handle_.read([&](db::Reader& reader) { return Store::due(reader, at, kAtOnce); }));
    Result<void> done;
    for (const Schedule& schedule : due) {
      const Result<void> fired = fire_next(schedule);
      if (!fired.ok()) done = fired;  // one must not hold up the others
    }
    if (!done.ok() || due.size() < kAtOnce) return done;
  }
}

Result<void> Firer::fire_next(const Schedule& schedule) {
  const Trigger trigger = TRY(Trigger::parse(schedule.properties["trigger"], schedule.anchor));
  const Timestamp scheduled = schedule.next.value();
  const Timestamp oldest = clock_() - kCatchUp;
  const bool too_late = scheduled < oldest;
  // What was due while no server ran follows one by one.
  const auto next = trigger.next(too_late ? oldest : scheduled);
  TRY(handle_.write([&](db::Tx& tx) -> Result<void> {
    if (!TRY(Store::move_on(tx, schedule, next))) return {};
    if (!too_late) TRY(fire(tx, schedule, scheduled));
    return {};
  }));
  if (too_late) {
    log::warning("schedules", "times were missed more than a day ago",
                 {{"schedule", schedule.name}, {"since", format_iso8601(scheduled)}});
  }
  if (next && *next <= clock_()) wake();
  return {};
}

Result<Firing> Firer::fire(db::Tx& caller, const Schedule& schedule, Timestamp scheduled) {
  db::Tx& tx = handle_.join(caller);
  Firing firing{schedule.workspace_id, schedule.name, scheduled, job_name(schedule.name, scheduled),
                kRunPrefix + new_uuid()};
  if (!TRY(Store::add_firing(tx, firing))) {
    return TRY(Store::firing(tx, schedule.workspace_id, schedule.name, scheduled)).value();
  }
  TRY(engine_.submit(caller, firing.run_id, definition_of(schedule, firing)));
  return firing;
}

Result<void> Firer::forget_old() {
  const Timestamp before = clock_() - kRemembered;
  const auto old = TRY(handle_.read(
      [&](db::Reader& reader) { return Store::firings_before(reader, before, kAtOnce); }));
  for (const Firing& firing : old) {
    TRY(handle_.write([&](db::Tx& tx) -> Result<void> {
      TRY(engine_.forget(tx, firing.run_id));
      return Store::remove_firing(tx, firing);
    }));
  }
  return {};
}

Result<void> Firer::start(const workflow::Attempt& attempt) {
  if (queue_.post([this, attempt] { submit_job(attempt); })) return {};
  return unavailable("Too many schedules fire at once.");
}

// Creating a job takes no time worth interrupting: its end says what became of it.
void Firer::cancel(const std::string&) {}

// The same job asked for twice is one job, so this may be repeated at will.
void Firer::submit_job(const workflow::Attempt& attempt) {
  const auto sealed = from_base64(attempt.step.params["caller"].str());
  auto caller =
      sealed.ok() ? core::recall_caller(*sealed, vault_) : Result<core::Principal>(sealed.error());
  const workflow::Outcome outcome =
      caller.ok() ? create_job(*caller, attempt.step.params)
                  : workflow::Outcome{workflow::State::kFailed, {}, caller.error(), false};
  const Result<void> told = engine_.complete(attempt.id, outcome);
  if (told.ok()) return;
  log::error("schedules", "cannot tell what became of a firing; will try again",
             {{"attempt", attempt.id}, {"error", told.error().message}});
  std::this_thread::sleep_for(kRetryPause);
  queue_.post([this, attempt] { submit_job(attempt); });
}

// A definition may be another job's, named by its ARM id.
workflow::Outcome Firer::create_job(const core::Principal& caller, const Json& params) {
  const auto port = static_cast<uint16_t>(params["port"].integer(443));
  Json properties = params["properties"];
  if (std::string source = properties["sourceJobId"].text(); !source.empty()) {
    if (source.starts_with("azureml:")) source.erase(0, 8);
    const http::Response found =
        dispatcher_.send(caller, {.target = cat({source, "?", kJobsVersion}), .port = port});
    if (found.status >= 300) return failure(found);
    const auto* text = std::get_if<std::string>(&found.body);
    const auto job = Json::parse(text == nullptr ? std::string_view() : *text);
    if (job.ok()) properties = (*job)["properties"];
    properties.set("displayName", params["job"]);
  }
  const Json body = Json::object({{"properties", without_state(std::move(properties))}});
  const http::Response answer = dispatcher_.send(
      caller,
      {.method = http::Method::kPut,
       .target = cat({params["workspace"].str(), "/jobs/", params["job"].str(), "?", kJobsVersion}),
       .body = body.dump(),
       .headers = {{"Content-Type", "application/json"}},
       .port = port});
  if (answer.status >= 300) return failure(answer);
  return {workflow::State::kSucceeded, {}, {}};
}

}  // namespace lazuli::schedules
