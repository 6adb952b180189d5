// SPDX-License-Identifier: Apache-2.0
#include "server/chain.h"

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "codec/text.h"
#include "core/arm.h"
#include "server/audit_trail.h"
#include "server/hosts.h"

namespace lazuli::server {
namespace {

using core::Credential;
using core::RequestContext;

// Requests over our own answers' shape when no route is known yet.
core::ErrorShape shape_of(core::Host host) {
  switch (host) {
    case core::Host::kBlob:
      return core::ErrorShape::kStorage;
    case core::Host::kLogin:
      return core::ErrorShape::kOAuth;
    case core::Host::kGraph:
      return core::ErrorShape::kGraph;
    default:
      return core::ErrorShape::kArm;
  }
}

// Whether the request is about the caller's own object in the directory, by a credential that
// stands for all that the caller may do. Only Graph's routes may say so: elsewhere clients write
// scopes.
bool is_own(const RequestContext& context, std::string_view scope) {
  const core::Principal& caller = context.principal();
  return context.route().host == core::Host::kGraph && !caller.object_id().empty() &&
         !caller.grants() && scope == cat({"/principals/", caller.object_id()});
}

size_t signatures_in_query(const http::RequestHead& head) {
  size_t count = 0;
  for (std::string_view item : split(head.query, '&')) {
    const std::string_view name = item.substr(0, item.find('='));
    const bool encoded = name.find('%') != std::string_view::npos;
    if (iequals(encoded ? url_decode(name).value_or({}) : std::string(name), "sig")) ++count;
  }
  return count;
}

// Names that only the server itself may speak: whoever sends them claims what has not been
// verified.
void strip_internal(http::Headers& headers) {
  std::vector<std::string> internal;
  for (const auto field : headers.fields())
    if (istarts_with(field.name, "x-lazuli-") || istarts_with(field.name, "x-ms-client-principal"))
      internal.emplace_back(field.name);
  for (const std::string& name : internal) headers.erase(name);
}

// Neither credentials nor what they guard cross a network in the clear: from another machine, plain
// HTTP is for what anybody may read.
Result<void> require_tls(const http::RequestHead& head, const core::Route& route) {
  const bool reads = head.method == http::Method::kGet || head.method == http::Method::kHead;
  const bool is_public = route.anonymous && reads && route.host != core::Host::kLogin;
  if (head.tls || head.loopback_peer || is_public) return {};
  return invalid_argument(
      "from another machine this is answered over HTTPS alone",
      route.errors == core::ErrorShape::kStorage ? "AccountRequiresHttps" : "HttpsRequired");
}

Error more_than_one_credential() {
  return invalid_argument("the request carries more than one credential",
                          "InvalidAuthenticationInfo");
}

// Some protocols have names of their own for what every host refuses.
Error in_dialect(core::ErrorShape shape, Error error) {
  if (shape != core::ErrorShape::kGraph) return error;
  if (error.code == Code::kUnauthenticated) error.wire_code = "InvalidAuthenticationToken";
  if (error.wire_code == "AuthorizationFailed") {
    // learn.microsoft.com/graph/errors
    error.wire_code = "Authorization_RequestDenied";
    error.message = "Insufficient privileges to complete the operation.";
  }
  if (error.wire_code == "InvalidAuthenticationInfo") error.wire_code = "BadRequest";
  return error;
}

// Storage has one name for every token that does not verify
// (learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes).
Error storage_token_error(const Error& error) {
  return unauthenticated(cat({"Server failed to authenticate the request. Please refer to the "
                              "information in the www-authenticate header. ",
                              error.message}),
                         "InvalidAuthenticationInfo");
}

// "/account/container/blob" on a bare address → account and "/container/blob".
bool split_path_style(std::string_view path, std::string& account, std::string_view& rest) {
  if (path.size() < 2) return false;
  size_t end = path.find('/', 1);
  account = std::string(path.substr(1, end == std::string_view::npos ? end : end - 1));
  rest = end == std::string_view::npos ? std::string_view("/") : path.substr(end);
  return true;
}

// Generic clients of Resource Manager send an empty path of parents: "/providers/X//type/name".
void drop_empty_segments(http::RequestHead& head, const std::string& domain) {
  if (head.raw_path.find("//") == head.raw_path.npos) return;
  if (classify_host(head.host, domain).kind != core::Host::kManagement) return;
  while (head.raw_path.find("//") != head.raw_path.npos)
    head.raw_path = replace_all(head.raw_path, "//", "/");
}

http::RequestHead inner_head(const core::InnerRequest& request, const std::string& domain) {
  http::RequestHead head;
  head.method = request.method;
  head.method_text = http::to_string(request.method);
  head.target = request.target;
  const size_t mark = request.target.find('?');
  head.raw_path = request.target.substr(0, mark);
  if (mark != std::string::npos) head.query = request.target.substr(mark + 1);
  head.host = "management." + domain;
  head.port = request.port;
  head.loopback_peer = true;
  head.peer = "inner";
  for (const auto& [name, value] : request.headers) head.headers.add(name, value);
  head.content_length = request.body.size();
  return head;
}

Error not_there(const core::Route& route) {
  return unimplemented(
      cat({"the operation ", route.operation_id, " is known but not implemented yet"}));
}

bool is_safe_header_text(std::string_view text) {
  return text.size() <= 256 && text.find_first_of("\r\n") == std::string_view::npos;
}

}  // namespace

struct Chain::State : http::Exchange::State {
  // Made when the request is placed, before anything about its caller is known.
  State(core::Match found, http::Exchange& exchange, const core::Installation& installation)
      : route(*found.route), context(exchange, route, installation) {
    context.set_params(std::move(found.params));
  }
  const core::Route& route;
  RequestContext context;
  http::Pool pool = http::Pool::kControl;
  Trace trace;
  std::optional<core::InFlight::Ticket> ticket;
};

Chain::Chain(const core::Installation& installation, const std::vector<core::Manifest>& manifests,
             const core::Router& router, Authenticators authenticators,
             core::Authorizer& authorizer, core::Audit& audit, std::vector<core::Guard*> guards)
    : installation_(installation),
      manifests_(manifests),
      router_(router),
      authenticators_(authenticators),
      authorizer_(authorizer),
      trail_(audit),
      guards_(std::move(guards)) {}

// 1. On the I/O thread: which pool serves the route.
http::Application::Placement Chain::place(http::Exchange& exchange) {
  strip_internal(exchange.head.headers);
  drop_empty_segments(exchange.head, installation_.domain);
  Result<core::Match> match = find_route(exchange.head);
  if (!match.ok()) return {http::Pool::kControl, &late_.of(core::ErrorShape::kArm)};
  const core::Route& route = *match->route;
  auto state = std::make_unique<State>(std::move(*match), exchange, installation_);
  state->pool = route.place ? route.place(exchange.head) : route.pool;
  const Placement placement{state->pool, &late_.of(route.errors)};
  exchange.state = std::move(state);
  return placement;
}

// 2. Host → service → route. A bare address also serves storage in path style.
Result<core::Match> Chain::find_route(const http::RequestHead& head) const {
  HostName host = classify_host(head.host, installation_.domain);
  Result<core::Match> match = router_.find(host.kind, head.method, head.raw_path, head.query);
  if (!match.ok() && host.kind == core::Host::kPlain) {
    if (std::string_view service = unserved_service(head.host, installation_.domain);
        !service.empty())
      return unimplemented(cat({service, " is known but not implemented yet"}));
    std::string account;
    std::string_view rest;
    if (split_path_style(head.raw_path, account, rest)) {
      Result<core::Match> blob = router_.find(core::Host::kBlob, head.method, rest, head.query);
      if (blob.ok()) blob->params["account"] = account;
      return blob;
    }
  }
  if (match.ok()) match->params.merge(std::move(host.params));
  return match;
}

// 3. On the head alone: who is calling, may they, how much may they send. The body is still unread.
http::Application::Admission Chain::admit(http::Exchange& exchange) {
  return enter(exchange, nullptr);
}

http::Application::Admission Chain::enter(http::Exchange& exchange, const core::Principal* known) {
  if (!exchange.state) return {fail_early(exchange.head, find_route(exchange.head).error()), {}};
  auto& state = static_cast<State&>(*exchange.state);
  RequestContext& context = state.context;
  const core::Route& route = state.route;
  if (known != nullptr) context.set_principal(*known);
  if (auto safe = require_tls(exchange.head, route); !safe.ok())
    return {refuse(state, safe.error()), {}};
  if (!route.anonymous) {
    if (auto found = known != nullptr ? success() : authenticate(context); !found.ok())
      return {refuse(state, found.error()), {}};
    if (auto left = known != nullptr ? success() : quota_.take(context); !left.ok())
      return {fail(context, left.error()), {}};
    if (auto allowed = authorize(state); !allowed.ok()) return {refuse(state, allowed.error()), {}};
  }
  if (auto room = known != nullptr ? success() : limit(state); !room.ok())
    return {fail(context, room.error()), {}};
  if (!route.handler) return {fail(context, not_there(route)), {}};
  if (auto ready = trail_.ready(route); !ready.ok()) return {fail(context, ready.error()), {}};
  Result<http::BodyPlan> plan = plan_body(exchange, context);
  if (!plan.ok()) return {fail(context, plan.error()), {}};
  return {std::nullopt, *plan};
}

// 4. Authenticate once. Two credentials at once are refused: one branch must never vouch for
// what another was meant to check.
Result<void> Chain::authenticate(RequestContext& context) {
  const http::RequestHead& head = context.head();
  if (head.headers.count("Authorization") + signatures_in_query(head) > 1 ||
      head.headers.count("x-azureml-token") > 1)
    return more_than_one_credential();
  std::optional<Error> refused;
  for (Credential credential : context.route().credentials) {
    core::Authenticator* verifier = authenticator(credential);
    if (verifier == nullptr || !verifier->present(head)) continue;
    Result<core::Verified> verified = verify_with(credential, context);
    if (verified.ok()) {
      context.set_principal(core::Authenticator::seal(std::move(*verified)));
      return check_second_token(context);
    }
    if (!refused) refused = std::move(verified).error();
  }
  if (refused) return *refused;
  bool storage = context.route().errors == core::ErrorShape::kStorage;
  if (head.headers.contains("Authorization"))
    return unauthenticated(
        "Authentication failed. The 'Authorization' header is provided in an invalid format.",
        storage ? "InvalidAuthenticationInfo" : "AuthenticationFailedInvalidHeader");
  return unauthenticated(
      "Authentication failed: the request carries no credential this operation "
      "accepts. Send an Authorization header.",
      storage ? "NoAuthenticationInformation" : "AuthenticationFailed");
}

Result<core::Verified> Chain::verify_with(Credential credential, RequestContext& context) {
  auto verified = authenticator(credential)->verify(context.head(), audience(credential));
  if (!verified.ok() && credential == Credential::kStorageToken &&
      verified.error().code == Code::kUnauthenticated)
    return storage_token_error(verified.error());
  return verified;
}

// x-azureml-token beside Authorization is no second credential: it must verify and name the same
// principal and tenant.
Result<void> Chain::check_second_token(const RequestContext& context) {
  std::string_view token = context.header("x-azureml-token");
  if (token.empty()) return {};
  http::RequestHead head;
  head.headers.add("Authorization", cat({"Bearer ", token}));
  core::Verified second = TRY(authenticators_.bearer->verify(head, audience(Credential::kMlToken)));
  const core::Principal& first = context.principal();
  if (second.object_id != first.object_id() || second.tenant_id != first.tenant_id())
    return invalid_argument("x-azureml-token names another principal than Authorization",
                            "InvalidAuthenticationInfo");
  return {};
}

// 5. The route's declared operation on the resource the path names; then whatever else guards it.
Result<void> Chain::authorize(State& state) {
  const RequestContext& context = state.context;
  const core::Route& route = state.route;
  std::string& scope = state.trace.scope;
  if (route.scope)
    scope = TRY(route.scope(context));
  else if (route.host == core::Host::kManagement)
    scope = context.arm_id();
  else
    scope = context.workspace_id();
  if (scope.empty()) scope = "/";
  if (!is_own(context, scope)) TRY(permit(state));
  for (core::Guard* guard : guards_) TRY(guard->check(context, scope));
  return {};
}

Result<void> Chain::permit(State& state) {
  const core::Route& route = state.route;
  if (route.any_caller) return {};
  core::Access access{state.context.principal(), route.operation, state.trace.scope};
  if (route.attributes) access.attributes = [&] { return route.attributes(state.context); };
  access.conditions_later = route.conditions_in_handler;
  auto allowed = authorizer_.authorize(access);
  if (!allowed.ok() && allowed.error().code == Code::kPermissionDenied &&
      route.errors == core::ErrorShape::kStorage)
    return permission_denied(  // storage has its own name for it
        "This request is not authorized to perform this operation using this permission.",
        "AuthorizationPermissionMismatch");
  state.trace.allowed = TRY(std::move(allowed));
  return {};
}

// 6. Limits: how many requests of one caller are under way (scoring counts for each deployment),
// and what the body may be.
Result<void> Chain::limit(State& state) {
  const core::Route& route = state.route;
  if (route.anonymous) {
    if (route.host != core::Host::kLogin || route.method != http::Method::kPost) return {};
    state.ticket = sign_ins_.enter(state.context.head().peer);
  } else {
    if (route.errors == core::ErrorShape::kScoring) return {};
    const core::Principal& caller = state.context.principal();
    const bool has_id = !caller.object_id().empty();
    state.ticket = principals_.enter(cat({has_id ? caller.object_id() : caller.name(), "/",
                                          std::to_string(static_cast<int>(route.pool))}));
  }
  return state.ticket ? success() : core::busy(route.errors);
}

Result<http::BodyPlan> Chain::plan_body(http::Exchange& exchange, RequestContext& context) {
  const core::Route& route = context.route();
  http::BodyPlan plan;
  if (exchange.head.content_length.value_or(0) > route.body_bytes_max)
    return Error{Code::kPayloadTooLarge,
                 "RequestBodyTooLarge",
                 cat({"the body is larger than the ", std::to_string(route.body_bytes_max),
                      " bytes this operation takes"}),
                 {},
                 {}};
  if (!exchange.head.has_body() && !route.sink) return plan;
  // Storage keeps the field beside the blob; elsewhere a coded body would have to be decoded, which
  // nothing here does: there is no bomb to defuse.
  const std::string_view coding = context.header("Content-Encoding");
  if (!coding.empty() && !iequals(coding, "identity") && route.host != core::Host::kBlob)
    return Error{Code::kUnsupportedMediaType,
                 "UnsupportedContentEncoding",
                 "the request body must be sent without a Content-Encoding",
                 {},
                 {}};
  plan.bytes_max = route.body_bytes_max;
  plan.kind = http::BodyPlan::Kind::kBuffer;
  if (route.sink) {
    exchange.sink = TRY(route.sink(context));
    if (exchange.sink) plan.kind = http::BodyPlan::Kind::kSink;
  }
  return plan;
}

// 7. The handler, with the whole body at hand. That a write or release was begun is on its way to
// the audit's disk meanwhile, and there, with its outcome, before anybody learns of it; reads
// follow in batches.
http::Response Chain::handle(http::Exchange& exchange) {
  auto& state = static_cast<State&>(*exchange.state);
  auto begun = trail_.begin(state.context, state.trace);
  if (!begun.ok()) return fail(state.context, begun.error());
  Result<http::Response> result = state.route.handler(state.context);
  const std::string code = result.ok() ? std::string() : result.error().wire_code;
  http::Response response = result.ok() ? std::move(*result) : fail(state.context, result.error());
  if (result.ok()) finish(state.context, response);
  auto audited = trail_.answered(state.context, state.trace, *begun, {response.status, code});
  return audited.ok() ? std::move(response) : fail(state.context, audited.error());
}

// A denial, recorded before it is told. I/O threads wait for no disk.
http::Response Chain::refuse(State& state, const Error& error) {
  http::Response response = fail(state.context, in_dialect(state.route.errors, error));
  const bool may_wait = state.pool != http::Pool::kInline;
  trail_.denied(state.context, state.trace, {response.status, error.wire_code}, may_wait);
  return response;
}

http::Response Chain::reject(http::Exchange& exchange, const Error& error) {
  if (!exchange.state) return fail_early(exchange.head, error);
  return fail(static_cast<State&>(*exchange.state).context, error);
}

http::Response Chain::overloaded(http::Exchange& exchange) {
  if (!exchange.state) return fail_early(exchange.head, core::busy(core::ErrorShape::kArm));
  const RequestContext& context = static_cast<State&>(*exchange.state).context;
  return fail(context, core::busy(context.route().errors));
}

core::Authenticator* Chain::authenticator(Credential credential) const {
  switch (credential) {
    case Credential::kArmToken:
    case Credential::kGraphToken:
    case Credential::kMlToken:
    case Credential::kStorageToken:
      return authenticators_.bearer;
    case Credential::kSharedKey:
      return authenticators_.shared_key;
    case Credential::kSas:
      return authenticators_.sas;
    case Credential::kEndpointKey:
      return authenticators_.endpoint_key;
  }
  return nullptr;
}

std::string Chain::audience(Credential credential) const {
  switch (credential) {
    case Credential::kArmToken:
      return "https://management." + installation_.domain;
    case Credential::kGraphToken:
      return "https://graph." + installation_.domain;
    case Credential::kMlToken:
      return "https://ml.azure." + installation_.domain;
    case Credential::kStorageToken:
      return "https://storage.azure.com";
    default:
      return {};
  }
}

// 8. Errors in the route's protocol; a 401 says where tokens come from.
http::Response Chain::fail(const RequestContext& context, const Error& error) {
  const core::Route& route = context.route();
  if (error.code == Code::kInternal)
    log::error("request", error.message,
               {{"request", context.request_id()},
                {"operation", route.operation_id},
                {"code", error.wire_code}});
  http::Response response =
      core::error_response(route.errors, core::for_client(error, context.request_id()),
                           context.request_id(), context.head().method == http::Method::kHead);
  if (error.code == Code::kUnauthenticated) {
    std::string login = context.url("login", "/" + installation_.tenant_id);
    bool storage = route.errors == core::ErrorShape::kStorage;
    response.header("WWW-Authenticate",
                    storage ? cat({"Bearer authorization_uri=", login,
                                   "/oauth2/authorize resource_id=https://storage.azure.com"})
                            : cat({"Bearer authorization_uri=\"", login, "\""}));
  }
  finish(context, response);
  return response;
}

http::Response Chain::fail_early(const http::RequestHead& head, const Error& error) const {
  core::Host host = classify_host(head.host, installation_.domain).kind;
  std::string id = new_uuid();
  http::Response response =
      core::error_response(shape_of(host), error, id, head.method == http::Method::kHead);
  response.header("x-ms-request-id", id);
  return response;
}

// 9. What every answer carries.
void Chain::finish(const RequestContext& context, http::Response& response) {
  response.header("x-ms-request-id", context.request_id());
  std::string_view client_id = context.header("x-ms-client-request-id");
  if (!client_id.empty() && is_safe_header_text(client_id))
    response.header("x-ms-client-request-id", client_id);
  if (context.route().host == core::Host::kManagement)
    response.header("x-ms-correlation-request-id", context.request_id());
  quota_.tell(context, response);
  std::string_view version = context.header("x-ms-version");
  if (context.route().host == core::Host::kBlob && !version.empty() && is_safe_header_text(version))
    response.header("x-ms-version", version);  // the client's own, whatever it knows
  if (log::enabled(log::Level::kDebug)) log_request(context, response);
}

void Chain::log_request(const RequestContext& context, const http::Response& response) const {
  log::debug("request", http::to_string(context.head().method),
             {{"path", context.shown_path()},
              {"host", context.head().host},
              {"status", response.status},
              {"request", context.request_id()}});
}

// Requests within the process enter where authentication would end.
http::Response Chain::send(const core::Principal& caller, const core::InnerRequest& request) {
  http::Exchange exchange;
  exchange.head = inner_head(request, installation_.domain);
  place(exchange);
  if (!open_) return overloaded(exchange);
  Admission admission = enter(exchange, &caller);
  if (admission.response) return std::move(*admission.response);
  if (!exchange.sink) {
    exchange.body = request.body;
  } else if (auto taken = exchange.sink->append(std::as_bytes(std::span(request.body)));
             !taken.ok()) {
    return reject(exchange, taken.error());
  }
  return handle(exchange);
}

Result<void> Chain::preflight(const core::Principal& caller, const core::InnerRequest& request) {
  http::Exchange exchange;
  exchange.head = inner_head(request, installation_.domain);
  State state(TRY(find_route(exchange.head)), exchange, installation_);
  state.context.set_principal(caller);
  if (!state.route.anonymous) TRY(authorize(state));
  if (!state.route.handler) return not_there(state.route);
  return {};
}

}  // namespace lazuli::server
