// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "core/auth.h"
#include "engines/inference/inference.h"

namespace lazuli::endpoints {

// A deployment as scoring meets it. Shared by all snapshots that name it; counters are atomic.
struct Lane {
  std::string name;
  std::shared_ptr<inference::Model> model;
  int64_t in_flight_max = 0;
  std::atomic<int64_t> in_flight{0};
  std::atomic<int64_t> mean_ns{0};  // of a score, smoothed
};

// An endpoint in a routing snapshot: immutable.
struct Target {
  std::string arm_id;
  std::string auth_mode;
  SecretString primary_key, secondary_key;
  std::map<std::string, std::shared_ptr<Lane>, std::less<>> lanes;
  std::vector<std::pair<std::string, int>> traffic;  // name, percent
};

// Endpoint → lanes, read without locks by every scoring request and replaced as a whole.
class Routing {
 public:
  std::shared_ptr<const Target> find(std::string_view endpoint) const;
  void set(const std::string& endpoint, std::shared_ptr<const Target> target);
  void erase(const std::string& endpoint);

  // The lane for one request: the pinned one, or one drawn by weight. kNotFound says why none.
  static Result<std::shared_ptr<Lane>> choose(const Target& target, std::string_view pinned);

 private:
  using Table = std::map<std::string, std::shared_ptr<const Target>, std::less<>>;
  std::atomic<std::shared_ptr<const Table>> table_{std::make_shared<const Table>()};
  std::mutex writers_;
};

// "Authorization: Bearer {key}" on an endpoint's own host.
class KeyAuthenticator final : public core::Authenticator {
 public:
  explicit KeyAuthenticator(const Routing& routing) : routing_(routing) {}
  bool present(const http::RequestHead& head) const override;
  Result<core::Verified> verify(const http::RequestHead& head, std::string_view audience) override;

 private:
  const Routing& routing_;
};

// The first label of "{endpoint}.{region}.inference.ml.azure.{domain}".
std::string_view endpoint_of(std::string_view host);

inline constexpr std::string_view kScoreOperation =
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action";

}  // namespace lazuli::endpoints
