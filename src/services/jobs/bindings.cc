// SPDX-License-Identifier: Apache-2.0
#include "services/jobs/bindings.h"

#include "base/strings.h"

namespace lazuli::jobs {
namespace {

constexpr std::string_view kOpen = "${{";
constexpr std::string_view kClose = "}}";
constexpr std::string_view kBlockOpen = "$[[";
constexpr std::string_view kBlockClose = "]]";

Error unclosed(std::string_view text, size_t at) {
  return invalid_argument(
      cat({"'", text.substr(at, 60), "' opens a binding that is never closed."}), "UserError");
}

struct Expanded {
  std::string text;
  std::optional<std::string> absent;  // the first path without a value
};

// `text` holds no blocks any more.
Result<Expanded> expand_bindings(std::string_view text, const Lookup& lookup) {
  Expanded result;
  size_t at = 0;
  while (true) {
    const size_t open = text.find(kOpen, at);
    result.text += text.substr(at, open - at);
    if (open == std::string_view::npos) return result;
    const size_t close = text.find(kClose, open);
    if (close == std::string_view::npos) return unclosed(text, open);
    const size_t begin = open + kOpen.size();
    const std::string_view path = trim(text.substr(begin, close - begin));
    const auto value = TRY(lookup(path));
    if (value) result.text += *value;
    if (!value && !result.absent) result.absent = path;
    at = close + kClose.size();
  }
}

Error absent_outside(std::string_view path) {
  return invalid_argument(
      cat({"'${{", path, "}}' has no value: give one, or put it into an optional block, as in ",
           "$[[--option ${{", path, "}}]]."}),
      "UserError");
}

}  // namespace

Result<std::string> expand(std::string_view text, const Lookup& lookup) {
  std::string result;
  size_t at = 0;
  while (true) {
    const size_t open = text.find(kBlockOpen, at);
    const Expanded outside = TRY(expand_bindings(text.substr(at, open - at), lookup));
    if (outside.absent) return absent_outside(*outside.absent);
    result += outside.text;
    if (open == std::string_view::npos) return result;
    const size_t close = text.find(kBlockClose, open);
    if (close == std::string_view::npos) return unclosed(text, open);
    const size_t begin = open + kBlockOpen.size();
    const Expanded inside = TRY(expand_bindings(text.substr(begin, close - begin), lookup));
    if (!inside.absent) result += inside.text;
    at = close + kBlockClose.size();
  }
}

std::optional<std::string> sole_binding(std::string_view text) {
  text = trim(text);
  if (!text.starts_with(kOpen) || !text.ends_with(kClose)) return std::nullopt;
  const std::string_view inside =
      text.substr(kOpen.size(), text.size() - kOpen.size() - kClose.size());
  if (inside.find(kOpen) != std::string_view::npos) return std::nullopt;
  return std::string(trim(inside));
}

bool has_binding(std::string_view text) { return text.find(kOpen) != std::string_view::npos; }

std::optional<std::string> after_prefix(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix) || path.size() == prefix.size()) return std::nullopt;
  return std::string(path.substr(prefix.size()));
}

std::optional<JobOutputPath> parse_job_output(std::string_view path) {
  constexpr std::string_view kOutputs = ".outputs.";
  const auto rest = after_prefix(path, "parent.jobs.");
  if (!rest) return std::nullopt;
  const size_t mark = rest->find(kOutputs);
  if (mark == std::string::npos || mark == 0) return std::nullopt;
  JobOutputPath found{rest->substr(0, mark), rest->substr(mark + kOutputs.size())};
  if (found.output.empty()) return std::nullopt;
  return found;
}

Error unknown_binding(std::string_view path, std::string_view where) {
  return invalid_argument(cat({where, " uses '${{", path, "}}', which is not defined."}),
                          "UserError");
}

}  // namespace lazuli::jobs
