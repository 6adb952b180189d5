// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "engines/inference/inference.h"
#include "engines/inference/request.h"
#include "engines/inference/rows.h"

namespace lazuli::inference {
namespace {

const std::vector<TensorInfo> kOne = {{"x", ElementType::kFloat, {-1, 2}}};
const std::vector<TensorInfo> kTwo = {{"a", ElementType::kFloat, {-1, 1}},
                                      {"b", ElementType::kInt64, {-1, 1}}};

std::vector<float> floats(const InputTensor& tensor) {
  auto* begin = reinterpret_cast<const float*>(tensor.data.data());
  return {begin, begin + tensor.data.size() / sizeof(float)};
}

TEST(InferenceRequest, EveryFormOfOneInput) {
  for (const char* body :
       {R"({"input_data": [[1, 2.5], [3, 4]]})", R"({"inputs": [[1, 2.5], [3, 4]]})",
        R"([[1, 2.5], [3, 4]])", R"({"input_data": {"x": [[1, 2.5], [3, 4]]}})",
        R"({"input_data": {"columns": ["p", "q"], "data": [[1, 2.5], [3, 4]]}})"}) {
    auto tensors = read_request(body, kOne);
    ASSERT_TRUE(tensors.ok()) << body << ": " << tensors.error().message;
    EXPECT_EQ(tensors->at(0).shape, (std::vector<int64_t>{2, 2}));
    EXPECT_EQ(floats(tensors->at(0)), (std::vector<float>{1, 2.5f, 3, 4}));
  }
}

TEST(InferenceRequest, SeveralInputsByNameOrColumn) {
  for (const char* body : {R"({"input_data": {"a": [[1]], "b": [[2]]}})",
                           R"({"input_data": {"columns": ["b", "a"], "data": [[2, 1]]}})"}) {
    auto tensors = read_request(body, kTwo);
    ASSERT_TRUE(tensors.ok()) << body << ": " << tensors.error().message;
    EXPECT_EQ(floats(tensors->at(0)), (std::vector<float>{1}));
    EXPECT_EQ(*reinterpret_cast<const int64_t*>(tensors->at(1).data.data()), 2);
  }
}

TEST(InferenceRequest, RefusalsSayWhatIsWrong) {
  for (const char* body :
       {"", "{", "{}", "3", R"({"input_data": 3})", R"({"input_data": [[1, 2], [3]]})",
        R"({"input_data": [[1, 2, 3]]})", R"({"input_data": [["a", "b"]]})",
        R"({"input_data": {"y": [[1, 2]]}})", R"({"input_data": [1, 2]})"})
    EXPECT_EQ(read_request(body, kOne).error().code, Code::kInvalidArgument) << body;
  EXPECT_FALSE(read_request(R"({"input_data": [[1]]})", kTwo).ok());
}

TEST(InferenceRows, TheUsualRequestReadsAsTheSlowWayDoes) {
  for (const char* body :
       {R"({"input_data": [[1, 2.5]]})", " { \"input_data\" : [ [ 1e2 , -0.5 ], [3, 4] ] } \n",
        R"({"input_data": [[0.1, 123456789012], [-1e-30, 7]]})"}) {
    auto fast = read_rows(body, kOne[0]);
    auto slow = read_request(body, kOne);
    ASSERT_TRUE(fast && slow.ok()) << body;
    EXPECT_EQ(fast->shape, slow->at(0).shape);
    EXPECT_EQ(fast->data, slow->at(0).data);
  }
  const TensorInfo whole{"n", ElementType::kInt64, {-1}};
  EXPECT_EQ(read_rows(R"({"input_data": [1, -2]})", whole)->shape, (std::vector<int64_t>{2}));
  EXPECT_FALSE(read_rows(R"({"input_data": [1.5]})", whole));
}

TEST(InferenceRows, WhateverElseIsLeftToTheSlowWay) {
  for (const char* body : {"",
                           "{",
                           "{}",
                           "3",
                           "[]",
                           R"([[1, 2]])",
                           R"({"inputs": [[1, 2]]})",
                           R"({"input_data": 3})",
                           R"({"input_data": []})",
                           R"({"input_data": [[]]})",
                           R"({"input_data": [[1, 2], [3]]})",
                           R"({"input_data": [[1, 2, 3]]})",
                           R"({"input_data": [["a", "b"]]})",
                           R"({"input_data": [[1, true]]})",
                           R"({"input_data": [[1, null]]})",
                           R"({"input_data": [[[1, 2]]]})",
                           R"({"input_data": [1, 2]})",
                           R"({"input_data": [[1, 2],]})",
                           R"({"input_data": [[1 2]]})",
                           R"({"input_data": [[1, 2]]} x)",
                           R"({"input_data": [[1, 2]]}})",
                           R"({"input_data": [[1, 2]], "input_data": [[3, 4]]})",
                           R"({"input_data": [[1, 2]], "x": 1})",
                           R"({"x": 1, "input_data": [[1, 2]]})",
                           R"({"input_data": [[1, 2]])",
                           R"({"input_data": [[1, 2)",
                           R"({"input_data": [[1, 1e999]]})",
                           R"({"input_data": [[1, 01]]})",
                           R"({"input_data": [[1, NaN]]})",
                           "{\"input_data\": [[1, 2]], \"\xff\": 1}"})
    EXPECT_FALSE(read_rows(body, kOne[0])) << body;
}

TEST(InferenceEngine, ABrokenModelNamesTheReason) {
  auto engine = Engine::create();
  for (std::string_view broken : {"", "not a model", "\x08\x08\x3a\x02\x12\x00"}) {
    auto loaded = engine->load(broken);
    ASSERT_FALSE(loaded.ok());
    EXPECT_FALSE(loaded.error().message.empty());
  }
}

}  // namespace
}  // namespace lazuli::inference
