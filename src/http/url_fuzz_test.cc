// SPDX-License-Identifier: Apache-2.0
// URLs that users name, and the redirects of those who answer there.
#include "base/testing.h"
#include "http/url.h"

namespace lazuli::http {
namespace {

void check_url(const Url& url) {
  CHECK(!url.authority.host.empty() && url.port() != 0);
  CHECK(url.target.starts_with('/'));
  for (const char c : url.target + url.text) CHECK(static_cast<unsigned char>(c) > 0x20);
  CHECK(url.text.find_first_of("/?#@") == std::string::npos);
  const auto origin = parse_url(url.origin());
  CHECK(origin.ok() && origin->origin() == url.origin());
}

}  // namespace

FUZZ_TARGET(http_url) {
  const auto url = parse_url(data);
  if (url.ok()) check_url(*url);
  const auto base = parse_url("https://host:8443/a/b?c");
  CHECK(base.ok());
  const auto resolved = resolve_url(*base, data);
  if (!resolved.ok()) return;
  const auto target = parse_url(*resolved);
  if (target.ok()) check_url(*target);
}

}  // namespace lazuli::http
