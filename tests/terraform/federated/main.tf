# SPDX-License-Identifier: Apache-2.0
# Both providers signed in with another issuer's token (ARM_USE_OIDC): who they are, and that they may read.
terraform {
  required_providers {
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.0"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
  }
}

variable "group" {
  type = string
}

provider "azuread" {}

provider "azurerm" {
  resource_provider_registrations = "none"
  features {}
}

data "azuread_client_config" "me" {}
data "azurerm_client_config" "me" {}
data "azurerm_resource_group" "own" {
  name = var.group
}

output "object_ids" {
  value = [data.azuread_client_config.me.object_id, data.azurerm_client_config.me.object_id]
}

output "location" {
  value = data.azurerm_resource_group.own.location
}
