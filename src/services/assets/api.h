// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "db/db.h"

namespace lazuli::assets {

enum class Kind { kData, kModel, kEnvironment, kCode, kComponent };

struct AssetVersion {
  Kind kind = Kind::kData;
  std::string workspace_id;
  std::string name, version;
  std::string arm_id;
  Json properties;  // as ARM shows them
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
  // Registers a version ("" = the next one) within the caller's transaction; equal content under
  // the same version is a success, other content kConflict.
  virtual Result<AssetVersion> register_version(db::Tx& tx, std::string_view workspace_id,
                                                Kind kind, const std::string& name,
                                                const std::string& version, Json properties,
                                                const std::string& created_by) = 0;
};

}  // namespace lazuli::assets
