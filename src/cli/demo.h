// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace lazuli::cli {

// The main job: real data from upload to checked predictions, each stage printed with its time.
// `examples` empty: beside the source tree this binary was built in, or the installed ones.
int demo(const std::string& data_dir, const std::string& examples);

}  // namespace lazuli::cli
