// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/principal.h"
#include "db/db.h"
#include "http/message.h"
#include "http/server.h"

namespace lazuli::core {

class Attributes;
class RequestContext;

// The names under which the server answers (architecture: "Names"). The host chooses the service.
enum class Host {
  kManagement,  // management.{domain}
  kLogin,       // login.{domain}
  kGraph,       // graph.{domain}
  kApi,         // {region}.api.ml.azure.{domain}, {cloud}west.api.ml.azure.{domain}
  kBlob,        // {account}.blob.core.{domain}, or path-style on an address
  kInference,   // {endpoint}.{region}.inference.ml.azure.{domain}
  kPlain,       // any name or address: health and what explicitly allows it
};

// Credentials a route accepts.
enum class Credential {
  kArmToken,
  kGraphToken,
  kMlToken,
  kStorageToken,
  kSharedKey,
  kSas,
  kEndpointKey
};

// What the protocol's error bodies look like.
// kScoring is kArm, but for refusals of load, which have a form of their own.
enum class ErrorShape { kArm, kGraph, kStorage, kMlflow, kOAuth, kPlain, kScoring };

using Handler = std::function<Result<http::Response>(RequestContext&)>;
using ScopeOf = std::function<Result<std::string>(const RequestContext&)>;
using PlaceOf = std::function<http::Pool(const http::RequestHead&)>;
using AttributesOf = std::function<Attributes(const RequestContext&)>;
using SinkOf = std::function<Result<std::unique_ptr<http::BodySink>>(RequestContext&)>;

struct Route {
  http::Method method = http::Method::kGet;
  Host host = Host::kManagement;
  // Segments, literals compare without case: "/subscriptions/{sub}/resourceGroups/{rg}"; a last
  // "{name*}" takes the rest of the path, slashes included. `query` narrows by query parameters
  // that must be present ("comp=block", "restype=container"); the most specific route wins.
  std::string path;
  std::string query;
  // The permission. An empty operation is allowed only together with `anonymous`.
  Operation operation;
  bool anonymous = false;
  std::vector<Credential> credentials = {Credential::kArmToken};
  // The resource the permission is checked on; default: the ARM id in the path (from
  // "/subscriptions/" on, up to the last resource named there).
  ScopeOf scope;
  AttributesOf attributes;  // what conditions of roles may ask for; empty: nothing
  // The conditions' attributes are in the body: the handler asks the authorizer again.
  bool conditions_in_handler = false;
  // Whoever is authenticated may call it: the handler shows and does only what the caller's rights
  // allow. `operation` then names it for the audit alone.
  bool any_caller = false;
  // A client puts a credential into the path: logs and the audit show the template instead.
  bool path_is_secret = false;
  http::Pool pool = http::Pool::kControl;
  PlaceOf place;                       // set: decides instead of `pool`; must not block
  uint64_t body_bytes_max = 4u << 20;  // 0: no body is taken
  SinkOf sink;                         // set: the body streams into this instead of memory
  ErrorShape errors = ErrorShape::kArm;
  std::string summary;       // a sentence for generated documents
  Handler handler;           // empty: known but not there, answers 501 with `operation_id`
  std::string operation_id;  // Azure's name: "Jobs_Get", "PutBlob"
};

// A row of a service's table of routes; the rest of a route has its usual value.
struct RouteRow {
  http::Method method = http::Method::kGet;
  std::string path;
  std::string operation;     // the permission's name
  std::string operation_id;  // Azure's name
  std::string summary = {};  // "": the operation id
};

struct ResourceType {
  std::string type;  // "Microsoft.MachineLearningServices/workspaces/jobs"
  std::vector<std::string> api_versions;
  std::vector<std::string> locations;
};

// Everything a service declares about itself, as data.
struct Manifest {
  std::string service;
  std::vector<std::string> depends_on;
  std::vector<ResourceType> resource_types;
  std::vector<Route> routes;
  std::vector<db::Migration> migrations;

  // Declares a route; without a handler it is one that is known and not there. The route may be
  // changed until the next is declared.
  Route& add(RouteRow row, Handler handler);

  // Declares a known operation that is not there: answers 501 with its name, counted in
  // COVERAGE.md.
  void unimplemented(Host host, http::Method method, std::string path, std::string operation_id,
                     Operation operation, std::string query = {});
};

}  // namespace lazuli::core
