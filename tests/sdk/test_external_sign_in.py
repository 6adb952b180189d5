# SPDX-License-Identifier: Apache-2.0
"""People sign in through somebody else's OpenID Connect provider, over real https."""

import json
import webbrowser

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    ClientAssertionCredential,
    ClientSecretCredential,
    InteractiveBrowserCredential,
)

from external_provider import Provider, Visitor, bundle_of, query_of
from harness import Server, unique
from people import Graph
from test_sign_in import EXCHANGE, claims_of


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    provider = Provider(tmp_path_factory.mktemp("provider"))
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def here(there):
    """A server of its own that may speak to the provider, which is on this machine."""
    server = Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAZULI_SDK_PORT", "0")
        patch.setenv("LAZULI_ALLOW_EGRESS", "127.0.0.1/32,::1/128")
        server.start()
        port = json.loads((server.data / "server.json").read_text())["port"]
        server.authority = f"https://login.lazuli.localhost:{port}/"
        server.bundle = bundle_of(server, there)
        # Past whatever proxy leads to the session's server.
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "lazuli.localhost,localhost")
        yield server
    server.stop()
    server.remove()


def provider_command(there, *more):
    return (
        *("ad", "provider", "create", "--display-name", "Elsewhere", "--client-id", "lazuli"),
        *("--client-secret", "hush", "--issuer", there.issuer, "-o", "json", *more),
    )


@pytest.fixture
def provider(here, there):
    made = json.loads(here.cli(*provider_command(there)).stdout)
    yield made
    here.cli("ad", "provider", "delete", made["id"])


@pytest.fixture
def user(here):
    name = f"{unique('ann')}@example.org"
    command = ("ad", "user", "create", "--display-name", "Ann", "--user-principal-name", name)
    made = here.cli(*command, "--password", unique("Secret!"), "-o", "json")
    return json.loads(made.stdout)


def sign_in(here, visitor, monkeypatch, timeout=10):
    """azure-identity's own sign-in with the visitor's browser: the claims of its token."""
    monkeypatch.setattr(webbrowser, "open", lambda url, *_, **__: visitor.in_background(url))
    monkeypatch.setattr(webbrowser, "get", lambda *_: webbrowser)
    credential = InteractiveBrowserCredential(
        authority=here.authority,
        tenant_id="adfs",
        timeout=timeout,
        connection_verify=str(here.bundle),
    )
    try:
        token = credential.get_token("https://management.lazuli.localhost/.default").token
    except ClientAuthenticationError as error:
        raise AssertionError(f"{error} {visitor.problems}") from error
    return claims_of(token)


def start_of(here):
    """Where a client sends the browser."""
    return (
        f"{here.authority}adfs/oauth2/authorize?client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46"
        "&response_type=code&redirect_uri=http://localhost:1&code_challenge_method=S256"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        "&resource=https://management.lazuli.localhost"
    )


def refusal(here, visitor):
    """What the page says that the visitor ends at."""
    answer = visitor.open(start_of(here))
    assert answer.status_code == 400, answer.text
    return answer.text


def test_only_a_linked_account_signs_in(here, there, provider, user, monkeypatch):
    visitor = Visitor(unique("subject"), here.bundle)
    said = refusal(here, visitor)
    assert "AADSTS50020" in said and visitor.subject in said and "not linked" in said

    name = user["userPrincipalName"]
    account = ("--issuer", there.issuer, "--subject", visitor.subject)
    here.cli("ad", "user", "link", name, *account)
    claims = sign_in(here, visitor, monkeypatch)
    assert (claims["oid"], claims["amr"], claims["upn"]) == (user["id"], ["fed"], name)
    assert "AADSTS50020" in refusal(here, Visitor(unique("other"), here.bundle))

    # The account is one person's, and nobody's once it has been taken away.
    taken = here.cli("ad", "user", "link", user["id"], *account, check=False)
    assert taken.returncode == 0, "linking again changes nothing"
    here.cli("ad", "user", "unlink", name, *account)
    assert "AADSTS50020" in refusal(here, Visitor(visitor.subject, here.bundle))
    again = here.cli("ad", "user", "unlink", name, *account, check=False)
    assert again.returncode != 0


def test_a_deleted_user_stays_out(here, there, provider, user):
    visitor = Visitor(unique("subject"), here.bundle)
    here.cli("ad", "user", "link", user["id"], "--issuer", there.issuer, "--subject", visitor.subject)
    here.cli("ad", "user", "delete", user["id"])
    assert "AADSTS50020" in refusal(here, visitor)


def test_an_answer_counts_once_and_in_its_own_browser(here, there, provider, user):
    """A link with somebody's code and state does not sign another browser in."""
    visitor = Visitor(unique("subject"), here.bundle)
    here.cli("ad", "user", "link", user["id"], "--issuer", there.issuer, "--subject", visitor.subject)
    visitor.consent = lambda url: visitor.browser.post(
        url, data={"sub": visitor.subject}, timeout=60, allow_redirects=False
    )
    back = visitor.open(start_of(here)).headers["Location"]
    other = Visitor("other", here.bundle).browser
    stolen = other.get(back, allow_redirects=False, timeout=60)
    assert stolen.status_code == 400 and "does not belong to this browser" in stolen.text
    mine = visitor.browser.get(back, allow_redirects=False, timeout=60)
    assert mine.status_code == 303 and "code" in query_of(mine.headers["Location"])
    again = visitor.browser.get(back, allow_redirects=False, timeout=60)
    assert again.status_code == 400, "the provider's code is used up"


def test_a_verified_address_links_at_the_first_sign_in(here, there, user, monkeypatch):
    made = json.loads(here.cli(*provider_command(there, "--match-verified-email")).stdout)
    name = user["userPrincipalName"]
    unsure, ann, later = (unique(each) for each in ("unsure", "ann", "later"))
    there.has(unsure, email=name)
    assert "AADSTS50020" in refusal(here, Visitor(unsure, here.bundle))
    there.has(ann, email=name, email_verified=True)
    assert sign_in(here, Visitor(ann, here.bundle), monkeypatch)["oid"] == user["id"]
    there.has(later, email=name, email_verified=True)
    assert "AADSTS50020" in refusal(here, Visitor(later, here.bundle))
    here.cli("ad", "provider", "delete", made["id"])


@pytest.fixture(scope="module")
def here_graph(here):
    """Microsoft Graph of this server, as its administrator."""
    values = here.env()
    port = here.authority.rsplit(":", 1)[1].strip("/")
    base = f"https://graph.lazuli.localhost:{port}"
    credential = ClientSecretCredential(
        "adfs",
        values["AZURE_CLIENT_ID"],
        values["AZURE_CLIENT_SECRET"],
        authority=here.authority,
        connection_verify=str(here.bundle),
    )
    graph = Graph(base, credential.get_token("https://graph.lazuli.localhost/.default").token)
    graph.session.verify = str(here.bundle)
    graph.session.trust_env = False
    return graph


def test_a_foreign_token_proves_an_application(here, there, here_graph):
    """Workload identity federation with an issuer that is not ours: its keys are fetched."""
    application, principal = here_graph.application()
    subject = unique("workload")
    here_graph(
        "POST",
        f"/applications/{application['id']}/federatedIdentityCredentials",
        {
            "name": "elsewhere",
            "issuer": there.issuer,
            "subject": subject,
            "audiences": [EXCHANGE],
        },
    )

    def credential(assertion):
        return ClientAssertionCredential(
            "adfs",
            application["appId"],
            lambda: assertion,
            authority=here.authority,
            connection_verify=str(here.bundle),
        )

    asked = "https://management.lazuli.localhost/.default"
    token = credential(there.id_token(subject, EXCHANGE)).get_token(asked).token
    assert claims_of(token)["oid"] == principal["id"]
    for wrong in (
        there.id_token(unique("somebody"), EXCHANGE),
        there.id_token(subject, "api://elsewhere"),
    ):
        with pytest.raises(ClientAuthenticationError):
            credential(wrong).get_token(asked)
