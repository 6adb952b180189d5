// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/runs/model.h"

namespace lazuli::runs {

// MLflow's search language: comparisons joined by AND.
//   metrics.accuracy > 0.9 and params.x = 'b' and tags."mlflow.note" LIKE '%a%' and
//   attributes.status = 'FINISHED' and name ILIKE 'b%' and attribute.run_id IN ('a', 'b')
// Source: mlflow/utils/search_utils.py.
struct Comparison {
  enum class Entity { kMetric, kParam, kTag, kAttribute };
  Entity entity = Entity::kAttribute;
  std::string key;
  std::string op;  // "=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN"
  std::vector<std::string> values;
};

// INVALID_PARAMETER_VALUE that quotes what could not be read.
Result<std::vector<Comparison>> parse_filter(std::string_view text);

// What a comparison is about: the text form of an attribute, tag, param or metric.
struct Searchable {
  virtual ~Searchable() = default;
  virtual std::optional<std::string> attribute(std::string_view key) const = 0;
  virtual std::optional<std::string> tag(std::string_view key) const = 0;
  virtual std::optional<std::string> param(std::string_view) const { return {}; }
  virtual std::optional<double> metric(std::string_view) const { return {}; }
};
bool matches(const std::vector<Comparison>& filter, const Searchable& item);

// SQL's LIKE: '%' any run of characters, '_' one.
bool like(std::string_view text, std::string_view pattern, bool ignore_case);

}  // namespace lazuli::runs
