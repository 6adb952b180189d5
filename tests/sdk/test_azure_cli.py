# SPDX-License-Identifier: Apache-2.0
"""The command line `az`, signed in as the session's service principal (fixture `az`)."""

import os

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
