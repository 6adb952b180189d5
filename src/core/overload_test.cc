// SPDX-License-Identifier: Apache-2.0
#include "core/overload.h"

#include <gtest/gtest.h>

#include "core/arm.h"

namespace lazuli::core {
namespace {

http::Response answer(ErrorShape shape, const Error& error) {
  return error_response(shape, error, "id", false);
}

TEST(CoreOverload, EachProtocolSaysBusyInItsOwnWords) {
  const http::Response arm = answer(ErrorShape::kArm, busy(ErrorShape::kArm));
  EXPECT_EQ(arm.status, 503);
  EXPECT_EQ(arm.headers.get("Retry-After"), "1");
  EXPECT_NE(arm.text().find(R"("code":"ServerBusy")"), std::string::npos);

  const http::Response storage = answer(ErrorShape::kStorage, busy(ErrorShape::kStorage));
  EXPECT_EQ(storage.status, 503);
  EXPECT_EQ(storage.headers.get("x-ms-error-code"), "ServerBusy");
  EXPECT_NE(storage.text().find("<Code>ServerBusy</Code>"), std::string::npos);

  const http::Response oauth = answer(ErrorShape::kOAuth, busy(ErrorShape::kOAuth));
  EXPECT_NE(oauth.text().find(R"("error":"temporarily_unavailable")"), std::string::npos);

  const http::Response mlflow = answer(ErrorShape::kMlflow, busy(ErrorShape::kMlflow));
  EXPECT_NE(mlflow.text().find(R"("error_code":"TEMPORARILY_UNAVAILABLE")"), std::string::npos);
}

TEST(CoreOverload, ScoringSays429WithoutABody) {
  const http::Response scoring = answer(ErrorShape::kScoring, busy(ErrorShape::kScoring));
  EXPECT_EQ(scoring.status, 429);
  EXPECT_EQ(scoring.headers.get("ms-azureml-model-error-reason"), "too_many_pending_request");
  EXPECT_EQ(scoring.headers.get("Content-Type"), "text/plain");
  EXPECT_EQ(scoring.headers.get("Retry-After"), "1");
  EXPECT_TRUE(scoring.text().empty());
  // Its other errors read as everywhere.
  EXPECT_NE(answer(ErrorShape::kScoring, not_found("no")).text().find("ResourceNotFound"),
            std::string::npos);
}

TEST(CoreOverload, LateAnswersAreReadyForEachProtocol) {
  const LateAnswers late;
  EXPECT_EQ(late.of(ErrorShape::kArm).late().status, 503);
  EXPECT_EQ(late.of(ErrorShape::kScoring).late().status, 408);
  const http::Response storage = late.of(ErrorShape::kStorage).late();
  EXPECT_EQ(storage.status, 500);
  EXPECT_EQ(storage.headers.get("x-ms-error-code"), "OperationTimedOut");
  EXPECT_TRUE(storage.headers.contains("x-ms-request-id"));
  EXPECT_NE(late.of(ErrorShape::kOAuth).late().text().find("temporarily_unavailable"),
            std::string::npos);
  for (const ErrorShape shape : {ErrorShape::kGraph, ErrorShape::kMlflow, ErrorShape::kPlain})
    EXPECT_EQ(late.of(shape).late().status, 503);
}

}  // namespace
}  // namespace lazuli::core
