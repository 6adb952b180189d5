// SPDX-License-Identifier: Apache-2.0
#include "crypto/tpm.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "base/check.h"
#include "base/strings.h"

namespace lazuli::crypto {
namespace {

constexpr size_t kPlainMax = 128;
constexpr size_t kMarshalledMax = sizeof(TPM2B_PUBLIC) + sizeof(TPM2B_PRIVATE);

Error tpm_error(std::string_view what, TSS2_RC code) {
  return internal_error(cat({what, " failed: ", Tss2_RC_Decode(code)}), "TpmFailed");
}

Result<void> check(std::string_view what, TSS2_RC code) {
  if (code != TSS2_RC_SUCCESS) return tpm_error(what, code);
  return {};
}

struct EsysFree {
  void operator()(void* memory) const { Esys_Free(memory); }
};
template <typename T>
using EsysPtr = std::unique_ptr<T, EsysFree>;

// A primary storage key on P-256, as the TCG's profile writes it: the chip makes the same one of
// its seed every time.
TPM2B_PUBLIC primary_template() {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
                          TPMA_OBJECT_NODA | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                          TPMA_OBJECT_SENSITIVEDATAORIGIN;
  TPMS_ECC_PARMS& ecc = area.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_AES;
  ecc.symmetric.keyBits.aes = 128;
  ecc.symmetric.mode.aes = TPM2_ALG_CFB;
  ecc.scheme.scheme = TPM2_ALG_NULL;
  ecc.curveID = TPM2_ECC_NIST_P256;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  return key;
}

TPM2B_PUBLIC sealed_template() {
  TPM2B_PUBLIC data{};
  data.publicArea.type = TPM2_ALG_KEYEDHASH;
  data.publicArea.nameAlg = TPM2_ALG_SHA256;
  data.publicArea.objectAttributes =
      TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
  data.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  return data;
}

// A connection to the chip, with the primary key loaded.
class Tpm {
 public:
  static Result<std::unique_ptr<Tpm>> open(const std::string& tcti) {
    std::unique_ptr<Tpm> tpm(new Tpm);
    const char* name = tcti.empty() ? nullptr : tcti.c_str();
    if (Tss2_TctiLdr_Initialize(name, &tpm->tcti_) != TSS2_RC_SUCCESS)
      return unavailable(cat({"there is no TPM at '", tcti, "'"}), "TpmMissing");
    TRY(check("Esys_Initialize", Esys_Initialize(&tpm->context_, tpm->tcti_, nullptr)));
    const TSS2_RC begun = Esys_Startup(tpm->context_, TPM2_SU_CLEAR);
    if (begun != TPM2_RC_INITIALIZE) TRY(check("Esys_Startup", begun));  // mostly has begun
    TRY(tpm->make_primary());
    TRY(tpm->begin_session());
    return tpm;
  }
  ~Tpm() {
    flush(object_);
    flush(session_);
    flush(primary_);
    Esys_Finalize(&context_);
    Tss2_TctiLdr_Finalize(&tcti_);
  }
  Tpm(const Tpm&) = delete;
  Tpm& operator=(const Tpm&) = delete;

  Result<std::string> seal(std::span<const std::byte> plain) {
    TPM2B_SENSITIVE_CREATE sensitive{};
    sensitive.sensitive.data.size = static_cast<UINT16>(plain.size());
    std::memcpy(sensitive.sensitive.data.buffer, plain.data(), plain.size());
    const TPM2B_PUBLIC wanted = sealed_template();
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION pcrs{};
    TPM2B_PRIVATE* secret = nullptr;
    TPM2B_PUBLIC* open = nullptr;
    TRY(hide(TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT));
    const TSS2_RC made =
        Esys_Create(context_, primary_, session_, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &wanted,
                    &outside, &pcrs, &secret, &open, nullptr, nullptr, nullptr);
    wipe(&sensitive, sizeof sensitive);
    const EsysPtr<TPM2B_PRIVATE> own_secret(secret);
    const EsysPtr<TPM2B_PUBLIC> own_open(open);
    TRY(check("Esys_Create", made));
    std::string out(kMarshalledMax, '\0');
    auto* bytes = reinterpret_cast<uint8_t*>(out.data());
    size_t size = 0;
    TRY(check("marshalling", Tss2_MU_TPM2B_PUBLIC_Marshal(open, bytes, out.size(), &size)));
    TRY(check("marshalling", Tss2_MU_TPM2B_PRIVATE_Marshal(secret, bytes, out.size(), &size)));
    out.resize(size);
    return out;
  }

  Result<SecretBytes> unseal(std::string_view sealed) {
    const Error corrupt =
        internal_error("this TPM has not sealed that value, or it is damaged", "DataCorruption");
    TPM2B_PUBLIC open{};
    TPM2B_PRIVATE secret{};
    size_t at = 0;
    const auto* bytes = reinterpret_cast<const uint8_t*>(sealed.data());
    if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, sealed.size(), &at, &open) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Unmarshal(bytes, sealed.size(), &at, &secret) != TSS2_RC_SUCCESS)
      return corrupt;
    if (Esys_Load(context_, primary_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &secret, &open,
                  &object_) != TSS2_RC_SUCCESS)
      return corrupt;
    TRY(hide(TPMA_SESSION_ENCRYPT));
    TPM2B_SENSITIVE_DATA* data = nullptr;
    TRY(check("Esys_Unseal",
              Esys_Unseal(context_, object_, session_, ESYS_TR_NONE, ESYS_TR_NONE, &data)));
    const EsysPtr<TPM2B_SENSITIVE_DATA> own_data(data);
    SecretBytes plain(std::as_bytes(std::span(data->buffer, data->size)));
    wipe(data->buffer, data->size);
    return plain;
  }

 private:
  Tpm() = default;

  Result<void> make_primary() {
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_PUBLIC wanted = primary_template();
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION pcrs{};
    return check("Esys_CreatePrimary",
                 Esys_CreatePrimary(context_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &sensitive, &wanted, &outside, &pcrs, &primary_,
                                    nullptr, nullptr, nullptr, nullptr));
  }

  // Salted with the primary key, so that the secret does not cross the bus in the clear.
  Result<void> begin_session() {
    TPMT_SYM_DEF cipher{};
    cipher.algorithm = TPM2_ALG_AES;
    cipher.keyBits.aes = 128;
    cipher.mode.aes = TPM2_ALG_CFB;
    return check("Esys_StartAuthSession",
                 Esys_StartAuthSession(context_, primary_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, nullptr, TPM2_SE_HMAC, &cipher,
                                       TPM2_ALG_SHA256, &session_));
  }

  // What the session enciphers: the command's first parameter, the answer's, or both.
  Result<void> hide(TPMA_SESSION what) {
    return check("Esys_TRSess_SetAttributes",
                 Esys_TRSess_SetAttributes(
                     context_, session_,
                     static_cast<TPMA_SESSION>(what | TPMA_SESSION_CONTINUESESSION), 0xff));
  }

  void flush(ESYS_TR handle) {
    if (handle != ESYS_TR_NONE) Esys_FlushContext(context_, handle);
  }

  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* context_ = nullptr;
  ESYS_TR primary_ = ESYS_TR_NONE;
  ESYS_TR session_ = ESYS_TR_NONE;
  ESYS_TR object_ = ESYS_TR_NONE;
};

}  // namespace

Result<std::string> seal_with_tpm(const std::string& tcti, std::span<const std::byte> plain) {
  if (plain.size() > kPlainMax) return invalid_argument("a TPM seals 128 bytes at most");
  std::unique_ptr<Tpm> tpm = TRY(Tpm::open(tcti));
  return tpm->seal(plain);
}

Result<SecretBytes> open_with_tpm(const std::string& tcti, std::string_view sealed) {
  std::unique_ptr<Tpm> tpm = TRY(Tpm::open(tcti));
  return tpm->unseal(sealed);
}

}  // namespace lazuli::crypto
