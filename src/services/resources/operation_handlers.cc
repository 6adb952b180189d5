// SPDX-License-Identifier: Apache-2.0
// https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
#include "base/strings.h"
#include "core/arm.h"
#include "services/resources/handlers.h"

namespace lazuli::resources {
namespace {

// The first poll follows the request at once; holding it lets a quick operation end without a
// pause.
constexpr Duration kHold = std::chrono::seconds(2);

}  // namespace

Answer get_operation_status(const Parts& parts, Context& context) {
  core::OperationStatus status =
      TRY(parts.operations->wait(context.param("operation"), core::hold_of(context, kHold)));
  http::Response response = core::json_response(core::operation_document(status));
  if (status.state == core::OperationState::kInProgress) response.header("retry-after-ms", "200");
  return response;
}

// The Location of a DELETE or POST: asked once after the end; its body is not read.
Answer get_operation_result(const Parts& parts, Context& context) {
  core::OperationStatus status = TRY(parts.operations->get(context.param("operation")));
  bool running = status.state == core::OperationState::kInProgress;
  return core::json_response(core::operation_document(status), running ? 202 : 200);
}

}  // namespace lazuli::resources
