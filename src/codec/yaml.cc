// SPDX-License-Identifier: Apache-2.0
#include "codec/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <unordered_set>

#include "base/strings.h"

namespace lazuli {
namespace {

using Mark = YAML::Mark;

constexpr Json::Limits kDefaultLimits{4u << 20, 64};
constexpr size_t kExpandedWeightMax = 16u << 20;  // what all aliases together may add
constexpr size_t kNodeWeight = 32;
constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

// Leaves yaml-cpp's callbacks; caught in parse_yaml.
struct Failure {
  std::string message;
  Mark mark;
};

std::string at(const Mark& mark) {
  return cat({" at ", std::to_string(mark.line + 1), ":", std::to_string(mark.column + 1)});
}

bool is_digits(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == text.npos;
}

std::string_view without_sign(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_float(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  text = without_sign(text);
  size_t e = text.find_first_of("eE");
  if (e != text.npos && !is_digits(without_sign(text.substr(e + 1)), kDigits)) return false;
  std::string_view mantissa = text.substr(0, e);
  size_t dot = mantissa.find('.');
  std::string_view whole = mantissa.substr(0, dot);
  std::string_view fraction = dot == mantissa.npos ? "" : mantissa.substr(dot + 1);
  if (whole.empty() && fraction.empty()) return false;
  return (whole.empty() || is_digits(whole, kDigits)) &&
         (fraction.empty() || is_digits(fraction, kDigits));
}

std::optional<Json> parse_radix(std::string_view text) {
  bool hex = text.starts_with("0x");
  if (!hex && !text.starts_with("0o")) return std::nullopt;
  std::string digits(text.substr(2));
  if (!is_digits(digits, hex ? "0123456789abcdefABCDEF" : "01234567")) return std::nullopt;
  errno = 0;
  unsigned long long value = std::strtoull(digits.c_str(), nullptr, hex ? 16 : 8);
  if (errno != 0 || value > INT64_MAX) return std::nullopt;  // too wide for a number: stays text
  return Json(static_cast<int64_t>(value));
}

std::optional<Json> parse_number(std::string_view text) {
  if (auto radix = parse_radix(text)) return radix;
  std::string_view unsigned_text = without_sign(text);
  if (unsigned_text == ".inf" || unsigned_text == ".Inf" || unsigned_text == ".INF")
    return Json(text.starts_with('-') ? -INFINITY : INFINITY);
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return Json(double(NAN));
  if (!is_float(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (auto value = parse_int(text)) return Json(*value);
  return Json(std::strtod(std::string(text).c_str(), nullptr));
}

// YAML 1.2.2 §10.3.2, the core schema's tag resolution of plain scalars.
Json resolve_plain(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (auto number = parse_number(text)) return *std::move(number);
  return text;
}

size_t weight(const Json& json) {
  size_t sum = kNodeWeight + json.str().size();
  for (const Json& item : json.items()) sum += weight(item);
  for (const auto& [key, value] : json.members()) sum += key.size() + weight(value);
  return sum;
}

size_t depth(const Json& json) {
  size_t deepest = 0;
  for (const Json& item : json.items()) deepest = std::max(deepest, depth(item));
  for (const auto& [key, value] : json.members()) deepest = std::max(deepest, depth(value));
  return json.is_array() || json.is_object() ? deepest + 1 : 0;
}

// Receives yaml-cpp's events and builds a Json; anchors keep copies of what they name.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(size_t depth_max) : depth_max_(depth_max) {}

  void OnDocumentStart(const Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, Json(), expects_key() ? "null" : "");
  }
  void OnScalar(const Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (expects_key()) {
      bool merge = text == "<<" && (tag == "?" || tag == cat({kTagPrefix, "merge"}));
      return merge ? start_merge(mark) : add(mark, anchor, Json(text), text);
    }
    add(mark, anchor, resolve(mark, tag, text), text);
  }
  void OnAlias(const Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Failure{"an alias names what is not complete", mark};
    spend(found->second, mark);
    if (frames_.size() + depth(found->second) > depth_max_) too_deep(mark);
    bool scalar = !found->second.is_array() && !found->second.is_object();
    if (expects_key() && !scalar) throw Failure{"a key must be a scalar", mark};
    add(mark, 0, found->second, found->second.text());
  }
  void OnSequenceStart(const Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, "seq", anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, "map", anchor);
  }
  void OnMapEnd() override { close(); }

  Json take() { return std::move(root_); }

 private:
  struct Frame {
    bool is_object = false;
    Mark mark;
    YAML::anchor_t anchor = 0;
    Json::Array items;
    Json::Object members;
    std::unordered_set<std::string> keys;
    std::string key;
    bool has_key = false;
    bool awaits_merge = false;
    std::optional<Json::Array> merged;
  };

  bool expects_key() const {
    return !frames_.empty() && frames_.back().is_object && !frames_.back().has_key;
  }
  [[noreturn]] void too_deep(const Mark& mark) { throw Failure{"nesting is too deep", mark}; }

  void spend(const Json& json, const Mark& mark) {
    spent_ += weight(json);
    if (spent_ > kExpandedWeightMax) throw Failure{"aliases expand to too much", mark};
  }

  void open(const Mark& mark, std::string_view tag, std::string_view kind, YAML::anchor_t anchor) {
    bool known = tag == "?" || tag == "!" || tag.empty() || tag == cat({kTagPrefix, kind});
    if (!known) throw Failure{cat({"unknown tag ", tag}), mark};
    if (expects_key()) throw Failure{"a key must be a scalar", mark};
    if (frames_.size() >= depth_max_) too_deep(mark);
    Frame& frame = frames_.emplace_back();
    frame.is_object = kind == "map";
    frame.mark = mark;
    frame.anchor = anchor;
  }

  void close() {
    Frame done = std::move(frames_.back());
    frames_.pop_back();
    if (!done.is_object) return add(done.mark, done.anchor, Json::array(std::move(done.items)), {});
    for (const Json& source : done.merged.value_or(Json::Array()))
      for (const auto& [key, value] : source.members())
        if (done.keys.insert(key).second) done.members.push_back({key, value});
    add(done.mark, done.anchor, Json::object(std::move(done.members)), {});
  }

  void start_merge(const Mark& mark) {
    Frame& frame = frames_.back();
    if (frame.merged) throw Failure{"a second merge key in one mapping", mark};
    frame.has_key = frame.awaits_merge = true;
  }

  void finish_merge(const Mark& mark, Json value) {
    Frame& frame = frames_.back();
    frame.has_key = frame.awaits_merge = false;
    frame.merged = value.is_array() ? value.items() : Json::Array{std::move(value)};
    for (const Json& source : *frame.merged)
      if (!source.is_object()) throw Failure{"a merge key needs mappings", mark};
  }

  void add(const Mark& mark, YAML::anchor_t anchor, Json value, std::string_view key_text) {
    if (anchor != 0) {
      spend(value, mark);
      anchors_[anchor] = value;
    }
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = frames_.back();
    if (!frame.is_object) {
      frame.items.push_back(std::move(value));
    } else if (!frame.has_key) {
      start_member(frame, mark, key_text);
    } else if (frame.awaits_merge) {
      finish_merge(mark, std::move(value));
    } else {
      frame.members.push_back({std::move(frame.key), std::move(value)});
      frame.has_key = false;
    }
  }

  static void start_member(Frame& frame, const Mark& mark, std::string_view key) {
    if (!frame.keys.insert(std::string(key)).second)
      throw Failure{cat({"the key '", key, "' appears twice"}), mark};
    frame.key = key;
    frame.has_key = true;
  }

  static Json resolve(const Mark& mark, std::string_view tag, const std::string& text) {
    if (tag == "?") return resolve_plain(text);
    if (tag == "!" || tag.empty()) return text;
    if (!tag.starts_with(kTagPrefix)) throw Failure{cat({"unknown tag ", tag}), mark};
    std::string_view kind = tag.substr(kTagPrefix.size());
    Json plain = resolve_plain(text);
    if (kind == "str") return text;
    if (kind == "float" && plain.is_number()) return plain.number();
    bool fits = (kind == "int" && plain.is_integer()) || (kind == "bool" && plain.is_bool()) ||
                (kind == "null" && plain.is_null());
    if (!fits) throw Failure{cat({"'", text, "' does not fit the tag ", tag}), mark};
    return plain;
  }

  size_t depth_max_;
  size_t spent_ = 0;
  Json root_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Json> anchors_;
};

Error bad_yaml(std::string_view what, const Mark& mark) {
  return invalid_argument(cat({"not valid YAML: ", what, mark.is_null() ? "" : at(mark)}),
                          "InvalidRequestContent");
}

// yaml-cpp takes 0x04 for the end of the text and guesses UTF-16 from its first bytes.
bool is_yaml_text(std::string_view text) {
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
  return is_utf8(text);
}

// Also for readers of YAML 1.1, which take more words and digits for other types.
bool is_safe_plain(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kOthers = "0123456789_-./";
  if (text.empty() || kLetters.find(text[0]) == kLetters.npos) return false;
  for (char c : text)
    if (kLetters.find(c) == kLetters.npos && kOthers.find(c) == kOthers.npos) return false;
  for (std::string_view word : {"y", "n", "yes", "no", "on", "off"})
    if (iequals(text, word)) return false;
  return resolve_plain(text).is_string();
}

std::string scalar(const Json& json) {
  if (json.is_string() && is_safe_plain(json.str())) return std::string(json.str());
  if (json.is_number() && std::isnan(json.number())) return ".nan";
  if (json.is_number() && std::isinf(json.number())) return json.number() > 0 ? ".inf" : "-.inf";
  return json.dump();  // JSON's quoted form is YAML's too; so are [] and {}
}

void write_block(std::string& out, const Json& json, size_t indent, bool after_dash) {
  bool first = true;
  auto start_line = [&] {
    if (!(first && after_dash)) out.append(indent, ' ');
    first = false;
  };
  for (const Json& item : json.items()) {
    start_line();
    out += "- ";
    if (!item.empty())
      write_block(out, item, indent + 2, true);
    else
      out += scalar(item) + "\n";
  }
  for (const auto& [key, value] : json.members()) {
    start_line();
    out += scalar(Json(key)) + ":";
    if (!value.empty()) {
      out += '\n';
      write_block(out, value, indent + 2, false);
    } else {
      out += " " + scalar(value) + "\n";
    }
  }
}

}  // namespace

Result<Json> parse_yaml(std::string_view text) { return parse_yaml(text, kDefaultLimits); }

Result<Json> parse_yaml(std::string_view text, const Json::Limits& limits) {
  if (text.size() > limits.bytes_max)
    return Error{
        Code::kPayloadTooLarge, "RequestBodyTooLarge", "the YAML document is too large", {}, {}};
  if (!is_yaml_text(text)) return bad_yaml("it is not UTF-8 text", Mark::null_mark());
  // yaml-cpp lets a quoted scalar end with the text; an end marker there shows that it is open.
  std::istringstream stream{cat({text, "\n...\n"})};
  Builder builder(limits.depth_max);
  try {
    YAML::Parser parser(stream);
    (void)parser.HandleNextDocument(builder);
    Json document = builder.take();
    if (parser.HandleNextDocument(builder))
      return bad_yaml("more than one document", Mark::null_mark());
    return document;
  } catch (const Failure& failure) {
    return bad_yaml(failure.message, failure.mark);
  } catch (const YAML::Exception& exception) {
    return bad_yaml(exception.msg, exception.mark);
  }
}

std::string dump_yaml(const Json& value) {
  if (value.empty()) return scalar(value) + "\n";
  std::string out;
  write_block(out, value, 0, false);
  return out;
}

}  // namespace lazuli
