// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "core/service.h"
#include "services/authorization/api.h"
#include "services/directory/api.h"

namespace lazuli::server {

// Where the code of the first start waits for whoever may read the data directory (0600).
std::string setup_code_file(const std::string& data_dir);

// Makes a code and writes it there; what there was is void.
Result<void> write_setup_code(directory::Directory& directory, const std::string& data_dir);

// POST /setup, from this machine alone and over TLS: the code, a name and a password make the first
// person, Owner of everything.
std::unique_ptr<core::Service> make_setup(const core::Installation& installation,
                                          directory::Directory& directory,
                                          authorization::Authorization& authorization);

}  // namespace lazuli::server
