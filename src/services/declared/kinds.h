// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/context.h"

namespace lazuli::declared {

// A resource type that can be made, read, listed, tagged, locked and deleted, while the service
// behind it is not there: what is asked of the service itself answers 501 with its name.
struct Kind {
  std::string_view type;        // "Microsoft.KeyVault/vaults"
  std::string_view operations;  // Azure's name of the group: "Vaults"
  std::string_view api_version;
  bool has_location = true;
  // What the resource says of itself besides what it was made with.
  void (*describe)(const core::RequestContext&, const std::string& name,
                   Json& properties) = nullptr;
};

std::span<const Kind> kinds();

// A POST of a kind that is known and answers 501.
struct MissingAction {
  std::string_view type, action, operation_id;
};
std::span<const MissingAction> missing_actions();

inline constexpr std::string_view kStorageAccounts = "Microsoft.Storage/storageAccounts";

}  // namespace lazuli::declared
