// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <set>

#include "base/files.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/audit_segment.h"
#include "crypto/digest.h"

namespace lazuli::core {
namespace {

// Walks the segments in order and keeps what joins them.
class Verifier {
 public:
  // Without `mac` the log is checked by its signatures alone.
  Verifier(const std::string& folder, const SecretBytes* mac, crypto::PublicKey signing)
      : folder_(folder), mac_(mac), signing_(std::move(signing)) {
    if (mac_ == nullptr) return;
    // Read before the segments: records that come meanwhile are in the log, not beyond its end.
    const auto head = read_file(audit::head_path(folder));
    if (head.ok()) head_ = audit::parse_head(*mac_, *head);
  }

  Result<void> walk() {
    const std::vector<uint64_t> numbers = TRY(audit::segments_of(folder_));
    for (uint64_t number : numbers) {
      const std::string path = audit::segment_path(folder_, number);
      std::string content = TRY(read_file(path, SIZE_MAX));
      if (number == numbers.back()) content.resize(content.rfind('\n') + 1);  // maybe in use
      check(number, number == numbers.back(), content);
    }
    report_.segments = numbers.size();
    if (numbers.empty()) fault("there is no log in " + folder_);
    check_begin();
    check_head();
    return {};
  }

  AuditReport take() { return std::move(report_); }

 private:
  void fault(std::string text) { report_.faults.push_back(std::move(text)); }

  void check(uint64_t number, bool newest, const std::string& content) {
    const std::string name = "segment " + std::to_string(number);
    const audit::Scan scan = audit::scan_segment(mac_, content);
    if (!scan.fault.empty()) fault(cat({name, ": ", scan.fault}));
    if (scan.unfinished > 0) fault(name + ": its last record is not whole");
    if (scan.records == 0) {
      if (scan.fault.empty()) report_.notes.push_back(name + " is empty: it could not be written");
      return;
    }
    check_joint(name, scan);
    check_signature(number, name, newest, content, scan);
    note_lines(content.substr(0, scan.bytes));
    report_.records += scan.records;
    report_.last = scan.tip.sequence;
    report_.head = scan.tip.mac;
  }

  void check_joint(const std::string& name, const audit::Scan& scan) {
    if (report_.records == 0) {
      report_.first = scan.first;
      before_first_ = scan.previous;
      return;
    }
    if (scan.first != report_.last + 1)
      fault(cat({name, ": begins with record ", std::to_string(scan.first), " after record ",
                 std::to_string(report_.last), ": a segment or records are missing"}));
    else if (scan.previous != report_.head)
      fault(name + ": does not continue the segment before it");
  }

  void check_signature(uint64_t number, const std::string& name, bool newest,
                       const std::string& content, const audit::Scan& scan) {
    const auto text = read_file(audit::signature_path(folder_, number));
    if (!text.ok()) {
      const std::string unsigned_segment = name + " was not closed in order and has no signature";
      if (!newest && mac_ == nullptr) fault(unsigned_segment);
      if (!newest && mac_ != nullptr) report_.notes.push_back(unsigned_segment);
      return;
    }
    const auto file = Json::parse(*text);
    const audit::SegmentHead head{number, scan.first, scan.tip.sequence,
                                  to_hex(crypto::sha256(content)), scan.tip.mac};
    if (!file.ok() || !audit::signature_covers(*file, head, signing_))
      fault(name + ": its signature does not verify");
  }

  // Records about the log itself, and the one that the head names.
  void note_lines(std::string_view content) {
    while (!content.empty()) {
      const std::string_view line = content.substr(0, content.find('\n'));
      content.remove_prefix(line.size() + 1);
      const auto place = audit::place_of(line);
      if (head_ && place->sequence == head_->sequence) head_found_ = place->mac == head_->mac;
      if (line.find("\"operation\":\"audit/") == std::string_view::npos) continue;
      const auto event = audit::event_of(line);
      if (!event.ok() || event->kind != AuditKind::kSystem) continue;
      if (event->operation == "audit/retention") dropped_.insert(event->resource);
      if (event->operation == "audit/broken") fault("the server found segment " + event->resource);
    }
  }

  void check_begin() {
    if (report_.records == 0) return;
    if (report_.first == 1) {
      if (before_first_ != audit::kFirstPrevious) fault("the first record has a predecessor");
      return;
    }
    const std::string expected = cat({std::to_string(report_.first - 1), " ", before_first_});
    if (!dropped_.contains(expected))
      fault(cat({"the log begins with record ", std::to_string(report_.first),
                 ", and no record tells that those before it were dropped"}));
  }

  void check_head() {
    if (mac_ == nullptr) return;
    if (!head_) return fault("the file `head`, which tells how far the log had come, is not whole");
    if (head_->sequence < report_.first) return;
    if (!head_found_)
      fault(cat({"record ", std::to_string(head_->sequence),
                 " had been written, but the log ends before it or has another there"}));
  }

  const std::string& folder_;
  const SecretBytes* const mac_;
  const crypto::PublicKey signing_;
  std::optional<audit::Head> head_;
  AuditReport report_;
  std::string before_first_;
  std::set<std::string> dropped_;  // as retention records name them
  bool head_found_ = false;
};

}  // namespace

Result<AuditReport> verify_audit(const std::string& folder, Vault& vault) {
  if (!file_exists(folder + "/signing.key")) return not_found("there is no audit log in " + folder);
  const audit::Keys keys = TRY(audit::open_keys(folder, vault));
  Verifier verifier(folder, &keys.mac, keys.signing.public_key());
  TRY(verifier.walk());
  return verifier.take();
}

Result<AuditReport> verify_audit_signatures(const std::string& folder,
                                            std::string_view public_key_pem) {
  Verifier verifier(folder, nullptr, TRY(crypto::PublicKey::from_pem(public_key_pem)));
  TRY(verifier.walk());
  return verifier.take();
}

}  // namespace lazuli::core
