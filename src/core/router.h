// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/manifest.h"
#include "core/params.h"

namespace lazuli::core {

struct Match {
  const Route* route = nullptr;
  Params params;  // of the path, decoded
};

// Finds the route of a request: a tree of path segments per host; literals win over parameters, and
// parameters over tails; among the routes of a path the one whose query asks the most wins. Built
// once at boot, then read by all threads.
//
// A path that begins with "/{scope*}/providers/" extends any resource: what stands before its last
// such part becomes the parameter `scope` ("/subscriptions/…", or empty at the tenant), and it is
// looked for before a tail would take the path.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  // The route must outlive the router. An error names a duplicate or malformed route.
  Result<void> add(const Route& route);
  // kNotFound for an unknown path, kMethodNotAllowed where other methods exist. A HEAD without a
  // route of its own is served by GET.
  Result<Match> find(Host host, http::Method method, std::string_view raw_path,
                     std::string_view query) const;

 private:
  struct Node;
  struct Search;
  std::map<Host, std::unique_ptr<Node>> roots_;
  std::map<Host, std::unique_ptr<Node>> extensions_;  // behind "{scope*}"
};

}  // namespace lazuli::core
