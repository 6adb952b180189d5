// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"
#include "core/audit_writer.h"

namespace lazuli::core {
namespace {

constexpr auto kTick = std::chrono::seconds(1);
constexpr auto kWaitMax = std::chrono::seconds(30);
constexpr size_t kTallyMax = 8192;
constexpr size_t kBatchMax = 4096;

Error not_written(std::string reason) { return unavailable(std::move(reason), "AuditUnavailable"); }

// What makes two events alike.
std::string key_of(const AuditEvent& event) {
  const std::string status = std::to_string(event.status);
  return cat({to_string(event.kind), "\n", event.object_id, "\n", event.name, "\n",
              event.operation_id, "\n", event.resource, "\n", event.peer, "\n", status, "\n",
              event.code});
}

// One thread writes: it takes all that waits, chains it, writes and syncs once for the lot, and
// wakes whoever waited. What nobody waits for on disk is synced once a second.
class Log final : public Audit {
 public:
  Log(AuditOptions options, audit::Keys keys)
      : options_(options), writer_(std::move(options), std::move(keys)) {}

  ~Log() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> open() {
    TRY(writer_.open());
    thread_ = std::thread([this] { run(); });
    return {};
  }

  Result<void> record(AuditEvent event) override {
    return wait(TRY(queue(std::move(event), Until::kOnDisk)));
  }

  Result<AuditTicket> begin(AuditEvent event) override {
    return AuditTicket(TRY(queue(std::move(event), Until::kOnDisk)));
  }

  Result<void> end(const AuditTicket& ticket, int status, std::string_view code) override {
    const auto begun = std::static_pointer_cast<Waiter>(ticket);
    TRY(wait(begun));
    AuditEvent outcome;
    outcome.kind = AuditKind::kOutcome;
    outcome.of = begun->sequence;
    outcome.status = status;
    outcome.code = code;
    // A refusal is on disk before it is told, whoever refuses.
    const bool refused = status == 401 || status == 403;
    return wait(TRY(queue(std::move(outcome), refused ? Until::kOnDisk : Until::kInLog)));
  }

  Result<void> record_first(AuditEvent event) override {
    if (event.time == Timestamp{}) event.time = now();
    {
      const std::lock_guard lock(tally_mutex_);
      const auto [entry, fresh] = tallies_.try_emplace(key_of(event), Tally{event, 0});
      if (!fresh) {
        ++entry->second.count;
        return {};
      }
    }
    return record(std::move(event));
  }

  void note(std::string_view key, const std::function<AuditEvent()>& event) override {
    bool full = false;
    {
      const std::lock_guard lock(tally_mutex_);
      auto found = tallies_.find(key);
      if (found == tallies_.end()) {
        found = tallies_.emplace(std::string(key), Tally{event(), 0}).first;
        if (found->second.event.time == Timestamp{}) found->second.event.time = now();
      }
      ++found->second.count;
      full = tallies_.size() >= kTallyMax;
    }
    if (full) queue_tallies();
  }

  Result<void> ready() override {
    const std::lock_guard lock(mutex_);
    return failing_ ? Result<void>(lost()) : success();
  }

  Result<std::vector<AuditEvent>> find(const AuditFilter& filter) override {
    return find_in_audit(options_.folder, filter);
  }

 private:
  enum class Until { kOnDisk, kInLog };
  struct Waiter {
    bool settled = false, written = false;
    uint64_t sequence = 0;  // once it is settled
  };
  struct Pending {
    std::string members;
    std::shared_ptr<Waiter> waiter = nullptr;  // null: nobody waits
    Until until = Until::kInLog;
  };
  struct Tally {
    AuditEvent event;
    uint64_t count = 0;
  };

  struct KeyHash {  // looks up views without a copy
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  using Tallies = std::unordered_map<std::string, Tally, KeyHash, std::equal_to<>>;

  Result<std::shared_ptr<Waiter>> queue(AuditEvent event, Until until) {
    if (event.time == Timestamp{}) event.time = now();
    Pending pending{audit::members_of(event), std::make_shared<Waiter>(), until};
    std::shared_ptr<Waiter> waiter = pending.waiter;
    const std::lock_guard lock(mutex_);
    if (stopping_) return not_written("the audit log is closed");
    if (queue_.size() >= options_.queue_max) return not_written("the audit log cannot keep up");
    queue_.push_back(std::move(pending));
    wake_.notify_one();
    return waiter;
  }

  Result<void> wait(const std::shared_ptr<Waiter>& waiter) {
    std::unique_lock lock(mutex_);
    if (!done_.wait_for(lock, kWaitMax, [&] { return waiter->settled; }))
      return not_written("the audit log's disk does not answer");
    return waiter->written ? success() : Result<void>(lost());
  }

  static Error lost() {
    return not_written("the audit log cannot be written: nothing may change until it can");
  }

  void run() {
    auto next_tick = SteadyClock::now() + kTick;
    for (bool last = false; !last;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait_until(lock, next_tick, [&] { return stopping_ || !queue_.empty(); });
        last = stopping_ && queue_.size() <= kBatchMax;
      }
      const bool ticks = last || SteadyClock::now() >= next_tick;
      if (ticks) queue_tallies();
      write(take());
      if (!ticks) continue;
      next_tick = SteadyClock::now() + kTick;
      note_state(writer_.tick());
    }
  }

  std::vector<Pending> take() {
    const std::lock_guard lock(mutex_);
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), kBatchMax));
    std::vector<Pending> batch(std::make_move_iterator(queue_.begin()),
                               std::make_move_iterator(queue_.begin() + count));
    queue_.erase(queue_.begin(), queue_.begin() + count);
    return batch;
  }

  void write(std::vector<Pending> batch) {
    if (batch.empty()) return;
    std::vector<std::string> members;
    bool awaited = false;
    for (Pending& each : batch) {
      members.push_back(std::move(each.members));
      awaited = awaited || each.until == Until::kOnDisk;
    }
    Result<void> written = writer_.append(members);
    const uint64_t last = writer_.sequence();
    if (written.ok()) settle(batch, Until::kInLog, last, true);
    if (written.ok() && awaited) written = writer_.sync();
    const bool ok = written.ok();
    note_state(std::move(written));
    for (Until until : {Until::kInLog, Until::kOnDisk}) settle(batch, until, last, ok);
  }

  // Those of the batch who wait until then; its last record has the number `last`.
  void settle(const std::vector<Pending>& batch, Until until, uint64_t last, bool written) {
    {
      const std::lock_guard lock(mutex_);
      uint64_t sequence = last - batch.size();
      for (const Pending& each : batch) {
        ++sequence;
        if (!each.waiter || each.until != until || each.waiter->settled) continue;
        each.waiter->sequence = sequence;
        each.waiter->written = written;
        each.waiter->settled = true;
      }
    }
    done_.notify_all();
  }

  void note_state(Result<void> outcome) {
    if (!outcome.ok()) log::error("audit", outcome.error().message);
    const std::lock_guard lock(mutex_);
    failing_ = !outcome.ok();
  }

  void queue_tallies() {
    Tallies taken;
    {
      const std::lock_guard lock(tally_mutex_);
      taken.swap(tallies_);
    }
    std::vector<Pending> all;
    for (auto& [key, tally] : taken) {
      if (tally.count == 0) continue;
      tally.event.count = tally.count;
      all.push_back({audit::members_of(tally.event)});
    }
    const std::lock_guard lock(mutex_);
    const size_t room = options_.queue_max - std::min(queue_.size(), options_.queue_max);
    if (all.size() > room) {
      log::error("audit", "records of reads are lost: the queue is full");
      all.resize(room);
    }
    std::move(all.begin(), all.end(), std::back_inserter(queue_));
    wake_.notify_one();
  }

  const AuditOptions options_;
  audit::Writer writer_;  // of the thread

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<Pending> queue_;
  bool failing_ = false, stopping_ = false;

  std::mutex tally_mutex_;
  Tallies tallies_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Audit>> open_audit(AuditOptions options, Vault& vault) {
  TRY(make_folder(options.folder));
  audit::Keys keys = TRY(audit::open_keys(options.folder, vault));
  auto log = std::make_unique<Log>(std::move(options), std::move(keys));
  TRY(log->open());
  return std::unique_ptr<Audit>(std::move(log));
}

}  // namespace lazuli::core
