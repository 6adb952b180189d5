# SPDX-License-Identifier: Apache-2.0
"""The command line `az`, signed in as the session's service principal (fixture `az`)."""

import json
import os
import uuid

import requests

from azure_cli import AzFailed


def test_login_shows_the_account(az):
    account = az("account", "show")
    assert account["id"] == os.environ["AZURE_SUBSCRIPTION_ID"]
    assert account["environmentName"] == "Lazuli"
    assert account["user"] == {"name": os.environ["AZURE_CLIENT_ID"], "type": "servicePrincipal"}
    assert account["state"] == "Enabled"


def test_accounts_and_groups(az):
    assert os.environ["AZURE_SUBSCRIPTION_ID"] in [each["id"] for each in az("account", "list")]
    groups = [group["name"] for group in az("group", "list")]
    assert os.environ["AZURE_RESOURCE_GROUP"] in groups


def test_a_token_from_az_opens_arm(az, scope, arm):
    token = az("account", "get-access-token")
    assert token["tokenType"] == "Bearer"
    assert token["subscription"] == os.environ["AZURE_SUBSCRIPTION_ID"]
    answer = requests.get(
        arm.base + scope,
        params={"api-version": "2024-10-01-preview"},
        headers={"Authorization": f"Bearer {token['accessToken']}"},
        timeout=30,
    )
    assert answer.status_code == 200


def test_rest(az, scope):
    answer = az("rest", "--method", "get", "--uri", f"{scope}?api-version=2024-10-01-preview")
    assert answer["name"] == os.environ["AZUREML_WORKSPACE_NAME"]


def test_wrong_secret(az_signed_out):
    failed = az_signed_out(
        "login", "--service-principal", "-u", os.environ["AZURE_CLIENT_ID"],
        "-p", "not the secret", "--tenant", az_signed_out.tenant, ok=False,
    )  # fmt: skip
    assert isinstance(failed, AzFailed)
    assert "AADSTS7000215" in failed.output


def test_role_assignment(az):
    group = os.environ["AZURE_RESOURCE_GROUP"]
    scope = f"/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{group}"
    someone = str(uuid.uuid4())
    made = az(
        "role", "assignment", "create", "--role", "ML Model Registrar", "--scope", scope,
        "--assignee-object-id", someone, "--assignee-principal-type", "ServicePrincipal",
    )  # fmt: skip
    assert made["principalId"] == someone and made["scope"] == scope
    # `az role assignment list` asks Microsoft Graph for names; this asks for the same list.
    listed = az(
        "rest", "--method", "get", "--uri",
        f"{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
        f"&$filter=principalId eq '{someone}'",
    )  # fmt: skip
    assert [each["id"] for each in listed["value"]] == [made["id"]]
    az("role", "assignment", "delete", "--ids", made["id"])


def test_role_definition(az):
    found = az("role", "definition", "list", "--name", "Storage Blob Data Reader")
    assert found[0]["name"] == "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    name = f"reads jobs {uuid.uuid4()}"
    role = {
        "Name": name,
        "Description": "reads jobs",
        "Actions": ["Microsoft.MachineLearningServices/workspaces/jobs/read"],
        "AssignableScopes": [f"/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}"],
    }
    made = az("role", "definition", "create", "--role-definition", json.dumps(role))
    assert made["roleName"] == name and made["roleType"] == "CustomRole"
    az("role", "definition", "delete", "--name", name)
