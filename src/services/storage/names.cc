// SPDX-License-Identifier: Apache-2.0
#include "services/storage/names.h"

#include <cstdio>

#include "base/strings.h"
#include "codec/text.h"
#include "services/storage/errors.h"

namespace lazuli::storage {
namespace {

constexpr size_t kContainerNameMin = 3;
constexpr size_t kContainerNameMax = 63;
constexpr size_t kBlobNameMax = 1024;
constexpr size_t kPathSegmentsMax = 254;
constexpr size_t kMetadataBytesMax = 8 * 1024;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

size_t count_characters(std::string_view utf8) {
  size_t count = 0;
  for (char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

// C# identifiers, as the protocol asks; ASCII ones.
bool is_metadata_name(std::string_view name) {
  if (name.empty() || !is_alpha(name.front())) return false;
  for (char c : name)
    if (!is_alpha(c) && !(c >= '0' && c <= '9')) return false;
  return true;
}

bool is_metadata_value(std::string_view value) {
  for (char c : value)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return false;
  return is_utf8(value);
}

}  // namespace

Result<Target> target_of(const http::RequestHead& head) {
  Target target;
  size_t dot = head.host.find(".blob.");
  target.path_style = dot == std::string::npos || dot == 0;
  if (!target.path_style) target.account = head.host.substr(0, dot);

  std::string_view rest = head.raw_path;
  auto take = [&](bool whole) -> Result<std::string> {
    if (!rest.empty() && rest.front() == '/') rest.remove_prefix(1);
    size_t end = whole ? std::string_view::npos : rest.find('/');
    std::string_view part = rest.substr(0, end);
    rest.remove_prefix(part.size());
    return url_decode(part);
  };
  if (target.path_style) target.account = TRY(take(false));
  target.container = TRY(take(false));
  target.blob = TRY(take(true));
  return target;
}

Result<void> check_container_name(std::string_view name) {
  if (name.size() < kContainerNameMin || name.size() > kContainerNameMax)
    return resource_name_length();
  char before = '-';
  for (char c : name) {
    if (!is_lower_or_digit(c) && c != '-') return invalid_resource_name();
    if (c == '-' && before == '-') return invalid_resource_name();
    before = c;
  }
  if (before == '-') return invalid_resource_name();
  return {};
}

Result<void> check_blob_name(std::string_view name) {
  if (!is_utf8(name) || name.find('\0') != std::string_view::npos) return invalid_resource_name();
  if (name.empty() || count_characters(name) > kBlobNameMax) return resource_name_length();
  auto segments = split(name, '/');
  if (segments.size() > kPathSegmentsMax) return invalid_resource_name();
  for (std::string_view segment : segments)
    if (segment == "." || segment == "..") return invalid_resource_name();
  return {};
}

Result<void> check_metadata(const Metadata& metadata) {
  size_t total = 0;
  for (const auto& [name, value] : metadata) {
    if (!is_metadata_name(name) || !is_metadata_value(value)) return invalid_metadata();
    total += name.size() + value.size();
  }
  if (total > kMetadataBytesMax) return invalid_metadata();
  return {};
}

Result<void> check_path(const BlobPath& path) {
  TRY(check_container_name(path.container));
  return check_blob_name(path.name);
}

std::string format_etag_bare(uint64_t etag) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llX", static_cast<unsigned long long>(etag));
  return text;
}

std::string format_etag(uint64_t etag) { return cat({"\"", format_etag_bare(etag), "\""}); }

}  // namespace lazuli::storage
