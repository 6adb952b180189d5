// SPDX-License-Identifier: Apache-2.0
#include "server/byte_store.h"

#include <cstdlib>

#include "base/strings.h"
#include "bytes/remote_store.h"
#include "codec/text.h"
#include "http/url.h"

namespace lazuli::server {
namespace {

constexpr std::string_view kScheme = "s3:";

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<void> take_query(std::string_view query, core::S3Options& options) {
  for (const auto& [name, value] : TRY(parse_query(query))) {
    if (name == "region")
      options.region = value;
    else if (name == "ca")
      options.ca_file = value;
    else
      return invalid_argument(
          cat({"the byte store's address has an unknown setting '", name, "'"}));
  }
  return {};
}

}  // namespace

Result<ByteStorePlace> parse_byte_store(std::string_view text) {
  if (!text.starts_with(kScheme))
    return invalid_argument("a byte store's address begins with s3:https:// or s3:http://");
  const http::Url url = TRY(http::parse_url(text.substr(kScheme.size())));
  ByteStorePlace place;
  place.s3.endpoint = cat({url.tls ? "https://" : "http://", url.text});
  const std::string_view target = url.target;
  const size_t mark = target.find('?');
  const std::string path = TRY(url_decode(target.substr(0, mark)));
  const size_t end = path.find('/', 1);
  place.s3.bucket = path.substr(std::min<size_t>(1, path.size()), end == path.npos ? end : end - 1);
  if (end != path.npos) place.prefix = path.substr(end + 1);
  if (!place.prefix.empty() && !place.prefix.ends_with('/')) place.prefix += '/';
  if (place.s3.bucket.empty()) return invalid_argument("the byte store's address names no bucket");
  if (mark != target.npos) TRY(take_query(target.substr(mark + 1), place.s3));
  return place;
}

Result<std::unique_ptr<bytes::Store>> open_byte_store(const std::string& text,
                                                      const SecretBytes& root_key) {
  ByteStorePlace place = TRY(parse_byte_store(text));
  place.s3.access_key = environment("LAZULI_S3_ACCESS_KEY");
  place.s3.secret_key = SecretString(environment("LAZULI_S3_SECRET_KEY"));
  auto service = TRY(core::open_s3(std::move(place.s3)));
  bytes::RemoteOptions options;
  options.prefix = place.prefix;
  return bytes::open_remote(std::move(service), root_key.clone(), options);
}

}  // namespace lazuli::server
