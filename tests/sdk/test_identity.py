# SPDX-License-Identifier: Apache-2.0
"""Tokens as the clients ask for them, and what a call with a bad credential is told."""

import base64
import json
import os
import time

import pytest
import requests
from azure.ai.ml import MLClient
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, DefaultAzureCredential


def authority():
    return os.environ["AZURE_AUTHORITY_HOST"].rstrip("/")


def ask(path="/adfs", **changed):
    form = {
        "grant_type": "client_credentials",
        "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"],
        "scope": "https://storage.azure.com/.default",
        **changed,
    }
    discovery = requests.get(
        f"{authority()}{path}/.well-known/openid-configuration", timeout=30
    ).json()
    return requests.post(discovery["token_endpoint"], data=form, timeout=30)


def decoded(token, part=1):
    text = token.split(".")[part]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def workspace(token, arm, scope):
    return requests.get(
        arm.base + scope,
        params={"api-version": "2024-10-01-preview"},
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=30,
    )


def test_token_of_each_audience(credential, arm):
    ml = arm.base.replace("management.", "ml.azure.")
    for audience in (arm.base, ml, "https://storage.azure.com"):
        token = credential.get_token(f"{audience}/.default")
        claims = decoded(token.token)
        assert claims["aud"] == audience
        assert claims["exp"] > time.time() + 300
        assert claims["tid"] and claims["oid"] and claims["iss"]


@pytest.mark.parametrize("path", ["/adfs", f"/{'0' * 8}-0000-0000-0000-{'0' * 11}1/v2.0"])
def test_discovery_document(path):
    answer = requests.get(f"{authority()}{path}/.well-known/openid-configuration", timeout=30)
    if path != "/adfs" and answer.status_code == 400:
        assert answer.json()["error"] == "invalid_tenant"  # not a tenant of this server
        return
    document = answer.json()
    for key in ("issuer", "token_endpoint", "authorization_endpoint", "jwks_uri"):
        assert document[key].startswith("https://")
    keys = requests.get(document["jwks_uri"], timeout=30).json()["keys"]
    assert keys and all(key["kid"] and key["kty"] for key in keys)


def test_token_is_signed_by_a_published_key():
    answer = ask().json()
    assert answer["token_type"] == "Bearer" and answer["expires_in"] > 0
    discovery = requests.get(
        f"{authority()}/adfs/.well-known/openid-configuration", timeout=30
    ).json()
    keys = requests.get(discovery["jwks_uri"], timeout=30).json()["keys"]
    header = decoded(answer["access_token"], 0)
    assert header["kid"] in [key["kid"] for key in keys]
    jwt = pytest.importorskip("jwt")
    key = next(key for key in keys if key["kid"] == header["kid"])
    jwt.decode(
        answer["access_token"],
        jwt.PyJWK(key).key,
        algorithms=[header["alg"]],
        audience="https://storage.azure.com",
        issuer=decoded(answer["access_token"])["iss"],
    )


def test_wrong_secret():
    credential = ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"],
        os.environ["AZURE_CLIENT_ID"],
        "not the secret",
        authority=os.environ["AZURE_AUTHORITY_HOST"],
    )
    with pytest.raises(ClientAuthenticationError, match="invalid_client|AADSTS7000215|secret"):
        credential.get_token("https://storage.azure.com/.default")
    answer = ask(client_secret="not the secret")
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client" and answer.json()["error_description"]


def test_unknown_client():
    answer = ask(client_id="11111111-2222-3333-4444-555555555555")
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_client", "unauthorized_client")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"scope": "https://nobody.example/.default"}, "invalid_scope|invalid_resource"),
        ({"scope": ""}, "invalid_request|invalid_scope"),
    ],
)
def test_bad_token_requests(changed, error):
    answer = ask(**changed)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] in error.split("|")


def test_no_token(arm, scope):
    answer = workspace(None, arm, scope)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "AuthenticationFailed"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "claims=" not in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "e30.e30.e30"])
def test_malformed_token(arm, scope, token):
    answer = workspace(token, arm, scope)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] in ("InvalidAuthenticationToken", "AuthenticationFailed")


def test_tampered_token(arm, scope):
    header, claims, signature = arm.token.split(".")
    changed = {**decoded(arm.token), "oid": "someone else"}
    claims = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    answer = workspace(f"{header}.{claims}.{signature}", arm, scope)
    assert answer.status_code == 401
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    assert workspace(f"{none}.{claims}.", arm, scope).status_code == 401


def test_token_of_another_audience(credential, arm, scope):
    token = credential.get_token("https://storage.azure.com/.default").token
    answer = workspace(token, arm, scope)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] in (
        "InvalidAuthenticationTokenAudience",
        "InvalidAuthenticationToken",
        "AuthenticationFailed",
    )


def test_token_signed_by_a_foreign_key(arm, scope):
    jwt = pytest.importorskip("jwt")
    from cryptography.hazmat.primitives.asymmetric import rsa

    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode(
        decoded(arm.token), foreign, "RS256", headers={"kid": decoded(arm.token, 0)["kid"]}
    )
    answer = workspace(token, arm, scope)
    assert answer.status_code == 401


def test_absent_scope_is_forbidden_not_open(arm):
    answer = arm(
        "GET", f"{arm.base}/subscriptions/99999999-0000-0000-0000-000000000000/resourcegroups"
    )
    assert answer.status_code in (403, 404)
    assert answer.json()["error"]["code"] in (
        "AuthorizationFailed",
        "SubscriptionNotFound",
        "ResourceNotFound",
        "InvalidSubscriptionId",
    )


def test_job_token_reaches_no_secret(arm, scope):
    """The MLflow token is a narrower credential: it opens neither ARM nor storage."""
    token = os.environ["MLFLOW_TRACKING_TOKEN"]
    answer = requests.post(
        f"{arm.base}{scope}/datastores/workspaceblobstore/listSecrets",
        params={"api-version": "2024-10-01-preview"},
        headers={"Authorization": f"Bearer {token}"},
        json={},
        timeout=30,
    )
    assert answer.status_code in (401, 403)


def test_metadata_is_anonymous_and_public():
    answer = requests.get(os.environ["ARM_CLOUD_METADATA_URL"], timeout=30)
    document = answer.json()
    assert isinstance(document, list)
    assert document[0]["resourceManager"] in os.environ["ARM_CLOUD_METADATA_URL"]
    assert document[0]["suffixes"]["storage"].startswith("core.")


def test_wrong_secret_through_the_client(monkeypatch):
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "not the secret")
    client = MLClient(
        DefaultAzureCredential(),
        os.environ["AZURE_SUBSCRIPTION_ID"],
        os.environ["AZURE_RESOURCE_GROUP"],
        os.environ["AZUREML_WORKSPACE_NAME"],
    )
    with pytest.raises(ClientAuthenticationError):
        client.workspaces.get(client.workspace_name)


def test_server_outlives_all_this(client):
    assert client.workspaces.get(client.workspace_name)
