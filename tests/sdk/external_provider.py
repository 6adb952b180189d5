# SPDX-License-Identifier: Apache-2.0
"""Somebody else's OpenID Connect provider over https, and a person who signs in through it."""

import datetime
import os
import pathlib
import subprocess
import urllib.parse

import requests

from harness import ENVIRONMENT_BEFORE, REPOSITORY
from people import Form, Person

SERVE = """
import sys
import oidc_provider_mock, werkzeug.serving
app = oidc_provider_mock.app(require_nonce=True)
server = werkzeug.serving.make_server(
    "127.0.0.1", 0, app, threaded=True, ssl_context=(sys.argv[1], sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
"""


def certificate_for(name, folder):
    """A self-signed certificate: (file with its key, PEM of the certificate)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    certificate = made.public_bytes(serialization.Encoding.PEM)
    file = folder / f"{name}.pem"
    file.write_bytes(
        certificate
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file, certificate


class Provider:
    """The package's own server, in a process and an environment of its own."""

    def __init__(self, folder):
        made = subprocess.run(
            [REPOSITORY / "tools/venv.sh", "oidc"],
            env=ENVIRONMENT_BEFORE,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        self.file, self.certificate = certificate_for("localhost", folder)
        self.process = subprocess.Popen(
            [pathlib.Path(made.stdout.strip()) / "bin/python", "-c", SERVE, self.file],
            env=ENVIRONMENT_BEFORE,
            stdout=subprocess.PIPE,
            stderr=open(folder / "provider.log", "wb"),
            text=True,
        )
        self.issuer = f"https://localhost:{int(self.process.stdout.readline())}"

    def has(self, subject, **claims):
        """An account there, with what its tokens say."""
        browser = requests.Session()
        browser.trust_env = False  # no proxy leads to this machine
        browser.verify = str(self.file)
        answer = browser.put(f"{self.issuer}/users/{subject}", json=claims, timeout=30)
        assert answer.status_code == 204, answer.text

    def id_token(self, subject, audience):
        """What the provider says of an account to one of its clients."""
        browser = requests.Session()
        browser.trust_env = False
        browser.verify = str(self.file)
        back = {"client_id": audience, "redirect_uri": "https://localhost:1/back"}
        query = {**back, "response_type": "code", "scope": "openid", "nonce": os.urandom(8).hex()}
        consent = browser.post(
            f"{self.issuer}/oauth2/authorize",
            params=query,
            data={"sub": subject},
            allow_redirects=False,
            timeout=30,
        )
        code = query_of(consent.headers["Location"])["code"]
        form = {**back, "grant_type": "authorization_code", "code": code, "client_secret": "x"}
        return browser.post(f"{self.issuer}/oauth2/token", data=form, timeout=30).json()["id_token"]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Visitor(Person):
    """Somebody whose browser takes the other provider's button, and is `subject` there."""

    def __init__(self, subject, bundle):
        super().__init__(None, None, None)
        self.subject = subject
        self.browser.verify = str(bundle)
        # requests prefers what the environment says.
        self.browser.trust_env = False

    def open(self, url):
        page = self.browser.get(url, timeout=60)
        button = next(f for f in Form(page.text).forms if "/federated/" in f["action"])
        leaving = self.submit(page.url, button)
        there = leaving.headers["Refresh"].split("url=", 1)[1]
        answer = self.consent(there)
        if forms := Form(answer.text).forms:  # back to the client by a form
            answer = self.submit(answer.url, forms[0])
        return answer

    def consent(self, there):
        return self.browser.post(there, data={"sub": self.subject}, timeout=60)


def bundle_of(server, provider):
    """Both authorities in the server's bundle, as one of the system's would be."""
    bundle = server.data / "ca-bundle.pem"
    with open(bundle, "ab") as file:
        file.write(b"\n" + provider.certificate)
    return bundle


def query_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


