# SPDX-License-Identifier: Apache-2.0
"""Workspaces and storage accounts end whole, as azure-ai-ml and azure-mgmt-storage (through `az`) delete them."""

import os
import uuid

import pytest
from azure.ai.ml.entities import Workspace
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure_cli import AzFailed


def test_a_workspace_with_what_it_depends_on(client, arm):
    name = f"gone-{uuid.uuid4().hex[:8]}"
    made = client.workspaces.begin_create(Workspace(name=name, location="local")).result()
    dependents = [made.storage_account, made.key_vault, made.application_insights]
    client.workspaces.begin_delete(name, delete_dependent_resources=True).result()
    with pytest.raises(ResourceNotFoundError):
        client.workspaces.get(name)
    for each in dependents:
        answer = arm("GET", arm.base + each, params={"api-version": "2023-05-01"})
        assert answer.status_code == 404, each
    assert name not in [workspace.name for workspace in client.workspaces.list()]


def test_the_first_workspace_stays(client):
    with pytest.raises(HttpResponseError) as caught:
        client.workspaces.begin_delete(client.workspace_name, delete_dependent_resources=False)
    assert caught.value.status_code == 409
    assert client.workspaces.get(client.workspace_name)


def test_az_storage_account(az):
    from azure.storage.blob import BlobServiceClient

    name, rg = f"acct{uuid.uuid4().hex[:10]}", os.environ["AZURE_RESOURCE_GROUP"]
    common = ("--storage-account", name, "--resource-group", rg)
    made = az(
        *("storage", "account", "create", "--name", name, "--resource-group", rg),
        *("--location", "local", "--sku", "Standard_LRS"),
    )
    [key] = az("storage", "account", "keys", "list", "-n", name, "-g", rg)
    service = BlobServiceClient(made["primaryEndpoints"]["blob"], credential=key["value"])
    service.create_container("by-data")
    assert az("storage", "container-rm", "create", "--name", "by-arm", *common)["name"] == "by-arm"
    listed = az("storage", "container-rm", "list", *common)
    assert [each["name"] for each in listed] == ["by-arm", "by-data"]
    assert [each.name for each in service.list_containers()] == ["by-arm", "by-data"]
    service.get_blob_client("by-data", "b").upload_blob(b"x")
    az("storage", "account", "delete", "--name", name, "--resource-group", rg, "--yes")
    gone = az("storage", "account", "show", "--name", name, "--resource-group", rg, ok=False)
    assert isinstance(gone, AzFailed)
    with pytest.raises(HttpResponseError):
        service.get_blob_client("by-data", "b").download_blob().readall()
