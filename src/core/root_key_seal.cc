// SPDX-License-Identifier: Apache-2.0
#include "core/root_key_seal.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/files.h"
#include "base/strings.h"
#include "codec/json.h"
#include "codec/text.h"
#include "crypto/aead.h"
#include "crypto/passphrase.h"
#include "crypto/random.h"
#include "crypto/token.h"
#include "crypto/tpm.h"

namespace lazuli::core {
namespace {

constexpr size_t kKeySize = 32;
constexpr size_t kSecretFileMax = 4096;
constexpr int64_t kVersion = 1;
constexpr std::string_view kAad = "lazuli root key 1";
constexpr std::pair<RootKeyKeeper, std::string_view> kKeepers[] = {
    {RootKeyKeeper::kFile, "file"},
    {RootKeyKeeper::kPassphrase, "passphrase"},
    {RootKeyKeeper::kToken, "pkcs11"},
    {RootKeyKeeper::kTpm, "tpm2"}};

Error refuse(std::string message) {
  return Error{Code::kInternal, "RootKeyRefused", std::move(message), {}, {}};
}

Result<SecretString> read_secret_file(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return errno_error(cat({"stat ", path}), errno);
  if ((info.st_mode & 077) != 0)
    return refuse(cat({path, " can be used by others: run chmod 600 ", path}));
  std::string text = TRY(read_file(path, kSecretFileMax));
  std::string_view secret = text;
  if (secret.ends_with('\n')) secret.remove_suffix(1);
  SecretString out(secret);
  wipe(text.data(), text.size());
  if (out.empty()) return refuse(cat({path, " is empty"}));
  return out;
}

crypto::TokenOptions token_options(const RootKeySeal& seal, SecretString pin) {
  return {seal.module, seal.token, seal.key, std::move(pin)};
}

// The passphrase's parameters travel with what it sealed.
struct Stretching {
  std::string salt;
  crypto::PassphraseCost cost;
};

Json to_json(const RootKeySeal& seal) {
  Json json = Json::object({{"version", kVersion}, {"keeper", to_string(seal.keeper)}});
  if (seal.keeper == RootKeyKeeper::kPassphrase) json.set("passphraseFile", seal.passphrase_file);
  if (seal.keeper == RootKeyKeeper::kToken) {
    json.set("module", seal.module).set("token", seal.token);
    json.set("key", seal.key).set("pinFile", seal.pin_file);
  }
  if (seal.keeper == RootKeyKeeper::kTpm) json.set("tcti", seal.tcti);
  return json;
}

Result<RootKeySeal> from_json(const Json& json) {
  const auto keeper = parse_root_key_keeper(json["keeper"].str());
  if (json["version"].integer() != kVersion || !keeper || *keeper == RootKeyKeeper::kFile)
    return refuse("the sealed root key is of a kind that this release does not know");
  return RootKeySeal{*keeper,
                     std::string(json["passphraseFile"].str()),
                     std::string(json["module"].str()),
                     std::string(json["token"].str()),
                     std::string(json["key"].str()),
                     std::string(json["pinFile"].str()),
                     std::string(json["tcti"].str())};
}

Result<Json> seal_root(const SecretBytes& root, const RootKeySeal& seal) {
  Json json = to_json(seal);
  std::string sealed;
  if (seal.keeper == RootKeyKeeper::kPassphrase) {
    const SecretString passphrase = TRY(read_secret_file(seal.passphrase_file));
    const Stretching with{crypto::random_bytes(crypto::kPassphraseSaltSize), {}};
    const SecretBytes key = TRY(crypto::key_of_passphrase(passphrase, with.salt, with.cost));
    sealed = crypto::seal_secret(key, kAad, root.expose());
    json.set("salt", to_base64(with.salt)).set("passes", with.cost.passes);
    json.set("memoryBytes", with.cost.memory_bytes);
  } else if (seal.keeper == RootKeyKeeper::kToken) {
    SecretString pin = TRY(read_secret_file(seal.pin_file));
    sealed = TRY(crypto::seal_with_token(token_options(seal, std::move(pin)), kAad, root.expose()));
  } else {
    sealed = TRY(crypto::seal_with_tpm(seal.tcti, root.expose()));
  }
  json.set("sealed", to_base64(sealed));
  return json;
}

Result<SecretBytes> open_with_passphrase(const RootKeySeal& seal, const Json& json,
                                         std::string_view sealed) {
  const SecretString passphrase = TRY(read_secret_file(seal.passphrase_file));
  const std::string salt = TRY(from_base64(json["salt"].str()));
  const crypto::PassphraseCost cost{static_cast<uint64_t>(json["passes"].integer()),
                                    static_cast<uint64_t>(json["memoryBytes"].integer())};
  const SecretBytes key = TRY(crypto::key_of_passphrase(passphrase, salt, cost));
  auto root = crypto::open_secret(key, kAad, sealed);
  if (!root.ok())
    return refuse(cat({"the passphrase in ", seal.passphrase_file,
                       " does not open the root key: restore the right one"}));
  return root;
}

Result<SecretBytes> open_root(const Json& json) {
  const RootKeySeal seal = TRY(from_json(json));
  const std::string sealed = TRY(from_base64(json["sealed"].str()));
  if (seal.keeper == RootKeyKeeper::kPassphrase) return open_with_passphrase(seal, json, sealed);
  if (seal.keeper == RootKeyKeeper::kTpm) return crypto::open_with_tpm(seal.tcti, sealed);
  SecretString pin = TRY(read_secret_file(seal.pin_file));
  return crypto::open_with_token(token_options(seal, std::move(pin)), kAad, sealed);
}

Result<Json> read_sealed(const std::string& data_dir) {
  const std::string path = sealed_root_key_file(data_dir);
  auto json = Json::parse(TRY(read_file(path)));
  if (!json.ok()) return refuse(cat({path, " is damaged: restore it from a backup"}));
  return json;
}

}  // namespace

std::string_view to_string(RootKeyKeeper keeper) {
  for (const auto& [each, name] : kKeepers)
    if (each == keeper) return name;
  return {};
}

std::optional<RootKeyKeeper> parse_root_key_keeper(std::string_view name) {
  for (const auto& [keeper, each] : kKeepers)
    if (each == name) return keeper;
  return std::nullopt;
}

std::string sealed_root_key_file(const std::string& data_dir) { return data_dir + "/root.sealed"; }

Result<SecretBytes> open_sealed_root_key(const std::string& data_dir) {
  const Json sealed = TRY(read_sealed(data_dir));
  SecretBytes root = TRY(open_root(sealed));
  if (root.size() != kKeySize) return refuse("what was sealed is no root key");
  return root;
}

Result<RootKeySeal> root_key_seal(const std::string& data_dir) {
  if (!file_exists(sealed_root_key_file(data_dir))) return RootKeySeal{};
  return from_json(TRY(read_sealed(data_dir)));
}

Result<void> write_root_key_seal(const std::string& data_dir, const SecretBytes& root,
                                 const RootKeySeal& seal) {
  CHECK(root.size() == kKeySize && seal.keeper != RootKeyKeeper::kFile);
  const Json json = TRY(seal_root(root, seal));
  const SecretBytes opened = TRY(open_root(json));
  const auto text = [](const SecretBytes& secret) {
    return std::string_view(reinterpret_cast<const char*>(secret.expose().data()), secret.size());
  };
  if (!equal_constant_time(text(opened), text(root)))
    return internal_error("the keeper gave back another key than it was given");
  return write_file_durably(sealed_root_key_file(data_dir), json.dump_pretty() + "\n");
}

}  // namespace lazuli::core
