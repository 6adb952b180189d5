# SPDX-License-Identifier: Apache-2.0
"""Tokens that are not what they say (jwt.json): every one is a 401, and nothing that a token names is fetched."""

import base64
import hashlib
import hmac
import json
import pathlib
import socket
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TARGET = "/subscriptions?api-version=2022-12-01"
LISTEN_SECONDS = 0.2


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True).stdout


class Forge:
    """The attacker: has a good token, the server's public key, a key and a listener of their own."""

    def __init__(self, house, folder):
        self.good = house.token(f"https://management.{house.domain}")
        self.other = house.token("https://storage.azure.com")
        self.secret = house.names["client_secret"]
        self.head, self.claims, self.signature = self.good.split(".")
        self.folder = pathlib.Path(folder)
        self.own = str(self.folder / "own.pem")
        openssl("genrsa", "-out", self.own, "2048")
        kid = json.loads(unb64(self.head))["kid"]
        keys = house.send("GET", "login", "/common/discovery/v2.0/keys", [], b"")
        self.published = next(key for key in json.loads(keys.body)["keys"] if key["kid"] == kid)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(LISTEN_SECONDS)

    def close(self):
        self.listener.close()

    def was_called(self):
        try:
            self.listener.accept()[0].close()
            return True
        except (TimeoutError, socket.timeout):
            return False

    def public_pem(self):
        """The published key, as the textbook attack uses it."""
        if "x5c" in self.published:
            certificate = base64.b64decode(self.published["x5c"][0])
            return openssl("x509", "-inform", "DER", "-pubkey", "-noout", data=certificate)
        n, e = (int.from_bytes(unb64(self.published[name]), "big") for name in ("n", "e"))
        text = f"asn1=SEQUENCE:s\n[s]\nn=INTEGER:{n}\ne=INTEGER:{e}\n"
        (self.folder / "public.cnf").write_text(text)
        der = openssl("asn1parse", "-genconf", str(self.folder / "public.cnf"), "-noout", "-out", "/dev/stdout")
        return openssl("rsa", "-RSAPublicKey_in", "-inform", "DER", "-pubout", data=der)

    def own_jwk(self):
        modulus = openssl("rsa", "-in", self.own, "-modulus", "-noout").decode().strip().partition("=")[2]
        return {"kty": "RSA", "n": b64(bytes.fromhex(modulus)), "e": "AQAB", "alg": "RS256", "use": "sig"}

    def own_certificate(self):
        der = openssl("req", "-x509", "-new", "-key", self.own, "-subj", "/CN=own", "-days", "2", "-outform", "DER")
        return base64.b64encode(der).decode()

    def value(self, value):
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, str) or "@" not in value:
            return value
        words = {"@own": self.own_jwk, "@own-certificate": self.own_certificate, "@long": lambda: "k" * 20000,
                 "@aud": lambda: json.loads(unb64(self.claims))["aud"]}
        if value in words:
            return words[value]()
        port = str(self.listener.getsockname()[1])
        return value.replace("@listener", port).replace("@kid", json.loads(unb64(self.head))["kid"])

    def token(self, case):
        if "raw" in case:
            odd = {"@dots": "." * 30000, "@huge": "a" * 66000, "@nested": f"{b64(b'[' * 20000)}..x"}
            fields = dict(head=self.head, claims=self.claims, signature=self.signature,
                          other=self.other.split(".")[1])
            return odd[case["raw"]] if case["raw"] in odd else case["raw"].format(**fields)
        head = self.changed(self.head, case.get("header", {}), case.get("remove", ()))
        claims = self.changed(self.claims, case.get("claims", {}), ())
        return f"{head}.{claims}.{self.sign(case['sign'], f'{head}.{claims}'.encode())}"

    def changed(self, part, changes, removed):
        if not changes and not removed:
            return part
        value = json.loads(unb64(part))
        value.update({name: self.value(change) for name, change in changes.items()})
        return b64(json.dumps({key: item for key, item in value.items() if key not in removed}).encode())

    def sign(self, how, text):
        word, _, rest = how.partition(" ")
        if word == "keep":
            return self.signature
        if word == "empty":
            return ""
        if word == "zeros":
            return b64(bytes(int(rest)))
        if word == "flip":
            signature = bytearray(unb64(self.signature))
            signature[100] ^= 1
            return b64(bytes(signature))
        if word == "own":
            return b64(openssl("dgst", "-sha256", "-sign", self.own, data=text))
        return b64(hmac.new(self.hmac_key(rest), text, hashlib.sha256).digest())

    def hmac_key(self, name):
        if name == "pem":
            return self.public_pem()
        if name == "der":
            return openssl("rsa", "-pubin", "-outform", "DER", data=self.public_pem())
        return {"n": unb64(self.published["n"]), "empty": b"", "secret": self.secret.encode()}[name]


def present(house, forge, case):
    answer = house.send("GET", "management", TARGET, [("Authorization", "Bearer " + forge.token(case))], b"")
    expected = case.get("status", 401)
    if answer.status != expected:
        return f"{answer.status} where {expected} was expected: {answer.body[:300]!r}"
    if expected == 401 and "Bearer" not in (answer.headers["WWW-Authenticate"] or ""):
        return "the 401 does not say how to authenticate"
    if case.get("silent") and forge.was_called():
        return "the server fetched what the token named"
    return None


def run(house, tally):
    with tempfile.TemporaryDirectory() as folder:
        forge = Forge(house, folder)
        try:
            for case in json.loads((HERE / "jwt.json").read_text()):
                if tally.wants("jwt", case["name"]):
                    tally.check(f"jwt: {case['name']}", lambda: present(house, forge, case))
        finally:
            forge.close()
