// SPDX-License-Identifier: Apache-2.0
#include "server/certificates.h"

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"
#include "server/hosts.h"

namespace lazuli::server {
namespace {

constexpr std::string_view kSealContext = "server.ca_key";
constexpr size_t kIssuedMax = 1024;
constexpr std::string_view kSystemBundle = "/etc/ssl/certs/ca-certificates.crt";

Result<crypto::CertifiedKey> make_authority(const std::string& domain, const std::string& key_path,
                                            const std::string& certificate_path,
                                            core::Vault& vault) {
  crypto::AuthorityOptions options;
  options.common_name = "Lazuli local authority for " + domain;
  options.domain = domain;
  crypto::CertifiedKey made = TRY(crypto::make_authority(options));
  TRY(write_file_durably(key_path, vault.seal(kSealContext, made.key_pem.expose())));
  TRY(write_file_durably(certificate_path, made.certificate_pem, 0644));
  return made;
}

bool is_address(std::string_view name) {
  return name.find(':') != std::string_view::npos ||
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<Certificates>> Certificates::open(const std::string& data_dir,
                                                         const std::string& domain,
                                                         core::Vault& vault) {
  std::string key_path = data_dir + "/ca.key", certificate_path = data_dir + "/ca.pem";
  crypto::CertifiedKey authority;
  if (file_exists(key_path) && file_exists(certificate_path)) {
    authority.certificate_pem = TRY(read_file(certificate_path));
    authority.key_pem = TRY(vault.open(kSealContext, TRY(read_file(key_path))));
  } else {
    authority = TRY(make_authority(domain, key_path, certificate_path, vault));
  }
  return std::unique_ptr<Certificates>(new Certificates(domain, std::move(authority)));
}

Result<http::CertificateSource::Pem> Certificates::certificate(const std::string& name) {
  if (!is_address(name) && !is_own_host(name, domain_))
    return not_found(cat({"'", name, "' is not a name of this server"}));
  std::lock_guard lock(mutex_);
  auto found = issued_.find(name);
  if (found == issued_.end()) {
    if (issued_.size() >= kIssuedMax) issued_.clear();
    found = issued_.emplace(name, TRY(issue(name))).first;
  }
  return Pem{found->second.certificate_pem, found->second.key_pem.clone()};
}

Result<crypto::CertifiedKey> Certificates::issue(const std::string& name) const {
  crypto::LeafOptions options;
  if (is_address(name)) {
    options.ip_addresses = {"127.0.0.1", "::1"};
    options.dns_names = {domain_};
  } else {
    options.dns_names = {name == "localhost" ? domain_ : name};
  }
  return crypto::issue_leaf(authority_, options);
}

Result<void> Certificates::write_bundle(const std::string& path) const {
  std::string system;
  if (Result<std::string> bundle = read_file(std::string(kSystemBundle)); bundle.ok())
    system = std::move(*bundle);
  else
    log::warning("server", "the system has no certificate bundle; clients will trust only ours",
                 {{"file", kSystemBundle}});
  return write_file_durably(path, crypto::append_to_bundle(system, authority_.certificate_pem),
                            0644);
}

}  // namespace lazuli::server
