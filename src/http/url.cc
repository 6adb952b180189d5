// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <algorithm>

#include "base/strings.h"

namespace lazuli::http {
namespace {

// What would end the request line early, or split the request.
bool breaks_a_line(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }

}  // namespace

std::string Url::host_without_brackets() const {
  const std::string& host = authority.host;
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

uint16_t Url::port() const { return authority.port.value_or(tls ? 443 : 80); }

std::string Url::origin() const {
  return cat({tls ? "https://" : "http://", authority.host, ":", std::to_string(port())});
}

Result<Url> parse_url(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), breaks_a_line))
    return invalid_argument("a URL holds a space or a control character");
  Url url;
  url.tls = istarts_with(text, "https://");
  if (!url.tls && !istarts_with(text, "http://")) {
    return invalid_argument(cat({"\"", text, "\" is no http or https URL"}));
  }
  text.remove_prefix(url.tls ? 8 : 7);
  const size_t end = std::min(text.find_first_of("/?#"), text.size());
  const auto authority = parse_authority(text.substr(0, end));
  if (!authority)
    return invalid_argument(
        cat({"the URL's host \"", text.substr(0, end), "\" is not understood"}));
  url.authority = *authority;
  url.text = text.substr(0, end);
  const std::string_view rest = text.substr(end, text.find('#', end) - end);
  url.target = rest.starts_with('/') ? std::string(rest) : cat({"/", rest});
  return url;
}

Result<std::string> resolve_url(const Url& base, std::string_view reference) {
  if (std::any_of(reference.begin(), reference.end(), breaks_a_line))
    return invalid_argument("a URL holds a space or a control character");
  if (istarts_with(reference, "https://") || istarts_with(reference, "http://"))
    return std::string(reference);
  if (reference.find("://") < reference.find_first_of("/?#"))
    return invalid_argument(cat({"\"", reference, "\" is no http or https URL"}));
  const std::string_view scheme = base.tls ? "https:" : "http:";
  if (reference.starts_with("//")) return cat({scheme, reference});
  const std::string origin = cat({scheme, "//", base.text});
  if (reference.starts_with('/')) return origin + std::string(reference);
  const std::string path = base.target.substr(0, base.target.find('?'));
  if (reference.starts_with('?')) return cat({origin, path, reference});
  return cat({origin, path.substr(0, path.rfind('/') + 1), reference});
}

std::string loggable_path(std::string_view raw_path) {
  constexpr size_t kPieceMax = 40;  // a GUID fits
  std::string shown;
  for (std::string_view piece : split(raw_path, '/'))
    shown += cat({piece.size() > kPieceMax ? "..." : piece, "/"});
  if (!shown.empty()) shown.pop_back();
  return shown;
}

}  // namespace lazuli::http
