# SPDX-License-Identifier: Apache-2.0
"""The workspace and what it comes with."""

import os

import pytest
import requests
from azure.core.exceptions import ResourceNotFoundError


def test_get_workspace(client, scope):
    workspace = client.workspaces.get(client.workspace_name)
    assert workspace.name == os.environ["AZUREML_WORKSPACE_NAME"]
    assert workspace.id.lower() == scope.lower()
    assert workspace.location
    assert workspace.discovery_url.startswith("https://")
    assert "/mlflow/v2.0/" in workspace.mlflow_tracking_uri  # the plug-in rewrites v1.0
    assert "/storageAccounts/" in workspace.storage_account


def test_list_workspaces(client):
    assert client.workspace_name in [workspace.name for workspace in client.workspaces.list()]


def test_absent_workspace(client):
    with pytest.raises(ResourceNotFoundError) as caught:
        client.workspaces.get("no-such-workspace")
    assert "no-such-workspace" in str(caught.value)


def test_discovery_is_anonymous(client):
    url = client.workspaces.get(client.workspace_name).discovery_url
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["api"].startswith("https://")


def test_datastores(client):
    default = client.datastores.get_default()
    assert default.name == "workspaceblobstore"
    names = {datastore.name for datastore in client.datastores.list()}
    assert {"workspaceblobstore", "workspaceartifactstore"} <= names
    assert default.account_name and default.container_name


def test_datastore_secrets(client):
    datastore = client.datastores.get("workspaceblobstore", include_secrets=True)
    credentials = datastore.credentials
    assert getattr(credentials, "sas_token", None) or getattr(credentials, "account_key", None)


def test_compute(client):
    assert client.compute.get("cpu-cluster").name == "cpu-cluster"
    assert "cpu-cluster" in [compute.name for compute in client.compute.list()]


def test_paths_are_case_insensitive(arm, scope):
    answer = arm("GET", arm.base + scope.replace("resourceGroups", "resourcegroups"))
    assert answer.status_code == 200
    assert answer.json()["type"].lower() == "microsoft.machinelearningservices/workspaces"


def test_unknown_path_is_404(arm):
    answer = arm("GET", "/noSuchThings/x")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/schedules/s"), ("PUT", "/batchEndpoints/b"), ("PUT", "/connections/c")],
)
def test_known_but_absent_is_501_by_name(arm, method, path):
    answer = arm(method, path, json={"properties": {}})
    assert answer.status_code == 501
    assert path.split("/")[1].lower().rstrip("s") in answer.text.lower()


def test_malformed_json(arm):
    answer = arm(
        "PUT",
        "/data/broken/versions/1",
        data=b'{"properties": {',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
