// SPDX-License-Identifier: Apache-2.0
// The cloud's metadata document. Clients ask for it several times per process and fall back to the
// public cloud when it fails: it is anonymous, static and never waits.
// Source: azure-ai-ml azure/ai/ml/_azure_environments.py (a list; portal and suffixes as read
// there); azure-cli command_modules/cloud/custom.py and go-azure-sdk
// sdk/internal/metadata/client.go (from 2022-09-01 on one object; with ADFS Terraform takes it for
// Azure Stack and refuses it).
#include "base/strings.h"
#include "core/arm.h"
#include "services/resources/handlers.h"

namespace lazuli::resources {
namespace {

constexpr std::string_view kOneCloudSince = "2022-09-01";

}  // namespace

Answer get_metadata(const Parts& parts, Context& context) {
  const bool is_one = context.query("api-version").value_or("") >= kOneCloudSince;
  std::string management = context.url("management", "");
  std::string suffix = context.domain() + context.port_suffix();
  Json cloud = Json::object(
      {{"name", parts.installation.cloud_name},
       {"portal", context.url("portal.azure", "/")},
       // Its final slash is what clients look for inside ARM_CLOUD_METADATA_URL.
       {"resourceManager", management + "/"},
       {"authentication", Json::object({{"loginEndpoint", context.url("login", "")},
                                        {"audiences", Json::array({Json(management)})},
                                        {"tenant", is_one ? "common" : "adfs"},
                                        {"identityProvider", is_one ? "AAD" : "ADFS"}})},
       {"graph", context.url("graph", "/")},
       {"microsoftGraphResourceId", context.url("graph", "/")},
       {"suffixes",
        // The client splits a storage host on ".blob.core.": the suffix must begin with "core.".
        Json::object({{"storage", "core." + suffix},
                      {"keyVaultDns", "vault." + suffix},
                      {"acrLoginServer", "cr." + suffix}})}});
  if (is_one) return core::json_response(std::move(cloud));
  return core::json_response(Json::array({std::move(cloud)}));
}

}  // namespace lazuli::resources
