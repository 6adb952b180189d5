// SPDX-License-Identifier: Apache-2.0
#include "services/storage/conditions.h"

#include "base/strings.h"
#include "services/storage/errors.h"
#include "services/storage/names.h"

namespace lazuli::storage {
namespace {

Result<std::optional<Timestamp>> parse_date(const http::Headers& headers, std::string_view name) {
  auto text = headers.get(name);
  if (!text || text->empty()) return std::optional<Timestamp>();
  auto time = parse_http_date(*text);
  if (!time.ok()) return invalid_header(name);
  return std::optional<Timestamp>(*time);
}

// Whether `etag` is among those of a header. Clients also send it without quotes.
bool names_etag(std::string_view header, uint64_t etag) {
  const std::string bare = format_etag_bare(etag);
  for (std::string_view item : split(header, ',')) {
    item = trim(item);
    if (item == "*") return true;
    if (item.size() >= 2 && item.front() == '"' && item.back() == '"')
      item = item.substr(1, item.size() - 2);
    if (item == bare) return true;
  }
  return false;
}

bool modified_after(Timestamp modified, Timestamp limit) {
  return std::chrono::floor<std::chrono::seconds>(modified) > limit;
}

}  // namespace

Result<Conditions> parse_conditions(const http::Headers& headers) {
  Conditions conditions;
  conditions.if_match = trim(headers.get_or("If-Match", ""));
  conditions.if_none_match = trim(headers.get_or("If-None-Match", ""));
  conditions.if_modified_since = TRY(parse_date(headers, "If-Modified-Since"));
  conditions.if_unmodified_since = TRY(parse_date(headers, "If-Unmodified-Since"));
  return conditions;
}

Result<void> check_read(const Conditions& conditions, uint64_t etag, Timestamp modified) {
  if (!conditions.if_match.empty() && !names_etag(conditions.if_match, etag))
    return condition_not_met();
  if (conditions.if_unmodified_since && modified_after(modified, *conditions.if_unmodified_since))
    return condition_not_met();
  // RFC 9110 §13.2.2: If-Modified-Since counts only without If-None-Match.
  if (!conditions.if_none_match.empty()) {
    if (names_etag(conditions.if_none_match, etag)) return not_modified();
    return {};
  }
  if (conditions.if_modified_since && !modified_after(modified, *conditions.if_modified_since))
    return not_modified();
  return {};
}

Result<void> check_change(const Conditions& conditions, uint64_t etag, Timestamp modified) {
  auto outcome = check_read(conditions, etag, modified);
  if (!outcome.ok()) return condition_not_met();
  return {};
}

Result<void> check_create(const Conditions& conditions, const Blob* existing) {
  if (existing == nullptr) {
    if (!conditions.if_match.empty()) return condition_not_met();
    return {};
  }
  if (trim(conditions.if_none_match) == "*") return blob_already_exists();
  return check_change(conditions, existing->etag, existing->modified);
}

}  // namespace lazuli::storage
