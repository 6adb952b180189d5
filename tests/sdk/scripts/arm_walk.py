# SPDX-License-Identifier: Apache-2.0
"""Deploys, validates, previews, locks and tags with the unmodified azure-mgmt-resource; prints what it read as JSON.

Run by test_deployments.py in the environment of azure-cli. Arguments: the management endpoint and a resource group;
the token comes from LAZULI_TOKEN.
"""

import json
import os
import sys
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.locks import ManagementLockClient
from azure.mgmt.resource.resources import ResourceManagementClient

TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {"name": {"type": "string"}, "secret": {"type": "securestring"}},
    "resources": [
        {
            "type": "Microsoft.Network/virtualNetworks",
            "apiVersion": "2023-11-01",
            "name": "[parameters('name')]",
            "location": "[resourceGroup().location]",
            "properties": {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}},
        }
    ],
    "outputs": {
        "prefix": {
            "type": "string",
            "value": "[reference(parameters('name')).addressSpace.addressPrefixes[0]]",
        }
    },
}


class Token:
    def get_token(self, *_scopes, **_options):
        return AccessToken(os.environ["LAZULI_TOKEN"], int(time.time()) + 3000)


def refused(call):
    try:
        call()
    except HttpResponseError as error:
        return [error.status_code, error.error.code if error.error else None]
    return "allowed"


def deploy(client, group):
    properties = {
        "mode": "Incremental",
        "template": TEMPLATE,
        "parameters": {"name": {"value": "walk"}, "secret": {"value": "hunter2"}},
    }
    body = {"properties": properties}
    before = client.begin_what_if(group, "walk", body).result()
    valid = client.begin_validate(group, "walk", body).result()
    done = client.begin_create_or_update(group, "walk", body).result()
    after = client.begin_what_if(group, "walk", body).result()
    broken = {"properties": {**properties, "parameters": {}}}
    return {
        "before": [change.change_type for change in before.changes],
        "valid": [each.id.split("/")[-1] for each in valid.properties.validated_resources],
        "state": done.properties.provisioning_state,
        "outputs": done.properties.outputs,
        "secret": done.properties.parameters["secret"],
        "after": [change.change_type for change in after.changes],
        "exists": client.check_existence(group, "walk"),
        "listed": [each.name for each in client.list_by_resource_group(group)],
        "exported": client.export_template(group, "walk").template == TEMPLATE,
        "broken": refused(lambda: client.begin_create_or_update(group, "x", broken)),
    }


def lock(client, deployments, resources, group):
    client.management_locks.create_or_update_at_resource_group_level(
        group, "keep", {"level": "CanNotDelete", "notes": "walk"}
    )
    locked = {
        "levels": [each.level for each in client.management_locks.list_at_resource_group_level(group)],
        "delete": refused(lambda: resources.resource_groups.begin_delete(group)),
        "history": refused(lambda: deployments.begin_delete(group, "walk")),
    }
    client.management_locks.delete_at_resource_group_level(group, "keep")
    return locked


def tag(client, group):
    scope = client.resource_groups.get(group).id
    tags = client.tags
    make = {"operation": "Merge", "properties": {"tags": {"a": "1", "b": "2"}}}
    result = tags.begin_update_at_scope(scope, make).result().properties.tags
    drop = {"operation": "Delete", "properties": {"tags": {"a": "1"}}}
    left = tags.begin_update_at_scope(scope, drop).result().properties.tags
    return {"merged": result, "left": left, "group": client.resource_groups.get(group).tags}


def main():
    endpoint, subscription, group = sys.argv[1:]
    options = {"base_url": endpoint, "credential_scopes": [endpoint + "/.default"]}
    resources = ResourceManagementClient(Token(), subscription, **options)
    locks = ManagementLockClient(Token(), subscription, **options)
    deployments = DeploymentsMgmtClient(Token(), subscription, **options)
    resources.resource_groups.create_or_update(group, {"location": "local"})
    walked = deploy(deployments.deployments, group)
    walked["operations"] = [
        each.properties.provisioning_state for each in deployments.deployment_operations.list(group, "walk")
    ]
    walked["lock"] = lock(locks, deployments.deployments, resources, group)
    walked["tag"] = tag(resources, group)
    walked["resources"] = [
        [each.name, each.type] for each in resources.resources.list_by_resource_group(group)
    ]
    network = resources.resources.get_by_id(
        next(iter(resources.resources.list_by_resource_group(group))).id, "2023-11-01"
    )
    walked["by_id"] = network.properties["addressSpace"]
    walked["provider"] = resources.providers.get("Microsoft.Network").registration_state
    resources.resource_groups.begin_delete(group).result()
    walked["gone"] = not resources.resource_groups.check_existence(group)
    print(json.dumps(walked, default=str))


if __name__ == "__main__":
    main()
