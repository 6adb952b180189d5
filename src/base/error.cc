// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <system_error>

namespace lazuli {

int http_status(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return 400;
    case Code::kUnauthenticated:
      return 401;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kMethodNotAllowed:
      return 405;
    case Code::kDeadlineExceeded:
      return 408;
    case Code::kConflict:
      return 409;
    case Code::kLengthRequired:
      return 411;
    case Code::kPreconditionFailed:
      return 412;
    case Code::kPayloadTooLarge:
      return 413;
    case Code::kUnsupportedMediaType:
      return 415;
    case Code::kOutOfRange:
      return 416;
    case Code::kResourceExhausted:
      return 429;
    case Code::kInternal:
      return 500;
    case Code::kUnimplemented:
      return 501;
    case Code::kUnavailable:
      return 503;
    case Code::kInsufficientStorage:
      return 507;
    case Code::kNotModified:
      return 304;
  }
  return 500;
}

namespace {
Error make(Code code, std::string message, std::string wire_code) {
  return Error{code, std::move(wire_code), std::move(message), {}, {}};
}
}  // namespace

Error invalid_argument(std::string message, std::string wire_code) {
  return make(Code::kInvalidArgument, std::move(message), std::move(wire_code));
}
Error unauthenticated(std::string message, std::string wire_code) {
  return make(Code::kUnauthenticated, std::move(message), std::move(wire_code));
}
Error permission_denied(std::string message, std::string wire_code) {
  return make(Code::kPermissionDenied, std::move(message), std::move(wire_code));
}
Error not_found(std::string message, std::string wire_code) {
  return make(Code::kNotFound, std::move(message), std::move(wire_code));
}
Error conflict(std::string message, std::string wire_code) {
  return make(Code::kConflict, std::move(message), std::move(wire_code));
}
Error precondition_failed(std::string message, std::string wire_code) {
  return make(Code::kPreconditionFailed, std::move(message), std::move(wire_code));
}
Error unavailable(std::string message, std::string wire_code) {
  return make(Code::kUnavailable, std::move(message), std::move(wire_code));
}
Error deadline_exceeded(std::string message, std::string wire_code) {
  return make(Code::kDeadlineExceeded, std::move(message), std::move(wire_code));
}
Error resource_exhausted(std::string message, std::string wire_code) {
  return make(Code::kResourceExhausted, std::move(message), std::move(wire_code));
}
Error unimplemented(std::string message, std::string wire_code) {
  return make(Code::kUnimplemented, std::move(message), std::move(wire_code));
}
Error internal_error(std::string message, std::string wire_code) {
  return make(Code::kInternal, std::move(message), std::move(wire_code));
}

Error with_context(std::string_view context, Error error) {
  error.message = std::string(context) + ": " + error.message;
  return error;
}

Error errno_error(std::string_view what, int error_number) {
  return internal_error(std::string(what) + ": " + std::system_category().message(error_number));
}

}  // namespace lazuli
