// SPDX-License-Identifier: Apache-2.0
#include "cli/root_key_command.h"

#include <cstdio>
#include <filesystem>

#include "base/strings.h"
#include "cli/server_commands.h"
#include "codec/json.h"
#include "core/root_key.h"
#include "server/installation.h"

namespace lazuli::cli {
namespace {

// The server is started elsewhere than this command.
std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

Result<core::RootKeySeal> seal_of(const RootKeyRequest& request) {
  const auto keeper = core::parse_root_key_keeper(request.keeper);
  if (!keeper) return invalid_argument(cat({"nothing called '", request.keeper, "' keeps a key"}));
  core::RootKeySeal seal{
      *keeper,     absolute(request.passphrase_file), request.module, request.token,
      request.key, absolute(request.pin_file),        request.tcti};
  if (*keeper == core::RootKeyKeeper::kPassphrase && seal.passphrase_file.empty())
    return invalid_argument("--passphrase-file is missing");
  const bool half = seal.module.empty() || seal.token.empty() || seal.pin_file.empty();
  if (*keeper == core::RootKeyKeeper::kToken && half)
    return invalid_argument("--module, --token and --pin-file are needed");
  return seal;
}

Result<void> seal(const RootKeyRequest& request) {
  const core::RootKeySeal wanted = TRY(seal_of(request));
  const server::DataDir dir = TRY(server::DataDir::open(request.data_dir));  // nobody else may run
  return core::seal_root_key(dir.path(), wanted);
}

}  // namespace

int root_key_seal(const RootKeyRequest& request) {
  const auto done = seal(request);
  if (!done.ok()) return fail(done.error());
  std::printf("The root key is kept by: %s\n", request.keeper.c_str());
  return kSuccess;
}

int root_key_show(const RootKeyRequest& request) {
  if (!core::has_root_key(request.data_dir))
    return fail(not_found("there is no installation in " + request.data_dir));
  const auto seal = core::root_key_seal(request.data_dir);
  if (!seal.ok()) return fail(seal.error());
  const std::string keeper(core::to_string(seal->keeper));
  if (request.json)
    std::printf("%s\n", Json::object({{"keeper", keeper}}).dump_pretty().c_str());
  else
    std::printf("The root key is kept by: %s\n", keeper.c_str());
  return kSuccess;
}

}  // namespace lazuli::cli
