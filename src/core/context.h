// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/json.h"
#include "codec/text.h"
#include "core/manifest.h"
#include "core/params.h"
#include "core/principal.h"
#include "http/server.h"

namespace lazuli::core {

struct Installation;

// One authenticated, authorized request, as handlers see it. Lives for the call only; exchange,
// route and installation outlive it.
class RequestContext {
 public:
  RequestContext(http::Exchange& exchange, const Route& route, const Installation& installation);

  const http::RequestHead& head() const { return exchange_.head; }
  // The path as logs and the audit may show it.
  std::string_view shown_path() const;
  const Route& route() const { return route_; }
  const std::string& request_id() const { return request_id_; }
  // Set for every route that is not anonymous.
  const Principal& principal() const;
  bool has_principal() const { return principal_.has_value(); }

  // Path parameters, decoded ("ws"), and those the host name carries ("account", "endpoint",
  // "region"). Empty when absent.
  const std::string& param(std::string_view name) const;
  // Query parameters, decoded; names compare without case (ARM and storage send both spellings).
  std::optional<std::string_view> query(std::string_view name) const;
  std::string_view query_or(std::string_view name, std::string_view fallback) const;
  std::string_view header(std::string_view name) const;  // empty when absent

  const std::string& body() const { return exchange_.body; }
  Result<Json> json() const;  // an object, or an error in ARM's words
  http::BodySink* sink() const { return exchange_.sink.get(); }

  // The ARM id the path names, with the casing of the request: "/subscriptions/…/jobs/j1".
  std::string arm_id() const;
  // Decoded path from the first "/subscriptions/" through the workspace's name, canonical casing:
  // "/subscriptions/{s}/resourceGroups/{rg}/providers/Microsoft.MachineLearningServices/
  // workspaces/{w}".
  std::string workspace_id() const;

  // An absolute URL on another of our hosts, with the port this request came to:
  // url("management", "/subscriptions/…") →
  // "https://management.lazuli.localhost:8443/subscriptions/…".
  std::string url(std::string_view host_prefix, std::string_view path) const;
  const Installation& installation() const { return installation_; }
  const std::string& domain() const;
  std::string port_suffix() const;  // "" for 443, else ":8443"

  // Filled by the chain only.
  void set_principal(Principal principal) { principal_ = std::move(principal); }
  void set_params(Params params) { params_ = std::move(params); }

 private:
  http::Exchange& exchange_;
  const Route& route_;
  const Installation& installation_;
  std::string request_id_;
  std::optional<Principal> principal_;
  Params params_;
  QueryItems query_;
};

}  // namespace lazuli::core
