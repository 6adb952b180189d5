// SPDX-License-Identifier: Apache-2.0
#include "core/audit_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"
#include "codec/text.h"
#include "crypto/digest.h"

namespace lazuli::core::audit {
namespace {

constexpr Duration kSegmentAgeMax = std::chrono::hours(24 * 7);

std::filesystem::file_time_type::duration age_of(const std::string& path) {
  std::error_code failure;
  const auto written = std::filesystem::last_write_time(path, failure);
  if (failure) return {};
  return std::filesystem::file_time_type::clock::now() - written;
}

uint64_t size_of(const std::string& path) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  return failure ? 0 : size;
}

}  // namespace

Writer::Writer(AuditOptions options, Keys keys)
    : options_(std::move(options)), keys_(std::move(keys)) {}

Writer::~Writer() {
  if (head_ >= 0) ::close(head_);
}

Result<void> Writer::open() {
  TRY(resume(TRY(segments_of(options_.folder))));
  if (!file_.is_open()) TRY(begin_segment());
  TRY(sync());
  const std::string path = head_path(options_.folder);
  head_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (head_ < 0) return errno_error("open " + path, errno);
  write_head();
  return {};
}

Result<void> Writer::resume(const std::vector<uint64_t>& segments) {
  if (!segments.empty()) number_ = segments.back();
  for (auto number = segments.rbegin(); number != segments.rend(); ++number) {
    const std::string path = segment_path(options_.folder, *number);
    const Scan scan = scan_segment(&keys_.mac, TRY(read_file(path, SIZE_MAX)));
    if (scan.records > 0) tip_ = scan.tip;
    if (!scan.fault.empty()) {
      log::error("audit", "the log has been changed; it goes on in a new segment",
                 {{"segment", path}, {"fault", scan.fault}});
      TRY(begin_segment());
      return append_one("audit/broken", cat({std::to_string(*number), ": ", scan.fault}));
    }
    if (scan.records == 0) continue;  // a crash came between the file and its first record
    if (*number != number_ || file_exists(signature_path(options_.folder, *number))) return {};
    began_ = now();
    return file_.resume(path, scan.bytes);
  }
  return {};
}

Result<void> Writer::append(const std::vector<std::string>& members) {
  if (!file_.is_open()) TRY(begin_segment());
  Tip tip = tip_;
  std::string text;
  for (const std::string& each : members) {
    Line line = make_line(keys_.mac, ++tip.sequence, each, tip.mac);
    text += line.text;
    tip.mac = std::move(line.mac);
  }
  if (auto appended = file_.append(text); !appended.ok())
    return fall_back(std::move(appended).error());
  tip_ = std::move(tip);
  return {};
}

Result<void> Writer::sync() {
  if (auto synced = file_.sync(); !synced.ok()) return fall_back(std::move(synced).error());
  durable_ = tip_;
  durable_bytes_ = file_.bytes();
  if (file_.bytes() > options_.segment_bytes_max || now() - began_ > kSegmentAgeMax)
    return rotate();
  return {};
}

Result<void> Writer::tick() {
  if (!file_.is_open()) TRY(begin_segment());
  if (durable_.sequence != tip_.sequence) TRY(sync());
  if (durable_.sequence != head_sequence_) write_head();
  return {};
}

// After a failed write or sync nobody knows what the disk holds beyond what was durable.
Result<void> Writer::fall_back(Error error) {
  if (file_.is_open()) (void)file_.resume(file_.path(), durable_bytes_);
  file_.close();
  tip_ = durable_;
  return error;
}

// Its first record says that it begins, so that an empty file is never the end of the chain.
Result<void> Writer::begin_segment() {
  const std::string path = segment_path(options_.folder, ++number_);
  durable_bytes_ = 0;
  if (auto created = file_.create(path); !created.ok())
    return fall_back(std::move(created).error());
  began_ = now();
  TRY(append_one("audit/segment", std::to_string(number_)));
  return sync();
}

Result<void> Writer::append_one(std::string operation, std::string resource) {
  AuditEvent event;
  event.kind = AuditKind::kSystem;
  event.time = now();
  event.operation = std::move(operation);
  event.resource = std::move(resource);
  return append({members_of(event)});
}

Result<void> Writer::rotate() {
  TRY(seal_segment());
  TRY(begin_segment());
  return drop_old();
}

// A signature over what nobody will write to any more: closed segments can be checked with the
// public key alone.
Result<void> Writer::seal_segment() {
  const std::string content = TRY(read_file(file_.path(), SIZE_MAX));
  const Scan scan = scan_segment(&keys_.mac, content);
  const SegmentHead head{number_, scan.first, scan.tip.sequence, to_hex(crypto::sha256(content)),
                         scan.tip.mac};
  file_.close();
  return write_file_durably(signature_path(options_.folder, number_),
                            sign_segment(head, keys_.signing).dump_pretty());
}

// The oldest segments go when they are too old or all are too large together; the log tells.
Result<void> Writer::drop_old() {
  const std::vector<uint64_t> numbers = TRY(segments_of(options_.folder));
  uint64_t total = 0;
  for (uint64_t number : numbers) total += size_of(segment_path(options_.folder, number));
  for (uint64_t number : numbers) {
    const std::string path = segment_path(options_.folder, number);
    const bool expired = age_of(path) > options_.keep;
    if (number == number_ || (total <= options_.bytes_max && !expired)) break;
    const std::string content = TRY(read_file(path, SIZE_MAX));
    const Scan scan = scan_segment(&keys_.mac, content);
    TRY(append_one("audit/retention", cat({std::to_string(scan.tip.sequence), " ", scan.tip.mac})));
    TRY(sync());
    total -= std::min<uint64_t>(total, content.size());
    ::unlink(path.c_str());
    ::unlink(signature_path(options_.folder, number).c_str());
  }
  return {};
}

// In place and without a sync: after a crash an older one is as good.
void Writer::write_head() {
  const std::string text = head_file(keys_.mac, durable_.sequence, durable_.mac);
  if (::pwrite(head_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()))
    head_sequence_ = durable_.sequence;
}

}  // namespace lazuli::core::audit
