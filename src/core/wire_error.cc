// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "codec/xml.h"
#include "core/arm.h"

namespace lazuli::core {
namespace {

Json arm_error(const Error& error) {
  Json details = Json::array();
  for (const Error& detail : error.details) details.push_back(arm_error(detail));
  Json body = Json::object({{"code", error.wire_code}, {"message", error.message}});
  if (!error.target.empty()) body.set("target", error.target);
  body.set("details", std::move(details));
  return body;
}

// https://learn.microsoft.com/graph/errors
Json graph_error(const Error& error, const std::string& request_id) {
  Json inner = Json::object({{"date", format_iso8601_seconds(now()).substr(0, 19)},
                             {"request-id", request_id},
                             {"client-request-id", request_id}});
  Json body = Json::object({{"code", error.wire_code}, {"message", error.message}});
  if (!error.target.empty()) body.set("target", error.target);
  body.set("innerError", std::move(inner));
  return Json::object({{"error", std::move(body)}});
}

// https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2
std::string storage_error(const Error& error, const std::string& request_id) {
  XmlElement root("Error");
  root.add("Code", error.wire_code);
  root.add("Message",
           cat({error.message, "\nRequestId:", request_id, "\nTime:", format_iso8601(now())}));
  return dump_xml(root);
}

// RFC 6749 §5.2, with the fields that MSAL reads. "AADSTS70011: …" begins with Entra's number.
Json oauth_error(const Error& error, const std::string& request_id) {
  constexpr std::string_view kPrefix = "AADSTS";
  Json numbers = Json::array();
  std::string_view text = error.message;
  if (text.starts_with(kPrefix)) {
    text = text.substr(kPrefix.size(), text.find(':') - kPrefix.size());
    if (auto number = parse_int(text)) numbers.push_back(*number);
  }
  return Json::object({{"error", error.wire_code},
                       {"error_description", error.message},
                       {"error_codes", std::move(numbers)},
                       {"timestamp", format_iso8601_seconds(now())},
                       {"trace_id", request_id},
                       {"correlation_id", request_id}});
}

}  // namespace

Error for_client(Error error, const std::string& request_id) {
  if (error.code != Code::kInternal || error.wire_code != "InternalServerError") return error;
  return internal_error(cat(
      {"The server failed to do this. Its log has the cause under the request ", request_id, "."}));
}

http::Response error_response(ErrorShape shape, const Error& error, const std::string& request_id,
                              bool head_only) {
  http::Response response(http_status(error.code));
  if (shape == ErrorShape::kStorage) response.header("x-ms-error-code", error.wire_code);
  if (error.code == Code::kUnavailable || error.code == Code::kResourceExhausted)
    response.header("Retry-After", "1");
  if (error.code == Code::kNotModified || head_only) return response;
  if (shape == ErrorShape::kScoring && error.code == Code::kResourceExhausted) {
    response.header("ms-azureml-model-error-reason", error.wire_code);
    response.header("Content-Type", "text/plain");
    return response;
  }
  std::string_view type = "application/json; charset=utf-8";
  std::string body;
  switch (shape) {
    case ErrorShape::kArm:
    case ErrorShape::kScoring:
      body = Json::object({{"error", arm_error(error)}}).dump();
      break;
    case ErrorShape::kGraph:
      body = graph_error(error, request_id).dump();
      break;
    case ErrorShape::kStorage:
      body = storage_error(error, request_id);
      type = "application/xml";
      break;
    case ErrorShape::kMlflow:
      body = Json::object({{"error_code", error.wire_code}, {"message", error.message}}).dump();
      break;
    case ErrorShape::kOAuth:
      body = oauth_error(error, request_id).dump();
      break;
    case ErrorShape::kPlain:
      body = error.message + "\n";
      type = "text/plain; charset=utf-8";
      break;
  }
  response.body = std::move(body);
  response.header("Content-Type", type);
  return response;
}

}  // namespace lazuli::core
