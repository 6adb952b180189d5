#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Terraform with its own providers azuread and azurerm against a server of its own: apply, plan without a difference,
change, plan, destroy; then signed in with another issuer's token. The last line is "N passed, N failed, N skipped".

usage: run.py [FOLDER]      FOLDER: with terraform-provider-azuread and terraform-provider-azurerm in it;
                            without: `terraform init` takes them from the registry
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "wire"))

import server  # noqa: E402

SECONDS_MAX = 1200
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


class Failed(Exception):
    pass


class Terraform:
    """`terraform` in a folder of its own, with the environment in which a shell would use Lazuli."""

    def __init__(self, house, folder, source, providers):
        self.folder = folder
        folder.mkdir()
        for file in source.glob("*.tf"):
            shutil.copy(file, folder)
        names = house.names
        self.variables = {
            **os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0",
            "HTTPS_PROXY": f"http://127.0.0.1:{house.port}", "SSL_CERT_FILE": str(house.data / "ca.pem"),
            "ARM_METADATA_HOSTNAME": f"management.{house.domain}", "ARM_TENANT_ID": names["tenant"],
            "ARM_SUBSCRIPTION_ID": names["subscription"], "ARM_CLIENT_ID": names["client_id"],
            "ARM_CLIENT_SECRET": names["client_secret"], "ARM_USE_CLI": "false"}
        if providers:
            configuration = folder / "terraform.rc"
            lines = "".join(f'"hashicorp/{name}" = {json.dumps(str(providers))}\n' for name in ("azuread", "azurerm"))
            configuration.write_text(f"provider_installation {{\ndev_overrides {{\n{lines}}}\ndirect {{}}\n}}\n")
            self.variables["TF_CLI_CONFIG_FILE"] = str(configuration)
        else:
            self("init")

    def __call__(self, *words, expected=(0,)):
        done = subprocess.run(["terraform", *words, "-no-color"], cwd=self.folder, env=self.variables, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SECONDS_MAX, check=False)
        if done.returncode not in expected:
            raise Failed(f"terraform {' '.join(words)}: exit {done.returncode}\n{done.stdout[-6000:]}")
        return done.stdout

    def outputs(self):
        return {name: each["value"] for name, each in json.loads(self("output", "-json")).items()}


class Steps:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def __call__(self, name, step):
        try:
            result = step()
        except (Failed, subprocess.TimeoutExpired, AssertionError) as error:
            self.failed += 1
            print(f"FAILED {name}: {error}", flush=True)
            return None
        self.passed += 1
        print(f"ok {name}", flush=True)
        return result


def certificate(folder):
    file = folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out",
                    file, "-days", "30", "-subj", "/CN=service"], check=True, capture_output=True)
    return file.read_text()


def graph(house, method, path, body=None):
    fields = [("Authorization", "Bearer " + house.token(f"https://graph.{house.domain}")),
              ("Content-Type", "application/json")]
    answer = house.send(method, "graph", "/v1.0" + path, fields, json.dumps(body).encode() if body else b"")
    assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body!r}"
    return json.loads(answer.body)


def arm(house, method, path, body=None):
    fields = [("Authorization", "Bearer " + house.token(f"https://management.{house.domain}"))]
    return house.send(method, "management", path, fields, json.dumps(body).encode() if body else b"")


def token_for(house, client_id, secret):
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret,
            "scope": f"https://management.{house.domain}/.default"}
    answer = house.send("POST", "login", f"/{house.names['tenant']}/oauth2/v2.0/token",
                        [("Content-Type", "application/x-www-form-urlencoded")], urllib.parse.urlencode(form).encode())
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["access_token"]


def everything(house, steps, folder, providers):
    terraform = Terraform(house, folder / "main", HERE, providers)
    terraform.variables["TF_VAR_certificate"] = certificate(folder)
    steps("apply", lambda: terraform("apply", "-auto-approve"))
    steps("plan: no difference", lambda: terraform("plan", "-detailed-exitcode"))
    outputs = steps("outputs", terraform.outputs)
    if outputs:
        steps("what it made works", lambda: token_for(house, outputs["client_id"], outputs["secret"]))
    terraform.variables["TF_VAR_round"] = "2"
    steps("plan: a difference", lambda: terraform("plan", "-detailed-exitcode", expected=(2,)))
    steps("apply the difference", lambda: terraform("apply", "-auto-approve"))
    steps("plan: no difference again", lambda: terraform("plan", "-detailed-exitcode"))
    steps("destroy", lambda: terraform("destroy", "-auto-approve"))
    steps("nothing is left", lambda: nothing_left(house))


def nothing_left(house):
    for path, own in (("/users", ("Ann", "Bob")), ("/groups", ("team", "nested")), ("/applications", ("service",))):
        names = [each["displayName"] for each in graph(house, "GET", path)["value"]]
        assert not [name for name in names if name.startswith(own)], names
    group = f"/subscriptions/{house.names['subscription']}/resourceGroups/models?api-version=2021-04-01"
    assert arm(house, "GET", group).status == 404


def federated(house, steps, folder, providers):
    """As a pipeline signs in: a token of an issuer that the application trusts, here of this very server."""
    application = graph(house, "POST", "/applications", {"displayName": "pipeline"})
    principal = graph(house, "POST", "/servicePrincipals", {"appId": application["appId"]})
    graph(house, "POST", f"/applications/{application['id']}/federatedIdentityCredentials", {
        "name": "ci", "issuer": f"https://login.{house.domain}/{house.names['tenant']}/v2.0",
        "subject": house.names["object_id"], "audiences": ["api://AzureADTokenExchange"]})
    here = f"/subscriptions/{house.names['subscription']}"
    made = arm(house, "PUT", f"{here}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
               "?api-version=2022-04-01", {"properties": {"roleDefinitionId": READER, "principalId": principal["id"]}})
    assert made.status == 201, made.body
    terraform = Terraform(house, folder / "federated", HERE / "federated", providers)
    del terraform.variables["ARM_CLIENT_SECRET"]
    terraform.variables |= {"ARM_USE_OIDC": "true", "ARM_CLIENT_ID": application["appId"],
                            "TF_VAR_group": house.names["group"].rpartition("/")[2],
                            "ARM_OIDC_TOKEN": house.token("api://AzureADTokenExchange")}
    steps("federated: apply", lambda: terraform("apply", "-auto-approve"))
    outputs = steps("federated: outputs", terraform.outputs)
    steps("federated: who it is", lambda: check_identity(outputs or {}, principal["id"]))


def check_identity(outputs, expected):
    assert outputs.get("object_ids") == [expected, expected], outputs


def main():
    if not shutil.which("terraform"):
        sys.exit("terraform is not installed")
    providers = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    steps = Steps()
    with tempfile.TemporaryDirectory() as made, server.Server() as house:
        everything(house, steps, pathlib.Path(made), providers)
        federated(house, steps, pathlib.Path(made), providers)
        if steps.failed:
            print(house.tail())
    print(f"{steps.passed} passed, {steps.failed} failed, 0 skipped")
    sys.exit(1 if steps.failed else 0)


if __name__ == "__main__":
    main()
