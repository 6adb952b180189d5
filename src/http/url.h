// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/parser.h"

namespace lazuli::http {

// An absolute http or https URL, as a client needs it.
struct Url {
  bool tls = true;
  Authority authority;
  std::string text;    // of the authority, for the Host field
  std::string target;  // path and query; the fragment is left out

  std::string host_without_brackets() const;
  uint16_t port() const;
  std::string origin() const;  // "https://host:443"
};

// kInvalidArgument for another scheme, user information or a host that is not understood.
Result<Url> parse_url(std::string_view text);

// A request's path as it may be logged: a long piece of it could be a credential ("/msi/…/token"),
// and is left out.
std::string loggable_path(std::string_view raw_path);

// A reference ("/path", "//host/path", "https://…", "name") as seen from `base` (RFC 3986 §5,
// without the merging of dot segments: servers do that themselves).
Result<std::string> resolve_url(const Url& base, std::string_view reference);

}  // namespace lazuli::http
