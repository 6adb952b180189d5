// SPDX-License-Identifier: Apache-2.0
// Requests whose SharedKey or SAS nobody has signed: the texts to sign are formed, none is taken.
#include "base/testing.h"
#include "http/parser.h"
#include "services/storage/names.h"
#include "services/storage/sas.h"
#include "services/storage/shared_key.h"
#include "services/storage/signature.h"

namespace lazuli::storage {
namespace {

// Any account that a request names, with a key that was made just now.
FindAccount every_account() {
  static const std::string key(new_account_key().expose());
  return [](const std::string& name) -> Result<std::shared_ptr<const Account>> {
    return std::make_shared<const Account>(
        Account{name, "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/x",
                SecretString(key)});
  };
}

void check_refused(core::Authenticator& authenticator, const http::RequestHead& head) {
  if (!authenticator.present(head)) return;
  const auto verified = authenticator.verify(head, "https://storage.azure.com");
  CHECK(!verified.ok());
  CHECK(verified.error().code != Code::kInternal);
}

void check_target(const http::RequestHead& head) {
  const auto target = target_of(head);
  if (!target.ok()) return;
  if (check_path({target->account, target->container, target->blob}).ok()) {
    CHECK(target->container.find('/') == std::string::npos);
    CHECK(target->blob.find('\0') == std::string::npos);
  }
}

}  // namespace

FUZZ_TARGET(storage_credentials) {
  http::RequestParser parser({16384, 64});
  http::RequestHead head;
  parser.begin(head);
  const auto progress = parser.read_head(data);
  if (!progress.done || http::complete_head(head, parser.is_http10())) return;
  head.peer = "127.0.0.1";
  check_target(head);
  CHECK(!shared_key_texts(head, "account").empty());
  CHECK(!shared_key_lite_texts(head, "account").empty());
  SharedKeyAuthenticator shared_key(every_account());
  check_refused(shared_key, head);
  SasAuthenticator sas(every_account());
  check_refused(sas, head);
}

}  // namespace lazuli::storage
