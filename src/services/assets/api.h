// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "db/db.h"
#include "services/workspace/api.h"

namespace lazuli::assets {

enum class Kind { kData, kModel, kEnvironment, kCode, kComponent };

struct AssetVersion {
  Kind kind = Kind::kData;
  std::string workspace_id;
  std::string name, version;
  std::string arm_id;
  Json properties;  // as ARM shows them
};

// A version to be registered: what stands in it is checked and completed by Assets::prepare.
struct NewVersion {
  std::string workspace_id;
  Kind kind = Kind::kData;
  std::string name, version;  // "" = the next version
  Json properties;
};

// Reads and registers versioned assets. Thread-safe.
class Assets {
 public:
  virtual ~Assets() = default;
  // Every reference form: full ARM id, "azureml:name:version", "azureml:name@latest",
  // "name:version", "azureml://registries/…/environments/{n}/labels|versions/…" (environments known
  // here by that name). kNotFound names what is missing and what to do.
  virtual Result<AssetVersion> find(std::string_view workspace_id, Kind kind,
                                    std::string_view reference) = 0;
  // All versions of a kind, newest first, archived ones excepted; at most 1000.
  virtual Result<std::vector<AssetVersion>> list(std::string_view workspace_id, Kind kind) = 0;
  // Everything that must happen before the transaction of register_version: checks properties and
  // address, and reads what the files say of a model, on the given authority.
  virtual Result<NewVersion> prepare(NewVersion wanted, const workspace::Authority& authority) = 0;
  // Registers a prepared version within the caller's transaction; equal content under the same
  // version is a success, other content kConflict.
  virtual Result<AssetVersion> register_version(db::Tx& tx, const NewVersion& prepared,
                                                const std::string& created_by) = 0;
};

}  // namespace lazuli::assets
