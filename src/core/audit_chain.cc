// SPDX-License-Identifier: Apache-2.0
#include "core/audit_chain.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/files.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/vault.h"
#include "crypto/digest.h"

namespace lazuli::core::audit {
namespace {

constexpr std::string_view kStart = "{\"sequence\":";
constexpr std::string_view kPrevious = ",\"previous\":\"";
constexpr std::string_view kMac = "\",\"mac\":\"";
constexpr std::string_view kEnd = "\"}";
constexpr size_t kHex = 64;
constexpr std::string_view kPrefix = "segment-";
constexpr std::string_view kSuffix = ".jsonl";
constexpr const char* kSigningContext = "core.audit.signing_key";

std::string mac_of(const SecretBytes& key, std::string_view text) {
  return to_hex(crypto::hmac_sha256(key.expose(), text));
}

std::string number_text(uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%08llu", static_cast<unsigned long long>(number));
  return text;
}

std::optional<AuditKind> kind_of(std::string_view text) {
  for (AuditKind kind : {AuditKind::kWrite, AuditKind::kRelease, AuditKind::kDenial,
                         AuditKind::kRead, AuditKind::kSystem, AuditKind::kOutcome})
    if (to_string(kind) == text) return kind;
  return {};
}

// Every text member of an event, under its name on disk.
template <typename Event, typename Visit>
void each_text(Event& event, const Visit& visit) {
  visit("tenant", event.tenant_id);
  visit("principal", event.object_id);
  visit("application", event.app_id);
  visit("name", event.name);
  visit("credential", event.credential);
  visit("operation", event.operation);
  visit("operationId", event.operation_id);
  visit("resource", event.resource);
  visit("role", event.role_id);
  visit("assignment", event.assignment_id);
  visit("from", event.peer);
  visit("method", event.method);
  visit("path", event.path);
  visit("request", event.request_id);
  visit("clientRequest", event.client_request_id);
  visit("code", event.code);
}

// What a client sent may be any bytes; JSON holds UTF-8 alone.
std::string printable(const std::string& text) {
  constexpr size_t kBytesMax = 2048;
  std::string bounded = text.substr(0, kBytesMax);
  return is_utf8(bounded) ? bounded : url_encode(bounded);
}

}  // namespace

std::string members_of(const AuditEvent& event) {
  Json::Object members;
  members.push_back({"time", format_iso8601(event.time)});
  members.push_back({"kind", to_string(event.kind)});
  if (event.count != 1) members.push_back({"count", static_cast<int64_t>(event.count)});
  if (event.of != 0) members.push_back({"of", static_cast<int64_t>(event.of)});
  if (event.status != 0) members.push_back({"status", event.status});
  each_text(event, [&](const char* name, const std::string& text) {
    if (!text.empty()) members.push_back({name, printable(text)});
  });
  const std::string object = Json::object(std::move(members)).dump();
  return object.substr(1, object.size() - 2);
}

Result<AuditEvent> event_of(std::string_view line) {
  const Json json = TRY(Json::parse(line));
  AuditEvent event;
  const auto kind = kind_of(json["kind"].str());
  if (!kind) return invalid_argument("an audit record has no kind");
  event.kind = *kind;
  event.time = TRY(parse_iso8601(json["time"].str()));
  event.sequence = static_cast<uint64_t>(json["sequence"].integer());
  event.count = static_cast<uint64_t>(json["count"].integer(1));
  event.of = static_cast<uint64_t>(json["of"].integer());
  event.status = static_cast<int>(json["status"].integer());
  each_text(event, [&](const char* name, std::string& text) { text = json[name].text(); });
  return event;
}

Line make_line(const SecretBytes& key, uint64_t sequence, std::string_view members,
               std::string_view previous) {
  Line line;
  line.text = cat({kStart, std::to_string(sequence), ",", members, kPrevious, previous, kMac});
  line.mac = mac_of(key, line.text);
  line.text += cat({line.mac, kEnd, "\n"});
  return line;
}

std::optional<Place> place_of(std::string_view line) {
  constexpr size_t kTail = kPrevious.size() + kHex + kMac.size() + kHex + kEnd.size();
  if (!line.starts_with(kStart) || !line.ends_with(kEnd) || line.size() < kStart.size() + kTail)
    return {};
  const std::string_view tail = line.substr(line.size() - kTail);
  if (!tail.starts_with(kPrevious) || tail.substr(kPrevious.size() + kHex, kMac.size()) != kMac)
    return {};
  const size_t comma = line.find(',');
  const auto sequence = parse_int(line.substr(kStart.size(), comma - kStart.size()));
  if (!sequence || *sequence < 1) return {};
  return Place{static_cast<uint64_t>(*sequence), tail.substr(kPrevious.size(), kHex),
               tail.substr(kPrevious.size() + kHex + kMac.size(), kHex)};
}

bool verifies(const SecretBytes& key, std::string_view line, std::string_view mac) {
  const std::string_view covered = line.substr(0, line.size() - kEnd.size() - kHex);
  return equal_constant_time(mac_of(key, covered), mac);
}

Result<Keys> open_keys(const std::string& folder, Vault& vault) {
  const std::string path = folder + "/signing.key";
  if (!file_exists(path)) {
    const auto fresh = crypto::PrivateKey::generate(crypto::KeyKind::kEcP256);
    const SecretString pem = fresh.to_pem();
    TRY(write_file_durably(folder + "/public.pem", fresh.public_key().to_pem(), 0644));
    TRY(write_file_durably(path, vault.seal(kSigningContext, pem.expose())));
  }
  const SecretString pem = TRY(vault.open(kSigningContext, TRY(read_file(path))));
  return Keys{vault.derive("core.audit"), TRY(crypto::PrivateKey::from_pem(pem))};
}

std::string segment_path(const std::string& folder, uint64_t number) {
  return cat({folder, "/", kPrefix, number_text(number), kSuffix});
}

std::string signature_path(const std::string& folder, uint64_t number) {
  return cat({folder, "/", kPrefix, number_text(number), ".sig"});
}

std::string head_path(const std::string& folder) { return folder + "/head"; }

Result<std::vector<uint64_t>> segments_of(const std::string& folder) {
  std::vector<uint64_t> numbers;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const auto number = parse_int(std::string_view(name).substr(
        kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
    if (number && *number > 0) numbers.push_back(static_cast<uint64_t>(*number));
  }
  if (failure) return internal_error("read the folder " + folder + ": " + failure.message());
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string SegmentHead::text() const {
  return cat({"lazuli audit segment\n", std::to_string(segment), "\n", std::to_string(first), "\n",
              std::to_string(last), "\n", sha256, "\n", mac, "\n"});
}

Json sign_segment(const SegmentHead& head, const crypto::PrivateKey& key) {
  return Json::object({{"segment", static_cast<int64_t>(head.segment)},
                       {"first", static_cast<int64_t>(head.first)},
                       {"last", static_cast<int64_t>(head.last)},
                       {"sha256", head.sha256},
                       {"head", head.mac},
                       {"signature", to_base64(key.sign(head.text()))}});
}

bool signature_covers(const Json& file, const SegmentHead& head, const crypto::PublicKey& key) {
  const auto signature = from_base64(file["signature"].str());
  return signature.ok() && key.verify(head.text(), *signature);
}

std::string head_file(const SecretBytes& key, uint64_t sequence, std::string_view mac) {
  // Of one length, so that a newer one takes the place of an older.
  char number[24];
  std::snprintf(number, sizeof number, "%020llu", static_cast<unsigned long long>(sequence));
  const std::string text = cat({number, " ", mac});
  return cat({text, " ", mac_of(key, "head " + text), "\n"});
}

std::optional<Head> parse_head(const SecretBytes& key, std::string_view file) {
  const auto parts = split(trim(file), ' ');
  if (parts.size() != 3) return {};
  const auto sequence = parse_int(parts[0]);
  const std::string seal = mac_of(key, cat({"head ", parts[0], " ", parts[1]}));
  if (!sequence || !equal_constant_time(seal, parts[2])) return {};
  return Head{static_cast<uint64_t>(*sequence), std::string(parts[1])};
}

}  // namespace lazuli::core::audit
