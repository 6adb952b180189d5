# SPDX-License-Identifier: Apache-2.0
"""`az login` as people and programs do it: device code, browser, certificate, another issuer's token."""

import base64
import os
import re
import uuid

import pytest
from azure.identity import AzureCliCredential
from test_sign_in import EXCHANGE, claims_of, federated, graph, tenant  # noqa: F401 (fixtures)

import browser
from people import login_host, self_signed

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
STORAGE = "https://storage.azure.com"


@pytest.fixture(scope="module")
def allow_reading(arm):
    """Lets a principal read the subscription: without that `az login` finds none to work with."""

    def assign(object_id, kind):
        subscription = f"/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}"
        authorization = f"{arm.base}{subscription}/providers/Microsoft.Authorization"
        role = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
        answer = arm(
            "PUT",
            f"{authorization}/roleAssignments/{uuid.uuid4()}",
            params={"api-version": "2022-04-01"},
            json={
                "properties": {
                    "roleDefinitionId": role,
                    "principalId": object_id,
                    "principalType": kind,
                }
            },
        )
        assert answer.status_code == 201, answer.text

    return assign


@pytest.fixture(scope="module")
def reader(graph, allow_reading):  # noqa: F811
    someone = graph.user()
    allow_reading(someone.object_id, "User")
    return someone


def is_users_account(accounts, person):
    assert [each["id"] for each in accounts] == [os.environ["AZURE_SUBSCRIPTION_ID"]]
    assert accounts[0]["user"] == {"name": person.name, "type": "user"}
    return True


def test_device_code_refresh_and_logout(az_signed_out, reader, arm, monkeypatch):
    az = az_signed_out

    def listen(line):
        if found := re.search(r"open the page (\S+) and enter the code (\S+)", line):
            reader.enter_code(*found.groups())

    # As people type it: without a tenant, so that az asks which there are.
    accounts = az.converse("login", "--use-device-code", listener=listen)
    assert is_users_account(accounts, reader)
    first = az("account", "get-access-token")["accessToken"]
    az.expire_tokens()
    second = az("account", "get-access-token")["accessToken"]
    before, after = claims_of(first), claims_of(second)
    assert after["uti"] != before["uti"] and after["iat"] >= before["iat"]
    assert (after["oid"], after["sid"]) == (reader.object_id, before["sid"])
    # azure-identity asks the same az.
    monkeypatch.setenv("AZURE_CONFIG_DIR", az.variables["AZURE_CONFIG_DIR"])
    monkeypatch.setenv("AZURE_CORE_INSTANCE_DISCOVERY", "false")
    monkeypatch.setenv("AZURE_CORE_ENCRYPT_TOKEN_CACHE", "false")
    monkeypatch.setenv("PATH", f"{az.program.parent}:{os.environ['PATH']}")
    other = claims_of(AzureCliCredential().get_token(f"{STORAGE}/.default").token)
    assert (other["oid"], other["aud"]) == (reader.object_id, STORAGE)
    az("logout")
    assert "az login" in az("account", "get-access-token", ok=False).output


def test_browser_and_what_a_reader_may_not(az_signed_out, reader):
    az = az_signed_out
    accounts = az.converse("login", "--tenant", az.tenant, env=browser.variables_for(reader))
    assert is_users_account(accounts, reader)
    assert os.environ["AZURE_RESOURCE_GROUP"] in [each["name"] for each in az("group", "list")]
    refused = az("group", "create", "--name", "readers-own", "--location", "local", ok=False)
    assert "AuthorizationFailed" in refused.output


def test_browser_of_somebody_whose_password_is_wrong(az_signed_out, graph):  # noqa: F811
    """The page says so and nothing comes back to az: it would wait until somebody succeeds."""
    someone = graph.user()
    someone.password = "wrong"

    def listen(line):
        if "not correct" in line:
            raise PermissionError(line)

    with pytest.raises(PermissionError, match="user name or password is not correct"):
        az_signed_out.converse(
            "login",
            "--tenant",
            az_signed_out.tenant,
            listener=listen,
            env=browser.variables_for(someone),
        )


def test_certificate(az_signed_out, graph, allow_reading, tmp_path):  # noqa: F811
    az = az_signed_out
    pem, der = self_signed()
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(der).decode()}
    application, principal = graph.application(keyCredentials=[key])
    allow_reading(principal["id"], "ServicePrincipal")
    file = tmp_path / "client.pem"
    file.write_bytes(pem)
    login = ("login", "--service-principal", "-u", application["appId"], "--tenant", az.tenant)
    accounts = az(*login, "--certificate", file)
    assert accounts[0]["user"] == {"name": application["appId"], "type": "servicePrincipal"}
    # A new process proves itself anew, with an assertion of its own.
    token = az("account", "get-access-token", "--resource", STORAGE)["accessToken"]
    assert (claims_of(token)["oid"], claims_of(token)["appidacr"]) == (principal["id"], "2")
    file.write_bytes(self_signed()[0])
    failed = az("account", "get-access-token", "--resource-type", "ms-graph", ok=False)
    assert "AADSTS700027" in failed.output


def test_a_cloud_that_az_is_told_of(az_signed_out, arm):
    """What lacks ARM_CLOUD_METADATA_URL registers the cloud, by its Resource Manager."""
    az = az_signed_out
    az("cloud", "register", "--name", "Own", "--endpoint-resource-manager", arm.base)
    endpoints = az("cloud", "show", "--name", "Own")["endpoints"]
    assert endpoints["resourceManager"].rstrip("/") == arm.base
    assert endpoints["activeDirectory"] == login_host()
    assert endpoints["microsoftGraphResourceId"].startswith("https://graph.")


def test_federated_token(az_signed_out, federated, credential, allow_reading):  # noqa: F811
    az = az_signed_out
    application, principal = federated
    allow_reading(principal["id"], "ServicePrincipal")
    token = credential.get_token(f"{EXCHANGE}/.default").token
    login = ("login", "--service-principal", "-u", application["appId"], "--tenant", az.tenant)
    accounts = az(*login, "--federated-token", token)
    assert accounts[0]["user"]["name"] == application["appId"]
    token = az("account", "get-access-token", "--resource", STORAGE)["accessToken"]
    assert claims_of(token)["oid"] == principal["id"]
