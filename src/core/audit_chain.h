// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "codec/json.h"
#include "core/audit.h"
#include "crypto/keys.h"

// The form of the audit log on disk: a folder of segments, each a file of JSON lines. A line ends
// with the previous line's MAC and its own, HMAC-SHA256 over all of the line before it. A closed
// segment has a signature beside it.
namespace lazuli::core::audit {

inline constexpr std::string_view kFirstPrevious =
    "0000000000000000000000000000000000000000000000000000000000000000";

// The members of a record but for its number and its place in the chain: `"kind":"write",…`.
std::string members_of(const AuditEvent& event);
Result<AuditEvent> event_of(std::string_view line);

// One line, ended by '\n'; `mac` becomes the line's own.
struct Line {
  std::string text, mac;
};
Line make_line(const SecretBytes& key, uint64_t sequence, std::string_view members,
               std::string_view previous);

// A line's place in the chain, read without parsing JSON; nothing if it has not the form.
struct Place {
  uint64_t sequence = 0;
  std::string_view previous, mac;
};
std::optional<Place> place_of(std::string_view line);  // without the '\n'
bool verifies(const SecretBytes& key, std::string_view line, std::string_view mac);

struct Keys {
  SecretBytes mac;
  crypto::PrivateKey signing;
};
// Opens the folder's keys, making the signing key at first; `public.pem` lies beside it in clear.
Result<Keys> open_keys(const std::string& folder, Vault& vault);

std::string segment_path(const std::string& folder, uint64_t number);
std::string signature_path(const std::string& folder, uint64_t number);
std::string head_path(const std::string& folder);
// The numbers of the segments there are, in order.
Result<std::vector<uint64_t>> segments_of(const std::string& folder);

// What a signature covers.
struct SegmentHead {
  uint64_t segment = 0, first = 0, last = 0;
  std::string sha256, mac;  // of the whole file; of its last line (hex)
  std::string text() const;
};
Json sign_segment(const SegmentHead& head, const crypto::PrivateKey& key);
// Whether a signature file is the key's and covers exactly this head.
bool signature_covers(const Json& file, const SegmentHead& head, const crypto::PublicKey& key);

// The newest record that was known to be on disk: tells a log that was cut off from a whole one.
std::string head_file(const SecretBytes& key, uint64_t sequence, std::string_view mac);
struct Head {
  uint64_t sequence = 0;
  std::string mac;
};
std::optional<Head> parse_head(const SecretBytes& key, std::string_view file);

}  // namespace lazuli::core::audit
