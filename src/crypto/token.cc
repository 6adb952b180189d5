// SPDX-License-Identifier: Apache-2.0
#include "crypto/token.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <array>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "crypto/aead.h"
#include "crypto/random.h"

namespace lazuli::crypto {
namespace {

constexpr CK_ULONG kKeySize = 32;

Error token_error(std::string_view what, CK_RV code) {
  const std::string message = cat({what, " failed in the token's module: code ",
                                   std::to_string(static_cast<unsigned long>(code))});
  if (code == CKR_PIN_INCORRECT || code == CKR_PIN_LOCKED || code == CKR_PIN_LEN_RANGE)
    return permission_denied(message, "TokenRefused");
  return internal_error(message, "TokenFailed");
}

Result<void> check(std::string_view what, CK_RV code) {
  if (code != CKR_OK) return token_error(what, code);
  return {};
}

CK_UTF8CHAR* chars(std::string_view text) {
  return reinterpret_cast<CK_UTF8CHAR*>(const_cast<char*>(text.data()));
}

// Modules keep state of the whole process, so they are neither unloaded nor finalized.
Result<CK_FUNCTION_LIST*> load(const std::string& path) {
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (module == nullptr) return not_found(cat({"cannot load ", path, ": ", ::dlerror()}));
  auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(module, "C_GetFunctionList"));
  if (get_functions == nullptr) return not_found(cat({path, " is no PKCS#11 module"}));
  CK_FUNCTION_LIST* functions = nullptr;
  TRY(check("C_GetFunctionList", get_functions(&functions)));
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV begun = functions->C_Initialize(&arguments);
  if (begun != CKR_CRYPTOKI_ALREADY_INITIALIZED) TRY(check("C_Initialize", begun));
  return functions;
}

// A session with somebody signed in.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(const TokenOptions& options) {
    CK_FUNCTION_LIST* functions = TRY(load(options.module));
    const CK_SLOT_ID slot = TRY(find_slot(functions, options.token));
    CK_SESSION_HANDLE handle = 0;
    TRY(check("C_OpenSession", functions->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                        nullptr, nullptr, &handle)));
    std::unique_ptr<Session> session(new Session(functions, handle));
    const std::string_view pin = options.pin.expose();
    const CK_RV entered = functions->C_Login(handle, CKU_USER, chars(pin), pin.size());
    if (entered != CKR_USER_ALREADY_LOGGED_IN) TRY(check("C_Login", entered));
    return session;
  }
  ~Session() { functions_->C_CloseSession(handle_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<CK_OBJECT_HANDLE> find_key(const std::string& label) {
    CK_OBJECT_CLASS kind = CKO_SECRET_KEY;
    std::array<CK_ATTRIBUTE, 2> wanted{
        {{CKA_CLASS, &kind, sizeof kind}, {CKA_LABEL, chars(label), label.size()}}};
    TRY(check("C_FindObjectsInit",
              functions_->C_FindObjectsInit(handle_, wanted.data(), wanted.size())));
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG count = 0;
    const CK_RV found = functions_->C_FindObjects(handle_, &key, 1, &count);
    functions_->C_FindObjectsFinal(handle_);
    TRY(check("C_FindObjects", found));
    if (count == 0) return not_found(cat({"the token holds no key '", label, "'"}));
    return key;
  }

  Result<CK_OBJECT_HANDLE> make_key(const std::string& label) {
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG size = kKeySize;
    std::array<CK_ATTRIBUTE, 8> wanted{{{CKA_TOKEN, &yes, sizeof yes},
                                        {CKA_PRIVATE, &yes, sizeof yes},
                                        {CKA_SENSITIVE, &yes, sizeof yes},
                                        {CKA_EXTRACTABLE, &no, sizeof no},
                                        {CKA_ENCRYPT, &yes, sizeof yes},
                                        {CKA_DECRYPT, &yes, sizeof yes},
                                        {CKA_VALUE_LEN, &size, sizeof size},
                                        {CKA_LABEL, chars(label), label.size()}}};
    CK_OBJECT_HANDLE key = 0;
    TRY(check("C_GenerateKey",
              functions_->C_GenerateKey(handle_, &mechanism, wanted.data(), wanted.size(), &key)));
    return key;
  }

  Result<std::string> encrypt(CK_OBJECT_HANDLE key, std::string_view nonce, std::string_view aad,
                              std::span<const std::byte> plain) {
    Gcm gcm(nonce, aad);
    TRY(check("C_EncryptInit", functions_->C_EncryptInit(handle_, gcm.mechanism(), key)));
    std::string out(plain.size() + kAeadTagSize, '\0');
    CK_ULONG size = out.size();
    TRY(check("C_Encrypt",
              functions_->C_Encrypt(handle_, bytes(plain), plain.size(), chars(out), &size)));
    if (size != out.size()) return token_error("C_Encrypt", CKR_GENERAL_ERROR);
    return out;
  }

  Result<SecretBytes> decrypt(CK_OBJECT_HANDLE key, std::string_view nonce, std::string_view aad,
                              std::string_view sealed) {
    Gcm gcm(nonce, aad);
    TRY(check("C_DecryptInit", functions_->C_DecryptInit(handle_, gcm.mechanism(), key)));
    SecretBytes space(sealed.size());  // some modules want room for the tag as well
    CK_ULONG size = space.size();
    const CK_RV opened =
        functions_->C_Decrypt(handle_, chars(sealed), sealed.size(), bytes(space.expose()), &size);
    if (opened != CKR_OK || size + kAeadTagSize != sealed.size())
      return internal_error("a value sealed by the token does not verify", "DataCorruption");
    return SecretBytes(space.expose().first(size));
  }

 private:
  // The mechanism points to the parameters.
  class Gcm {
   public:
    Gcm(std::string_view nonce, std::string_view aad) {
      parameters_.pIv = chars(nonce);
      parameters_.ulIvLen = nonce.size();
      parameters_.ulIvBits = nonce.size() * 8;
      parameters_.pAAD = chars(aad);
      parameters_.ulAADLen = aad.size();
      parameters_.ulTagBits = kAeadTagSize * 8;
    }
    Gcm(const Gcm&) = delete;
    Gcm& operator=(const Gcm&) = delete;
    CK_MECHANISM* mechanism() { return &mechanism_; }

   private:
    CK_GCM_PARAMS parameters_{};
    CK_MECHANISM mechanism_{CKM_AES_GCM, &parameters_, sizeof parameters_};
  };

  Session(CK_FUNCTION_LIST* functions, CK_SESSION_HANDLE handle)
      : functions_(functions), handle_(handle) {}

  static CK_BYTE* bytes(std::span<const std::byte> data) {
    return reinterpret_cast<CK_BYTE*>(const_cast<std::byte*>(data.data()));
  }

  static Result<CK_SLOT_ID> find_slot(CK_FUNCTION_LIST* functions, const std::string& label) {
    CK_ULONG count = 0;
    TRY(check("C_GetSlotList", functions->C_GetSlotList(CK_TRUE, nullptr, &count)));
    std::vector<CK_SLOT_ID> slots(count);
    TRY(check("C_GetSlotList", functions->C_GetSlotList(CK_TRUE, slots.data(), &count)));
    slots.resize(std::min<size_t>(count, slots.size()));
    for (CK_SLOT_ID slot : slots) {
      CK_TOKEN_INFO info{};
      if (functions->C_GetTokenInfo(slot, &info) != CKR_OK) continue;
      const std::string_view padded(reinterpret_cast<const char*>(info.label), sizeof info.label);
      if (trim(padded) == label) return slot;
    }
    return not_found(cat({"there is no token '", label, "'"}));
  }

  CK_FUNCTION_LIST* functions_;
  CK_SESSION_HANDLE handle_;
};

}  // namespace

Result<std::string> seal_with_token(const TokenOptions& options, std::string_view aad,
                                    std::span<const std::byte> plain) {
  std::unique_ptr<Session> session = TRY(Session::open(options));
  auto key = session->find_key(options.key);
  if (!key.ok() && key.error().code == Code::kNotFound) key = session->make_key(options.key);
  if (!key.ok()) return std::move(key).error();
  const std::string nonce = random_bytes(kAeadNonceSize);
  return nonce + TRY(session->encrypt(*key, nonce, aad, plain));
}

Result<SecretBytes> open_with_token(const TokenOptions& options, std::string_view aad,
                                    std::string_view sealed) {
  if (sealed.size() < kAeadNonceSize + kAeadTagSize)
    return internal_error("a value sealed by the token is too short", "DataCorruption");
  std::unique_ptr<Session> session = TRY(Session::open(options));
  const CK_OBJECT_HANDLE key = TRY(session->find_key(options.key));
  return session->decrypt(key, sealed.substr(0, kAeadNonceSize), aad,
                          sealed.substr(kAeadNonceSize));
}

}  // namespace lazuli::crypto
