# SPDX-License-Identifier: Apache-2.0
"""`az ad` and `az identity` against the directory, and Graph by hand with a token of azure-identity."""

import json
import os
import uuid

import requests
from azure.identity import ClientSecretCredential


def graph_url(az):
    return az("cloud", "show")["endpoints"]["microsoftGraphResourceId"].rstrip("/")


def test_a_service_principal_for_rbac_signs_in(az):
    made = az("ad", "sp", "create-for-rbac", "--name", f"ci-{uuid.uuid4().hex[:8]}")
    credential = ClientSecretCredential(
        made["tenant"], made["appId"], made["password"], disable_instance_discovery=True
    )
    graph = graph_url(az)
    token = credential.get_token(f"{graph}/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    # It may read itself, by id and by app id, and nobody else.
    own = requests.get(
        f"{graph}/v1.0/servicePrincipals(appId='{made['appId']}')", headers=headers, timeout=30
    )
    assert own.status_code == 200 and own.json()["displayName"] == made["displayName"]
    others = requests.get(f"{graph}/v1.0/users", headers=headers, timeout=30)
    assert others.status_code == 403
    assert others.json()["error"]["code"] == "Authorization_RequestDenied"
    shown = az("ad", "sp", "show", "--id", made["appId"])
    assert shown["servicePrincipalNames"] == [made["appId"]]
    assert az("ad", "app", "credential", "list", "--id", made["appId"])[0]["displayName"] == "rbac"
    az("ad", "app", "delete", "--id", made["appId"])
    gone = requests.get(f"{graph}/v1.0/servicePrincipals/{shown['id']}", headers=headers, timeout=30)
    assert gone.status_code == 401


def test_users_and_groups(az):
    name = f"ann-{uuid.uuid4().hex[:8]}"
    upn = f"{name}@example.org"
    user = az(
        "ad", "user", "create", "--display-name", name, "--user-principal-name", upn,
        "--password", "Secret-12345",
    )  # fmt: skip
    assert user["userPrincipalName"] == upn
    group = az("ad", "group", "create", "--display-name", f"g-{name}", "--mail-nickname", f"g-{name}")
    az("ad", "group", "member", "add", "--group", group["id"], "--member-id", user["id"])
    members = az("ad", "group", "member", "list", "--group", f"g-{name}")
    assert [member["userPrincipalName"] for member in members] == [upn]
    check = az("ad", "group", "member", "check", "--group", group["id"], "--member-id", user["id"])
    assert check["value"] is True
    groups = az("ad", "user", "get-member-groups", "--id", upn)
    assert [each["displayName"] for each in groups] == [f"g-{name}"]
    assert [each["id"] for each in az("ad", "user", "list", "--upn", upn)] == [user["id"]]
    az("ad", "user", "delete", "--id", upn)
    assert az("ad", "group", "member", "list", "--group", group["id"]) == []
    az("ad", "group", "delete", "--group", group["id"])


def test_an_application_trusts_another_issuer(az):
    app = az("ad", "app", "create", "--display-name", f"wl-{uuid.uuid4().hex[:8]}")
    parameters = {
        "name": "ci",
        "issuer": "https://token.actions.example.org",
        "subject": "repo:o/r:ref:refs/heads/main",
        "audiences": ["api://AzureADTokenExchange"],
    }
    az(
        "ad", "app", "federated-credential", "create", "--id", app["appId"],
        "--parameters", json.dumps(parameters),
    )  # fmt: skip
    listed = az("ad", "app", "federated-credential", "list", "--id", app["appId"])
    assert [each["subject"] for each in listed] == [parameters["subject"]]
    az("ad", "app", "delete", "--id", app["appId"])


def test_user_assigned_identities(az):
    group, name = os.environ["AZURE_RESOURCE_GROUP"], f"id-{uuid.uuid4().hex[:8]}"
    made = az("identity", "create", "-g", group, "-n", name, "-l", "local", "--tags", "a=b")
    assert made["tags"] == {"a": "b"} and made["principalId"] != made["clientId"]
    az(
        "identity", "federated-credential", "create", "-g", group, "--identity-name", name, "-n", "pod",
        "--issuer", "https://k8s.example.org", "--subject", "system:serviceaccount:ns:sa",
        "--audiences", "api://AzureADTokenExchange",
    )  # fmt: skip
    listed = az("identity", "federated-credential", "list", "-g", group, "--identity-name", name)
    assert [each["name"] for each in listed] == ["pod"]
    assert name in [each["name"] for each in az("identity", "list", "-g", group)]
    az("identity", "delete", "-g", group, "-n", name)
    assert name not in [each["name"] for each in az("identity", "list", "-g", group)]
