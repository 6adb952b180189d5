// SPDX-License-Identifier: Apache-2.0
#include "services/assets/reference.h"

#include "base/strings.h"
#include "core/arm.h"

namespace lazuli::assets {
namespace {

Error malformed(const KindInfo& kind, std::string_view text) {
  return invalid_argument(
      cat({"'", text.substr(0, 300), "' is not a reference to a ", kind.singular,
           ": use azureml:NAME:VERSION, azureml:NAME@latest or "
           "a resource id"}),
      "InvalidAssetReference");
}

// "{name}/versions/{v}" or "{name}/labels/{l}".
bool take_name_and_version(const std::vector<std::string_view>& pieces, size_t at,
                           Reference& reference) {
  if (pieces.size() != at + 3) return false;
  reference.name = pieces[at];
  if (iequals(pieces[at + 1], "versions"))
    reference.version = pieces[at + 2];
  else if (iequals(pieces[at + 1], "labels"))
    reference.label = pieces[at + 2];
  else
    return false;
  return !reference.name.empty() && (!reference.version.empty() || !reference.label.empty());
}

}  // namespace

Result<Reference> parse_reference(const KindInfo& kind, std::string_view text) {
  Reference reference;
  std::string_view rest = text;
  if (istarts_with(rest, "azureml://registries/")) {
    std::vector<std::string_view> pieces = split(rest.substr(21), '/');
    if (pieces.size() != 5 || !iequals(pieces[1], kind.collection) ||
        !take_name_and_version(pieces, 2, reference))
      return malformed(kind, text);
    reference.registry = pieces[0];
    return reference;
  }
  if (istarts_with(rest, "azureml:")) rest.remove_prefix(8);
  if (rest.starts_with('/')) {
    core::ArmId id = TRY(core::ArmId::parse(rest));
    if (id.segments.size() != 3 || !iequals(id.segments[1].first, kind.collection))
      return malformed(kind, text);
    reference.name = id.segments[1].second;
    bool label = iequals(id.segments[2].first, "labels");
    (label ? reference.label : reference.version) = id.segments[2].second;
    return reference;
  }
  size_t mark = rest.find_first_of(":@");
  if (mark == std::string_view::npos || mark == 0 || mark + 1 == rest.size())
    return malformed(kind, text);
  reference.name = rest.substr(0, mark);
  (rest[mark] == '@' ? reference.label : reference.version) = rest.substr(mark + 1);
  return reference;
}

}  // namespace lazuli::assets
