# SPDX-License-Identifier: Apache-2.0
"""Users and applications made through Graph, and a person with a browser, for the sign-in tests."""

import datetime
import html.parser
import os
import threading
import time
import urllib.parse

import requests

from harness import unique


def login_host():
    return os.environ["AZURE_AUTHORITY_HOST"].rstrip("/")


class Graph:
    """Microsoft Graph as the session's administrator."""

    def __init__(self, base, token):
        self.base = f"{base}/v1.0"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method, path, body=None):
        answer = self.session.request(method, self.base + path, json=body, timeout=60)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def user(self, must_change=False):
        name, password = unique("person"), unique("Secret!")
        made = self(
            "POST",
            "/users",
            {
                "accountEnabled": True,
                "displayName": name.title(),
                "mailNickname": name,
                "userPrincipalName": f"{name}@lazuli.localhost",
                "passwordProfile": {
                    "password": password,
                    "forceChangePasswordNextSignIn": must_change,
                },
            },
        )
        return Person(made["id"], made["userPrincipalName"], password)

    def application(self, **more):
        """An application with its service principal: (application, service principal)."""
        made = self("POST", "/applications", {"displayName": unique("app"), **more})
        principal = self("POST", "/servicePrincipals", {"appId": made["appId"]})
        return made, principal

    def secret(self, application):
        added = self("POST", f"/applications/{application['id']}/addPassword", {})
        return added["secretText"]


class Form(html.parser.HTMLParser):
    """The forms of a page: [{action, fields}]; labels must name inputs."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.alert, self.in_alert = [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.in_alert = attributes.get("role") == "alert"
        if tag == "form":
            self.forms.append({"action": attributes["action"], "fields": {}})
        elif tag == "input":
            self.forms[-1]["fields"][attributes["name"]] = attributes.get("value", "")

    def handle_data(self, data):
        if self.in_alert:
            self.alert += data

    def handle_endtag(self, tag):
        self.in_alert = False


class Person:
    """Somebody with an account and a browser that keeps cookies and runs no scripts."""

    def __init__(self, object_id, name, password):
        self.object_id, self.name, self.password = object_id, name, password
        self.browser = requests.Session()
        self.problems = []

    def open(self, url):
        """Follows what the pages ask for until one asks for nothing; returns that answer."""
        answer = self.browser.get(url, timeout=60)
        for _ in range(10):
            page = Form(answer.text)
            if not page.forms:
                return answer
            if page.alert:
                raise AssertionError(page.alert)
            answer = self.submit(answer.url, page.forms[0])
        raise AssertionError(f"the pages do not end: {answer.url}")

    def submit(self, base, form, **more):
        fields = {**form["fields"], **more}
        if "username" in fields:
            fields.update(username=self.name, password=self.password)
        if form["action"].endswith("/device/confirm") or form["action"].endswith("/continue"):
            fields.setdefault("action", "continue")
        target = urllib.parse.urljoin(base, form["action"])
        return self.browser.post(target, data=fields, timeout=60)

    def enter_code(self, page, code):
        """What a device's prompt asks for: types the code, signs in, confirms."""
        answer = self.browser.get(page, timeout=60)
        answer = self.submit(answer.url, self.page(answer).forms[0], user_code=code)
        for _ in range(2):
            answer = self.submit(answer.url, self.page(answer).forms[0])
        assert "Signed in" in answer.text, answer.text

    def page(self, answer):
        return Form(answer.text)

    def in_background(self, url):
        """What a client's webbrowser.open does: the person goes on while the client waits."""

        def go():
            time.sleep(0.2)
            try:
                self.open(url)
            except Exception as error:  # the client then times out; the test shows why
                self.problems.append(error)

        threading.Thread(target=go, daemon=True).start()
        return True


def self_signed():
    """A certificate with its key: (PEM of both, DER of the certificate)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, certificate.public_bytes(serialization.Encoding.DER)
