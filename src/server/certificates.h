// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/vault.h"
#include "crypto/x509.h"
#include "http/server.h"

namespace lazuli::server {

// The local certificate authority: made at the first start, its key sealed in DIR/ca.key, its
// certificate in DIR/ca.pem. Issues a leaf per name asked for, kept in memory. Thread-safe.
class Certificates final : public http::CertificateSource {
 public:
  static Result<std::unique_ptr<Certificates>> open(const std::string& data_dir,
                                                    const std::string& domain, core::Vault& vault);

  Result<Pem> certificate(const std::string& name) override;

  // Writes `path`: the system's authorities with ours at the end; what clients are told to trust.
  Result<void> write_bundle(const std::string& path) const;

 private:
  Certificates(std::string domain, crypto::CertifiedKey authority)
      : domain_(std::move(domain)), authority_(std::move(authority)) {}
  Result<crypto::CertifiedKey> issue(const std::string& name) const;

  std::string domain_;
  crypto::CertifiedKey authority_;
  std::mutex mutex_;
  std::map<std::string, crypto::CertifiedKey> issued_;
};

}  // namespace lazuli::server
