# SPDX-License-Identifier: Apache-2.0
"""The authorization matrix: every declared route, asked with every kind of credential, good and bad.

The routes are what `lazuli routes --json` declares, so a new one is in it without anybody's doing; what each cell must
answer is oracle.py's. Tokens that no client could ask for come from lazuli_mint, which works on the data directory
before the server opens it. `python3 tests/wire/matrix.py` runs it alone.
"""

import base64
import collections
import concurrent.futures
import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

import oracle
import server

MINT = server.BINARY.parent / "lazuli_mint"
FOREIGN = "/subscriptions/00000000-0000-0000-0000-00000000dead"
OTHER_TENANT = "99999999-8888-7777-6666-555555555555"
NOBODY_HERE = "00000000-0000-0000-0000-000000000000"  # a subscription without anything to be changed
WORKERS = 8
BODILY = ("PUT", "POST", "PATCH")

Cell = collections.namedtuple("Cell", "route column")


def routes():
    command = [server.BINARY, "routes", "--declared", "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def name_of(route):
    return f"{route['method']} {route['host']} {route['path']}" + (f"?{route['query']}" if route["query"] else "")


# --- requests ------------------------------------------------------------------------------------------------------


def target(route, names, column):
    """A path and query that hit the route: its own names where the caller is to be refused, others where not."""
    harmless = column == "holding"
    values = {"sub": NOBODY_HERE if harmless else names["subscription"], "tenant": names["tenant"],
              "rg": "x0x" if harmless else names["group"].rsplit("/", 1)[1],
              "ws": "x0x" if harmless else names["ws"].rsplit("/", 1)[1], "mlversion": "v1.0"}
    path = route["path"].replace("/{scope*}", f"/subscriptions/{values['sub']}/resourceGroups/{values['rg']}")
    path = re.sub(r"\{(\w+)\*?\}", lambda match: values.get(match[1], "x0x"), path)
    query = re.sub(r"(^|&)([\w-]+)(?=&|$)", r"\1\2=x", route["query"])
    if route["host"] in ("management", "graph") and not harmless:
        query += ("&" if query else "") + "api-version=2024-10-01"
    return path + (f"?{query}" if query else "")


class Connections:
    """One kept connection per thread and host."""

    def __init__(self, running):
        self.running, self.local = running, threading.local()

    def get(self, host):
        pool = self.local.__dict__.setdefault("pool", {})
        if host not in pool:
            raw = socket.create_connection(("127.0.0.1", self.running.port), 30)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pool[host] = http.client.HTTPConnection(host, self.running.port)
            pool[host].sock = self.running.context.wrap_socket(raw, server_hostname=host)
        return pool[host]

    def send(self, method, host, path, headers):
        for attempt in (1, 2):
            connection = self.get(host)
            try:
                connection.putrequest(method, path, skip_accept_encoding=True)
                for name, value in headers:
                    connection.putheader(name, value)
                if method in BODILY:
                    connection.putheader("Content-Length", "0")
                connection.endheaders()
                reply = connection.getresponse()
                answer = server.Answer(reply.status, reply.headers, reply.read())
                if reply.will_close:
                    self.drop(host)
                return answer
            except (http.client.HTTPException, OSError):
                self.drop(host)
                if attempt == 2:
                    raise
        return None

    def drop(self, host):
        self.local.pool.pop(host).close()


# --- credentials ---------------------------------------------------------------------------------------------------


def audiences(domain):
    known = {host: oracle.HOSTS[host] for host in oracle.HOSTS}
    return {host: (facts.audience.format(domain=domain), facts.foreign_audience.format(domain=domain))
            for host, facts in known.items()}


def wanted_tokens(domain):
    tokens = []
    for host, (right, wrong) in audiences(domain).items():
        for column, principal, audience, extra in (
                ("holding", "matrix-holder", right, {}), ("wrong-audience", "matrix-holder", wrong, {}),
                ("wrong-tenant", "matrix-holder", right, {"tenant": OTHER_TENANT}),
                ("expired", "matrix-holder", right, {"lifetimeSeconds": -3600}),
                ("lacking", "matrix-nobody", right, {}), ("foreign-scope", "matrix-foreigner", right, {})):
            tokens.append({"name": f"{host} {column}", "principal": principal, "audience": audience, **extra})
    return tokens


def mint(data, declared, domain):
    held = oracle.roles_that_hold(declared)
    wanted = {
        "principals": [
            {"name": "matrix-holder", "assignments": [{"role": role, "scope": "/"} for role in held]},
            {"name": "matrix-nobody", "assignments": [{"role": oracle.LACKING, "scope": "/"}]},
            {"name": "matrix-foreigner", "assignments": [{"role": role, "scope": FOREIGN} for role in held]}],
        "tokens": wanted_tokens(domain)}
    done = subprocess.run([MINT, data], input=json.dumps(wanted), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    if done.returncode != 0:
        raise RuntimeError(f"lazuli_mint: {done.stderr}")
    return json.loads(done.stdout), held


def forged(token):
    head, claims, signature = token.split(".")
    flipped = ("B" if signature[20] == "A" else "A")
    return f"{head}.{claims}.{signature[:20]}{flipped}{signature[21:]}"


def without_algorithm(token):
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"Bearer {head}.{token.split('.')[1]}."


def credentials(route, column, tokens, turn):
    """(headers, what is added to the query) of a cell; two credentials are combined in turn."""
    good = "Bearer " + tokens[f"{route['host']} holding"]
    if column == "none":
        return [], ""
    if column == "lone-word":
        return [("Authorization", "word")], ""
    if column == "algorithm-none":
        return [("Authorization", without_algorithm(good))], ""
    if column == "forged":
        return [("Authorization", forged(good))], ""
    if column == "two-credentials":
        pairs = ([("Authorization", good), ("Authorization", good)], ""), ([("Authorization", good)], "sig=x&sp=r"), (
            [("Authorization", "SharedKey a:b")], "s%69g=x"), ([], "sig=x&SIG=y")
        return pairs[turn % len(pairs)]
    return [("Authorization", "Bearer " + tokens[f"{route['host']} {column}"])], ""


# --- answers -------------------------------------------------------------------------------------------------------


def told(answer, protocol, head_only):
    """The error's code as the protocol tells it, or a sentence on what is wrong with the form."""
    header = answer.headers.get("x-ms-error-code")
    if head_only:
        return header if protocol == "storage" else "a body" if answer.body else None
    try:
        if protocol == "storage":
            code = xml.fromstring(answer.body).findtext("Code")
            return code if code == header else f"x-ms-error-code {header} beside {code}"
        body = json.loads(answer.body)
        if protocol == "mlflow":
            return body["error_code"] if body["message"] else "no message"
        return body["error"]["code"] if body["error"]["message"] else "no message"
    except (ValueError, KeyError, TypeError, xml.ParseError) as error:
        return f"not an error of {protocol}: {type(error).__name__}"


def challenge_fault(answer, protocol, names):
    challenge = answer.headers.get("WWW-Authenticate", "")
    if answer.status != 401:
        return f"a challenge beside {answer.status}" if challenge else ""
    wanted = r"Bearer authorization_uri=\"?https://login\." + re.escape(names["domain"]) + r"(:\d+)?/" + names["tenant"]
    if not re.match(wanted, challenge):
        return f"the challenge '{challenge}' does not say where tokens come from"
    if protocol == "storage" and "resource_id=https://storage.azure.com" not in challenge:
        return "the challenge names no resource"
    return ""


def fault(cell, answer, names):
    """What is wrong with an answer; empty: nothing."""
    expected = oracle.expected(*cell)
    if expected is None:
        if answer.status in (401, 403) and cell.column == "holding" and not oracle.asks_for_its_own(cell.route):
            return f"{answer.status} {answer.body[:200]!r} to who may"
        return f"{answer.status}" if answer.status in (401, 403) and cell.route["host"] != "login" else ""
    code = told(answer, expected.protocol, cell.route["method"] == "HEAD")
    wanted = None if cell.route["method"] == "HEAD" and expected.protocol != "storage" else expected.code
    if (answer.status, code) != (expected.status, wanted):
        return f"{answer.status} {code}, expected {expected.status} {wanted}"
    if not answer.headers.get("x-ms-request-id"):
        return "no x-ms-request-id"
    return challenge_fault(answer, expected.protocol, names)


# --- the whole -----------------------------------------------------------------------------------------------------


def declaration_faults(declared, held):
    faults = []
    for route in declared:
        if route["host"] not in oracle.HOSTS:
            faults.append(f"{name_of(route)}: the oracle does not know this host")
        elif route["anonymous"] and not oracle.may_be_anonymous(route):
            faults.append(f"{name_of(route)}: anonymous, and the oracle knows no reason")
        elif route.get("anyCaller") and not oracle.may_be_any_caller(route):
            faults.append(f"{name_of(route)}: open to every caller, and the oracle knows no reason")
        elif route["anonymous"] == bool(route["permission"]):
            faults.append(f"{name_of(route)}: neither anonymous nor guarded, or both")
    orphans = oracle.unheld(declared, held)
    if orphans:
        faults.append(f"no built-in role gives: {', '.join(sorted(orphans))}")
    return faults


def make_endpoint(running, tokens):
    """The endpoint that the inference host's name speaks of: without it there would be nobody to refuse."""
    path = f"{running.names['ws']}/onlineEndpoints/matrix?api-version=2024-10-01"
    body = json.dumps({"location": "local", "properties": {"authMode": "AADToken"}}).encode()
    headers = [("Authorization", "Bearer " + tokens["management holding"]), ("Content-Type", "application/json")]
    answer = running.send("PUT", "management", path, headers, body)
    if answer.status not in (200, 201):
        raise RuntimeError(f"no endpoint for the matrix: {answer.status} {answer.body!r}")


def ask(cell, turn, running, tokens, connections):
    headers, more = credentials(*cell, tokens, turn)
    path = target(cell.route, running.names, cell.column)
    if more:
        path += ("&" if "?" in path else "?") + more
    host = running.host(oracle.HOSTS[cell.route["host"]].prefix)
    answer = connections.send(cell.route["method"], host, path, headers)
    wrong = fault(cell, answer, running.names)
    return f"{name_of(cell.route)} x {cell.column}: {wrong}" if wrong else ""


def check():
    """(cells, failures as text) against a server of its own."""
    declared = routes()
    folder = server.Server(mint=lambda data: mint(data, declared, "lazuli.localhost"))
    with folder as running:
        tokens, held = running.minted
        faults = declaration_faults(declared, held)
        cells = [Cell(route, column) for route in declared for column in oracle.COLUMNS
                 if route["host"] in oracle.HOSTS]
        # Denials first: what a holder changes may take others' targets away.
        cells.sort(key=lambda cell: cell.column == "holding")
        connections = Connections(running)
        make_endpoint(running, tokens)
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            found = pool.map(lambda pair: ask(pair[1], pair[0], running, tokens, connections), enumerate(cells))
            faults += [each for each in found if each]
        seconds = time.monotonic() - began
    print(f"matrix: {len(declared)} routes x {len(oracle.COLUMNS)} credentials = {len(cells)} cells, "
          f"{len(faults)} holes, {seconds:.1f} s")
    return len(cells), faults


def main():
    cells, faults = check()
    print("".join(f"{each}\n" for each in faults), end="")
    print(f"{cells - len(faults)} passed, {len(faults)} failed, 0 skipped")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
