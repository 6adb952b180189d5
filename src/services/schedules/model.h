// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "codec/json.h"
#include "core/arm.h"

namespace lazuli::schedules {

struct Schedule {
  std::string workspace_id;  // canonical casing
  std::string name;
  Json properties;  // as the client sent them
  bool enabled = true;
  Timestamp anchor{};               // when its trigger was set: the start of one that names none
  std::optional<Timestamp> next{};  // when it fires next; none: never again, or disabled
  std::string caller;               // sealed: on whose behalf it submits
  uint16_t port = 443;              // absolute URLs in its jobs carry it
  core::SystemData system_data;
};

// One firing. Of a schedule and a time there is only one.
struct Firing {
  std::string workspace_id, schedule;
  Timestamp scheduled{};
  std::string job_name;
  std::string run_id;  // of the workflow that submits the job
};

}  // namespace lazuli::schedules
