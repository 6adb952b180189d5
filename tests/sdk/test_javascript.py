# SPDX-License-Identifier: Apache-2.0
"""@azure/identity for JavaScript, unmodified (javascript/token.cjs runs it)."""

import base64
import json
import os
import subprocess
import threading

import pytest
from test_sign_in import (  # noqa: F401 (fixtures)
    EXCHANGE,
    asks_on_behalf,
    claims_of,
    federated,
    graph,
    tenant,
)

from harness import ENVIRONMENT_BEFORE, REPOSITORY
from people import login_host, self_signed

SECONDS_MAX = 90


@pytest.fixture(scope="module")
def node(server):
    modules = os.environ.get("LAZULI_NODE_MODULES")
    if not modules:
        made = subprocess.run(
            [REPOSITORY / "tools/node_modules.sh"],
            env=ENVIRONMENT_BEFORE,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        modules = made.stdout.strip()
    variables = {**ENVIRONMENT_BEFORE, **server.env(), "NODE_PATH": modules}

    def run(request, env=None, prompt=None):
        """The tokens that a credential gets, in the order of the scopes; an error is raised."""
        child = subprocess.Popen(
            ["node", REPOSITORY / "tests/sdk/javascript/token.cjs"],
            env={**variables, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        timer = threading.Timer(SECONDS_MAX, child.kill)
        timer.start()
        try:
            child.stdin.write(json.dumps(request))
            child.stdin.close()
            tokens = []
            for line in child.stdout:
                answer = json.loads(line)
                if "prompt" in answer:
                    prompt(answer["prompt"])
                elif "error" in answer:
                    raise RuntimeError(answer["error"])
                else:
                    tokens.append(answer["token"])
            assert child.wait(SECONDS_MAX) == 0
            return tokens
        finally:
            timer.cancel()
            child.kill()
            child.wait()

    return run


@pytest.fixture(scope="module")
def private():
    return {"authorityHost": login_host(), "disableInstanceDiscovery": True}


def test_default_credential(node, arm):
    """As `lazuli env` sets the shell: an ADFS authority, a client id, its secret."""
    audience = "https://storage.azure.com"
    tokens = node({"kind": "default", "scopes": [f"{arm.base}/.default", f"{audience}/.default"]})
    assert [claims_of(token)["aud"] for token in tokens] == [arm.base, audience]
    assert claims_of(tokens[0])["appid"] == os.environ["AZURE_CLIENT_ID"]


def test_secret(node, tenant, private, arm):  # noqa: F811
    request = {
        "kind": "secret",
        "tenant": tenant,
        "client": os.environ["AZURE_CLIENT_ID"],
        "secret": os.environ["AZURE_CLIENT_SECRET"],
        "options": private,
        "scopes": [f"{arm.base}/.default"],
    }
    assert claims_of(node(request)[0])["tid"] == tenant
    with pytest.raises(RuntimeError, match="AADSTS7000215"):
        node({**request, "secret": "wrong"})


def test_certificate(node, graph, tenant, private, arm):  # noqa: F811
    pem, der = self_signed()
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(der).decode()}
    application, principal = graph.application(keyCredentials=[key])
    tokens = node(
        {
            "kind": "certificate",
            "tenant": tenant,
            "client": application["appId"],
            "certificate": pem.decode(),
            "options": private,
            "scopes": [f"{arm.base}/.default", "https://storage.azure.com/.default"],
        }
    )
    assert [claims_of(token)["oid"] for token in tokens] == [principal["id"]] * 2


def test_federated_assertion(node, federated, credential, tenant, private, arm):  # noqa: F811
    application, principal = federated
    request = {
        "kind": "assertion",
        "tenant": tenant,
        "client": application["appId"],
        "assertion": credential.get_token(f"{EXCHANGE}/.default").token,
        "options": private,
        "scopes": [f"{arm.base}/.default"],
    }
    assert claims_of(node(request)[0])["oid"] == principal["id"]


def test_workload_identity(node, federated, credential, tenant, arm, tmp_path):  # noqa: F811
    """As a pod is set up: the token in a file, the rest in the environment or in the code."""
    application, principal = federated
    file = tmp_path / "token"
    file.write_text(credential.get_token(f"{EXCHANGE}/.default").token)
    request = {
        "kind": "workload",
        "tenant": tenant,
        "client": application["appId"],
        "file": str(file),
        "options": {"authorityHost": login_host(), "disableInstanceDiscovery": True},
        "scopes": [f"{arm.base}/.default"],
    }
    assert claims_of(node(request)[0])["oid"] == principal["id"]
    variables = {
        "AZURE_TENANT_ID": tenant,
        "AZURE_CLIENT_ID": application["appId"],
        "AZURE_FEDERATED_TOKEN_FILE": str(file),
    }
    bare = {"kind": "workload", "options": {"disableInstanceDiscovery": True}}
    tokens = node({**bare, "scopes": request["scopes"]}, env=variables)
    assert claims_of(tokens[0])["oid"] == principal["id"]
    file.write_text(credential.get_token(f"{arm.base}/.default").token)  # not for this use
    with pytest.raises(RuntimeError, match="AADSTS700213"):
        node(request)


@pytest.mark.parametrize("proof", ["secret", "certificate"])
def test_on_behalf_of(node, graph, tenant, private, arm, tmp_path, proof):  # noqa: F811
    pem, der = self_signed()
    client_id, secret, parent, someone = asks_on_behalf(graph, tenant, der)
    file = tmp_path / "client.pem"
    file.write_bytes(pem)
    request = {
        "kind": "behalf",
        "tenant": tenant,
        "client": client_id,
        "proof": {"clientSecret": secret}
        if proof == "secret"
        else {"certificatePath": str(file)},
        "assertion": parent,
        "options": private,
        "scopes": [f"{arm.base}/.default"],
    }
    child = claims_of(node(request)[0])
    assert (child["oid"], child["appid"]) == (someone.object_id, client_id)
    assert child["exp"] <= claims_of(parent)["exp"]
    with pytest.raises(RuntimeError, match="AADSTS50013"):
        node({**request, "assertion": arm.token})


def test_device_code(node, graph, tenant, private, arm):  # noqa: F811
    someone = graph.user()
    tokens = node(
        {
            "kind": "device",
            "tenant": tenant,
            "options": private,
            "scopes": [f"{arm.base}/.default", "https://storage.azure.com/.default"],
        },
        prompt=lambda shown: someone.enter_code(shown["verificationUri"], shown["userCode"]),
    )
    assert [claims_of(token)["oid"] for token in tokens] == [someone.object_id] * 2
