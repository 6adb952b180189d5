// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "services/directory/api.h"
#include "services/directory/model.h"

namespace lazuli::directory {

// The object as others may see it; not for applications.
Principal principal_of(const Object& object);
// Nothing for nothing, and for applications.
std::optional<Principal> principal_of(const std::optional<Object>& object);
Application application_of(const Object& object);

// A new object with ids of its own.
Object new_object(std::string_view kind, std::string name);
Object new_application(std::string name);
// Of that application.
Object new_service_principal(const std::string& app_id, std::string name);
Object new_managed_identity(const std::string& resource_id, bool explicit_identity);

}  // namespace lazuli::directory
