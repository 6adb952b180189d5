// SPDX-License-Identifier: Apache-2.0
#include "core/events_store.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/time.h"

namespace lazuli::core {
namespace {

constexpr int kBatch = 100;
constexpr auto kPauseMin = std::chrono::milliseconds(100);
constexpr auto kPauseMax = std::chrono::seconds(30);

struct Subscription {
  std::string topic, name;
  db::Database::Handle handle;
  Events::Consumer consumer;
};

struct Effect {
  std::string topic;
  db::Database::Handle handle;
  Events::Consumer run;
};

class Delivery final : public StoredEvents {
 public:
  explicit Delivery(db::Database::Handle handle) : handle_(std::move(handle)) {}
  ~Delivery() override { stop(); }

  Result<void> publish(db::Tx& caller, const std::string& topic, Json data) override {
    for (const Effect& effect : effects_)
      if (effect.topic == topic) TRY(effect.run(effect.handle.join(caller), {0, topic, data}));
    db::Tx& tx = handle_.join(caller);
    TRY(tx.exec("INSERT INTO core_outbox (topic, data, created_us) VALUES (?, ?, ?)",
                {topic, data.dump(), to_micros(now())}));
    tx.after_commit([this] { wake(); });
    return {};
  }

  void subscribe(const std::string& topic, const std::string& name, db::Database::Handle handle,
                 Consumer consumer) override {
    subscriptions_.push_back({topic, name, std::move(handle), std::move(consumer)});
  }

  void attach(const std::string& topic, db::Database::Handle handle, Consumer effect) override {
    effects_.push_back({topic, std::move(handle), std::move(effect)});
  }

  void start() override {
    thread_ = std::thread([this] { run(); });
  }

  void stop() noexcept override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void wake() {
    {
      std::lock_guard lock(mutex_);
      pending_ = true;
    }
    changed_.notify_all();
  }

  void run() {
    auto pause = kPauseMin;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      pending_ = false;
      lock.unlock();
      Result<bool> more = deliver_batch();
      lock.lock();
      if (!more.ok()) {
        log::warning("events", "an event could not be delivered; trying again",
                     {{"error", more.error().message}});
        changed_.wait_for(lock, pause, [&] { return stopping_; });
        pause = std::min<std::chrono::milliseconds>(pause * 2, kPauseMax);
        continue;
      }
      pause = kPauseMin;
      if (!*more) changed_.wait(lock, [&] { return stopping_ || pending_; });
    }
  }

  // Whether there may be more.
  Result<bool> deliver_batch() {
    db::Rows rows = TRY(handle_.read([&](db::Reader& reader) {
      return reader.query("SELECT id, topic, data FROM core_outbox ORDER BY id LIMIT ?", {kBatch});
    }));
    for (const db::Row& row : rows) {
      Event event{row.integer(0), row.text(1), TRY(Json::parse(row.text(2)))};
      for (const Subscription& subscription : subscriptions_)
        if (subscription.topic == event.topic) TRY(deliver(subscription, event));
      TRY(forget(event.id));
    }
    return rows.size() == kBatch;
  }

  // The inbox row and the effect commit together: the effect happens once.
  Result<void> deliver(const Subscription& subscription, const Event& event) {
    return subscription.handle.write([&](db::Tx& tx) -> Result<void> {
      db::Tx& own = handle_.join(tx);
      int64_t fresh = TRY(own.exec(
          "INSERT INTO core_inbox (event_id, consumer) VALUES (?, ?) ON CONFLICT DO NOTHING",
          {event.id, subscription.name}));
      if (fresh == 0) return {};
      return subscription.consumer(subscription.handle.join(tx), event);
    });
  }

  Result<void> forget(int64_t id) {
    return handle_.write([&](db::Tx& tx) -> Result<void> {
      TRY(tx.exec("DELETE FROM core_outbox WHERE id = ?", {id}));
      TRY(tx.exec("DELETE FROM core_inbox WHERE event_id = ?", {id}));
      return {};
    });
  }

  db::Database::Handle handle_;
  std::vector<Subscription> subscriptions_;
  std::vector<Effect> effects_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool pending_ = false;
  std::thread thread_;
};

}  // namespace

Result<void> publish_deleted(Events& events, db::Tx& tx, std::string_view arm_id) {
  return events.publish(tx, kResourceDeleted, Json::object({{"id", arm_id}}));
}

std::unique_ptr<StoredEvents> StoredEvents::create(db::Database::Handle handle) {
  return std::make_unique<Delivery>(std::move(handle));
}

std::vector<db::Migration> StoredEvents::migrations() {
  return {{"core", 2,
           "CREATE TABLE core_outbox (id {id}, topic {text} NOT NULL, data {text} NOT NULL, "
           "created_us {int} NOT NULL); "
           "CREATE TABLE core_inbox (event_id {int} NOT NULL, consumer {text} NOT NULL, "
           "PRIMARY KEY (event_id, consumer))"}};
}

}  // namespace lazuli::core
