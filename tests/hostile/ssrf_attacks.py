# SPDX-License-Identifier: Apache-2.0
"""Whatever the server connects to because a user named it, led to where it must not go: by the address itself, by a
redirect, by a document, by a name that changes. It runs in a network of its own (ssrf_network.py), where all private
addresses listen: a connection to one of them is an escape."""

import html.parser
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
SECONDS_MAX = 300
DOMAIN = "attacker.example"

# {port} is the server's own.
DESTINATIONS = [
    "https://127.0.0.1/", "https://127.0.0.1:{port}/health", "https://127.1/", "https://2130706433/", "https://0x7f.1/",
    "https://0177.0.0.1/", "https://0.0.0.0/", "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.0.1/",
    "https://100.100.100.200/", "https://168.63.129.16/", "https://169.254.169.254/metadata/instance",
    "https://[::1]/", "https://[::1]:{port}/health", "https://[::]/", "https://[fd00::1]/", "https://[fd00:ec2::254]/",
    "https://[::ffff:127.0.0.1]/", "https://[::ffff:a9fe:a9fe]/", "https://[64:ff9b::7f00:1]/", "https://[fe80::1]/",
    "https://localhost/", "https://localhost.:443/", "https://management.lazuli.localhost:{port}/metadata/endpoints",
    "https://loop.{domain}/", "https://meta.{domain}/", "https://ula.{domain}/", "https://loop6.{domain}/",
    "https://mapped.{domain}/", "https://nat64.{domain}/", "https://zero.{domain}/", "https://zero6.{domain}/",
    "https://dead.{domain}/", "https://LOOP.{domain}./",
    "https://good.{domain}@127.0.0.1/", "https://127.0.0.1%2f@good.{domain}/", "https://127.0.0.1\\@good.{domain}/",
    "https:\\\\127.0.0.1/", "https:/127.0.0.1/", "https:127.0.0.1/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/", "//127.0.0.1/", "\\\\127.0.0.1\\", "///127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1/", "http://good.{domain}/",
    "file:///etc/passwd", "gopher://127.0.0.1:443/_GET", "ftp://127.0.0.1/", "unix:/run/lazuli.sock",
]
NAMED_ONLY = [each for each in DESTINATIONS if each.startswith("https://")]


def run(tally):
    """Called by run.py, outside the namespaces."""
    if not tally.wants("ssrf", ""):
        return
    command = ["unshare", "--net", "--mount", sys.executable, str(pathlib.Path(__file__).resolve())]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=SECONDS_MAX, check=False)
    for line in done.stdout.splitlines():
        name, problem = json.loads(line)
        tally.check(f"ssrf: {name}", lambda problem=problem: problem)
    tally.check("ssrf: all cases ran", lambda: done.stderr[-3000:] if done.returncode else None)


class Forms(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append((attributes["action"], {}))
        elif tag == "input" and self.forms:
            self.forms[-1][1][attributes["name"]] = attributes.get("value", "")


class Attacker:
    """May make applications and identity providers here, and has servers and names of their own."""

    def __init__(self, house, listeners, folder):
        self.house, self.listeners = house, listeners
        self.key, self.count = str(folder / "own.pem"), 0
        self.application, self.uses = None, 0
        jwt_attacks.openssl("genrsa", "-out", self.key, "2048")
        modulus = jwt_attacks.openssl("rsa", "-in", self.key, "-modulus", "-noout").decode().strip().partition("=")[2]
        self.jwk = {"kty": "RSA", "kid": "k", "n": jwt_attacks.b64(bytes.fromhex(modulus)), "e": "AQAB", "use": "sig",
                    "alg": "RS256"}

    def graph(self, method, path, body):
        token = self.house.token(f"https://graph.{self.house.domain}")
        fields = [("Authorization", "Bearer " + token), ("Content-Type", "application/json")]
        answer = self.house.send(method, "graph", "/v1.0" + path, fields, json.dumps(body).encode())
        return answer.status, json.loads(answer.body or b"{}")

    def fresh(self):
        self.count += 1
        return self.count

    def publish(self, path, document, fields=None, status=200):
        self.listeners.pages[path] = (status, fields or {}, document)

    def publish_issuer(self, issuer, **changed):
        """The discovery document of an issuer at good.attacker.example, its keys beside it."""
        path = urllib.parse.urlsplit(issuer).path
        self.publish(f"{path}/.well-known/openid-configuration",
                     {"issuer": issuer, "jwks_uri": f"{issuer}/keys", "token_endpoint": f"{issuer}/token",
                      "authorization_endpoint": f"{issuer}/authorize", **changed})
        self.publish(f"{path}/keys", {"keys": [self.jwk]})

    def assertion(self, issuer):
        head = jwt_attacks.b64(json.dumps({"alg": "RS256", "kid": "k", "typ": "JWT"}).encode())
        claims = {"iss": issuer, "sub": "me", "aud": "api://AzureADTokenExchange", "iat": int(time.time()),
                  "exp": int(time.time()) + 300, "jti": os.urandom(8).hex()}
        text = head + "." + jwt_attacks.b64(json.dumps(claims).encode())
        signature = jwt_attacks.openssl("dgst", "-sha256", "-sign", self.key, data=text.encode())
        return f"{text}.{jwt_attacks.b64(signature)}"

    def ask_by(self, issuer):
        """A token for an application that trusts this issuer: (status, answer), or None when it may not be trusted."""
        self.uses += 1
        if self.uses % 10 == 1:  # failures of one client are limited
            _, self.application = self.graph("POST", "/applications", {"displayName": "attack"})
            self.graph("POST", "/servicePrincipals", {"appId": self.application["appId"]})
        status, _ = self.graph("POST", f"/applications/{self.application['id']}/federatedIdentityCredentials", {
            "name": f"c{self.fresh()}", "issuer": issuer, "subject": "me", "audiences": ["api://AzureADTokenExchange"]})
        if status != 201:
            return None
        form = {"grant_type": "client_credentials", "client_id": self.application["appId"],
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": self.assertion(issuer), "scope": f"https://management.{self.house.domain}/.default"}
        answer = self.house.send("POST", "login", f"/{self.house.names['tenant']}/oauth2/v2.0/token",
                                 [("Content-Type", "application/x-www-form-urlencoded")],
                                 urllib.parse.urlencode(form).encode())
        return answer.status, json.loads(answer.body)

    def sign_in_by(self, issuer):
        """A person presses the button of an external provider and comes back with a code: the last page."""
        made, provider = self.graph("POST", "/identity/identityProviders", {
            "displayName": f"p{self.fresh()}", "issuer": issuer, "clientId": "c", "clientSecret": "s"})
        if made != 201:
            return None
        try:
            return self.press(provider["id"])
        finally:
            self.graph("DELETE", f"/identity/identityProviders/{provider['id']}", {})

    def press(self, provider):
        query = urllib.parse.urlencode({
            "client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "response_type": "code", "scope": "openid",
            "redirect_uri": "http://localhost:1", "code_challenge": "a" * 43, "code_challenge_method": "S256"})
        page = self.house.send("GET", "login", f"/{self.house.names['tenant']}/oauth2/v2.0/authorize?{query}", [], b"")
        cookies = "; ".join(each.partition(";")[0] for each in page.headers.get_all("Set-Cookie") or [])
        action, fields = next(form for form in Forms(page.body.decode()).forms if form[0].endswith(provider))
        base = f"https://login.{self.house.domain}:{self.house.port}"
        target = urllib.parse.urljoin(f"{base}/{self.house.names['tenant']}/oauth2/v2.0/authorize", action)
        fields_sent = [("Cookie", cookies), ("Content-Type", "application/x-www-form-urlencoded"), ("Origin", base)]
        answer = self.house.send("POST", "login", urllib.parse.urlsplit(target).path, fields_sent,
                                 urllib.parse.urlencode(fields).encode())
        refresh = answer.headers["Refresh"]  # the way to the provider
        if answer.status != 200 or not refresh:
            return answer.status, answer.body.decode()
        target = urllib.parse.urlsplit(refresh.partition("url=")[2])
        state = dict(urllib.parse.parse_qsl(target.query))["state"]
        answer = self.house.send("GET", "login", "/common/federated/callback?" + urllib.parse.urlencode(
            {"code": "x", "state": state}), [("Cookie", cookies)], b"")
        return answer.status, answer.body.decode()


class Cases:
    def __init__(self, attacker, resolver):
        self.attacker, self.listeners, self.resolver = attacker, attacker.listeners, resolver
        self.failed = 0

    def check(self, name, test):
        before = len(self.listeners.escapes)
        started = time.monotonic()
        try:
            problem = test()
        except Exception as error:  # the other cases still run
            problem = f"{type(error).__name__}: {error}"
        time.sleep(0.01)
        escaped = self.listeners.escapes[before:]
        if escaped:
            problem = f"escaped to {escaped}"
        elif not problem and time.monotonic() - started > 15:
            problem = f"took {time.monotonic() - started:.0f} s"
        print(json.dumps([name, problem]), flush=True)

    def destinations(self, listed):
        return [each.format(port=self.attacker.house.port, domain=DOMAIN) for each in listed]

    def issuer(self, host="good"):
        return f"https://{host}.{DOMAIN}/{self.attacker.fresh()}"

    def refused(self, answer):
        """Nothing was trusted, or the token service says that the issuer cannot be asked, and no more."""
        if answer is None:
            return None
        status, body = answer
        if (status, body.get("error"), body.get("error_codes")) != (401, "invalid_client", [50166]):
            return f"{status} {body}"
        return None

    def notices(self):
        """That an escape would be seen: one is made."""
        for address in ssrf_network.PRIVATE:
            with socket.create_connection((address, 443), 5) as line:
                line.sendall(b"x")
                line.recv(1)
        seen, self.listeners.escapes[:] = set(self.listeners.escapes), []
        missing = {f"{address}:443" for address in ssrf_network.PRIVATE} - seen
        return f"{missing} not noticed" if missing else None

    # --- federated credentials ---------------------------------------------------------------------------------

    def federation(self):
        def honest():
            issuer = self.issuer()
            self.attacker.publish_issuer(issuer)
            status, body = self.attacker.ask_by(issuer)
            return None if status == 200 and body["access_token"] else f"{status} {body}"

        self.check("an honest issuer is asked", honest)
        for target in self.destinations(NAMED_ONLY):
            self.check(f"issuer {target}", lambda: self.refused(self.attacker.ask_by(target.rstrip("/"))))
        for target in self.destinations(DESTINATIONS):
            self.check(f"redirect to {target}", lambda: self.by_redirect(target, 302))
            self.check(f"jwks_uri {target}", lambda: self.by_document(target))
        for status in (301, 303, 307, 308):
            self.check(f"redirect {status}", lambda: self.by_redirect("https://127.0.0.1/", status))
        self.check("a chain of redirects", self.by_chain)
        for host in ("rebind", "rebind6", "late"):
            self.check(f"a name that changes: {host}", lambda: self.by_rebinding(host))

    def by_redirect(self, target, status):
        issuer = self.issuer()
        path = urllib.parse.urlsplit(issuer).path
        self.attacker.publish(f"{path}/.well-known/openid-configuration", {}, {"Location": target}, status)
        return self.refused(self.attacker.ask_by(issuer))

    def by_document(self, target):
        issuer = self.issuer()
        self.attacker.publish_issuer(issuer, jwks_uri=target)
        return self.refused(self.attacker.ask_by(issuer))

    def by_chain(self):
        issuer = self.issuer()
        path = urllib.parse.urlsplit(issuer).path
        hops = [f"{path}/.well-known/openid-configuration", f"{path}/a", f"{path}/b"]
        for here, there in zip(hops, [*hops[1:], None]):
            target = f"https://six.{DOMAIN}{there}" if there else "https://[fd00::1]/"
            self.attacker.publish(here, {}, {"Location": target}, 302)
        problem = self.refused(self.attacker.ask_by(issuer))
        return problem or (None if hops[-1] in self.listeners.served else "the redirects were not followed at all")

    def by_rebinding(self, host):
        """Each connection asks anew, since the servers close: a later one gets the private address."""
        host = f"{host}-{self.attacker.fresh()}"
        issuer = self.issuer(host)
        self.attacker.publish_issuer(issuer)
        path = urllib.parse.urlsplit(issuer).path
        answer = self.attacker.ask_by(issuer)
        if path + "/.well-known/openid-configuration" not in self.listeners.served:
            return "the public address was never asked"
        if host.startswith("late"):  # both connections went to the public address; no third one was made
            return None if answer[0] == 200 and self.resolver.asked[host, 1] == 2 else f"{answer} {self.resolver.asked}"
        return self.refused(answer)

    # --- external providers ------------------------------------------------------------------------------------

    def providers(self):
        for target in self.destinations(NAMED_ONLY)[::8]:
            self.check(f"provider {target}", lambda: self.page_of(target.rstrip("/")))
        for target in self.destinations(DESTINATIONS)[::5]:
            self.check(f"token endpoint {target}", lambda: self.by_token_endpoint(target, {}))
        for status in (302, 307, 308):
            self.check(f"token endpoint that redirects {status}", lambda: self.by_token_endpoint(
                None, {"Location": "https://127.0.0.1/"}, status))

    def page_of(self, issuer):
        answer = self.attacker.sign_in_by(issuer)
        if answer is None or (answer[0] == 400 and "failed" in answer[1]):
            return None
        return f"{answer[0]} {answer[1][:500]}"

    def by_token_endpoint(self, target, fields, status=200):
        issuer = self.issuer()
        path = urllib.parse.urlsplit(issuer).path
        self.attacker.publish_issuer(issuer, **({"token_endpoint": target} if target else {}))
        self.attacker.publish(f"{path}/token", {}, fields, status)
        status, page = self.attacker.sign_in_by(issuer)
        return None if status != 429 and 400 <= status < 504 and "failed" in page else f"{status} {page[:500]}"

    # --- the proxy ---------------------------------------------------------------------------------------------

    def proxy(self):
        def connect(authority, expected):
            with talk.Line(self.attacker.house, "plain") as line:
                line.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
                answer = line.answer("CONNECT")
            return None if answer and answer[0] in expected else f"{answer and answer[0]}"

        self.check("CONNECT to a public name", lambda: connect(f"good.{DOMAIN}:443", (200,)))
        for host in ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0.0.0.0", "10.0.0.1", "169.254.169.254", "[::1]",
                     "[::]", "[fd00::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "localhost",
                     *(f"{name}.{DOMAIN}" for name in ("loop", "meta", "ula", "loop6", "mapped", "zero", "nat64"))]:
            self.check(f"CONNECT {host}", lambda: connect(f"{host}:443", (400, 403, 502)))
        self.check("CONNECT where the public address is dead", lambda: connect(f"dead.{DOMAIN}:443", (502, 504)))
        self.check("CONNECT to another port", lambda: connect(f"good.{DOMAIN}:80", (403,)))
        name = f"rebind-{self.attacker.fresh()}.{DOMAIN}:443"
        self.check("CONNECT to a name that changes: before", lambda: connect(name, (200,)))
        self.check("CONNECT to a name that changes: after", lambda: connect(name, (403,)))


def by_parent(listeners, resolver, folder, environment):
    """The same with a parent proxy in the server's environment: it is used, and asked for nothing private."""
    parent = ssrf_network.ParentProxy()
    parent.start()
    with server.Server(environment={**environment, "HTTPS_PROXY": f"http://{ssrf_network.PROXY}:3128/"}) as house:
        attacker = Attacker(house, listeners, folder)
        cases = Cases(attacker, resolver)

        def honest(host):
            issuer = cases.issuer(host)
            attacker.publish_issuer(issuer)
            status, body = attacker.ask_by(issuer)
            asked = f"{host}.{DOMAIN}:443" in parent.asked
            return None if status == 200 and asked else f"{status} {body} {parent.asked}"

        cases.check("parent: it is asked", lambda: honest("good"))
        cases.check("parent: also for names that only it knows", lambda: honest("unknown"))
        for target in cases.destinations(NAMED_ONLY):
            cases.check(f"parent: issuer {target}", lambda: cases.refused(attacker.ask_by(target.rstrip("/"))))
            cases.check(f"parent: redirect to {target}", lambda: cases.by_redirect(target, 302))
        strange = [each for each in parent.asked if not each.endswith(f".{DOMAIN}:443") or each.startswith(
            ("loop", "meta", "ula", "mapped", "zero", "nat64", "dead"))]
        cases.check("parent: asked for nothing private", lambda: f"{strange}" if strange else None)


def main():
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        context = ssrf_network.make(folder)
        resolver = ssrf_network.Resolver()
        resolver.start()
        listeners = ssrf_network.Listeners(context)
        with server.Server(environment=environment) as house:
            cases = Cases(Attacker(house, listeners, folder), resolver)
            cases.check("escapes are noticed", cases.notices)
            cases.federation()
            cases.providers()
            cases.proxy()
            cases.check("no secret in the log", lambda: "; ".join(house.leaks()) or None)
        by_parent(listeners, resolver, folder, environment)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent / "wire"))
    sys.path.insert(0, str(HERE))
    import jwt_attacks
    import server
    import ssrf_network
    import talk

    main()
