# SPDX-License-Identifier: Apache-2.0
"""The managed identities of workspaces, endpoints and computes: real principals, as the clients see and use them."""

import os

import pytest
from azure.ai.ml.entities import (
    AmlCompute,
    IdentityConfiguration,
    ManagedIdentityConfiguration,
    ManagedOnlineEndpoint,
)
from azure.core.exceptions import HttpResponseError
from azure_cli import AzFailed

from harness import unique


def test_a_workspace_has_a_principal_that_can_be_given_a_role(client, az, scope):
    identity = client.workspaces.get(client.workspace_name).identity
    assert identity.type == "system_assigned"
    assert identity.tenant_id == az.tenant
    principal = az("ad", "sp", "show", "--id", identity.principal_id)
    assert principal["servicePrincipalType"] == "ManagedIdentity"
    assert principal["displayName"] == client.workspace_name
    group = scope.split("/providers/")[0]
    made = az(
        *("role", "assignment", "create", "--role", "Reader", "--scope", group),
        *("--assignee-object-id", identity.principal_id),
        *("--assignee-principal-type", "ServicePrincipal"),
    )
    assert made["principalId"] == identity.principal_id
    az("role", "assignment", "delete", "--ids", made["id"])


def test_an_endpoints_identities(client, az):
    group = os.environ["AZURE_RESOURCE_GROUP"]
    name = unique("mine")
    mine = az("identity", "create", "--name", name, "--resource-group", group, "--location", "local")
    made = client.online_endpoints.begin_create_or_update(
        ManagedOnlineEndpoint(
            name=unique("who"),
            auth_mode="key",
            identity=IdentityConfiguration(
                type="user_assigned",
                user_assigned_identities=[ManagedIdentityConfiguration(resource_id=mine["id"])],
            ),
        )
    ).result()
    assert made.identity.type == "user_assigned"
    assert made.identity.principal_id is None
    [assigned] = made.identity.user_assigned_identities
    answered = vars(assigned)  # this version of the client keeps the answer's own names
    assert answered["principalId"] == mine["principalId"]
    assert answered["clientId"] == mine["clientId"]
    made.identity = IdentityConfiguration(type="system_assigned")
    made = client.online_endpoints.begin_create_or_update(made).result()
    principal = made.identity.principal_id
    assert az("ad", "sp", "show", "--id", principal)["servicePrincipalType"] == "ManagedIdentity"
    client.online_endpoints.begin_delete(made.name).result()
    gone = az("ad", "sp", "show", "--id", principal, ok=False)
    assert isinstance(gone, AzFailed) and "does not exist" in gone.output
    az("identity", "delete", "--ids", mine["id"])


def test_a_computes_identity(client):
    name = unique("c")[:24]
    made = client.compute.begin_create_or_update(
        AmlCompute(name=name, size="Local", identity=IdentityConfiguration(type="system_assigned"))
    ).result()
    assert made.identity.principal_id
    assert client.compute.get(name).identity.principal_id == made.identity.principal_id
    client.compute.begin_delete(name).result()


def test_an_identity_that_is_not_there_is_refused(client, scope):
    absent = scope.split("/providers/")[0] + (
        "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/absent"
    )
    with pytest.raises(HttpResponseError) as caught:
        client.online_endpoints.begin_create_or_update(
            ManagedOnlineEndpoint(
                name=unique("who"),
                auth_mode="key",
                identity=IdentityConfiguration(
                    type="user_assigned",
                    user_assigned_identities=[ManagedIdentityConfiguration(resource_id=absent)],
                ),
            )
        )
    assert caught.value.status_code == 400
    assert "absent" in str(caught.value)
