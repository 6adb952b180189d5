// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "codec/json.h"
#include "crypto/jwk.h"
#include "crypto/jwt.h"
#include "http/client.h"

namespace lazuli::identity {

// Sends a request to an address that others have chosen: a guarded client.
using Fetch = std::function<Result<http::Response>(const http::ClientRequest&)>;

// What other OpenID Connect providers publish: their discovery documents and keys, fetched when
// needed and kept for an hour. That one could not be had is kept for `failure_life`: whoever sends
// assertions in a row does not make this server ask in a row. Bounded. Thread-safe; calls block on
// the network, which `fetch` limits.
class ForeignIssuers {
 public:
  explicit ForeignIssuers(Fetch fetch, Duration failure_life = std::chrono::seconds(10))
      : fetch_(std::move(fetch)), failure_life_(failure_life) {}

  // The discovery document of an https issuer; its `issuer` equals the one asked for.
  Result<Json> configuration(const std::string& issuer);
  // The keys below its `jwks_uri`. `kid` is the one wanted: a document that lacks it is fetched
  // anew, though not more often than once a minute.
  Result<std::vector<crypto::Jwk>> keys(const std::string& issuer, const std::string& kid);
  // Posts a form and reads a JSON answer of any status (a provider's token endpoint).
  Result<Json> post_form(const std::string& url, const std::string& form);

 private:
  struct Known {
    Json configuration;
    std::vector<crypto::Jwk> keys;
    SteadyClock::time_point fetched{};
  };
  struct Failure {
    Error error;
    SteadyClock::time_point time{};
  };
  Result<Json> get(const std::string& url);
  Result<std::shared_ptr<const Known>> fetch_issuer(const std::string& issuer);
  Result<std::shared_ptr<const Known>> known(const std::string& issuer, const std::string& kid);

  // What is known well enough of the issuer, the failure to learn it, or nothing: ask it.
  Result<std::shared_ptr<const Known>> remembered(const std::string& issuer,
                                                  const std::string& kid);

  const Fetch fetch_;
  const Duration failure_life_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Known>> known_;
  std::map<std::string, Failure> failures_;
};

// The key that a token's header names. A token need not name the only one there is (OpenID Connect
// Core §10.1).
std::optional<crypto::VerificationKey> key_named(const std::vector<crypto::Jwk>& keys,
                                                 const Json& header);

}  // namespace lazuli::identity
