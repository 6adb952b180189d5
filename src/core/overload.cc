// SPDX-License-Identifier: Apache-2.0
#include "core/overload.h"

#include "base/ids.h"
#include "core/arm.h"

namespace lazuli::core {

// https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes (ServerBusy),
// https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints (429),
// RFC 6749 §5.2 has no code of its own; §4.1.2.1 names this one.
Error busy(ErrorShape shape) {
  const char* words = "The server is busy. Try again in a second.";
  switch (shape) {
    case ErrorShape::kScoring:
      return resource_exhausted(words, "too_many_pending_request");
    case ErrorShape::kOAuth:
      return unavailable(words, "temporarily_unavailable");
    case ErrorShape::kMlflow:
      return unavailable(words, "TEMPORARILY_UNAVAILABLE");
    default:
      return unavailable(words, "ServerBusy");
  }
}

Error late(ErrorShape shape) {
  const char* words = "The operation could not be completed within the permitted time.";
  switch (shape) {
    case ErrorShape::kStorage:
      return internal_error(words, "OperationTimedOut");
    case ErrorShape::kOAuth:
      return unavailable(words, "temporarily_unavailable");
    case ErrorShape::kMlflow:
      return unavailable(words, "TEMPORARILY_UNAVAILABLE");
    case ErrorShape::kScoring:
      return deadline_exceeded(words);
    default:
      return unavailable(words, "ServerTimeout");
  }
}

http::Response LateAnswers::Answer::late() const {
  const std::string id = new_uuid();
  http::Response response = error_response(shape, core::late(shape), id, false);
  response.header("x-ms-request-id", id);
  return response;
}

}  // namespace lazuli::core
