# SPDX-License-Identifier: Apache-2.0
"""Every declared route without a credential, and with one that lacks the permission: the exact refusal.

The routes are what `lazuli routes --json` declares, so a new route is in it without anybody's doing.
"""

import json
import re
import subprocess

import server

# Rights that the token for MLflow does carry.
MLFLOW = tuple(f"Microsoft.MachineLearningServices/workspaces/{part}/"
               for part in ("experiments", "metadata/artifacts", "models"))

PREFIXES = {"management": "management", "api": "api", "blob": "blob", "inference": None, "login": "login",
            "plain": "plain"}


def routes():
    printed = subprocess.run([server.BINARY, "routes", "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(printed)


def concrete(path, names):
    path = path.replace("{sub}", names["subscription"]).replace("{tenant}", names["tenant"])
    path = path.replace("{rg}", names["group"].rsplit("/", 1)[1]).replace("{ws}", names["ws"].rsplit("/", 1)[1])
    path = path.replace("{mlversion}", "v1.0")
    return re.sub(r"\{\w+\*?\}", "x0x", path)


def probe(running, route, credential):
    target = concrete(route["path"], running.names)
    if route["query"]:
        target += "?" + re.sub(r"(^|&)(\w+)(?=&|$)", r"\1\2=x", route["query"])
    headers = [("Authorization", credential)] if credential else []
    return running.send(route["method"], PREFIXES[route["host"]], target, headers, b"")


def check(running):
    """One list of failures per kind of refusal."""
    closed = [route for route in routes() if not route["anonymous"] and PREFIXES[route["host"]]]
    bare, weak = [], []
    narrow = "Bearer " + running.mlflow_token()
    for route in closed:
        name = f"{route['method']} {route['host']} {route['path']}?{route['query']}"
        status = probe(running, route, None).status
        if status != 401:
            bare.append(f"{name}: {status} without a credential, expected 401")
        if route["host"] == "management" and not route["permission"].startswith(MLFLOW):
            status = probe(running, route, narrow).status
            if status != 403:
                weak.append(f"{name}: {status} with a token for MLflow alone, expected 403")
    if len(closed) < 50:
        bare.append(f"only {len(closed)} routes were declared")
    return [bare, weak]
