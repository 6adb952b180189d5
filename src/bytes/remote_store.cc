// SPDX-License-Identifier: Apache-2.0
#include "bytes/remote_store.h"

#include <set>

#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"
#include "bytes/content_digests.h"
#include "bytes/key_ring.h"
#include "bytes/object_index.h"
#include "bytes/object_reader.h"
#include "bytes/object_sealer.h"
#include "bytes/root_format.h"
#include "codec/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace lazuli::bytes {
namespace {

constexpr size_t kIdBytes = 16;
constexpr uint64_t kWindow = 1u << 20;      // read at once; a small object is one request
constexpr int kPartsOfFirstSize = 1000;     // of 10,000; the others are larger,
constexpr uint64_t kLaterPartsFactor = 16;  // so that an object may have a terabyte
constexpr size_t kFindingsMax = 1000;

Error no_such_object() { return not_found("there is no such stored object"); }

// What the store, its writers and its readers share.
struct Bucket {
  std::shared_ptr<ObjectService> service;
  RemoteOptions options;
  std::unique_ptr<KeyRing> keys;
  std::mutex mutex;
  std::set<ObjectId> quarantined;

  std::string key(std::string_view name) const { return cat({options.prefix, name}); }
  std::string object_key(const ObjectId& id) const {
    return cat({options.prefix, "objects/", std::string_view(id).substr(0, 2), "/", id});
  }
  bool is_quarantined(const ObjectId& id) {
    std::lock_guard lock(mutex);
    return quarantined.contains(id);
  }
};

class RemoteKeyRecords : public KeyRecords {
 public:
  RemoteKeyRecords(std::shared_ptr<ObjectService> service, std::string prefix)
      : service_(std::move(service)), prefix_(std::move(prefix)) {}
  Result<std::vector<std::string>> list() override {
    std::vector<std::string> names;
    TRY(service_->list(prefix_, [&](const std::string& key) -> Result<void> {
      names.push_back(key.substr(prefix_.size()));
      return {};
    }));
    return names;
  }
  Result<std::string> load(const std::string& name) override {
    return TRY(service_->get(prefix_ + name, 0, kWindow)).content;
  }
  Result<void> save(const std::string& name, const std::string& text) override {
    return service_->put(prefix_ + name, text, ObjectService::If::kAlways);
  }

 private:
  const std::shared_ptr<ObjectService> service_;
  const std::string prefix_;
};

class RemoteWriter : public Writer {
 public:
  RemoteWriter(std::shared_ptr<Bucket> bucket, const WrappingKey& wrapping,
               const WriteOptions& options)
      : bucket_(std::move(bucket)),
        id_(to_hex(crypto::random_bytes(kIdBytes))),
        sealer_(wrapping, id_),
        content_(options) {}

  ~RemoteWriter() override {
    if (!upload_.empty()) (void)service().abort_upload(key(), upload_);
  }

  Result<void> append(std::span<const std::byte> data) override {
    CHECK(state_ == State::kOpen);
    TRY(content_.add(data));
    while (!data.empty()) {
      const auto piece = data.first(std::min<size_t>(data.size(), kWindow));
      sealer_.add(piece);
      take_sealed();
      data = data.subspan(piece.size());
      if (image_.size() < part_size()) continue;
      state_ = State::kBroken;
      TRY(send_part());
      state_ = State::kOpen;
    }
    return {};
  }

  Result<ObjectInfo> finish() override {
    if (state_ == State::kBroken) return internal_error("an earlier append failed");
    state_ = State::kBroken;
    sealer_.finish();
    take_sealed();
    TRY(parts_.empty() ? service().put(key(), image_, ObjectService::If::kAlways)
                       : finish_upload());
    return content_.finish(id_);
  }

 private:
  enum class State { kOpen, kBroken };

  ObjectService& service() { return *bucket_->service; }
  std::string key() const { return bucket_->object_key(id_); }
  uint64_t part_size() const {
    const bool first = parts_.size() < kPartsOfFirstSize;
    return bucket_->options.part_size * (first ? 1 : kLaterPartsFactor);
  }

  void take_sealed() {
    const std::vector<std::byte> sealed = sealer_.take();
    image_.append(reinterpret_cast<const char*>(sealed.data()), sealed.size());
  }

  Result<void> send_part() {
    if (upload_.empty()) upload_ = TRY(service().begin_upload(key()));
    const int number = static_cast<int>(parts_.size()) + 1;
    parts_.push_back(TRY(service().put_part(key(), upload_, number, image_)));
    image_.clear();
    return {};
  }

  Result<void> finish_upload() {
    if (!image_.empty()) TRY(send_part());
    TRY(service().complete_upload(key(), upload_, parts_));
    upload_.clear();
    return {};
  }

  const std::shared_ptr<Bucket> bucket_;
  const ObjectId id_;
  ObjectSealer sealer_;
  ContentDigests content_;
  std::string image_;   // sealed, and not sent yet
  std::string upload_;  // its id, until it is completed
  std::vector<std::string> parts_;
  State state_ = State::kOpen;
};

// Reads an image through a window that moves along.
class Window {
 public:
  Window(std::shared_ptr<Bucket> bucket, std::string key, std::string start, uint64_t size)
      : bucket_(std::move(bucket)), key_(std::move(key)), content_(std::move(start)), size_(size) {}

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) {
    size_t done = 0;
    while (done < out.size() && offset + done < size_) {
      const uint64_t at = offset + done;
      if (at < begin_ || at >= begin_ + content_.size()) TRY(move_to(at, out.size() - done));
      const size_t within = static_cast<size_t>(at - begin_);
      const size_t count = std::min(out.size() - done, content_.size() - within);
      if (count == 0) break;  // it has become shorter
      std::memcpy(out.data() + done, content_.data() + within, count);
      done += count;
    }
    return done;
  }

 private:
  Result<void> move_to(uint64_t at, size_t wanted) {
    auto part = TRY(bucket_->service->get(key_, at, std::max<uint64_t>(wanted, kWindow)));
    content_ = std::move(part.content);
    begin_ = at;
    return {};
  }

  const std::shared_ptr<Bucket> bucket_;
  const std::string key_;
  std::string content_;
  uint64_t begin_ = 0;
  const uint64_t size_;
};

Result<std::unique_ptr<Reader>> open_object(const std::shared_ptr<Bucket>& bucket,
                                            const ObjectId& id) {
  auto start = bucket->service->get(bucket->object_key(id), 0, kWindow);
  if (!start.ok() && start.error().code == Code::kNotFound) return no_such_object();
  if (!start.ok()) return std::move(start).error();
  const uint64_t size = start->total;
  auto window =
      std::make_shared<Window>(bucket, bucket->object_key(id), std::move(start->content), size);
  return open_image([&](std::string_view name) { return bucket->keys->for_reading(name); }, id,
                    {size, [window](uint64_t offset, std::span<std::byte> out) {
                       return window->read_at(offset, out);
                     }});
}

// Reads every object; there is no index to compare with.
class RemoteCheck {
 public:
  RemoteCheck(std::shared_ptr<Bucket> bucket, const CheckOptions& options)
      : bucket_(std::move(bucket)), options_(options) {}

  Result<CheckReport> run() {
    const std::string prefix = bucket_->key("objects/");
    TRY(bucket_->service->list(prefix, [&](const std::string& key) -> Result<void> {
      if (stopped()) return {};
      const std::string id = key.substr(key.rfind('/') + 1);
      if (!parse_raw_id(id) || key != bucket_->object_key(id)) {
        find({}, cat({key, " is no object in its place"}));
        return {};
      }
      return check(id);
    }));
    report_.complete = !stopped();
    return std::move(report_);
  }

 private:
  bool stopped() const { return options_.stop && options_.stop(); }

  void find(const ObjectId& id, std::string what) {
    log::error("bytes", "found in a check", {{"object", id}, {"what", what}});
    if (report_.findings.size() < kFindingsMax) report_.findings.push_back({id, std::move(what)});
  }

  Result<void> check(const ObjectId& id) {
    if (bucket_->is_quarantined(id)) {
      ++report_.quarantined;
      return {};
    }
    auto read = read_all(id);
    if (read.ok()) {
      ++report_.objects;
      return {};
    }
    if (read.error().code == Code::kNotFound) return {};  // removed meanwhile
    if (read.error().wire_code == "KeyRevoked") {
      ++report_.locked;
      return {};
    }
    ++report_.damaged;
    find(id, read.error().message);
    // The service may give it back another time, or the key be found again.
    const bool for_good = read.error().wire_code == "DataCorruption";
    return options_.quarantine && for_good ? quarantine(id) : success();
  }

  Result<void> quarantine(const ObjectId& id) {
    TRY(bucket_->service->put(bucket_->key(cat({"quarantine/", id})), "",
                              ObjectService::If::kAlways));
    std::lock_guard lock(bucket_->mutex);
    bucket_->quarantined.insert(id);
    ++report_.quarantined;
    return {};
  }

  Result<void> read_all(const ObjectId& id) {
    std::unique_ptr<Reader> reader = TRY(open_object(bucket_, id));
    for (uint64_t at = 0; at < reader->size() && !stopped();) {
      const size_t count = TRY(reader->read(at, buffer_));
      at += count;
      have_read(count);
    }
    return {};
  }

  void have_read(uint64_t bytes) {
    report_.bytes += bytes;
    if (options_.bytes_per_second_max == 0) return;
    const auto due = started_ + std::chrono::microseconds(report_.bytes * 1'000'000 /
                                                          options_.bytes_per_second_max);
    while (SteadyClock::now() < due && !stopped())
      std::this_thread::sleep_for(std::min<SteadyClock::duration>(due - SteadyClock::now(),
                                                                  std::chrono::milliseconds(100)));
  }

  const std::shared_ptr<Bucket> bucket_;
  const CheckOptions& options_;
  const SteadyClock::time_point started_ = SteadyClock::now();
  CheckReport report_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kWindow);
};

class RemoteStore : public Store {
 public:
  explicit RemoteStore(std::shared_ptr<Bucket> bucket) : bucket_(std::move(bucket)) {}

  Result<void> prepare(const std::string& key_check) {
    TRY(prepare_format(key_check));
    TRY(bucket_->keys->prepare());
    const std::string prefix = bucket_->key("quarantine/");
    return bucket_->service->list(prefix, [&](const std::string& key) -> Result<void> {
      bucket_->quarantined.insert(key.substr(prefix.size()));
      return {};
    });
  }

  Result<std::unique_ptr<Writer>> create(const WriteOptions& options) override {
    const WrappingKey wrapping = TRY(bucket_->keys->for_writing(options.scope));
    return std::make_unique<RemoteWriter>(bucket_, wrapping, options);
  }

  Result<std::unique_ptr<Reader>> open(const ObjectId& id) override {
    if (!parse_raw_id(id)) return no_such_object();
    if (bucket_->is_quarantined(id)) return corrupt(id, "was found damaged, and is set aside");
    return open_object(bucket_, id);
  }

  Result<void> remove(const ObjectId& id) override {
    if (!parse_raw_id(id)) return {};
    TRY(bucket_->service->remove(bucket_->object_key(id)));
    if (!bucket_->is_quarantined(id)) return {};
    TRY(bucket_->service->remove(bucket_->key(cat({"quarantine/", id}))));
    std::lock_guard lock(bucket_->mutex);
    bucket_->quarantined.erase(id);
    return {};
  }

  Result<void> list(const std::function<Result<void>(const ObjectId&)>& visit) override {
    return bucket_->service->list(bucket_->key("objects/"),
                                  [&](const std::string& key) -> Result<void> {
                                    const std::string id = key.substr(key.rfind('/') + 1);
                                    if (parse_raw_id(id) && key == bucket_->object_key(id))
                                      return visit(id);
                                    return {};
                                  });
  }

  Result<CheckReport> check(const CheckOptions& options) override {
    return RemoteCheck(bucket_, options).run();
  }

  // The service gives back the room of what is removed; uploads that nobody completes are ours to
  // end. What they took is not known.
  Result<uint64_t> compact(const std::function<bool()>& stop) override {
    for (const auto& upload : TRY(bucket_->service->list_uploads(bucket_->key("objects/")))) {
      if (stop && stop()) break;
      if (upload.begun + bucket_->options.upload_life < now())
        TRY(bucket_->service->abort_upload(upload.key, upload.id));
    }
    return uint64_t{0};
  }

  Keys& keys() override { return *bucket_->keys; }

 private:
  Result<void> prepare_format(const std::string& key_check) {
    const std::string key = bucket_->key("FORMAT");
    auto made = bucket_->service->put(key, make_format_text(key_check), ObjectService::If::kAbsent);
    if (made.ok() || made.error().code != Code::kConflict) return made;
    const std::string text = TRY(bucket_->service->get(key, 0, kWindow)).content;
    TRY(check_format_text(text, key_check, key));
    return {};
  }

  const std::shared_ptr<Bucket> bucket_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_remote(std::shared_ptr<ObjectService> service,
                                           SecretBytes root_key, RemoteOptions options) {
  auto bucket = std::make_shared<Bucket>();
  bucket->service = service;
  bucket->options = std::move(options);
  bucket->keys =
      std::make_unique<KeyRing>(std::make_unique<RemoteKeyRecords>(service, bucket->key("keys/")),
                                derive_store_key(root_key));
  auto store = std::make_unique<RemoteStore>(std::move(bucket));
  TRY(store->prepare(derive_key_check(root_key)));
  return store;
}

}  // namespace lazuli::bytes
