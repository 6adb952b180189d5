// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/strings.h"
#include "codec/text.h"
#include "core/s3.h"
#include "crypto/digest.h"

namespace lazuli::core {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// "20261125T181500Z"
std::string amz_date(Timestamp time) {
  std::string text = format_iso8601_seconds(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string hmac(std::string_view key, std::string_view data) {
  return crypto::hmac_sha256(std::as_bytes(std::span(key.data(), key.size())), data);
}

struct SignedHeaders {
  std::string names;      // "host;x-amz-date"
  std::string canonical;  // a line each
};

SignedHeaders signed_headers(const http::Headers& headers, std::string_view host) {
  std::vector<std::pair<std::string, std::string>> fields{{"host", std::string(host)}};
  for (const auto& field : headers.fields())
    fields.emplace_back(to_lower(field.name), trim(field.value));
  std::sort(fields.begin(), fields.end());
  SignedHeaders out;
  for (const auto& [name, value] : fields) {
    if (!out.names.empty()) out.names += ';';
    out.names += name;
    out.canonical += cat({name, ":", value, "\n"});
  }
  return out;
}

}  // namespace

void sign_s3(http::ClientRequest& request, std::string_view host, std::string_view target,
             const S3Signing& signing) {
  const std::string date = amz_date(signing.time), day = date.substr(0, 8);
  const std::string body_hash = to_hex(crypto::sha256(std::string_view(request.body)));
  request.headers.set("x-amz-date", date);
  request.headers.set("x-amz-content-sha256", body_hash);
  const size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query = mark == target.npos ? "" : target.substr(mark + 1);
  const SignedHeaders headers = signed_headers(request.headers, host);
  const std::string canonical = cat({to_string(request.method), "\n", path, "\n", query, "\n",
                                     headers.canonical, "\n", headers.names, "\n", body_hash});
  const std::string scope = cat({day, "/", signing.region, "/s3/aws4_request"});
  const std::string to_sign =
      cat({kAlgorithm, "\n", date, "\n", scope, "\n", to_hex(crypto::sha256(canonical))});
  std::string key = cat({"AWS4", signing.secret_key->expose()});
  for (std::string_view part : {std::string_view(day), std::string_view(signing.region),
                                std::string_view("s3"), std::string_view("aws4_request")}) {
    std::string next = hmac(key, part);
    wipe(key.data(), key.size());
    key = std::move(next);
  }
  request.headers.set("Authorization", cat({kAlgorithm, " Credential=", signing.access_key, "/",
                                            scope, ", SignedHeaders=", headers.names,
                                            ", Signature=", to_hex(hmac(key, to_sign))}));
  wipe(key.data(), key.size());
}

}  // namespace lazuli::core
