# SPDX-License-Identifier: Apache-2.0
"""Roles and their assignments, as azure-mgmt-authorization manages them, and what they then allow."""

import os
import uuid

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.authorization import AuthorizationManagementClient

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture(scope="module")
def subscription():
    return f"/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}"


@pytest.fixture(scope="module")
def group(subscription):
    return f"{subscription}/resourceGroups/{os.environ['AZURE_RESOURCE_GROUP']}"


@pytest.fixture(scope="module")
def roles(credential, arm):
    return AuthorizationManagementClient(
        credential,
        os.environ["AZURE_SUBSCRIPTION_ID"],
        base_url=arm.base,
        credential_scopes=[f"{arm.base}/.default"],
    )


@pytest.fixture()
def principal():
    """A principal that the directory will know later."""
    return str(uuid.uuid4())


def role_id(scope, guid):
    return f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def parameters(subscription, principal, guid=READER, **more):
    return {
        "properties": {
            "roleDefinitionId": role_id(subscription, guid),
            "principalId": principal,
            "principalType": "ServicePrincipal",
            **more,
        }
    }


def test_assignment_lives_and_ends(roles, subscription, group, principal):
    name = str(uuid.uuid4())
    made = roles.role_assignments.create(group, name, parameters(subscription, principal))
    assert made.name == name and made.scope == group
    assert made.role_definition_id == role_id(subscription, READER)
    assert roles.role_assignments.get(group, name).principal_id == principal
    assert roles.role_assignments.get_by_id(made.id).id == made.id
    again = roles.role_assignments.create(group, name, parameters(subscription, principal))
    assert again.id == made.id
    with pytest.raises(ResourceExistsError) as caught:
        roles.role_assignments.create(
            group, str(uuid.uuid4()), parameters(subscription, principal)
        )
    assert caught.value.error.code == "RoleAssignmentExists"
    found = roles.role_assignments.list_for_scope(group, filter=f"principalId eq '{principal}'")
    assert [each.name for each in found] == [name]
    assert roles.role_assignments.delete(group, name).name == name
    assert roles.role_assignments.delete(group, name) is None


def test_unknown_principal(roles, subscription, group, principal):
    unknown = parameters(subscription, principal)
    del unknown["properties"]["principalType"]
    with pytest.raises(HttpResponseError) as caught:
        roles.role_assignments.create(group, str(uuid.uuid4()), unknown)
    assert caught.value.status_code == 400
    assert caught.value.error.code == "PrincipalNotFound"


def test_lists_of_subscription_and_group(roles, subscription, group, principal):
    made = roles.role_assignments.create(
        group, str(uuid.uuid4()), parameters(subscription, principal)
    )
    assert made.id in [each.id for each in roles.role_assignments.list_for_subscription()]
    name = os.environ["AZURE_RESOURCE_GROUP"]
    assert made.id in [each.id for each in roles.role_assignments.list_for_resource_group(name)]
    at_scope = roles.role_assignments.list_for_scope(subscription, filter="atScope()")
    assert made.id not in [each.id for each in at_scope]
    roles.role_assignments.delete_by_id(made.id)


def test_role_definitions(roles, subscription, group):
    all_roles = list(roles.role_definitions.list(subscription))
    assert len([each for each in all_roles if each.role_type == "BuiltInRole"]) == 928
    reader = list(roles.role_definitions.list(group, filter="roleName eq 'Reader'"))
    assert [each.name for each in reader] == [READER]
    assert reader[0].id == role_id(subscription, READER)
    assert roles.role_definitions.get_by_id(reader[0].id).permissions[0].actions == ["*/read"]
    for name in ("ML Model Registrar", "ML Deployment Admin", "Feature Store Contributor"):
        assert len(list(roles.role_definitions.list(group, filter=f"roleName eq '{name}'"))) == 1


def test_custom_role(roles, subscription, group, principal):
    guid, name = str(uuid.uuid4()), f"custom {uuid.uuid4()}"
    made = roles.role_definitions.create_or_update(
        group,
        guid,
        {
            "role_name": name,
            "role_type": "CustomRole",
            "description": "reads jobs",
            "permissions": [
                {"actions": ["Microsoft.MachineLearningServices/workspaces/jobs/read"]}
            ],
            "assignable_scopes": [group],
        },
    )
    assert made.role_name == name and made.assignable_scopes == [group]
    assignment = roles.role_assignments.create(
        group, str(uuid.uuid4()), parameters(subscription, principal, guid)
    )
    with pytest.raises(HttpResponseError) as caught:
        roles.role_definitions.delete(group, guid)
    assert caught.value.error.code == "RoleDefinitionHasAssignments"
    roles.role_assignments.delete_by_id(assignment.id)
    assert roles.role_definitions.delete(group, guid).name == guid
    assert roles.role_definitions.delete(group, guid) is None


def test_permissions_of_the_caller(roles):
    found = list(roles.permissions.list_for_resource_group(os.environ["AZURE_RESOURCE_GROUP"]))
    assert ["*"] in [each.actions for each in found]


def test_deny_assignments_are_listed(roles, group):
    assert list(roles.deny_assignments.list_for_scope(group)) == []


def test_check_access_tells_why(arm, group, principal):
    answer = arm(
        "POST",
        f"{arm.base}{group}/providers/Microsoft.Authorization/checkAccess",
        params={"api-version": "2018-09-01-preview"},
        json={
            "Subject": {"Attributes": {"ObjectId": principal}},
            "Actions": [{"Id": "Microsoft.MachineLearningServices/workspaces/read"}],
        },
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()[0]["accessDecision"] == "NotAllowed"
