// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "bytes/object_service.h"
#include "http/client.h"

namespace lazuli::core {

struct S3Options {
  std::string endpoint;  // "https://s3.example.com", "http://127.0.0.1:8333"
  std::string bucket;    // addressed as the first segment of the path; must exist
  std::string region = "us-east-1";
  std::string access_key;
  SecretString secret_key;
  std::string ca_file;  // for https: PEM bundle that alone is trusted
  Duration timeout = std::chrono::seconds(60);
  int attempts_max = 6;  // of a request that may pass: 0.1 s, 0.2 s, … apart, with chance in it
  Duration first_pause = std::chrono::milliseconds(100);
};

// A bucket of any service that speaks Amazon's S3 (REST, XML, Signature Version 4), over a few
// kept connections. Bodies are sent with their SHA-256, which the service checks.
Result<std::shared_ptr<bytes::ObjectService>> open_s3(S3Options options);

// Signature Version 4 (AWS General Reference, "Signing AWS API requests"): adds x-amz-date,
// x-amz-content-sha256 and Authorization. All fields of the request are signed; `target` must be
// encoded, its query in order.
struct S3Signing {
  std::string access_key, region;
  const SecretString* secret_key = nullptr;
  Timestamp time;
};
void sign_s3(http::ClientRequest& request, std::string_view host, std::string_view target,
             const S3Signing& signing);

}  // namespace lazuli::core
