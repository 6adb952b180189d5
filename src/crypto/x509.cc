// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "base/check.h"
#include "base/strings.h"
#include "crypto/keys.h"
#include "crypto/openssl.h"
#include "crypto/random.h"

namespace lazuli::crypto {
namespace {

constexpr std::chrono::hours kDay{24};
constexpr auto kAuthorityValidity = 3652 * kDay;
constexpr auto kLeafValidity = 397 * kDay;    // the longest that browsers accept is 398 days
constexpr std::chrono::minutes kBackdate{5};  // for clients whose clock is slow
constexpr size_t kNameSizeMax = 253;

// Keeps text out of OpenSSL's extension syntax, where ',' and ':' have meaning.
bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > kNameSizeMax) return false;
  for (std::string_view label : split(name, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    for (char c : label) {
      bool alphanumeric =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!alphanumeric && c != '-' && c != '_') return false;
    }
  }
  return true;
}

bool is_ip_address(const std::string& text) {
  unsigned char buffer[16];
  return ::inet_pton(AF_INET, text.c_str(), buffer) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), buffer) == 1;
}

std::string certificate_pem(X509* certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return std::string(bio_text(bio.get()));
}

Result<CertificatePtr> read_certificate(std::string_view pem) {
  BioPtr bio = read_bio(pem);
  CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return openssl_error("cannot read the certificate");
  return certificate;
}

// What authority and leaf have in common.
CertificatePtr start_certificate(const PrivateKey& key, std::string_view common_name,
                                 Timestamp time, std::chrono::hours validity) {
  CertificatePtr certificate(X509_new());
  X509* x509 = certificate.get();
  CHECK(X509_set_version(x509, X509_VERSION_3) == 1);
  std::string serial = random_bytes(16);
  serial[0] = static_cast<char>((serial[0] & 0x3f) | 0x40);  // positive, always 16 bytes long
  BIGNUM* number = BN_bin2bn(bytes_of(serial), static_cast<int>(serial.size()), nullptr);
  CHECK(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nullptr);
  BN_free(number);
  time_t begin = Clock::to_time_t(time - kBackdate);
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(validity).count();
  CHECK(ASN1_TIME_set(X509_getm_notBefore(x509), begin) != nullptr);
  CHECK(ASN1_TIME_set(X509_getm_notAfter(x509), begin + seconds - 1) != nullptr);
  CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                                   bytes_of(common_name), static_cast<int>(common_name.size()), -1,
                                   0) == 1);
  CHECK(X509_set_pubkey(x509, key.handle()) == 1);
  return certificate;
}

Result<void> add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
    return openssl_error(cat({"cannot add the extension ", value}));
  return {};
}

Result<std::string> alternative_names(const LeafOptions& options) {
  std::vector<std::string> names;
  for (const std::string& name : options.dns_names) {
    if (!is_dns_name(name)) return invalid_argument(cat({"'", name, "' is not a DNS name"}));
    names.push_back(cat({"DNS:", to_lower(name)}));
  }
  for (const std::string& address : options.ip_addresses) {
    if (!is_ip_address(address))
      return invalid_argument(cat({"'", address, "' is not an IP address"}));
    names.push_back(cat({"IP:", address}));
  }
  if (names.empty()) return invalid_argument("a certificate needs at least one name");
  return join(names, ",");
}

CertifiedKey sign_certificate(X509* certificate, const PrivateKey& signer, const PrivateKey& own) {
  CHECK(X509_sign(certificate, signer.handle(), EVP_sha256()) > 0);
  return {certificate_pem(certificate), own.to_pem()};
}

Timestamp to_timestamp(const ASN1_TIME* time) {
  std::tm parts{};
  CHECK(ASN1_TIME_to_tm(time, &parts) == 1);
  return std::chrono::time_point_cast<Duration>(Clock::from_time_t(::timegm(&parts)));
}

std::string common_name(X509* certificate) {
  X509_NAME* name = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  char buffer[INET6_ADDRSTRLEN] = {};
  int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  bool known = family == AF_INET || ASN1_STRING_length(address) == 16;
  if (known) ::inet_ntop(family, ASN1_STRING_get0_data(address), buffer, sizeof buffer);
  return buffer;
}

void read_alternative_names(X509* certificate, CertificateInfo& info) {
  std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS)
      info.dns_names.emplace_back(
          reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
          static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    if (name->type == GEN_IPADD) info.ip_addresses.push_back(address_text(name->d.iPAddress));
  }
}

}  // namespace

Result<CertifiedKey> make_authority(const AuthorityOptions& options) {
  if (!is_dns_name(options.domain) || options.domain.starts_with("*"))
    return invalid_argument(cat({"'", options.domain, "' is not a domain"}));
  PrivateKey key = PrivateKey::generate(KeyKind::kEcP256);
  CertificatePtr certificate =
      start_certificate(key, options.common_name, options.time, kAuthorityValidity);
  X509* x509 = certificate.get();
  CHECK(X509_set_issuer_name(x509, X509_get_subject_name(x509)) == 1);
  std::string permitted = cat({"critical,permitted;DNS:", to_lower(options.domain),
                               ",permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:0:0:0:0:0:0:0:1/"
                               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"});
  TRY(add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  TRY(add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign"));
  TRY(add_extension(x509, x509, NID_subject_key_identifier, "hash"));
  TRY(add_extension(x509, x509, NID_authority_key_identifier, "keyid:always"));
  TRY(add_extension(x509, x509, NID_name_constraints, permitted));
  return sign_certificate(x509, key, key);
}

Result<CertifiedKey> issue_leaf(const CertifiedKey& authority, const LeafOptions& options) {
  std::string names = TRY(alternative_names(options));
  PrivateKey signer = TRY(PrivateKey::from_pem(authority.key_pem));
  CertificatePtr issuer = TRY(read_certificate(authority.certificate_pem));
  PrivateKey key = PrivateKey::generate(KeyKind::kEcP256);
  // A common name with a space is never taken for a host name, which constraints would then judge.
  CertificatePtr certificate = start_certificate(key, "Lazuli server", options.time, kLeafValidity);
  X509* x509 = certificate.get();
  CHECK(X509_set_issuer_name(x509, X509_get_subject_name(issuer.get())) == 1);
  TRY(add_extension(x509, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
  TRY(add_extension(x509, issuer.get(), NID_key_usage, "critical,digitalSignature"));
  TRY(add_extension(x509, issuer.get(), NID_ext_key_usage, "serverAuth"));
  TRY(add_extension(x509, issuer.get(), NID_subject_key_identifier, "hash"));
  TRY(add_extension(x509, issuer.get(), NID_authority_key_identifier, "keyid:always"));
  TRY(add_extension(x509, issuer.get(), NID_subject_alt_name, names));
  return sign_certificate(x509, signer, key);
}

Result<CertificateInfo> inspect_certificate(std::string_view pem) {
  CertificatePtr certificate = TRY(read_certificate(pem));
  CertificateInfo info;
  info.subject = common_name(certificate.get());
  info.sha256.resize(32);
  CHECK(X509_digest(certificate.get(), EVP_sha256(), bytes_of(info.sha256), nullptr) == 1);
  info.sha1.resize(20);
  CHECK(X509_digest(certificate.get(), EVP_sha1(), bytes_of(info.sha1), nullptr) == 1);
  info.not_before = to_timestamp(X509_get0_notBefore(certificate.get()));
  info.not_after = to_timestamp(X509_get0_notAfter(certificate.get()));
  read_alternative_names(certificate.get(), info);
  return info;
}

Result<PublicKey> certificate_key(std::string_view pem) {
  CertificatePtr certificate = TRY(read_certificate(pem));
  EVP_PKEY* key = X509_get_pubkey(certificate.get());
  if (key == nullptr) return openssl_error("cannot read the certificate's key");
  return PublicKey({key, EVP_PKEY_free});
}

Result<std::string> certificate_from_der(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != bytes_of(der) + der.size())
    return openssl_error("cannot read the certificate");
  return certificate_pem(certificate.get());
}

std::string append_to_bundle(std::string_view bundle, std::string_view certificate_pem) {
  if (bundle.find(trim(certificate_pem)) != bundle.npos) return std::string(bundle);
  std::string_view separator = bundle.empty() || bundle.ends_with('\n') ? "" : "\n";
  return cat({bundle, separator, certificate_pem});
}

}  // namespace lazuli::crypto
