// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/context.h"
#include "core/service.h"
#include "services/declared/kinds.h"
#include "services/declared/store.h"
#include "services/directory/api.h"
#include "services/storage/api.h"

namespace lazuli::declared {

struct Parts {
  const core::Installation& installation;
  storage::Storage& storage;
  directory::Identities& identities;
  std::unique_ptr<Store> store = nullptr;
  core::Authorizer* authorizer = nullptr;
  core::ResourceGroups* groups = nullptr;
  core::Events* events = nullptr;
};

using Context = core::RequestContext;
using Answer = Result<http::Response>;

Answer get_resource(const Parts& parts, const Kind& kind, Context& context);
Answer list_resources(const Parts& parts, const Kind& kind, Context& context);
Answer put_resource(const Parts& parts, const Kind& kind, Context& context);
Answer patch_resource(const Parts& parts, const Kind& kind, Context& context);
Answer delete_resource(const Parts& parts, const Kind& kind, Context& context);
Answer list_account_keys(const Parts& parts, const Kind& kind, Context& context);
Answer check_account_name(const Parts& parts, const Kind& kind, Context& context);

}  // namespace lazuli::declared
