# SPDX-License-Identifier: Apache-2.0
"""A job's managed identity, in the four wire forms, by azure-identity; from outside the job, which is how we see it."""

import os
import re
import time
import uuid

import pytest
import requests
from azure.ai.ml import Output, command
from azure.ai.ml.entities import ManagedIdentityConfiguration
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import (
    ClientAssertionCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
)
from test_javascript import node  # noqa: F401 (fixture)
from test_sign_in import EXCHANGE, authority_of, claims_of, federated, graph, tenant  # noqa: F401

from harness import unique, wait_for, wait_for_job, write_tree

SCRIPT = """
import os, time
print("ENDPOINT", os.environ["MSI_ENDPOINT"], "SECRET", os.environ["MSI_SECRET"], flush=True)
time.sleep(300)
"""
VARIABLES = (
    "IDENTITY_ENDPOINT IDENTITY_HEADER MSI_ENDPOINT MSI_SECRET AZURE_POD_IDENTITY_AUTHORITY_HOST"
)


@pytest.fixture(scope="module")
def job(client, bare_environment, arm, tmp_path_factory):
    folder = write_tree(tmp_path_factory.mktemp("code"), {"main.py": SCRIPT})
    submitted = client.jobs.create_or_update(
        command(
            name=unique("identity"),
            code=str(folder),
            command="python main.py",
            environment=bare_environment,
            compute="cpu-cluster",
        )
    )

    def printed():
        details = arm("GET", f"/jobs/{submitted.name}").json()
        assert details["properties"]["status"] not in ("Failed", "Canceled", "Completed"), details
        run = requests.get(
            f"{os.environ['MLFLOW_TRACKING_URI'].replace('azureml://', 'https://').split('/mlflow/')[0]}"
            f"/history/v1.0{arm.scope}/runs/{submitted.name}/details",
            headers={"Authorization": f"Bearer {arm.token}"},
            timeout=30,
        )
        for url in run.json().get("logFiles", {}).values():
            found = re.search(r"ENDPOINT (\S+) SECRET (\S+)", requests.get(url, timeout=30).text)
            if found:
                return found.groups()
        return None

    yield (*wait_for("the job to print", printed, 90), submitted.name)
    client.jobs.begin_cancel(submitted.name).wait(60)


@pytest.fixture
def forms(job):
    endpoint, secret, _ = job
    host = endpoint.removesuffix("/msi/token")
    return {
        "app service": {"IDENTITY_ENDPOINT": endpoint, "IDENTITY_HEADER": secret},
        "azure ml": {"MSI_ENDPOINT": endpoint, "MSI_SECRET": secret},
        "imds": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": f"{host}/msi/{secret}"},
        "cloud shell": {"MSI_ENDPOINT": f"{host}/msi/{secret}/cloudshell"},
    }


FORMS = ["app service", "azure ml", "imds", "cloud shell"]


def is_the_jobs(token, arm, job):
    claims = claims_of(token)
    assert claims["aud"] == arm.base
    assert claims["lazuli_job"] == job[2] and claims["lazuli_grants"]
    assert claims["exp"] <= time.time() + 4600
    return True


@pytest.mark.parametrize("form", FORMS)
def test_form(forms, form, arm, monkeypatch, job):
    for name in VARIABLES.split():
        monkeypatch.delenv(name, raising=False)
    for name, value in forms[form].items():
        monkeypatch.setenv(name, value)
    token = ManagedIdentityCredential().get_token(f"{arm.base}/.default").token
    assert is_the_jobs(token, arm, job)


@pytest.mark.parametrize("form", FORMS)
def test_form_in_javascript(node, forms, form, arm, job):  # noqa: F811
    tokens = node({"kind": "managed", "scopes": [f"{arm.base}/.default"]}, env=forms[form])
    assert is_the_jobs(tokens[0], arm, job)


def test_az_with_the_jobs_identity(az_signed_out, forms, job, arm):
    """A job may use its workspace, not look through the subscription: that much az is told."""
    az = az_signed_out
    az.variables.update(forms["app service"])
    accounts = az("login", "--identity", "--allow-no-subscriptions")
    assert accounts[0]["user"]["name"] == "systemAssignedIdentity"
    assert is_the_jobs(az("account", "get-access-token")["accessToken"], arm, job)


def test_a_jobs_token_stands_for_no_application(forms, federated, tenant, arm, monkeypatch):  # noqa: F811
    """The application trusts the identity that the job has; but the job may do less than that identity."""
    for name, value in forms["app service"].items():
        monkeypatch.setenv(name, value)
    token = ManagedIdentityCredential().get_token(f"{EXCHANGE}/.default").token
    application, _ = federated
    credential = ClientAssertionCredential(
        tenant, application["appId"], lambda: token, **authority_of(tenant)
    )
    with pytest.raises(ClientAuthenticationError, match="limited itself"):
        credential.get_token(f"{arm.base}/.default")


def managed_identity(graph, arm):  # noqa: F811
    """A user-assigned identity that may read the workspace: its properties, and its ARM id."""
    group = arm.scope.split("/providers/")[0]
    arm_id = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{unique('robot')}"
    made = arm(
        "PUT",
        arm.base + arm_id,
        json={"location": "local"},
        params={"api-version": "2024-11-30"},
    )
    assert made.status_code in (200, 201), made.text
    return made.json()["properties"], arm_id


ACTING = """
import base64, json, os, urllib.request
query = "?resource=https://management.lazuli.localhost&api-version=2017-09-01"
query += "&clientid=" + os.environ["DEFAULT_IDENTITY_CLIENT_ID"]
request = urllib.request.Request(
    os.environ["MSI_ENDPOINT"] + query, headers={"secret": os.environ["MSI_SECRET"]})
token = json.load(urllib.request.urlopen(request))["access_token"].split(".")[1]
claims = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
print("ACTING", claims["oid"], "lazuli_grants" in claims, claims["xms_mirid"], flush=True)
"""


def test_a_job_acts_as_the_identity_it_names(
    client, bare_environment, arm, graph, tmp_path  # noqa: F811
):
    properties, arm_id = managed_identity(graph, arm)
    folder = write_tree(tmp_path, {"main.py": ACTING})
    submitted = client.jobs.create_or_update(
        command(
            name=unique("acting"),
            code=str(folder),
            command="python main.py > ${{outputs.said}}/said.txt",
            outputs={"said": Output(type="uri_folder")},
            environment=bare_environment,
            compute="cpu-cluster",
            identity=ManagedIdentityConfiguration(client_id=properties["clientId"]),
        )
    )
    wait_for_job(client, submitted.name)
    client.jobs.download(submitted.name, output_name="said", download_path=tmp_path / "down")
    said = next((tmp_path / "down").rglob("said.txt")).read_text().split()
    assert said[:3] == ["ACTING", properties["principalId"], "False"]
    assert said[3].lower() == arm_id.lower()
    assert client.jobs.get(submitted.name).identity.client_id == properties["clientId"]


def test_an_unknown_identity_is_refused(client, bare_environment):
    with pytest.raises(HttpResponseError, match="does not exist"):
        client.jobs.create_or_update(
            command(
                name=unique("nobody"),
                command="true",
                environment=bare_environment,
                compute="cpu-cluster",
                identity=ManagedIdentityConfiguration(client_id=str(uuid.uuid4())),
            )
        )
