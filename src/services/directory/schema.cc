// SPDX-License-Identifier: Apache-2.0
#include "services/directory/schema.h"

#include "base/check.h"
#include "base/ids.h"
#include "base/strings.h"

namespace lazuli::directory {
namespace {

constexpr size_t kNameMax = 256;

// One property per line: name, type (capital: clients only read it), what is read where nothing
// was written.
constexpr std::string_view kUserRows = R"(businessPhones a []
givenName s null
jobTitle s null
mail s null
mobilePhone s null
officeLocation s null
preferredLanguage s null
surname s null
mailNickname s null
userType s "Member"
ageGroup s -
city s -
companyName s -
consentProvidedForMinor s -
country s -
department s -
employeeHireDate s -
employeeId s -
employeeOrgData o -
employeeType s -
faxNumber s -
onPremisesExtensionAttributes o -
onPremisesImmutableId s null
otherMails a []
passwordPolicies s null
postalCode s -
showInAddressList b -
state s -
streetAddress s -
usageLocation s null
)";

constexpr std::string_view kGroupRows = R"(deletedDateTime S null
classification s null
description s null
expirationDateTime S null
groupTypes a []
isAssignableToRole b null
mail S null
mailEnabled b false
mailNickname s null
membershipRule s null
membershipRuleProcessingState s null
onPremisesDomainName S null
onPremisesLastSyncDateTime S null
onPremisesNetBiosName S null
onPremisesSamAccountName S null
onPremisesSecurityIdentifier S null
onPremisesSyncEnabled B null
preferredDataLocation s null
preferredLanguage s null
proxyAddresses A []
renewedDateTime S null
resourceBehaviorOptions a []
resourceProvisioningOptions a []
securityEnabled b true
theme s null
uniqueName s null
visibility s null
onPremisesProvisioningErrors A []
serviceProvisioningErrors A []
)";

constexpr std::string_view kApplicationRows =
    R"(deletedDateTime S null
addIns a []
api o {"acceptMappedClaims":null,"knownClientApplications":[],)"
    R"("requestedAccessTokenVersion":null,"oauth2PermissionScopes":[],)"
    R"("preAuthorizedApplications":[]}
appRoles a []
applicationTemplateId S null
certification S null
defaultRedirectUri s null
description s null
disabledByMicrosoftStatus S null
groupMembershipClaims s null
identifierUris a []
info o {"logoUrl":null,"marketingUrl":null,"privacyStatementUrl":null,"supportUrl":null,)"
    R"("termsOfServiceUrl":null}
isDeviceOnlyAuthSupported b null
isFallbackPublicClient b null
nativeAuthenticationApisEnabled s null
notes s null
oauth2RequirePostResponse b -
optionalClaims o null
parentalControlSettings o {"countriesBlockedForMinors":[],"legalAgeGroupRule":"Allow"}
publicClient o {"redirectUris":[]}
publisherDomain S null
requestSignatureVerification o null
requiredResourceAccess a []
samlMetadataUrl s null
serviceManagementReference s null
servicePrincipalLockConfiguration o null
signInAudience s "AzureADMyOrg"
spa o {"redirectUris":[]}
tags a []
tokenEncryptionKeyId s null
uniqueName s null
verifiedPublisher O {"addedDateTime":null,"displayName":null,"verifiedPublisherId":null}
web o {"homePageUrl":null,"implicitGrantSettings":{"enableAccessTokenIssuance":false,)"
    R"("enableIdTokenIssuance":false},"logoutUrl":null,"redirectUriSettings":[],"redirectUris":[]}
)";

constexpr std::string_view kServicePrincipalRows = R"(deletedDateTime S null
addIns a []
alternativeNames a []
appDescription S null
appRoleAssignmentRequired b false
appRoles A []
applicationTemplateId S null
description s null
disabledByMicrosoftStatus S null
homepage s null
info O {"logoUrl":null,"marketingUrl":null,"privacyStatementUrl":null,"supportUrl":null,)"
                                                   R"("termsOfServiceUrl":null}
loginUrl s null
logoutUrl s null
notes s null
notificationEmailAddresses a []
oauth2PermissionScopes A []
preferredSingleSignOnMode s null
preferredTokenSigningKeyThumbprint s null
replyUrls a []
resourceSpecificApplicationPermissions A []
samlSingleSignOnSettings o null
servicePrincipalNames A []
servicePrincipalType S "Application"
signInAudience S "AzureADMyOrg"
tags a []
tokenEncryptionKeyId s null
verifiedPublisher O {"addedDateTime":null,"displayName":null,"verifiedPublisherId":null}
)";

// What other code takes from the body, or what names the object and may be repeated.
bool is_elsewhere(std::string_view name) {
  for (std::string_view each : {"passwordProfile", "keyCredentials", "passwordCredentials", "id",
                                "appId", "createdDateTime"})
    if (name == each) return true;
  return name.find('@') != std::string_view::npos;
}

bool has_type(const Json& value, char type) {
  switch (type) {
    case 's':
      return value.is_string();
    case 'b':
      return value.is_bool();
    case 'n':
      return value.is_number();
    case 'a':
      return value.is_array();
    default:
      return value.is_object();
  }
}

Error bad_request(std::string message) {
  return invalid_argument(std::move(message), "Request_BadRequest");
}

Error invalid_value(std::string_view name) {
  return bad_request(cat({"Invalid value specified for property '", name, "' of resource."}));
}

// "S-1-12-1-…": the id's four little-endian words.
std::string security_identifier(const std::string& object_id) {
  std::string digits = replace_all(object_id, "-", "");
  if (digits.size() != 32) return {};
  // GUIDs keep their first three fields in little-endian order.
  static constexpr int kOrder[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  std::string sid = "S-1-12-1";
  for (int word = 0; word < 4; ++word) {
    uint32_t value = 0;
    for (int i = 3; i >= 0; --i) {
      size_t at = static_cast<size_t>(kOrder[word * 4 + i]) * 2;
      value = value << 8 | static_cast<uint32_t>(std::stoul(digits.substr(at, 2), nullptr, 16));
    }
    sid += "-" + std::to_string(value);
  }
  return sid;
}

}  // namespace

Schema::Schema() {
  kinds_.emplace(kUser, table(kUserRows));
  kinds_.emplace(kGroup, table(kGroupRows));
  kinds_.emplace(kApplication, table(kApplicationRows));
  kinds_.emplace(kServicePrincipal, table(kServicePrincipalRows));
}

Schema::Properties Schema::table(std::string_view rows) {
  Properties properties;
  for (std::string_view row : split(rows, '\n')) {
    if (row.empty()) continue;
    size_t first = row.find(' '), second = row.find(' ', first + 1);
    char type = row[first + 1];
    bool settable = type >= 'a' && type <= 'z';
    std::string_view text = row.substr(second + 1);
    Property property{settable ? type : static_cast<char>(type + ('a' - 'A')), settable, {}};
    // "-": only read where it was written.
    property.fallback = text == "-" ? Json(false) : Json::parse(text).value();
    if (text == "-") property.type = static_cast<char>(property.type - ('a' - 'A'));
    properties.emplace_back(std::string(row.substr(0, first)), std::move(property));
  }
  return properties;
}

const Schema::Properties& Schema::of(std::string_view kind) const {
  auto found = kinds_.find(kind);
  CHECK(found != kinds_.end());
  return found->second;
}

Result<void> Schema::write(const Json& body, Object& object) const {
  for (const Json::Member& member : body.members()) {
    const auto& [name, value] = member;
    if (is_elsewhere(name) || (name == "identities" && object.kind == kUser)) continue;
    if (name == "displayName") {
      if (!value.is_string()) return invalid_value(name);
      TRY(check_name(value.str(), name));
      object.name = value.text();
    } else if (name == "accountEnabled" &&
               (object.kind == kUser || object.kind == kServicePrincipal)) {
      if (!value.is_bool()) return invalid_value(name);
      object.enabled = value.boolean();
    } else if (name == "userPrincipalName" && object.kind == kUser) {
      TRY(check_upn(value.str()));
      object.upn = value.text();
    } else {
      const Property* property = nullptr;
      for (const auto& [known, its] : of(object.kind))
        if (known == name) property = &its;
      if ((property == nullptr || !property->settable) && value.is_null()) continue;
      if (property == nullptr || !property->settable)
        return bad_request(cat({"One or more property values specified are invalid: '",
                                name.substr(0, 64), "' cannot be set on this resource."}));
      char type =
          property->type >= 'a' ? property->type : static_cast<char>(property->type + ('a' - 'A'));
      if (!value.is_null() && !has_type(value, type)) return invalid_value(name);
      if (type == 'o' && value.is_object() && object.properties[name].is_object())
        object.properties[name].merge_patch(value);
      else
        object.properties.set(name, value);
    }
  }
  return {};
}

Json Schema::read(const Object& object, const std::string& tenant_id) const {
  Json json = Json::object({{"id", object.object_id},
                            {"displayName", object.name},
                            {"createdDateTime", format_iso8601_seconds(object.created)}});
  if (object.app_id) json.set("appId", *object.app_id);
  if (object.kind == kUser) {
    json.set("userPrincipalName", object.upn.value_or(""));
    json.set("accountEnabled", object.enabled);
  }
  if (object.kind == kGroup) json.set("securityIdentifier", security_identifier(object.object_id));
  if (object.kind == kServicePrincipal) {
    json.set("accountEnabled", object.enabled);
    json.set("appDisplayName", object.name);
    json.set("appOwnerOrganizationId", tenant_id);
  }
  const Json& written = object.properties;
  for (const auto& [name, property] : of(object.kind)) {
    const Json* value = written.find(name);
    bool only_written = property.type < 'a';
    if (value == nullptr && only_written) continue;
    if (value == nullptr || (value->is_null() && !only_written)) {
      json.set(name, property.fallback);
      continue;
    }
    Json full = property.fallback;
    if (property.type == 'o' && full.is_object())
      full.merge_patch(*value);
    else
      full = *value;
    json.set(name, std::move(full));
  }
  return json;
}

Result<void> check_upn(std::string_view upn) {
  size_t at = upn.find('@');
  bool good = at != std::string_view::npos && at > 0 && at + 1 < upn.size() && upn.size() <= 256 &&
              upn.find('@', at + 1) == std::string_view::npos && upn.back() != '.';
  for (char c : upn) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("@'.-_!#^~").find(c) == std::string_view::npos) good = false;
  }
  return good ? success() : invalid_value("userPrincipalName");
}

Result<void> check_name(std::string_view name, std::string_view property) {
  bool good = !name.empty() && name.size() <= kNameMax && is_utf8(name);
  for (unsigned char c : name)
    if (c < 0x20 || c == 0x7f) good = false;
  return good ? success() : invalid_value(property);
}

Result<std::string> id_in_reference(std::string_view reference) {
  std::string_view id = reference.substr(std::min(reference.size(), reference.rfind('/') + 1));
  if (!reference.starts_with("https://") || !is_uuid(id))
    return bad_request("Invalid URL format specified in @odata.id for the reference.");
  return to_lower(id);
}

}  // namespace lazuli::directory
