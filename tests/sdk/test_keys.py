# SPDX-License-Identifier: Apache-2.0
"""Signing keys change while clients use them, as PyJWT sees it; single tokens end."""

import json

import jwt
import pytest
import requests
from azure.identity import ClientSecretCredential

from people import login_host
from test_sign_in import authority_of, graph, tenant  # noqa: F401


@pytest.fixture
def token(server, arm):
    """Makes tokens for ARM, past every cache of the client."""

    def make():
        made = ClientSecretCredential(
            "adfs",
            server.env()["AZURE_CLIENT_ID"],
            server.env()["AZURE_CLIENT_SECRET"],
            **authority_of("adfs"),
        )
        return made.get_token(f"{arm.base}/.default").token

    return make


def asks(arm, token):
    return requests.get(
        f"{arm.base}/subscriptions?api-version=2022-12-01",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    ).status_code


def test_keys_rotate_without_an_outage(server, arm, token, tenant):  # noqa: F811
    document = requests.get(
        f"{login_host()}/{tenant}/v2.0/.well-known/openid-configuration", timeout=30
    ).json()

    def verifier_of_now():
        """One that has just fetched the keys, and keeps them: PyJWT looks again after 30 seconds at the earliest."""
        client = jwt.PyJWKClient(document["jwks_uri"])
        client.get_signing_keys()

        def verify(given):
            key = client.get_signing_key_from_jwt(given)
            options = {"verify_iss": False}
            jwt.decode(given, key.key, algorithms=["RS256"], audience=arm.base, options=options)
            return key.key_id

        return verify

    def rotate(*how):
        keys = json.loads(server.cli("keys", "rotate", *how, "-o", "json").stdout)
        return {key["keyId"]: key["state"] for key in keys}

    first = verifier_of_now()
    before = token()
    old = first(before)
    # The successor is published, and signs nothing yet.
    states = rotate()
    assert states[old] == "signing" and list(states.values()).count("next") == 2
    assert first(token()) == old
    published = requests.get(document["jwks_uri"], timeout=30).json()["keys"]
    assert {key["kid"] for key in published} == set(states)
    # Who has fetched the keys since then goes on without looking again.
    second = verifier_of_now()
    states = rotate("--at-once")
    assert states[old] == "verifying" and list(states.values()).count("signing") == 2
    after = token()
    assert second(after) != old and second(before) == old
    for given in (before, after):
        assert asks(arm, given) == 200


def test_one_token_ends(server, arm, token):
    ended, other = token(), token()
    assert (asks(arm, ended), asks(arm, other)) == (200, 200)
    server.cli("token", "revoke", ended)
    assert (asks(arm, ended), asks(arm, other)) == (401, 200)
    assert server.cli("token", "revoke", "nothing", check=False).returncode != 0


def test_roles_and_scopes_of_an_application(graph, arm, tenant):  # noqa: F811
    """What an application declares is in the tokens that azure-identity gets for it."""
    from uuid import uuid4

    role, scope = str(uuid4()), str(uuid4())
    uri = f"api://tasks-{role[:8]}"
    resource, principal = graph.application(
        identifierUris=[uri],
        appRoles=[
            {
                "id": role,
                "displayName": "Run",
                "description": "Runs tasks.",
                "value": "Tasks.Run",
                "allowedMemberTypes": ["Application"],
                "isEnabled": True,
            }
        ],
        api={
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [
                {
                    "id": scope,
                    "value": "Tasks.Read",
                    "type": "User",
                    "isEnabled": True,
                    "adminConsentDisplayName": "Read",
                    "adminConsentDescription": "Reads tasks.",
                }
            ],
        },
    )
    client, holder = graph.application()
    credential = ClientSecretCredential(
        tenant, client["appId"], graph.secret(client), **authority_of(tenant)
    )
    graph(
        "POST",
        f"/servicePrincipals/{principal['id']}/appRoleAssignedTo",
        {"principalId": holder["id"], "resourceId": principal["id"], "appRoleId": role},
    )
    given = credential.get_token(f"{uri}/.default").token
    claims = jwt.decode(given, options={"verify_signature": False})
    assert (claims["roles"], claims["aud"]) == (["Tasks.Run"], resource["appId"])
    assert "scp" not in claims and claims["ver"] == "2.0"
