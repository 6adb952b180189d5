// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/auth.h"
#include "services/storage/accounts.h"

namespace lazuli::storage {

// The texts a client may have signed for this request ("Authorize with Shared Key"). There are two
// orders of x-ms- headers in the field: by code point, and as .NET compares words.
std::vector<std::string> shared_key_texts(const http::RequestHead& head, std::string_view account);
std::vector<std::string> shared_key_lite_texts(const http::RequestHead& head,
                                               std::string_view account);

// Authorization: SharedKey and SharedKeyLite. Who holds an account's key may do everything within
// it.
class SharedKeyAuthenticator : public core::Authenticator {
 public:
  explicit SharedKeyAuthenticator(FindAccount find_account)
      : find_account_(std::move(find_account)) {}
  bool present(const http::RequestHead& head) const override;
  Result<core::Verified> verify(const http::RequestHead& head, std::string_view audience) override;

 private:
  FindAccount find_account_;
};

}  // namespace lazuli::storage
