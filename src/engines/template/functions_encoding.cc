// SPDX-License-Identifier: Apache-2.0
// Base64, data URIs, URIs and JSON text.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string
#include "codec/text.h"
#include "engines/template/functions.h"

namespace lazuli::templates {
namespace {

Result<Json> text_value(const Call& call, Result<std::string> bytes) {
  if (!bytes.ok() || !is_utf8(*bytes)) return call.fault("the argument does not decode to text.");
  return Json(std::move(*bytes));
}

Result<Json> json_value(const Call& call, std::string_view text) {
  Result<Json> value = Json::parse(text);
  if (!value.ok()) return call.fault("the argument is not valid JSON.");
  return value;
}

Result<Json> call_base64(const Call& call) { return Json(to_base64(TRY(call.text(0)))); }

Result<Json> call_base64_to_string(const Call& call) {
  return text_value(call, from_base64(TRY(call.text(0))));
}

Result<Json> call_base64_to_json(const Call& call) {
  Json text = TRY(call_base64_to_string(call));
  return json_value(call, text.str());
}

Result<Json> call_data_uri(const Call& call) {
  return Json("data:text/plain;charset=utf8;base64," + to_base64(TRY(call.text(0))));
}

Result<Json> call_data_uri_to_string(const Call& call) {
  const std::string uri = TRY(call.text(0));
  const size_t comma = uri.find(',');
  if (!istarts_with(uri, "data:") || comma == uri.npos)
    return call.fault("the argument is no data URI.");
  const std::string_view kind = std::string_view(uri).substr(0, comma);
  const std::string data = uri.substr(comma + 1);
  const bool base64 = to_lower(kind).ends_with(";base64");
  return text_value(call, base64 ? from_base64(data) : url_decode(data));
}

Result<Json> call_uri_component(const Call& call) { return Json(url_encode(TRY(call.text(0)))); }

Result<Json> call_uri_component_to_string(const Call& call) {
  return text_value(call, url_decode(TRY(call.text(0))));
}

// The last segment of the base is replaced, unless the base ends with a slash.
Result<Json> call_uri(const Call& call) {
  std::string base = TRY(call.text(0));
  std::string relative = TRY(call.text(1));
  const size_t scheme = base.find("://");
  const size_t host = scheme == base.npos ? 0 : scheme + 3;
  const size_t slash = base.rfind('/');
  if (slash == base.npos || slash < host)
    base += '/';
  else
    base.resize(slash + 1);
  if (relative.starts_with('/')) relative.erase(0, 1);
  return Json(base + relative);
}

Result<Json> call_json(const Call& call) {
  if (!call[0].is_string()) return call[0];
  return json_value(call, call[0].str());
}

// https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions-string#builduri
Result<Json> call_build_uri(const Call& call) {
  Json parts = TRY(call.object(0));
  auto part = [&](std::string_view name) -> std::string {
    const Json* found = member_of(parts, name);
    return found == nullptr ? std::string() : to_text(*found);
  };
  const std::string scheme = part("scheme"), host = part("host"), port = part("port");
  std::string path = part("path"), query = part("query");
  if (scheme.empty() || host.empty()) return call.fault("a scheme and a host are needed.");
  if (path.empty() || path.front() != '/') path.insert(0, "/");
  if (!query.empty() && query.front() != '?') query.insert(0, "?");
  return Json(cat({scheme, "://", host, port.empty() || port == "-1" ? "" : ":",
                   port == "-1" ? "" : port, path, query}));
}

Result<Json> call_parse_uri(const Call& call) {
  const std::string uri = TRY(call.text(0));
  const size_t scheme_end = uri.find("://");
  if (scheme_end == uri.npos || scheme_end == 0)
    return call.fault("the argument is no absolute URI.");
  std::string_view rest = std::string_view(uri).substr(scheme_end + 3);
  const std::string_view before_fragment = rest.substr(0, rest.find('#'));
  const size_t path_begin = std::min(before_fragment.find_first_of("/?"), before_fragment.size());
  std::string_view authority = before_fragment.substr(0, path_begin);
  std::string_view path = before_fragment.substr(path_begin);
  const size_t mark = path.find('?');
  std::string_view query = mark == path.npos ? std::string_view() : path.substr(mark + 1);
  path = path.substr(0, mark);
  if (size_t at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  const std::string scheme = to_lower(std::string_view(uri).substr(0, scheme_end));
  Json port = scheme == "http" ? Json(80) : scheme == "https" ? Json(443) : Json(nullptr);
  if (size_t colon = authority.rfind(':');
      colon != authority.npos && authority.find(']', colon) == authority.npos) {
    auto number = parse_int(authority.substr(colon + 1));
    if (!number || *number < 0 || *number > 65535) return call.fault("the port is no port.");
    port = Json(*number);
    authority = authority.substr(0, colon);
  }
  return Json::object({{"scheme", scheme},
                       {"host", authority},
                       {"port", std::move(port)},
                       {"path", path.empty() ? std::string_view("/") : path},
                       {"query", query}});
}

constexpr Function kFunctions[] = {
    {"base64", 1, 1, call_base64},
    {"base64ToString", 1, 1, call_base64_to_string},
    {"base64ToJson", 1, 1, call_base64_to_json},
    {"dataUri", 1, 1, call_data_uri},
    {"dataUriToString", 1, 1, call_data_uri_to_string},
    {"uriComponent", 1, 1, call_uri_component},
    {"uriComponentToString", 1, 1, call_uri_component_to_string},
    {"uri", 2, 2, call_uri},
    {"buildUri", 1, 1, call_build_uri},
    {"parseUri", 1, 1, call_parse_uri},
    {"json", 1, 1, call_json},
};

}  // namespace

std::span<const Function> encoding_functions() { return kFunctions; }

}  // namespace lazuli::templates
