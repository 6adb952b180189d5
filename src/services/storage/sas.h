// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/auth.h"
#include "services/storage/accounts.h"
#include "services/storage/api.h"
#include "services/storage/names.h"

namespace lazuli::storage {

// The decoded parameters of a shared access signature ("sv", "sp", …), exactly as sent.
using SasFields = std::map<std::string, std::string, std::less<>>;

// The text that a service or user delegation SAS signs, by its version ("Create a service SAS",
// "Create a user delegation SAS"). `resource` is
// "/blob/{account}/{container}[/{blob}]".
std::string service_sas_text(const SasFields& fields, std::string_view resource);

// The query string of a service SAS for a container, or for one blob where path.name is set.
Result<std::string> make_service_sas(const Account& account, const BlobPath& path,
                                     const SasOptions& options);

// Whether `fields` allow one of the permission letters.
bool sas_allows(std::string_view signed_permissions, std::string_view letters);

// Service and user delegation SAS of a container or blob. The grant covers the container; that a
// blob's SAS is used for this blob alone follows from the signature, which is over the path of the
// request.
class SasAuthenticator : public core::Authenticator {
 public:
  explicit SasAuthenticator(FindAccount find_account) : find_account_(std::move(find_account)) {}
  bool present(const http::RequestHead& head) const override;
  Result<core::Verified> verify(const http::RequestHead& head, std::string_view audience) override;

 private:
  FindAccount find_account_;
};

}  // namespace lazuli::storage
