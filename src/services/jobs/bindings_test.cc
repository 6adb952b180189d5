// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/bindings.h"

#include <gtest/gtest.h>

namespace lazuli::jobs {
namespace {

Result<std::optional<std::string>> lookup(std::string_view path) {
  if (path == "inputs.a") return std::optional<std::string>("A");
  if (path == "inputs.b") return std::optional<std::string>("${{inputs.a}}");
  if (path == "inputs.none") return std::optional<std::string>();
  return unknown_binding(path, "The command");
}

TEST(JobsBindings, ReplacesWhatItKnows) {
  EXPECT_EQ(*expand("x ${{inputs.a}} ${{ inputs.a }}y", lookup), "x A Ay");
  EXPECT_EQ(*expand("no binding $HOME {}", lookup), "no binding $HOME {}");
  EXPECT_EQ(*expand("", lookup), "");
}

TEST(JobsBindings, DoesNotLookAtReplacedTextAgain) {
  EXPECT_EQ(*expand("${{inputs.b}}", lookup), "${{inputs.a}}");
}

TEST(JobsBindings, OptionalBlocksDisappearWithoutAValue) {
  EXPECT_EQ(*expand("p $[[--a ${{inputs.a}}]] $[[--n ${{inputs.none}}]]end", lookup),
            "p --a A end");
  EXPECT_EQ(*expand("p $[[--a ${{inputs.a}} ${{inputs.none}}]]", lookup), "p ");
}

TEST(JobsBindings, NamesWhatIsUnknownOrEmpty) {
  auto unknown = expand("${{inputs.zzz}}", lookup);
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("inputs.zzz"), std::string::npos);
  auto absent = expand("--n ${{inputs.none}}", lookup);
  ASSERT_FALSE(absent.ok());
  EXPECT_NE(absent.error().message.find("inputs.none"), std::string::npos);
  EXPECT_FALSE(expand("${{inputs.a", lookup).ok());
  EXPECT_FALSE(expand("$[[--a ${{inputs.a}}", lookup).ok());
  EXPECT_FALSE(expand("$[[${{inputs.zzz}}]]", lookup).ok());
}

TEST(JobsBindings, TakesPathsApart) {
  EXPECT_EQ(sole_binding(" ${{ parent.inputs.x }} "), "parent.inputs.x");
  EXPECT_FALSE(sole_binding("a ${{x}}").has_value());
  EXPECT_FALSE(sole_binding("${{x}}${{y}}").has_value());
  const auto output = parse_job_output("parent.jobs.prepare.outputs.data.v1");
  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(output->node, "prepare");
  EXPECT_EQ(output->output, "data.v1");
  EXPECT_FALSE(parse_job_output("parent.jobs..outputs.x").has_value());
  EXPECT_FALSE(parse_job_output("parent.inputs.x").has_value());
}

}  // namespace
}  // namespace lazuli::jobs
