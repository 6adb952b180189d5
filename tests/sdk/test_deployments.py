# SPDX-License-Identifier: Apache-2.0
"""Azure Resource Manager's deployments, locks and tags, and a workspace from azure-ai-ml's own template."""

import json
import os
import pathlib
import subprocess
import uuid

SCRIPT = pathlib.Path(__file__).parent / "scripts" / "arm_walk.py"


def test_azure_mgmt_resource(az, arm):
    python = az.program.parent / "python"
    group = f"walk-{uuid.uuid4().hex[:8]}"
    done = subprocess.run(
        [python, SCRIPT, arm.base, os.environ["AZURE_SUBSCRIPTION_ID"], group],
        env={**os.environ, "LAZULI_TOKEN": arm.token},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    walked = json.loads(done.stdout)
    assert walked["before"] == ["Create"]
    assert walked["valid"] == ["walk"]
    assert walked["state"] == "Succeeded"
    assert walked["outputs"]["prefix"] == {"type": "String", "value": "10.1.0.0/16"}
    assert "value" not in walked["secret"]
    assert walked["after"] == ["NoChange"]
    assert walked["exists"] and walked["listed"] == ["walk"] and walked["exported"]
    assert walked["broken"] == [400, "InvalidTemplate"]
    assert walked["operations"] == ["Succeeded", "Succeeded"]
    assert walked["lock"] == {
        "levels": ["CanNotDelete"],
        "delete": [409, "ScopeLocked"],
        "history": [409, "ScopeLocked"],
    }
    assert walked["tag"] == {
        "merged": {"a": "1", "b": "2"},
        "left": {"b": "2"},
        "group": {"b": "2"},
    }
    assert walked["resources"] == [["walk", "Microsoft.Network/virtualNetworks"]]
    assert walked["by_id"] == {"addressPrefixes": ["10.1.0.0/16"]}
    assert walked["provider"] == "Registered"
    assert walked["gone"]


def test_az_deployment_group(az, tmp_path):
    template = tmp_path / "main.json"
    template.write_text(
        json.dumps(
            {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "parameters": {"name": {"type": "string"}},
                "resources": [
                    {
                        "type": "Microsoft.Network/virtualNetworks",
                        "apiVersion": "2023-11-01",
                        "name": "[parameters('name')]",
                        "location": "local",
                        "properties": {},
                    }
                ],
                "outputs": {"id": {"type": "string", "value": "[guid('asdf')]"}},
            }
        )
    )
    group = os.environ["AZURE_RESOURCE_GROUP"]
    common = ("-g", group, "-f", template, "-p", f"name=az-{uuid.uuid4().hex[:8]}")
    changes = az("deployment", "group", "what-if", *common, "--no-pretty-print")
    assert [each["changeType"] for each in changes["changes"] if each["changeType"] != "Ignore"] == [
        "Create"
    ]
    done = az("deployment", "group", "create", *common, "-n", "from-az")
    assert done["properties"]["provisioningState"] == "Succeeded"
    assert done["properties"]["outputs"]["id"]["value"] == "228d27cc-6fdb-5934-b7ac-1efccebade04"


def test_workspace_from_its_own_template(client, credential):
    from azure.ai.ml.entities import Workspace

    name = f"made-{uuid.uuid4().hex[:8]}"
    made = client.workspaces.begin_create(Workspace(name=name, location="local")).result()
    assert made.name == name
    assert made.storage_account and made.key_vault and made.application_insights
    stores = {store.name for store in _client_of(client, credential, name).datastores.list()}
    assert {"workspaceblobstore", "workspaceartifactstore"} <= stores
    again = client.workspaces.get(name)
    assert again.id == made.id


def _client_of(client, credential, workspace):
    from azure.ai.ml import MLClient

    return MLClient(credential, client.subscription_id, client.resource_group_name, workspace)
