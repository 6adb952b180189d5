// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/text.h"
#include "core/context.h"
#include "core/service.h"
#include "services/directory/api.h"

// What the handlers of OAuth 2.0 (RFC 6749) share.
namespace lazuli::identity {

using Context = core::RequestContext;
using Answer = Result<http::Response>;

// An error as RFC 6749 §5.2 names it, with Entra's number and explanation, as MSAL shows them:
// oauth("invalid_client", 7000215, "Invalid client secret provided.").
Error oauth(std::string_view error, int number, std::string_view message);
// The number in such an error's message; 0 for others.
int64_t aadsts_number(const Error& error);

// The fields of a form or query. A field that comes twice is refused: two readers could choose
// differently.
class Fields {
 public:
  static Result<Fields> of_form(const Context& context);
  static Result<Fields> of_query(const Context& context);
  // Empty when absent.
  const std::string& operator[](std::string_view name) const;
  bool has(std::string_view name) const { return !(*this)[name].empty(); }
  const QueryItems& items() const { return items_; }

 private:
  static Result<Fields> checked(Result<QueryItems> items, std::string_view unreadable);
  explicit Fields(QueryItems items) : items_(std::move(items)) {}
  QueryItems items_;
};

// What a token is asked for.
struct Asked {
  std::string resource;  // as asked, without "/.default"
  std::string audience;  // `aud`
  std::string app_id;    // of the application asked for; empty: a resource of this house
  int version = 1;       // of the access token's claims
  std::string scopes;    // `scp`, should it be for a person
  bool openid = false, offline = false;
};

// From `scope` (v2: "URI/.default openid …") or `resource` (v1), each of which may be empty, as the
// application `client_id` asks. Only resources of this house and of its directory's applications
// are known. ".default" means the scopes of the resource that the client says it needs, or all.
struct ResourceRequest {
  std::string scope, resource, client_id;
};
Result<Asked> parse_asked(const core::Installation& installation, directory::Directory& directory,
                          const ResourceRequest& request);

// The tenant in the path: our id, "common", "organizations" or "adfs".
Result<void> check_tenant(const core::Installation& installation, const Context& context);
bool is_adfs(const Context& context);

// Whether the URL is a token endpoint of ours, under any port and name of the tenant.
bool is_token_endpoint(const core::Installation& installation, std::string_view url);

http::Response no_store(http::Response response);

}  // namespace lazuli::identity
