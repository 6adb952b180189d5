// SPDX-License-Identifier: Apache-2.0
#include "codec/xml.h"

#include <pugixml.hpp>

#include <charconv>

#include "base/strings.h"

namespace lazuli {
namespace {

constexpr size_t kBytesMax = 16u << 20;
constexpr size_t kAttributesMax = 64;  // of one element
constexpr unsigned kParseFlags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol |
                                 pugi::parse_wconv_attribute | pugi::parse_doctype |
                                 pugi::parse_ws_pcdata_single;

Error bad_xml(std::string_view what) {
  return invalid_argument(cat({"not valid XML: ", what}), "InvalidXmlDocument");
}

// XML 1.0 §2.2 Char.
bool is_xml_char(uint32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c < 0xD800 || (c > 0xDFFF && c < 0xFFFE) || (c > 0xFFFF && c <= 0x10FFFF);
}

// The body between '&' and ';': one of XML's five names or a reference to a character it allows.
bool is_known_entity(std::string_view name) {
  if (name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "apos")
    return true;
  if (!name.starts_with('#')) return false;
  bool hex = name.starts_with("#x");
  name.remove_prefix(hex ? 2 : 1);
  uint32_t code = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
  return error == std::errc() && end == name.data() + name.size() && is_xml_char(code);
}

Result<void> check_entity(std::string_view text, size_t at) {
  constexpr size_t kNameMax = 10;
  const size_t end = text.substr(at, kNameMax + 2).find(';');
  if (end != text.npos && is_known_entity(text.substr(at + 1, end - 1))) return {};
  return bad_xml("an unknown entity");
}

// Where the section behind the '<' at `at` ends that is taken as it stands, or npos if there is
// none.
size_t end_of_verbatim(std::string_view text, size_t at) {
  constexpr std::pair<std::string_view, std::string_view> kVerbatim[] = {
      {"<![CDATA[", "]]>"}, {"<!--", "-->"}, {"<?", "?>"}};
  for (const auto& [open, close] : kVerbatim)
    if (text.substr(at).starts_with(open))
      return std::min(text.find(close, at + open.size()), text.size() - 1);
  return text.npos;
}

// The tag that begins at `at`: the entities of its attributes, and no '<' in it (XML 1.0 §3.1), so
// that nobody sees a section where there is a value. The end's position.
Result<size_t> check_tag(std::string_view text, size_t at) {
  char quote = 0;
  for (size_t i = at + 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '<') return bad_xml("a '<' inside a tag");
    if (c == '&') TRY(check_entity(text, i));
    if (quote == 0 && c == '>') return i;
    if (quote == 0 && (c == '"' || c == '\''))
      quote = c;
    else if (c == quote)
      quote = 0;
  }
  return text.size() - 1;
}

// pugixml passes unknown entities through as text and cuts strings at &#0;, so they are refused
// before it sees them.
Result<void> check_entities(std::string_view text) {
  for (size_t i = text.find_first_of("<&"); i != text.npos; i = text.find_first_of("<&", i)) {
    if (text[i] == '&') {
      TRY(check_entity(text, i));
    } else if (const size_t end = end_of_verbatim(text, i); end != text.npos) {
      i = end;
    } else {
      i = TRY(check_tag(text, i));
    }
    ++i;
  }
  return {};
}

Result<void> check_text(std::string_view text) {
  if (text.size() > kBytesMax) return bad_xml("it is too large");
  if (!is_utf8(text)) return bad_xml("it is not UTF-8");
  for (char c : text)
    if (!is_xml_char(static_cast<unsigned char>(c))) return bad_xml("a control character");
  return check_entities(text);
}

Result<XmlElement> convert(const pugi::xml_node& node, size_t depth_left) {
  if (depth_left == 0) return bad_xml("nesting is too deep");
  XmlElement element(node.name());
  for (const pugi::xml_attribute& attribute : node.attributes()) {
    if (element.attributes.size() == kAttributesMax) return bad_xml("too many attributes");
    for (const auto& [name, value] : element.attributes)
      if (name == attribute.name()) return bad_xml(cat({"the attribute ", name, " occurs twice"}));
    element.attributes.emplace_back(attribute.name(), attribute.value());
  }
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() == pugi::node_element)
      element.children.push_back(TRY(convert(child, depth_left - 1)));
    else
      element.text += child.value();
  }
  if (!element.children.empty() && !trim(element.text).empty())
    return bad_xml(cat({"text beside elements in ", element.name}));
  return element;
}

// U+FFFD in place of what XML 1.0 cannot carry.
std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (is_xml_char(static_cast<unsigned char>(c)))
      out += c;
    else
      out += "\xEF\xBF\xBD";
  }
  return out;
}

void append(pugi::xml_node parent, const XmlElement& element) {
  pugi::xml_node node = parent.append_child(element.name.c_str());
  for (const auto& [name, value] : element.attributes)
    node.append_attribute(name.c_str()).set_value(printable(value).c_str());
  if (!element.text.empty())
    node.append_child(pugi::node_pcdata).set_value(printable(element.text).c_str());
  for (const XmlElement& child : element.children) append(node, child);
}

struct StringWriter : pugi::xml_writer {
  std::string out;
  void write(const void* data, size_t size) override {
    out.append(static_cast<const char*>(data), size);
  }
};

}  // namespace

XmlElement& XmlElement::add(std::string child_name, std::string child_text) {
  return children.emplace_back(std::move(child_name), std::move(child_text));
}

const XmlElement* XmlElement::child(std::string_view child_name) const {
  for (const XmlElement& element : children)
    if (element.name == child_name) return &element;
  return nullptr;
}

std::string_view XmlElement::child_text(std::string_view child_name) const {
  const XmlElement* found = child(child_name);
  return found ? std::string_view(found->text) : std::string_view();
}

Result<XmlElement> parse_xml(std::string_view text, size_t depth_max) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  TRY(check_text(text));
  pugi::xml_document document;
  pugi::xml_parse_result result =
      document.load_buffer(text.data(), text.size(), kParseFlags, pugi::encoding_utf8);
  if (!result)
    return bad_xml(cat({result.description(), " at byte ", std::to_string(result.offset)}));
  for (const pugi::xml_node& node : document.children()) {
    if (node.type() == pugi::node_doctype) return bad_xml("a document type is not allowed");
    if (node != document.document_element()) return bad_xml("more than one root element");
  }
  return convert(document.document_element(), depth_max);
}

std::string dump_xml(const XmlElement& root) {
  pugi::xml_document document;
  append(document, root);
  StringWriter writer;
  writer.out = R"(<?xml version="1.0" encoding="utf-8"?>)";
  document.save(writer, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return replace_all(writer.out, "\r", "&#13;");  // raw, a parser would read it as a line feed
}

}  // namespace lazuli
