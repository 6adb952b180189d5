// SPDX-License-Identifier: Apache-2.0
#include "services/declared/kinds.h"

#include "base/strings.h"

namespace lazuli::declared {
namespace {

// https://learn.microsoft.com/rest/api/storagerp/storage-accounts/get-properties
void describe_account(const core::RequestContext& context, const std::string& name,
                      Json& properties) {
  const auto url = [&](std::string_view service) {
    return context.url(cat({name, ".", service, ".core"}), "/");
  };
  properties.set("primaryEndpoints", Json::object({{"blob", url("blob")}}));
  properties.set("statusOfPrimary", "available");
}

// https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get
void describe_vault(const core::RequestContext& context, const std::string& name,
                    Json& properties) {
  properties.set("vaultUri", context.url(name + ".vault", "/"));
}

// https://learn.microsoft.com/rest/api/containerregistry/registries/get
void describe_registry(const core::RequestContext& context, const std::string& name,
                       Json& properties) {
  properties.set("loginServer",
                 cat({to_lower(name), ".cr.", context.domain(), context.port_suffix()}));
}

const Kind kKinds[] = {
    {kStorageAccounts, "StorageAccounts", "2023-05-01", true, describe_account},
    {"Microsoft.KeyVault/vaults", "Vaults", "2023-07-01", true, describe_vault},
    {"Microsoft.ContainerRegistry/registries", "Registries", "2023-07-01", true, describe_registry},
    {"Microsoft.Insights/components", "Components", "2020-02-02", true, nullptr},
    {"Microsoft.OperationalInsights/workspaces", "Workspaces", "2023-09-01", true, nullptr},
    {"Microsoft.Network/virtualNetworks", "VirtualNetworks", "2023-11-01", true, nullptr},
    {"Microsoft.Network/virtualNetworks/subnets", "Subnets", "2023-11-01", false, nullptr},
    {"Microsoft.Network/privateEndpoints", "PrivateEndpoints", "2023-11-01", true, nullptr},
};

constexpr MissingAction kMissing[] = {
    {kStorageAccounts, "regenerateKey", "StorageAccounts_RegenerateKey"},
    {kStorageAccounts, "listAccountSas", "StorageAccounts_ListAccountSAS"},
    {kStorageAccounts, "listServiceSas", "StorageAccounts_ListServiceSAS"},
    {kStorageAccounts, "failover", "StorageAccounts_Failover"},
    {"Microsoft.ContainerRegistry/registries", "listCredentials", "Registries_ListCredentials"},
    {"Microsoft.ContainerRegistry/registries", "regenerateCredential",
     "Registries_RegenerateCredential"},
    {"Microsoft.ContainerRegistry/registries", "importImage", "Registries_ImportImage"},
    {"Microsoft.OperationalInsights/workspaces", "sharedKeys", "SharedKeys_GetSharedKeys"},
    {"Microsoft.Insights/components", "purge", "Components_Purge"},
};

}  // namespace

std::span<const Kind> kinds() { return kKinds; }
std::span<const MissingAction> missing_actions() { return kMissing; }

}  // namespace lazuli::declared
