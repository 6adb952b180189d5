// SPDX-License-Identifier: Apache-2.0
#include "core/validate.h"

#include <gtest/gtest.h>

namespace lazuli::core {
namespace {

Manifest manifest_with(Route route) {
  Manifest manifest;
  manifest.service = "s";
  manifest.routes.push_back(std::move(route));
  return manifest;
}

Route sound_route() {
  Route route;
  route.path = "/a";
  route.operation_id = "A_Get";
  route.operation = {"Microsoft.X/a/read"};
  return route;
}

bool sound(const Manifest& manifest) { return validate(std::span(&manifest, 1)).ok(); }

TEST(CoreValidate, ARouteWithoutAPermissionDoesNotStart) {
  EXPECT_TRUE(sound(manifest_with(sound_route())));
  Route route = sound_route();
  route.operation = {};
  EXPECT_FALSE(sound(manifest_with(route)));
  route.anonymous = true;
  EXPECT_TRUE(sound(manifest_with(route)));
  route.operation = {"Microsoft.X/a/read"};
  EXPECT_FALSE(sound(manifest_with(route)));
}

TEST(CoreValidate, PermissionsAreOperationNames) {
  for (const char* bad : {"x", "*/read", "Microsoft.X//read", "Microsoft.X/a/look"}) {
    Route route = sound_route();
    route.operation = {bad};
    EXPECT_FALSE(sound(manifest_with(route))) << bad;
  }
}

TEST(CoreValidate, DependenciesComeFirstAndMayNotCycle) {
  Manifest a, b;
  a.service = "a", a.depends_on = {"b"};
  b.service = "b";
  std::vector<Manifest> house = {a, b};
  auto order = start_order(house);
  ASSERT_TRUE(order.ok());
  EXPECT_EQ(*order, (std::vector<std::string>{"b", "a"}));
  house[1].depends_on = {"a"};
  EXPECT_FALSE(validate(house).ok());
  house[1].depends_on = {"nobody"};
  EXPECT_FALSE(validate(house).ok());
}

}  // namespace
}  // namespace lazuli::core
