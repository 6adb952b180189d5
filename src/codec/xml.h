// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lazuli {

// A small element tree: what the storage protocol's bodies need. No mixed content, no entities
// beyond the five of XML, no DTD (a document with one is refused). pugixml's parser and printer.
struct XmlElement {
  std::string name;
  std::string text;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<XmlElement> children;

  XmlElement() = default;
  explicit XmlElement(std::string element_name, std::string element_text = {})
      : name(std::move(element_name)), text(std::move(element_text)) {}
  XmlElement& add(std::string child_name, std::string child_text = {});  // returns the new child
  const XmlElement* child(std::string_view child_name) const;
  std::string_view child_text(std::string_view child_name) const;  // empty when absent
};

// The root element; sizes and depth are bounded.
Result<XmlElement> parse_xml(std::string_view text, size_t depth_max = 32);

// With the XML declaration, UTF-8, unindented. Control characters XML cannot carry are replaced.
std::string dump_xml(const XmlElement& root);

}  // namespace lazuli
