// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/keys.h"

namespace lazuli::crypto {

// A certificate with its private key, both PEM.
struct CertifiedKey {
  std::string certificate_pem;
  SecretString key_pem;
};

struct AuthorityOptions {
  std::string common_name;
  std::string
      domain;  // the authority can vouch for it and names below it, and for loopback addresses
  Timestamp time = now();
};

struct LeafOptions {
  std::vector<std::string> dns_names;     // "*." in front is allowed
  std::vector<std::string> ip_addresses;  // IPv4 or IPv6 in text form
  Timestamp time = now();
};

// What can be read from a certificate.
struct CertificateInfo {
  std::string subject;  // common name
  std::string sha256;   // 32 raw bytes over the DER form
  std::string sha1;     // 20 raw bytes; names a certificate in older protocols, proves nothing
  Timestamp not_before;
  Timestamp not_after;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};

// A self-signed authority (EC P-256, 10 years) whose critical name constraints keep it from
// vouching for anybody else's names, so that trusting it is harmless.
Result<CertifiedKey> make_authority(const AuthorityOptions& options);

// A TLS server certificate (EC P-256, 397 days) signed by `authority`.
Result<CertifiedKey> issue_leaf(const CertifiedKey& authority, const LeafOptions& options);

Result<CertificateInfo> inspect_certificate(std::string_view pem);
// The key that a certificate speaks of. Whether to believe it is the caller's question.
Result<PublicKey> certificate_key(std::string_view pem);
// The PEM form of a DER certificate (Microsoft Graph carries them as base64 of DER).
Result<std::string> certificate_from_der(std::string_view der);

// `bundle` with `certificate_pem` at its end, or as it is if the certificate is already in it.
std::string append_to_bundle(std::string_view bundle, std::string_view certificate_pem);

}  // namespace lazuli::crypto
