// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/service.h"
#include "services/assets/api.h"
#include "services/storage/api.h"
#include "services/workspace/api.h"

namespace lazuli::assets {

class AssetsService : public core::Service, public Assets {};

// Versioned data, models, environments, code and components of workspaces.
std::unique_ptr<AssetsService> make_assets(workspace::Workspaces& workspaces,
                                           storage::Storage& storage);

}  // namespace lazuli::assets
