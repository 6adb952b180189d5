// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "codec/json.h"

namespace lazuli::runs {

// How outputs' types are spelt for a client. azure-ai-ml before 1.35 knows data by other names, and
// downloads nothing, without a word, when it meets the wrong ones.
std::string data_type_for(std::string_view user_agent, std::string_view type);
std::string model_type_for(std::string_view type);

// A run's outputs as `rundata` shows them. azure-ai-ml 1.35 fails on every model in it (it makes
// the request for their addresses with an argument that does not exist), and downloads a model that
// is called a folder.
Json outputs_for(std::string_view user_agent, const Json& outputs);

}  // namespace lazuli::runs
