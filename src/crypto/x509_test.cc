// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/strings.h"
#include "crypto/keys.h"
#include "crypto/openssl.h"

namespace lazuli::crypto {
namespace {

CertificatePtr load(const std::string& pem) {
  BioPtr bio = read_bio(pem);
  return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// As a TLS client checks, with OpenSSL's strictest rules; the reason if it refuses.
std::string verify(const CertifiedKey& authority, const CertifiedKey& leaf, const char* host,
                   const char* address = nullptr) {
  using StorePtr = std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>>;
  using ContextPtr = std::unique_ptr<X509_STORE_CTX, OpensslFree<X509_STORE_CTX_free>>;
  CertificatePtr root = load(authority.certificate_pem), end = load(leaf.certificate_pem);
  StorePtr store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), root.get());
  ContextPtr context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), end.get(), nullptr);
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
  if (host != nullptr) X509_VERIFY_PARAM_set1_host(param, host, 0);
  if (address != nullptr) X509_VERIFY_PARAM_set1_ip_asc(param, address);
  if (X509_verify_cert(context.get()) == 1) return "ok";
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

class CryptoX509 : public ::testing::Test {
 protected:
  CertifiedKey authority_ = *make_authority({"Lazuli test authority", "lazuli.localhost"});
};

TEST_F(CryptoX509, IssuesWhatStrictVerificationAccepts) {
  LeafOptions options{{"lazuli.localhost", "*.lazuli.localhost", "*.blob.core.lazuli.localhost"},
                      {"127.0.0.1", "127.8.9.10", "::1"}};
  CertifiedKey leaf = *issue_leaf(authority_, options);
  EXPECT_EQ(verify(authority_, leaf, "lazuli.localhost"), "ok");
  EXPECT_EQ(verify(authority_, leaf, "management.lazuli.localhost"), "ok");
  EXPECT_EQ(verify(authority_, leaf, "acc.blob.core.lazuli.localhost"), "ok");
  EXPECT_EQ(verify(authority_, leaf, nullptr, "127.0.0.1"), "ok");
  EXPECT_EQ(verify(authority_, leaf, nullptr, "::1"), "ok");
  EXPECT_NE(verify(authority_, leaf, "example.com"), "ok");
  EXPECT_NE(verify(authority_, leaf, nullptr, "127.0.0.2"), "ok");
  EXPECT_EQ(verify(authority_, *issue_leaf(authority_, {{}, {"127.0.0.1"}}), nullptr, "127.0.0.1"),
            "ok");
}

TEST_F(CryptoX509, ConstraintsRefuseForeignNames) {
  for (const char* name : {"example.com", "evil-lazuli.localhost", "localhost", "*.localhost"})
    EXPECT_EQ(verify(authority_, *issue_leaf(authority_, {{name}, {}}), nullptr),
              "permitted subtree violation")
        << name;
  for (const char* address : {"10.0.0.1", "128.0.0.1", "::2", "::ffff:127.0.0.1"})
    EXPECT_EQ(verify(authority_, *issue_leaf(authority_, {{}, {address}}), nullptr),
              "permitted subtree violation")
        << address;
}

TEST_F(CryptoX509, RefusesAnotherAuthority) {
  CertifiedKey other = *make_authority({"Lazuli test authority", "lazuli.localhost"});
  CertifiedKey leaf = *issue_leaf(other, {{"lazuli.localhost"}, {}});
  EXPECT_NE(verify(authority_, leaf, "lazuli.localhost"), "ok");
}

TEST_F(CryptoX509, RefusesNamesThatAreNone) {
  for (const char* bad : {"", "a,IP:1.2.3.4", "a b", "a..b", "-a", "a:b", "*", "a.*.b", "é"})
    EXPECT_FALSE(issue_leaf(authority_, {{bad}, {}}).ok()) << bad;
  EXPECT_FALSE(issue_leaf(authority_, {{}, {"1.2.3"}}).ok());
  EXPECT_FALSE(issue_leaf(authority_, {{}, {}}).ok());
  EXPECT_FALSE(make_authority({"x", "a,permitted;DNS:com"}).ok());
  EXPECT_FALSE(make_authority({"x", "*.localhost"}).ok());
}

TEST_F(CryptoX509, TellsValidityAndNames) {
  CertifiedKey leaf = *issue_leaf(authority_, {{"A.lazuli.localhost"}, {"::1", "127.0.0.1"}});
  CertificateInfo info = *inspect_certificate(leaf.certificate_pem);
  EXPECT_EQ(info.dns_names, std::vector<std::string>{"a.lazuli.localhost"});
  EXPECT_EQ(info.ip_addresses, (std::vector<std::string>{"::1", "127.0.0.1"}));
  EXPECT_EQ(info.not_after - info.not_before,
            std::chrono::hours(397 * 24) - std::chrono::seconds(1));
  EXPECT_LT(info.not_before, now());
  CertificateInfo root = *inspect_certificate(authority_.certificate_pem);
  EXPECT_EQ(root.subject, "Lazuli test authority");
  EXPECT_GT(root.not_after, now() + std::chrono::hours(3650 * 24));
  EXPECT_EQ(root.sha256.size(), 32u);
  EXPECT_FALSE(inspect_certificate("junk").ok());
}

TEST_F(CryptoX509, AppendsToABundleOnce) {
  std::string bundle = append_to_bundle("# roots", authority_.certificate_pem);
  EXPECT_TRUE(bundle.starts_with("# roots\n-----BEGIN"));
  EXPECT_EQ(append_to_bundle(bundle, authority_.certificate_pem), bundle);
  EXPECT_EQ(append_to_bundle("", authority_.certificate_pem), authority_.certificate_pem);
}

}  // namespace
}  // namespace lazuli::crypto
