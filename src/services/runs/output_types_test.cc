// SPDX-License-Identifier: Apache-2.0
#include "services/runs/output_types.h"

#include <gtest/gtest.h>

namespace lazuli::runs {
namespace {

const Json kOutputs =
    Json::object({{"data", Json::object({{"assetId", "a"}, {"type", "uri_file"}})},
                  {"model", Json::object({{"assetId", "b"}, {"type", "custom_model"}})}});

std::string shown(std::string_view user_agent, const char* name) {
  return outputs_for(user_agent, kOutputs)[name]["type"].text();
}

TEST(RunsOutputTypes, AreSpeltAsTheClientReadsThem) {
  EXPECT_EQ(shown("azsdk-python-azure-ai-ml/1.35.2 Python", "data"), "uri_file");
  EXPECT_EQ(shown("azure-ai-ml/1.34.0 azsdk", "data"), "UriFile");
  EXPECT_EQ(shown("azure-ai-ml/1.4.0 azsdk", "model"), "CustomModel");
  EXPECT_EQ(shown("azure-ai-ml/1.35.2", "model"), "uri_folder");
  EXPECT_EQ(shown("curl/8", "data"), "uri_file");
}

}  // namespace
}  // namespace lazuli::runs
