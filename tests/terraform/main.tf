# SPDX-License-Identifier: Apache-2.0
# What people keep in Terraform of identity and access: both providers, unmodified. `round` changes what an update changes.
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

variable "round" {
  type    = number
  default = 1
}

variable "certificate" {
  type        = string
  description = "of the application, PEM"
}

provider "azuread" {}

provider "azurerm" {
  resource_provider_registrations = "none"
  features {}
}

data "azuread_client_config" "me" {}
data "azuread_domains" "all" {}
data "azurerm_client_config" "me" {}

locals {
  subscription = "/subscriptions/${data.azurerm_client_config.me.subscription_id}"
}

data "azurerm_role_definition" "reader" {
  name  = "Reader"
  scope = local.subscription
}

# --- the directory -----------------------------------------------------------------------------------------------------

resource "azuread_user" "ann" {
  user_principal_name   = "ann@${data.azuread_domains.all.domains[0].domain_name}"
  display_name          = "Ann ${var.round}"
  mail_nickname         = "ann"
  password              = "Secret-of-Ann-1"
  force_password_change = false
  account_enabled       = true
  department            = var.round == 1 ? "Vision" : "Speech"
  usage_location        = "DE"
}

resource "azuread_user" "bob" {
  user_principal_name = "bob@${data.azuread_domains.all.domains[0].domain_name}"
  display_name        = "Bob"
  password            = "Secret-of-Bob-1"
}

resource "azuread_group" "team" {
  display_name     = "team"
  description      = "round ${var.round}"
  security_enabled = true
  owners           = [data.azuread_client_config.me.object_id]
  members          = var.round == 1 ? [azuread_user.ann.object_id] : [azuread_user.bob.object_id]
}

resource "azuread_group" "nested" {
  display_name     = "nested"
  security_enabled = true
}

resource "azuread_group_member" "nested" {
  group_object_id  = azuread_group.nested.object_id
  member_object_id = azuread_group.team.object_id
}

resource "azuread_application" "service" {
  display_name    = "service ${var.round}"
  identifier_uris = ["api://terraform-service"]
  owners          = [data.azuread_client_config.me.object_id]
  tags            = ["round${var.round}"]

  api {
    requested_access_token_version = 2
  }

  web {
    redirect_uris = ["https://service.example/callback/${var.round}"]
  }
}

resource "azuread_application_password" "service" {
  application_id = azuread_application.service.id
  display_name   = "terraform"
  end_date       = "2099-01-01T00:00:00Z"
}

resource "azuread_application_certificate" "service" {
  application_id = azuread_application.service.id
  type           = "AsymmetricX509Cert"
  encoding       = "pem"
  value          = var.certificate
}

resource "azuread_application_federated_identity_credential" "service" {
  application_id = azuread_application.service.id
  display_name   = "ci"
  description    = "round ${var.round}"
  audiences      = ["api://AzureADTokenExchange"]
  issuer         = "https://ci.example"
  subject        = "repo:team/service:ref:refs/heads/main"
}

resource "azuread_service_principal" "service" {
  client_id                    = azuread_application.service.client_id
  app_role_assignment_required = false
  owners                       = [data.azuread_client_config.me.object_id]
  notes                        = "round ${var.round}"
}

resource "azuread_service_principal_password" "service" {
  service_principal_id = azuread_service_principal.service.id
}

data "azuread_user" "ann" {
  user_principal_name = azuread_user.ann.user_principal_name
}

data "azuread_group" "team" {
  display_name = azuread_group.team.display_name
}

data "azuread_service_principal" "service" {
  client_id = azuread_service_principal.service.client_id
}

# --- resources and who may use them ------------------------------------------------------------------------------------

resource "azurerm_resource_group" "models" {
  name     = "models"
  location = "local"
  tags = {
    round = var.round
  }
}

resource "azurerm_user_assigned_identity" "trainer" {
  name                = "trainer"
  resource_group_name = azurerm_resource_group.models.name
  location            = azurerm_resource_group.models.location
  tags = {
    round = var.round
  }
}

resource "azurerm_federated_identity_credential" "trainer" {
  name                      = "pod"
  user_assigned_identity_id = azurerm_user_assigned_identity.trainer.id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = "https://cluster.example"
  subject                   = "system:serviceaccount:ns:trainer${var.round}"
}

resource "azurerm_role_definition" "registrar" {
  name        = "terraform registrar"
  description = "round ${var.round}"
  scope       = local.subscription

  permissions {
    actions = var.round == 1 ? ["Microsoft.MachineLearningServices/workspaces/models/*/read"] : [
      "Microsoft.MachineLearningServices/workspaces/models/*/read",
      "Microsoft.MachineLearningServices/workspaces/models/*/write",
    ]
    not_actions = []
  }

  assignable_scopes = [local.subscription]
}

resource "azurerm_role_assignment" "trainer" {
  scope                = azurerm_resource_group.models.id
  role_definition_name = "Storage Blob Data Reader"
  principal_id         = azurerm_user_assigned_identity.trainer.principal_id
  principal_type       = "ServicePrincipal"
  description          = "reads data"
}

resource "azurerm_role_assignment" "team" {
  scope              = azurerm_resource_group.models.id
  role_definition_id = azurerm_role_definition.registrar.role_definition_resource_id
  principal_id       = azuread_group.team.object_id
}

resource "azurerm_role_assignment" "service" {
  scope                            = local.subscription
  role_definition_id               = data.azurerm_role_definition.reader.id
  principal_id                     = azuread_service_principal.service.object_id
  skip_service_principal_aad_check = true
}

resource "azurerm_resource_group_template_deployment" "more" {
  name                = "more"
  resource_group_name = azurerm_resource_group.models.name
  deployment_mode     = "Incremental"
  parameters_content = jsonencode({
    name = { value = "from-template" }
    tag  = { value = "round${var.round}" }
  })
  template_content = jsonencode({
    "$schema"      = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    contentVersion = "1.0.0.0"
    parameters = {
      name = { type = "string" }
      tag  = { type = "string" }
    }
    resources = [{
      type       = "Microsoft.ManagedIdentity/userAssignedIdentities"
      apiVersion = "2023-01-31"
      name       = "[parameters('name')]"
      location   = "[resourceGroup().location]"
      tags       = { from = "[parameters('tag')]" }
    }]
    outputs = {
      principal = {
        type  = "string"
        value = "[reference(resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', parameters('name'))).principalId]"
      }
    }
  })
}

resource "azurerm_management_lock" "models" {
  name       = "keep"
  scope      = azurerm_resource_group.models.id
  lock_level = "CanNotDelete"
  notes      = "as long as the plan says so"
  depends_on = [
    azurerm_resource_group_template_deployment.more,
    azurerm_federated_identity_credential.trainer,
    azurerm_role_assignment.trainer,
    azurerm_role_assignment.team,
  ]
}

output "secret" {
  value     = azuread_application_password.service.value
  sensitive = true
}

output "client_id" {
  value = azuread_application.service.client_id
}

output "deployed" {
  value = jsondecode(azurerm_resource_group_template_deployment.more.output_content).principal.value
}

output "seen" {
  value = [data.azuread_user.ann.object_id, data.azuread_group.team.object_id,
  data.azuread_service_principal.service.object_id, data.azurerm_client_config.me.object_id]
}
