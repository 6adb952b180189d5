# SPDX-License-Identifier: Apache-2.0
"""One real server for the wire tests, its credentials, and plain HTTPS to it."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from email.utils import formatdate

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("LAZULI_BIN", ROOT / "build/release/bin/lazuli"))
START_SECONDS_MAX = 30


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Server:
    """`mint`, called with the data directory before the server opens it, leaves what it returns in `minted`.
    `environment` is the server's; None: ours."""

    def __init__(self, mint=None, environment=None):
        self.mint, self.minted, self.environment = mint, None, environment

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazuli-wire-"))
        self.data = self.folder / "data"
        if self.mint:
            self.minted = self.mint(self.data)
        self.log = open(self.folder / "server.log", "wb")
        self.launch()
        self.lock = threading.Lock()
        self.tokens = {}
        try:
            self._wait()
        except Exception:
            self.__exit__()
            raise
        return self

    def launch(self):
        self.process = subprocess.Popen([BINARY, "serve", "--port", "0", "--data", self.data], env=self.environment,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (self.data / "server.json").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.tail()}")
            time.sleep(0.05)
        running = json.loads((self.data / "server.json").read_text())
        made = json.loads((self.data / "installation.json").read_text())
        self.administrator = json.loads((self.data / "administrator.json").read_text())
        self.port, self.domain = running["port"], running["domain"]
        self.context = ssl.create_default_context(cafile=str(self.data / "ca.pem"))
        group = f"/subscriptions/{made['subscriptionId']}/resourceGroups/{made['resourceGroup']}"
        self.names = {
            "domain": self.domain, "port": str(self.port), "tenant": made["tenantId"],
            "subscription": made["subscriptionId"], "group": group, "account": made["storageAccount"],
            "ws": f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{made['workspace']}",
            "client_id": self.administrator["clientId"], "client_secret": self.administrator["clientSecret"],
            "object_id": self.administrator["objectId"],
        }

    def tail(self):
        return "last lines of the server:\n" + (self.folder / "server.log").read_text(errors="replace")[-3000:]

    def leaks(self):
        """Where a secret of this server stands in clear on its disk or in its log, though it must not."""
        secrets = {"the client secret": self.names["client_secret"], "the account's key": self.account_key(text=True)}
        secrets |= {f"a token for {audience}": token for audience, token in self.tokens.items()}
        mine = {"administrator.json"}  # handed to the data directory's owner on purpose
        files = [path for path in self.data.rglob("*") if path.is_file() and path.name not in mine]
        found = []
        for path in [*files, self.folder / "server.log"]:
            content = path.read_bytes()
            found += [f"{name} stands in {path.name}" for name, secret in secrets.items() if secret.encode() in content]
        return found

    def host(self, prefix):
        """The host name that a request line's prefix stands for."""
        short = {"api": "local.api.ml.azure", "blob": f"{self.names['account']}.blob.core", "plain": ""}
        full = short.get(prefix, prefix)
        return f"{full}.{self.domain}" if full else self.domain

    def send(self, method, prefix, target, headers, body):
        host = self.host(prefix)
        raw = socket.create_connection(("127.0.0.1", self.port), 30)
        connection = http.client.HTTPConnection(host, self.port)
        connection.sock = self.context.wrap_socket(raw, server_hostname=host)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body or method in ("PUT", "POST", "PATCH"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    # --- credentials -------------------------------------------------------------------------------------------

    def token(self, audience):
        with self.lock:
            if audience not in self.tokens:
                self.tokens[audience] = self._new_token(audience)
            return self.tokens[audience]

    def _new_token(self, audience):
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "client_id": self.names["client_id"],
            "client_secret": self.names["client_secret"], "scope": audience + "/.default"}).encode()
        answer = self.send("POST", "login", f"/{self.names['tenant']}/oauth2/v2.0/token",
                           [("Content-Type", "application/x-www-form-urlencoded")], form)
        return json.loads(answer.body)["access_token"]

    def mlflow_token(self):
        answer = self.send("POST", "management", self.names["ws"] + "/listNotebookAccessToken",
                           [("Authorization", "Bearer " + self.token(f"https://management.{self.domain}"))], b"")
        return json.loads(answer.body)["accessToken"]

    def account_key(self, text=False):
        answer = self.send("POST", "management", self.names["ws"] + "/datastores/workspaceblobstore/listSecrets",
                           [("Authorization", "Bearer " + self.token(f"https://management.{self.domain}"))], b"")
        key = json.loads(answer.body)["key"]
        return key if text else base64.b64decode(key)

    def authorization(self, word, method, target, headers, body):
        """The Authorization header's value for a word of the test files; None for no header."""
        arm = f"https://management.{self.domain}"
        if word == "none":
            return None
        if word == "sharedkey":
            return self._shared_key(method, target, headers, body)
        if word == "mlflow":
            return "Bearer " + self.mlflow_token()
        audiences = {"arm": arm, "ml": f"https://ml.azure.{self.domain}", "storage": "https://storage.azure.com",
                     "graph": f"https://graph.{self.domain}"}
        if word in audiences:
            return "Bearer " + self.token(audiences[word])
        return "Bearer " + self._bad_token(word, self.token(arm))

    def _bad_token(self, word, good):
        head, claims, signature = good.split(".")
        if word == "word":
            return "tok"
        if word == "forged":
            return f"{head}.{claims}.{signature[:-8]}AAAAAAAA"
        if word == "none-algorithm":
            return f"{_b64(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{claims}."
        if word == "changed":
            changed = json.loads(_unb64(claims))
            changed["oid"] = "11111111-1111-1111-1111-111111111111"
            return f"{head}.{_b64(json.dumps(changed).encode())}.{signature}"
        raise ValueError(f"unknown credential word '{word}'")

    def _shared_key(self, method, target, headers, body):
        """https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key"""
        path, _, query = target.partition("?")
        account = self.names["account"]
        lower = {name.lower(): value for name, value in headers}
        length = str(len(body)) if body else ""
        lines = [method] + [lower.get(name, "") for name in ("content-encoding", "content-language")] + [length]
        lines += [lower.get(name, "") for name in (
            "content-md5", "content-type", "date", "if-modified-since", "if-match", "if-none-match",
            "if-unmodified-since", "range")]
        lines += [f"{name}:{value}" for name, value in sorted(lower.items()) if name.startswith("x-ms-")]
        resource = f"/{account}{path}"
        pairs = sorted((key.lower(), value) for key, value in urllib.parse.parse_qsl(query, keep_blank_values=True))
        resource += "".join(f"\n{key}:{value}" for key, value in pairs)
        text = "\n".join(lines + [resource]).encode()
        signature = base64.b64encode(hmac.new(self.account_key(), text, hashlib.sha256).digest()).decode()
        return f"SharedKey {account}:{signature}"


def now_header():
    return formatdate(usegmt=True)


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
