// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "base/error.h"
#include "core/manifest.h"
#include "http/server.h"

namespace lazuli::core {

// What a protocol says when the server has no room for a request now. Scoring says 429 by Azure's
// own rule, the others 503; error_response() adds Retry-After.
Error busy(ErrorShape shape);

// What a protocol says when a handler does not end in time.
Error late(ErrorShape shape);

// The late answers of all protocols, made before they are needed. Immutable.
class LateAnswers {
 public:
  const http::LateAnswer& of(ErrorShape shape) const {
    return answers_[static_cast<size_t>(shape)];
  }

 private:
  struct Answer final : http::LateAnswer {
    explicit Answer(ErrorShape error_shape) : shape(error_shape) {}
    http::Response late() const override;
    const ErrorShape shape;
  };
  const std::array<Answer, 7> answers_ = {Answer{ErrorShape::kArm},     Answer{ErrorShape::kGraph},
                                          Answer{ErrorShape::kStorage}, Answer{ErrorShape::kMlflow},
                                          Answer{ErrorShape::kOAuth},   Answer{ErrorShape::kPlain},
                                          Answer{ErrorShape::kScoring}};
};

}  // namespace lazuli::core
