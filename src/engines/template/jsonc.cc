// SPDX-License-Identifier: Apache-2.0
#include "engines/template/jsonc.h"

namespace lazuli::templates {
namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool is_name_part(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Rewrites to strict JSON; what is wrong beyond the liberties stays wrong.
class Rewriter {
 public:
  explicit Rewriter(std::string_view text) : text_(text) {}

  std::string rewrite() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"')
        copy_string();
      else if (c == '/' && skip_comment())
        out_ += ' ';
      else if (c == ',' && closes_after(at_ + 1))
        ++at_;
      else if (is_name_start(c))
        copy_name();
      else
        out_ += text_[at_++];
    }
    return std::move(out_);
  }

 private:
  void copy_string() {
    out_ += text_[at_++];
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_++];
      if (c == '\n') {
        out_ += "\\n";
      } else if (c == '\r') {
        out_ += "\\r";
      } else if (c == '\t') {
        out_ += "\\t";
      } else {
        out_ += c;
        if (c == '\\' && at_ < text_.size()) out_ += text_[at_++];
      }
    }
    if (at_ < text_.size()) out_ += text_[at_++];
  }

  // Behind `at_`; false where the slash begins none.
  bool skip_comment() {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("//")) {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (!rest.starts_with("/*")) return false;
    const size_t end = text_.find("*/", at_ + 2);
    at_ = end == text_.npos ? text_.size() : end + 2;
    return true;
  }

  // Whether only spaces and comments stand between a comma and a closing bracket.
  bool closes_after(size_t from) const {
    Rewriter ahead(text_);
    ahead.at_ = from;
    while (ahead.at_ < text_.size()) {
      const char c = text_[ahead.at_];
      if (c == '}' || c == ']') return true;
      if (is_space(c))
        ++ahead.at_;
      else if (c != '/' || !ahead.skip_comment())
        return false;
    }
    return false;
  }

  // true, false and null are values; a name before a colon is a key without its quotes.
  void copy_name() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
    size_t colon = at_;
    while (colon < text_.size() && is_space(text_[colon])) ++colon;
    const bool key = colon < text_.size() && text_[colon] == ':';
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (key) out_ += '"';
    out_ += name;
    if (key) out_ += '"';
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

Result<Json> parse_jsonc(std::string_view text) {
  if (Result<Json> strict = Json::parse(text); strict.ok()) return strict;
  return Json::parse(Rewriter(text).rewrite());
}

}  // namespace lazuli::templates
