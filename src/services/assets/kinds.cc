// SPDX-License-Identifier: Apache-2.0
#include "services/assets/kinds.h"

#include "base/strings.h"

namespace lazuli::assets {
namespace {

void default_to(Json& properties, std::string_view key, Json value) {
  const Json* present = properties.find(key);
  if (present == nullptr || present->is_null()) properties.set(key, std::move(value));
}

Result<void> complete_component(const std::string& name, const std::string& version,
                                Json& properties) {
  Json& spec = properties["componentSpec"];
  if (!spec.is_object())
    return invalid_argument("componentSpec must be an object", "InvalidComponentSpec");
  // The client takes name and version from the reply's spec, also where it sent none.
  spec.set("name", name);
  spec.set("version", version);
  return {};
}

}  // namespace

std::span<const KindInfo> all_kinds() {
  static const std::vector<KindInfo> kKinds = {
      {Kind::kData, "data", "data asset", {"dataUri", "dataType"}, {"dataUri"}, "dataUri"},
      {Kind::kModel, "models", "model", {"modelUri", "modelType"}, {"modelUri"}, "modelUri"},
      {Kind::kEnvironment,
       "environments",
       "environment",
       {"image", "condaFile", "build"},
       {"image", "condaFile", "build"},
       ""},
      {Kind::kCode, "codes", "code", {"codeUri"}, {"codeUri"}, "codeUri"},
      {Kind::kComponent, "components", "component", {"componentSpec"}, {"componentSpec"}, ""},
  };
  return kKinds;
}

const KindInfo& info(Kind kind) {
  for (const KindInfo& each : all_kinds())
    if (each.kind == kind) return each;
  CHECK(false);
  return all_kinds().front();
}

Result<Json> complete_properties(const KindInfo& kind, const std::string& name,
                                 const std::string& version, Json properties) {
  if (!properties.is_object()) return invalid_argument("the body has no properties object");
  bool any = false;
  for (std::string_view key : kind.required) {
    const Json* value = properties.find(key);
    any = any || (value != nullptr && !value->is_null());
  }
  if (!any)
    return invalid_argument(
        cat({"the ", kind.singular, " '", name, "' needs the property ", kind.required.front()}));
  for (std::string_view key : {"tags", "properties"}) default_to(properties, key, Json::object());
  for (std::string_view key : {"isAnonymous", "isArchived"}) default_to(properties, key, false);
  if (kind.kind == Kind::kData) default_to(properties, "dataType", "uri_folder");
  if (kind.kind == Kind::kModel) {
    default_to(properties, "modelType", "custom_model");
    default_to(properties, "flavors", Json::object());
  }
  if (kind.kind == Kind::kEnvironment) {
    default_to(properties, "environmentType", "UserCreated");
    default_to(properties, "osType", "Linux");
  }
  if (kind.kind == Kind::kComponent) TRY(complete_component(name, version, properties));
  default_to(properties, "provisioningState", "Succeeded");
  return properties;
}

Result<void> check_unchanged(const KindInfo& kind, const std::string& name,
                             const std::string& version, const Json& stored, const Json& wanted) {
  for (std::string_view key : kind.frozen) {
    if (stored[key] == wanted[key]) continue;
    // The client reads these two answers: the first word for word, the second by its 409.
    if (!kind.uri.empty()) return invalid_argument("Asset paths cannot be updated.", "UserError");
    return conflict(
        cat({"the ", kind.singular, " '", name, "' version '", version,
             "' exists and cannot change its ", key, "; register a new version instead"}));
  }
  return {};
}

Result<void> check_asset_name(std::string_view what, std::string_view name) {
  bool good = !name.empty() && name.size() <= 255 && name.front() != '.' && name.front() != '-';
  for (char c : name) {
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    good = good && (alphanumeric || c == '-' || c == '_' || c == '.');
  }
  if (good) return {};
  return invalid_argument(cat({"'", name.substr(0, 100), "' is not a valid ", what,
                               ": use letters, digits, '-', '_' and '.'"}),
                          "InvalidAssetName");
}

}  // namespace lazuli::assets
