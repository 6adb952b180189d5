// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lazuli {

// What went wrong, independent of any protocol. Each value maps to one HTTP status
// (core/wire_error).
enum class Code {
  kInvalidArgument,       // 400
  kUnauthenticated,       // 401
  kPermissionDenied,      // 403
  kNotFound,              // 404
  kMethodNotAllowed,      // 405
  kDeadlineExceeded,      // 408
  kConflict,              // 409
  kLengthRequired,        // 411
  kPreconditionFailed,    // 412
  kPayloadTooLarge,       // 413
  kUnsupportedMediaType,  // 415
  kOutOfRange,            // 416
  kResourceExhausted,     // 429
  kInternal,              // 500
  kUnimplemented,         // 501
  kUnavailable,           // 503
  kInsufficientStorage,   // 507
  kNotModified,           // 304
};

// The HTTP status of a code.
int http_status(Code code);

// An expected failure. `wire_code` is the protocol's own name ("ContainerNotFound"); `message` is
// for people and says what to do next; neither ever holds a secret.
struct Error {
  Code code = Code::kInternal;
  std::string wire_code;
  std::string message;
  std::string target;
  std::vector<Error> details;
};

// Builders for the common cases; `wire_code` defaults to Azure Resource Manager's name for the
// code.
Error invalid_argument(std::string message, std::string wire_code = "InvalidRequest");
Error unauthenticated(std::string message, std::string wire_code = "AuthenticationFailed");
Error permission_denied(std::string message, std::string wire_code = "AuthorizationFailed");
Error not_found(std::string message, std::string wire_code = "ResourceNotFound");
Error conflict(std::string message, std::string wire_code = "Conflict");
Error precondition_failed(std::string message, std::string wire_code = "PreconditionFailed");
Error unavailable(std::string message, std::string wire_code = "ServiceUnavailable");
Error deadline_exceeded(std::string message, std::string wire_code = "RequestTimeout");
Error resource_exhausted(std::string message, std::string wire_code = "TooManyRequests");
Error unimplemented(std::string message, std::string wire_code = "NotImplemented");
Error internal_error(std::string message, std::string wire_code = "InternalServerError");

// Puts `context` before the message: "open x: No such file".
Error with_context(std::string_view context, Error error);

// From errno; `what` names the operation and its object.
Error errno_error(std::string_view what, int error_number);

}  // namespace lazuli
