# SPDX-License-Identifier: Apache-2.0
"""Rights that hang on more than a role: conditions on blobs, limited delegation, deny assignments, and that each
change counts from the next request on. Principals and their tokens are made by lazuli_mint before the server opens
its data. `python3 tests/wire/rights.py` runs it alone.
"""

import base64
import json
import subprocess
import sys
import uuid

import oracle
import server
from matrix import MINT

ARM, STORAGE = "https://management.lazuli.localhost", "https://storage.azure.com"
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
DATA_SCIENTIST = "f6c7c914-8db3-469d-8ca1-694a8f32e121"
IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"

# Reads below a/ of the container "open", and lists there with a prefix; nothing elsewhere.
ONE_FOLDER = (f"((!(ActionMatches{{'{CONTAINERS}/blobs/read'}} AND NOT SubOperationMatches{{'Blob.List'}})) OR "
              f"(@Resource[{CONTAINERS}:name] StringEquals 'open' AND "
              f"@Resource[{CONTAINERS}/blobs:path] StringLike 'a/*')) AND "
              f"((!(ActionMatches{{'{CONTAINERS}/blobs/read'}} AND SubOperationMatches{{'Blob.List'}})) OR "
              f"(@Resource[{CONTAINERS}:name] StringEquals 'open' AND "
              f"@Request[{CONTAINERS}/blobs:prefix] StringStartsWith 'a/'))")
# Hands out Reader and takes it away, and no other role.
READER_ALONE = (f"((!(ActionMatches{{'{ASSIGNMENTS}/write'}})) OR (@Request[{ASSIGNMENTS}:RoleDefinitionId] "
                f"ForAnyOfAnyValues:GuidEquals {{{READER}}})) AND ((!(ActionMatches{{'{ASSIGNMENTS}/delete'}})) OR "
                f"(@Resource[{ASSIGNMENTS}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{READER}}}))")


def mint(data):
    everywhere = [{"role": role, "scope": "/"} for role in (oracle.OWNER, BLOB_OWNER)]
    wanted = {
        "principals": [{"name": "boss", "assignments": everywhere}]
        + [{"name": name, "assignments": [{"role": oracle.LACKING, "scope": "/"}]}
           for name in ("guest", "delegate", "builder")],
        "tokens": [{"name": f"{who} {what}", "principal": who, "audience": audience}
                   for who in ("boss", "guest", "delegate", "builder")
                   for what, audience in (("arm", ARM), ("blob", STORAGE))]}
    done = subprocess.run([MINT, data], input=json.dumps(wanted), check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


class Rights:
    def __init__(self, running):
        self.running, self.tokens = running, running.minted
        self.subscription = f"/subscriptions/{running.names['subscription']}"
        self.asked, self.failures = 0, []

    def object_id(self, who):
        claims = self.tokens[f"{who} arm"].split(".")[1]
        return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["oid"]

    def ask(self, who, method, path, expected, body=None, **headers):
        blob = path.startswith("blob:")
        fields = {"Authorization": f"Bearer {self.tokens[f'{who} blob' if blob else f'{who} arm']}"}
        content = json.dumps(body) if isinstance(body, dict) else body or ""
        fields |= {"x-ms-version": "2023-11-03", **headers}
        answer = self.running.send(method, "blob" if blob else "management", path.removeprefix("blob:"),
                                   fields.items(), content.encode())
        self.asked += 1
        if answer.status != expected:
            self.failures.append(f"rights: {who} {method} {path}: {answer.status}, expected {expected}")
        return answer

    def below(self, kind, name=None):
        name = name or uuid.uuid4()
        return f"{self.subscription}/providers/Microsoft.Authorization/{kind}/{name}?api-version=2022-04-01"

    def assign(self, who, role, principal, expected, target=None, **more):
        if "condition" in more:
            more["conditionVersion"] = "2.0"
        target = target or self.below("roleAssignments")
        self.ask(who, "PUT", target, expected,
                 {"properties": {"roleDefinitionId": role, "principalId": principal, **more}})
        return target


def conditions(rights):
    for container in ("open", "shut"):
        rights.ask("boss", "PUT", f"blob:/{container}?restype=container", 201)
        for name in ("a/b", "c"):
            rights.ask("boss", "PUT", f"blob:/{container}/{name}", 201, "x", **{"x-ms-blob-type": "BlockBlob"})
    rights.ask("guest", "GET", "blob:/open/a/b", 403)
    target = rights.assign("boss", BLOB_READER, rights.object_id("guest"), 201, condition=ONE_FOLDER)
    listing = "?restype=container&comp=list"
    for path, expected in (("/open/a/b", 200), ("/open/c", 403), ("/shut/a/b", 403), (f"/open{listing}", 403),
                           (f"/open{listing}&prefix=a/", 200), (f"/shut{listing}&prefix=a/", 403)):
        rights.ask("guest", "GET", f"blob:{path}", expected)
    rights.ask("boss", "DELETE", target, 200)
    rights.ask("guest", "GET", "blob:/open/a/b", 403)


def delegation(rights):
    delegate, guest = rights.object_id("delegate"), rights.object_id("guest")
    rights.assign("delegate", READER, guest, 403)
    rights.assign("boss", oracle.OWNER, delegate, 201, condition=READER_ALONE)
    rights.assign("delegate", oracle.OWNER, guest, 403)
    owned = rights.assign("boss", oracle.OWNER, guest, 201)
    rights.ask("delegate", "DELETE", owned, 403)
    rights.ask("boss", "DELETE", owned, 200)
    locations = f"{rights.subscription}/locations?api-version=2022-12-01"
    rights.ask("guest", "GET", locations, 403)
    given = rights.assign("delegate", READER, guest, 201)
    rights.ask("guest", "GET", locations, 200)
    rights.ask("delegate", "DELETE", given, 200)
    rights.ask("guest", "GET", locations, 403)


def visible(rights):
    """What clients begin with: every caller sees the tenant, and the subscription in which they have any role."""
    guest, names = rights.object_id("guest"), rights.running.names
    subscriptions, groups = "/subscriptions?api-version=2022-12-01", rights.subscription + "/resourceGroups"

    def sees(path, expected):
        answer = rights.ask("guest", "GET", path, 200)
        found = [each.get("subscriptionId") or each["id"] for each in json.loads(answer.body)["value"]]
        if found != expected:
            rights.failures.append(f"rights: guest sees {found} in {path}, expected {expected}")

    sees("/tenants?api-version=2022-12-01", [f"/tenants/{names['tenant']}"])
    sees(subscriptions, [])
    own = f"/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}?api-version=2022-04-01"
    given = rights.assign("boss", READER, guest, 201, names["ws"] + own)
    sees(subscriptions, [names["subscription"]])
    sees(f"{groups}?api-version=2021-04-01", [])
    rights.ask("boss", "DELETE", given, 200)
    sees(subscriptions, [])
    given = rights.assign("boss", READER, guest, 201, names["group"] + own)
    sees(subscriptions, [names["subscription"]])
    sees(f"{groups}?api-version=2021-04-01", [names["group"]])
    rights.ask("guest", "GET", f"{rights.subscription}?api-version=2022-12-01", 403)
    rights.ask("boss", "DELETE", given, 200)


def denials(rights):
    boss, guest = rights.object_id("boss"), rights.object_id("guest")
    target = rights.below("denyAssignments")
    given = rights.assign("boss", oracle.OWNER, guest, 201)
    group = f"{rights.subscription}/resourceGroups/rights?api-version=2021-04-01"
    rights.ask("guest", "PUT", group, 201, {"location": "local"})
    rights.ask("boss", "PUT", target, 201, {"properties": {
        "denyAssignmentName": "hold", "permissions": [{"actions": ["Microsoft.Resources/*/write"]}],
        "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
        "excludePrincipals": [{"id": boss, "type": "ServicePrincipal"}]}})
    rights.ask("guest", "PUT", group, 403, {"location": "local"})
    rights.ask("guest", "GET", group, 200)
    rights.ask("boss", "PUT", group, 200, {"location": "local"})
    rights.ask("boss", "DELETE", target, 200)
    rights.ask("guest", "PUT", group, 200, {"location": "local"})
    rights.ask("boss", "DELETE", given, 200)


def identities(rights):
    """Who gives a resource an identity can act as it: the right to do so is the identity's own."""
    guest, names = rights.object_id("guest"), rights.running.names
    group = f"{rights.subscription}/resourceGroups/{names['group'].rsplit('/', 1)[1]}"
    mine = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine"
    endpoint = f"{names['ws']}/onlineEndpoints/rights?api-version=2023-10-01"
    body = {"location": "local", "properties": {"authMode": "Key"},
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {mine: {}}}}
    rights.ask("boss", "PUT", f"{mine}?api-version=2023-01-31", 201, {"location": "local"})
    scientist = rights.assign("boss", DATA_SCIENTIST, guest, 201)
    rights.ask("guest", "PUT", endpoint, 403, body)
    operator = rights.assign("boss", IDENTITY_OPERATOR, guest, 201,
                             f"{mine}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
                             "?api-version=2022-04-01")
    rights.ask("guest", "PUT", endpoint, 201, body)
    rights.ask("boss", "DELETE", endpoint, 202)
    for given in (operator, scientist):
        rights.ask("boss", "DELETE", given, 200)


def template(*resources):
    return {"properties": {"mode": "Incremental", "template": {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "resources": resources}}}


def deployed_roles(rights):
    """Who deploys a template may do what its resources need, and no more."""
    builder, guest = rights.object_id("builder"), rights.object_id("guest")
    scope, version = f"{rights.subscription}/resourceGroups/deployed-roles", "?api-version=2024-03-01"
    deployments = f"{scope}/providers/Microsoft.Resources/deployments"
    role = {"type": ASSIGNMENTS, "apiVersion": "2022-04-01", "name": "[guid(resourceGroup().id)]", "properties": {
        "roleDefinitionId": f"[resourceId('Microsoft.Authorization/roleDefinitions', '{READER}')]",
        "principalId": guest, "principalType": "ServicePrincipal"}}
    nested = {"type": "Microsoft.Resources/deployments", "apiVersion": "2024-03-01", "name": "inner", **template(role)}

    def give(who, role_id, principal):
        rights.assign(who, role_id, principal, 201, f"{scope}/providers/{ASSIGNMENTS}/{uuid.uuid4()}{version}")

    def deployed(name, resource, expected):
        made = json.loads(rights.ask("builder", "PUT", f"{deployments}/{name}{version}", 201, template(resource)).body)
        status = f"{deployments}/{name}/operationStatuses/{made['properties']['correlationId']}{version}"
        told = json.loads(rights.ask("builder", "GET", status, 200).body)
        if told["status"] != expected:
            rights.failures.append(f"rights: the deployment {name} ended as {told}")
        return json.dumps(told)

    rights.ask("boss", "PUT", f"{scope}{version}", 201, {"location": "local"})
    give("boss", CONTRIBUTOR, builder)
    refused = rights.ask("builder", "PUT", f"{deployments}/roles{version}", 403, template(role)).body.decode()
    if "AuthorizationFailed" not in refused or f"{ASSIGNMENTS}/write" not in refused:
        rights.failures.append(f"rights: a Contributor is refused with {refused}")
    told = deployed("nested", nested, "Failed")
    if "AuthorizationFailed" not in told:
        rights.failures.append(f"rights: a Contributor's inner template fails with {told}")
    rights.ask("guest", "GET", f"{scope}{version}", 403)
    give("boss", ACCESS_ADMINISTRATOR, builder)
    deployed("roles", role, "Succeeded")
    deployed("again", nested, "Succeeded")
    rights.ask("guest", "GET", f"{scope}{version}", 200)
    # Alone, who grants roles may grant them, and deploys nothing.
    give("boss", ACCESS_ADMINISTRATOR, guest)
    rights.ask("guest", "PUT", f"{deployments}/mine{version}", 403, template(role))
    give("guest", READER, builder)
    # With the group goes what was allowed there.
    rights.ask("boss", "DELETE", f"{scope}{version}", 200)
    rights.ask("boss", "PUT", f"{scope}{version}", 201, {"location": "local"})
    rights.ask("guest", "GET", f"{scope}{version}", 403)


def check():
    """(requests, failures as text) against a server of its own."""
    with server.Server(mint=mint) as running:
        rights = Rights(running)
        for part in (conditions, delegation, visible, denials, identities, deployed_roles):
            part(rights)
    return rights.asked, rights.failures


def main():
    asked, failures = check()
    print("".join(f"{each}\n" for each in failures), end="")
    print(f"{asked - len(failures)} passed, {len(failures)} failed, 0 skipped")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
