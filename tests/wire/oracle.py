# SPDX-License-Identifier: Apache-2.0
"""What every route must answer to every kind of credential, worked out from what is declared about it and from
Azure's own rules, without a look at the server's code: its host decides the audience and the protocol, its permission
who may pass. A route that is declared is in it; one of a host that is not in HOSTS is a failure until it is.
"""

import collections
import json
import pathlib
import re

ROLES = pathlib.Path(__file__).resolve().parents[2] / "src/services"

# A host: the prefix of its name, the audience of its tokens, one of another, its protocol's errors.
Host = collections.namedtuple("Host", "prefix audience foreign_audience protocol")
ARM, ML, STORAGE, GRAPH = ("https://management.{domain}", "https://ml.azure.{domain}", "https://storage.azure.com",
                           "https://graph.{domain}")
HOSTS = {
    "management": Host("management", ARM, STORAGE, "arm"),
    "api": Host("api", ARM, STORAGE, "arm"),
    "blob": Host("blob", STORAGE, ARM, "storage"),
    "graph": Host("graph", GRAPH, STORAGE, "graph"),
    "inference": Host("matrix.local.inference.ml.azure", ML, STORAGE, "arm"),
    "login": Host("login", ARM, STORAGE, "oauth"),
    "plain": Host("plain", ARM, STORAGE, "arm"),
}

# What needs no credential, and why nobody learns or changes anything by it.
ANONYMOUS = {
    "login": r"/.*",  # it is where credentials are presented, in bodies and forms of their own
    "management": r"/metadata/endpoints",  # where clients learn the names of this cloud's hosts
    "api": r"/discovery",  # the same for a workspace
    # What scripts wait for; and where the one-time code of the first start, from this machine alone, is the credential.
    "plain": r"/health|/setup",
}

# Of those, the ones that then look at a credential of their own kind: a person's token for Graph, a job's credential.
# The chain's credentials say nothing there, so their refusal is none of the chain.
OWN_CREDENTIALS = r"(/\{tenant\}/openid|/adfs)/userinfo|/msi/.*"

# What whoever is authenticated may call, and why nobody learns or changes anything by it that they may not.
ANY_CALLER = {
    r"/\{scope\*\}/providers/Microsoft\.Authorization/permissions",  # the caller's own
    r"/\{scope\*\}/providers/Microsoft\.Authorization/checkAccess",  # about oneself; more is asked for others
    r"/providers/Microsoft\.Management/managementGroups",  # those the caller may read
    r"/tenants",  # the caller's own
    r"/subscriptions",  # those in which the caller has a role
    r"/subscriptions/\{sub\}/resourceGroups",  # those the caller may read
}

# The kinds of credential, in the order of the matrix's columns.
COLUMNS = ("none", "lone-word", "wrong-audience", "wrong-tenant", "expired", "algorithm-none", "forged", "lacking",
           "holding", "foreign-scope", "two-credentials")

REFUSALS = {
    "arm": {
        "none": (401, "AuthenticationFailed"),
        "lone-word": (401, "AuthenticationFailedInvalidHeader"),
        "wrong-audience": (401, "InvalidAuthenticationTokenAudience"),
        "wrong-tenant": (401, "InvalidAuthenticationTokenTenant"),
        "expired": (401, "ExpiredAuthenticationToken"),
        "algorithm-none": (401, "InvalidAuthenticationToken"),
        "forged": (401, "InvalidAuthenticationToken"),
        "lacking": (403, "AuthorizationFailed"),
        "foreign-scope": (403, "AuthorizationFailed"),
        "two-credentials": (400, "InvalidAuthenticationInfo"),
    },
    "storage": {
        "none": (401, "NoAuthenticationInformation"),
        "lone-word": (401, "InvalidAuthenticationInfo"),
        "wrong-audience": (401, "InvalidAuthenticationInfo"),
        "wrong-tenant": (401, "InvalidAuthenticationInfo"),
        "expired": (401, "InvalidAuthenticationInfo"),
        "algorithm-none": (401, "InvalidAuthenticationInfo"),
        "forged": (401, "InvalidAuthenticationInfo"),
        "lacking": (403, "AuthorizationPermissionMismatch"),
        "foreign-scope": (403, "AuthorizationPermissionMismatch"),
        "two-credentials": (400, "InvalidAuthenticationInfo"),
    },
    "graph": {
        "none": (401, "InvalidAuthenticationToken"),
        "lone-word": (401, "InvalidAuthenticationToken"),
        "wrong-audience": (401, "InvalidAuthenticationToken"),
        "wrong-tenant": (401, "InvalidAuthenticationToken"),
        "expired": (401, "InvalidAuthenticationToken"),
        "algorithm-none": (401, "InvalidAuthenticationToken"),
        "forged": (401, "InvalidAuthenticationToken"),
        "lacking": (403, "Authorization_RequestDenied"),
        "foreign-scope": (403, "Authorization_RequestDenied"),
        "two-credentials": (400, "BadRequest"),
    },
}

Expected = collections.namedtuple("Expected", "status code protocol")


def protocol(route):
    if "/api/2.0/mlflow" in route["path"] or "/api/3.0/mlflow" in route["path"]:
        return "mlflow"
    return HOSTS[route["host"]].protocol


def may_be_anonymous(route):
    return re.fullmatch(ANONYMOUS.get(route["host"], "(?!)"), route["path"]) is not None


def asks_for_its_own(route):
    return route["host"] == "login" and re.fullmatch(OWN_CREDENTIALS, route["path"]) is not None


def may_be_any_caller(route):
    return route["host"] == "management" and any(re.fullmatch(path, route["path"]) for path in ANY_CALLER)


def is_own(route):
    """Whether whoever calls asks for an object of their own: what names no object means the caller's."""
    return route["host"] == "graph" and re.fullmatch(r"/\{version\}/me(/.*)?", route["path"]) is not None


def expected(route, column):
    """The exact refusal; None where the caller must get past the chain (any answer but 401 and 403)."""
    if route["anonymous"] or column == "holding":
        return None
    if (route.get("anyCaller") or is_own(route)) and column in ("lacking", "foreign-scope"):
        return None
    spoken = protocol(route)
    status, code = REFUSALS["arm" if spoken == "mlflow" else spoken][column]
    return Expected(status, code, spoken)


# --- roles: Azure's rules for patterns, in a few lines of our own --------------------------------------------------


def covers(pattern, operation):
    """'*' crosses '/'; '/*/' also stands for '/'."""
    text = re.escape(pattern.lower()).replace(r"/\*/", "/(?:.*/)?").replace(r"\*", ".*")
    return re.fullmatch(text, operation.lower()) is not None


def permits(role, operation, is_data_action):
    allow, deny = ("dataActions", "notDataActions") if is_data_action else ("actions", "notActions")
    return any(any(covers(pattern, operation) for pattern in permission.get(allow, []))
               and not any(covers(pattern, operation) for pattern in permission.get(deny, []))
               and not permission.get("condition") for permission in role["permissions"])


def built_in_roles():
    (file,) = ROLES.glob("*/data/builtin_roles.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines() if line.startswith("{")]


OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
LACKING = "7f951dda-4ed3-4680-a7ca-43fe172d538d"  # AcrPull: pulls images and nothing else


def roles_that_hold(routes):
    """Owner, and for what an Owner may not do a role each: few of them."""
    roles = {role["id"]: role for role in built_in_roles()}
    chosen = [OWNER]
    for route in routes:
        wanted = (route["permission"], route["isDataAction"])
        if route["anonymous"] or any(permits(roles[each], *wanted) for each in chosen):
            continue
        holders = [each for each, role in roles.items() if permits(role, *wanted)]
        if holders:
            chosen.append(max(holders, key=lambda each: sum(
                permits(roles[each], other["permission"], other["isDataAction"]) for other in routes)))
    return chosen


def unheld(routes, chosen):
    """Permissions that no built-in role gives."""
    roles = {role["id"]: role for role in built_in_roles()}
    return {route["permission"] for route in routes if not route["anonymous"] and not any(
        permits(roles[each], route["permission"], route["isDataAction"]) for each in chosen)}
