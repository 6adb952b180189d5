// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "http/egress.h"
#include "http/url.h"

namespace lazuli::http {
namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// What a server that was reached by a redirect to another origin must not learn.
void drop_credentials(Headers& headers) {
  for (std::string_view name : {"Authorization", "Cookie", "Proxy-Authorization"})
    headers.erase(name);
}

class Follower final : public EgressClient {
 public:
  Follower(std::unique_ptr<Client> client, int redirects_max)
      : client_(std::move(client)), redirects_max_(redirects_max) {}

  Result<Response> send(const ClientRequest& request) override {
    ClientRequest next = request;
    for (int hop = 0;; ++hop) {
      Response response = TRY(client_->send(next));
      const auto location = response.headers.get("Location");
      const bool follows = next.method == Method::kGet || next.method == Method::kHead;
      if (!follows || !is_redirect(response.status) || !location) return response;
      if (hop >= redirects_max_) return unavailable("the server redirects too often");
      TRY(turn(next, *location));
    }
  }

 private:
  // RFC 9110 §15.4. The client checks the new destination like the first.
  static Result<void> turn(ClientRequest& request, std::string_view location) {
    const Url from = TRY(parse_url(request.url));
    const std::string target = TRY(resolve_url(from, location));
    const Url to = TRY(parse_url(target));
    if (from.tls && !to.tls)
      return permission_denied("the server redirects from https to http: not followed");
    if (from.origin() != to.origin()) drop_credentials(request.headers);
    request.headers.erase("Host");
    request.url = target;
    return {};
  }

  const std::unique_ptr<Client> client_;
  const int redirects_max_;
};

}  // namespace

Result<std::unique_ptr<EgressClient>> EgressClient::create(EgressOptions options, Egress& egress) {
  ClientOptions client;
  client.ca_file = std::move(options.ca_file);
  client.connect_timeout = options.connect_timeout;
  client.timeout = options.timeout;
  client.response_bytes_max = options.response_bytes_max;
  client.egress = &egress;
  return std::unique_ptr<EgressClient>(
      std::make_unique<Follower>(TRY(Client::create(std::move(client))), options.redirects_max));
}

}  // namespace lazuli::http
