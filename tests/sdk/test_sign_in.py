# SPDX-License-Identifier: Apache-2.0
"""Every way in which azure-identity and MSAL sign in: applications, people, and on their behalf."""

import base64
import json
import os
import time
import urllib.parse
import webbrowser

import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    OnBehalfOfCredential,
    WorkloadIdentityCredential,
)

from people import Graph, Person, login_host, self_signed

CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
EXCHANGE = "api://AzureADTokenExchange"


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture(scope="module")
def graph(credential, arm):
    base = arm.base.replace("management.", "graph.")
    return Graph(base, credential.get_token(f"{base}/.default").token)


@pytest.fixture(scope="module")
def tenant(server):
    return server.tenant()


@pytest.fixture(scope="module")
def person(graph):
    return graph.user()


@pytest.fixture
def browser(graph, monkeypatch):
    """A fresh person whose browser is the one that clients open."""
    someone = graph.user()
    monkeypatch.setattr(webbrowser, "open", lambda url, *_, **__: someone.in_background(url))
    monkeypatch.setattr(webbrowser, "get", lambda *_: webbrowser)
    return someone


# A tenant with a GUID otherwise makes MSAL ask the public cloud which authorities exist.
PRIVATE = {"disable_instance_discovery": True}


def authority_of(tenant):
    return {"authority": login_host(), **({} if tenant == "adfs" else PRIVATE)}


@pytest.mark.parametrize("shape", ["adfs", "guid"])
def test_certificate(graph, tenant, arm, shape):
    """RS256 with x5t against ADFS, PS256 with x5t#S256 against the tenant."""
    pem, der = self_signed()
    application, principal = graph.application(
        keyCredentials=[
            {
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
                "key": base64.b64encode(der).decode(),
                "displayName": "test",
            }
        ]
    )
    name = "adfs" if shape == "adfs" else tenant
    credential = CertificateCredential(
        name, application["appId"], certificate_data=pem, **authority_of(name)
    )
    # MSAL sends one assertion with both requests.
    for audience in (arm.base, "https://storage.azure.com"):
        claims = claims_of(credential.get_token(f"{audience}/.default").token)
        assert (claims["oid"], claims["aud"]) == (principal["id"], audience)
        assert claims["appidacr"] == "2"
    foreign, _ = self_signed()
    stranger = CertificateCredential(
        name, application["appId"], certificate_data=foreign, **authority_of(name)
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        stranger.get_token(f"{arm.base}/.default")


def test_an_assertion_is_good_once(graph, tenant, arm):
    pem, der = self_signed()
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.b64encode(der).decode()}
    application, _ = graph.application(keyCredentials=[key])
    endpoint = f"{login_host()}/{tenant}/oauth2/v2.0/token"

    def assertion(**changed):
        import jwt
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        print_ = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())
        headers = {"x5t#S256": base64.urlsafe_b64encode(print_).rstrip(b"=").decode()}
        claims = {
            "iss": application["appId"],
            "sub": application["appId"],
            "aud": endpoint,
            "jti": os.urandom(8).hex(),
            "exp": time.time() + 300,
            **changed,
        }
        return jwt.encode(claims, pem[pem.index(b"-----BEGIN PRIVATE") :], "PS256", headers=headers)

    def ask(given):
        form = {
            "grant_type": "client_credentials",
            "client_id": application["appId"],
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": given,
            "scope": f"{arm.base}/.default",
        }
        return requests.post(endpoint, data=form, timeout=30)

    once = assertion()
    assert ask(once).status_code == 200
    again = ask(once)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    for changed, number in [
        ({"aud": "https://login.microsoftonline.com/common/oauth2/v2.0/token"}, 700023),
        ({"exp": time.time() - 600}, 700024),
        ({"exp": time.time() + 3600}, 700027),
        ({"jti": ""}, 700027),
        ({"sub": CLI}, 700213),
    ]:
        refused = ask(assertion(**changed))
        assert refused.status_code == 401, changed
        assert refused.json()["error_codes"] == [number], changed


def trust(graph, tenant, credential, application):
    """Lets the application at this path be proved by tokens of the session's principal, made by this very server."""
    subject = claims_of(credential.get_token("https://storage.azure.com/.default").token)["oid"]
    graph(
        "POST",
        f"{application}/federatedIdentityCredentials",
        {
            "name": "test",
            "issuer": f"https://login.lazuli.localhost/{tenant}/v2.0",
            "subject": subject,
            "audiences": [EXCHANGE],
        },
    )
    return subject


@pytest.fixture(scope="module")
def federated(graph, tenant, credential):
    """An application that trusts tokens of the session's principal."""
    application, principal = graph.application()
    trust(graph, tenant, credential, f"/applications/{application['id']}")
    return application, principal


def test_federated_assertion(federated, tenant, credential, arm, tmp_path):
    application, principal = federated
    token = credential.get_token(f"{EXCHANGE}/.default").token
    by_function = ClientAssertionCredential(
        tenant, application["appId"], lambda: token, **authority_of(tenant)
    )
    file = tmp_path / "token"
    file.write_text(token)
    by_file = WorkloadIdentityCredential(
        tenant_id=tenant,
        client_id=application["appId"],
        token_file_path=str(file),
        **authority_of(tenant),
    )
    for each in (by_function, by_file):
        claims = claims_of(each.get_token(f"{arm.base}/.default").token)
        assert (claims["oid"], claims["appidacr"]) == (principal["id"], "2")


def test_workload_identity_of_the_environment(
    federated, tenant, credential, arm, tmp_path, monkeypatch
):
    """As a pod is set up: nothing in the code."""
    application, principal = federated
    file = tmp_path / "token"
    file.write_text(credential.get_token(f"{EXCHANGE}/.default").token)
    monkeypatch.setenv("AZURE_CLIENT_ID", application["appId"])
    monkeypatch.setenv("AZURE_TENANT_ID", tenant)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    for each in (WorkloadIdentityCredential(**PRIVATE), DefaultAzureCredential(**PRIVATE)):
        claims = claims_of(each.get_token(f"{arm.base}/.default").token)
        assert claims["oid"] == principal["id"]


def test_federation_is_exact(federated, graph, tenant, credential, arm):
    application, _ = federated
    other, _ = graph.application()
    wrong_audience = credential.get_token(f"{arm.base}/.default").token
    right = credential.get_token(f"{EXCHANGE}/.default").token
    for app, token, number in [
        (application, wrong_audience, "AADSTS700213"),  # its issuer is the one of version 1
        (other, right, "AADSTS700213"),
        (application, right[:-4] + "AAAA", "AADSTS700027"),
    ]:
        stranger = ClientAssertionCredential(
            tenant, app["appId"], lambda token=token: token, **authority_of(tenant)
        )
        with pytest.raises(ClientAuthenticationError, match=number):
            stranger.get_token(f"{arm.base}/.default")


@pytest.mark.parametrize("shape", ["adfs", "guid"])
def test_browser(browser, tenant, arm, shape):
    name = "adfs" if shape == "adfs" else tenant
    credential = InteractiveBrowserCredential(tenant_id=name, timeout=30, **authority_of(name))
    record = credential.authenticate(scopes=[f"{arm.base}/.default"])
    assert not browser.problems
    assert record.username == browser.name
    claims = claims_of(credential.get_token(f"{arm.base}/.default").token)
    assert (claims["oid"], claims["idtyp"], claims["amr"]) == (browser.object_id, "user", ["pwd"])
    assert (claims["upn"], claims["appidacr"]) == (browser.name, "0")
    # Another audience comes by the refresh token, without the person.
    browser.password = "not asked for"
    other = claims_of(credential.get_token("https://storage.azure.com/.default").token)
    assert other["sid"] == claims["sid"]


def test_a_browser_stays_signed_in(browser, tenant, arm):
    for _ in range(2):  # the second time the account is chosen, without its password
        credential = InteractiveBrowserCredential(
            tenant_id=tenant, timeout=30, **authority_of(tenant)
        )
        token = credential.get_token(f"{arm.base}/.default").token
        assert claims_of(token)["oid"] == browser.object_id
        browser.password = "not asked for"
    assert "signed out" in browser.open(f"{login_host()}/{tenant}/oauth2/v2.0/logout").text
    with pytest.raises(AssertionError, match="not correct"):
        browser.open(f"{login_host()}/{tenant}/oauth2/v2.0/authorize?{QUERY}")


QUERY = (
    f"client_id={CLI}&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A1&scope=openid"
    "&code_challenge=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&code_challenge_method=S256"
)


def code_of(someone, tenant, client_id, redirect, scope):
    """Signs the person in to a web application: the code that its redirect gets."""
    url = f"{login_host()}/{tenant}/oauth2/v2.0/authorize"
    query = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": redirect,
        "scope": scope,
        "state": "s&1",
    }
    answer = someone.browser.get(url, params=query, timeout=30)
    form = someone.page(answer).forms[0]
    fields = {**form["fields"], "username": someone.name, "password": someone.password}
    target = urllib.parse.urljoin(answer.url, form["action"])
    answer = someone.browser.post(target, data=fields, timeout=30, allow_redirects=False)
    location = urllib.parse.urlparse(answer.headers["Location"])
    values = dict(urllib.parse.parse_qsl(location.query))
    assert values["state"] == "s&1"
    return values["code"]


REDIRECT = "https://web.example/callback"


@pytest.fixture(scope="module")
def web(graph):
    application, principal = graph.application(web={"redirectUris": [REDIRECT]})
    uri = f"api://{application['appId']}"
    graph("PATCH", f"/applications/{application['id']}", {"identifierUris": [uri]})
    return application["appId"], graph.secret(application)


def test_authorization_code(web, graph, tenant, arm):
    client_id, secret = web
    someone = graph.user()
    scope = f"{arm.base}/.default offline_access openid"
    code = code_of(someone, tenant, client_id, REDIRECT, scope)
    credential = AuthorizationCodeCredential(
        tenant, client_id, code, REDIRECT, client_secret=secret, **authority_of(tenant)
    )
    token = credential.get_token(f"{arm.base}/.default").token
    assert claims_of(token)["oid"] == someone.object_id
    # The same code again ends what it was redeemed for.
    again = AuthorizationCodeCredential(
        tenant, client_id, code, REDIRECT, client_secret=secret, **authority_of(tenant)
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS54005"):
        again.get_token(f"{arm.base}/.default")
    refused = requests.get(
        f"{arm.base}/subscriptions",
        params={"api-version": "2022-12-01"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert refused.status_code == 401


def test_a_code_belongs_to_its_client_and_redirect(web, graph, tenant, arm):
    client_id, secret = web
    code = code_of(graph.user(), tenant, client_id, REDIRECT, f"{arm.base}/.default")
    endpoint = f"{login_host()}/{tenant}/oauth2/v2.0/token"
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "client_secret": secret,
        "code": code,
        "redirect_uri": REDIRECT,
    }
    for changed, number in [
        ({"redirect_uri": REDIRECT + "2"}, 500112),
        ({"client_id": CLI, "client_secret": ""}, 700005),
        ({"client_secret": ""}, 7000218),
        ({"client_secret": "wrong"}, 7000215),
    ]:
        refused = requests.post(endpoint, data={**form, **changed}, timeout=30)
        assert refused.status_code in (400, 401), changed
        assert refused.json()["error_codes"] == [number], changed
    assert requests.post(endpoint, data=form, timeout=30).status_code == 200


def test_device_code(graph, tenant, arm):
    someone = graph.user()

    def prompt(page, code, expires):
        assert code and expires
        answer = someone.browser.get(page, timeout=30)
        form = someone.page(answer).forms[0]
        answer = someone.submit(answer.url, form, user_code=code.lower())
        answer = someone.submit(answer.url, someone.page(answer).forms[0])  # signs in
        assert code in answer.text and "Azure CLI" in answer.text
        answer = someone.submit(answer.url, someone.page(answer).forms[0])  # confirms
        assert "Signed in" in answer.text

    credential = DeviceCodeCredential(
        tenant_id=tenant, prompt_callback=prompt, timeout=30, **authority_of(tenant)
    )
    claims = claims_of(credential.get_token(f"{arm.base}/.default").token)
    assert claims["oid"] == someone.object_id


def test_device_code_declined(graph, tenant, arm):
    someone = graph.user()

    def prompt(page, code, _):
        answer = someone.browser.get(f"{page}?code={code}", timeout=30)
        answer = someone.submit(answer.url, someone.page(answer).forms[0])
        answer = someone.submit(answer.url, someone.page(answer).forms[0])
        answer = someone.submit(answer.url, someone.page(answer).forms[0], action="cancel")
        assert "Cancelled" in answer.text

    credential = DeviceCodeCredential(
        tenant_id=tenant, prompt_callback=prompt, timeout=30, **authority_of(tenant)
    )
    with pytest.raises(ClientAuthenticationError, match="declined"):
        credential.get_token(f"{arm.base}/.default")


def asks_on_behalf(graph, tenant, certificate):
    """A web application and somebody's token for it: (client id, secret, token, person)."""
    key = base64.b64encode(certificate).decode()
    application, _ = graph.application(
        web={"redirectUris": [REDIRECT]},
        keyCredentials=[{"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}],
    )
    client_id = application["appId"]
    uri = f"api://{client_id}"
    graph("PATCH", f"/applications/{application['id']}", {"identifierUris": [uri]})
    secret, someone = graph.secret(application), graph.user()
    code = code_of(someone, tenant, client_id, REDIRECT, f"{uri}/.default openid")
    parent = AuthorizationCodeCredential(
        tenant, client_id, code, REDIRECT, client_secret=secret, **authority_of(tenant)
    ).get_token(f"{uri}/.default")
    return client_id, secret, parent.token, someone


@pytest.mark.parametrize("proof", ["secret", "certificate", "assertion"])
def test_on_behalf_of(graph, tenant, credential, arm, proof):
    pem, der = self_signed()
    client_id, secret, parent, someone = asks_on_behalf(graph, tenant, der)
    proofs = {"secret": {"client_secret": secret}, "certificate": {"client_certificate": pem}}
    if proof == "assertion":
        subject = trust(graph, tenant, credential, f"/applications(appId='{client_id}')")
        token = credential.get_token(f"{EXCHANGE}/.default").token
        assert claims_of(token)["oid"] == subject
        proofs["assertion"] = {"client_assertion_func": lambda: token}

    def on_behalf(of):
        return OnBehalfOfCredential(
            tenant, client_id, user_assertion=of, **proofs[proof], **authority_of(tenant)
        )

    child = claims_of(on_behalf(parent).get_token(f"{arm.base}/.default").token)
    before = claims_of(parent)
    assert (child["oid"], child["appid"]) == (someone.object_id, client_id)
    assert child["exp"] <= before["exp"] and child["sid"] == before["sid"]
    # A token for somebody else is nothing to act on.
    with pytest.raises(ClientAuthenticationError, match="AADSTS50013"):
        on_behalf(arm.token).get_token(f"{arm.base}/.default")


def test_refresh_tokens_rotate_and_reuse_ends_all(browser, tenant, arm):
    authority = f"{login_host()}/{tenant}"
    app = msal.PublicClientApplication(CLI, authority=authority, instance_discovery=False)
    scopes = [f"{arm.base}/.default"]
    first = app.acquire_token_interactive(scopes, timeout=30)
    assert first.get("access_token"), first
    account = app.get_accounts()[0]
    assert account["username"] == browser.name
    second = app.acquire_token_silent_with_error(scopes, account, force_refresh=True)
    assert second["access_token"] != first["access_token"]

    def redeem(token):
        form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": token}
        return requests.post(f"{authority}/oauth2/v2.0/token", data=form, timeout=30)

    assert second["refresh_token"] != first["refresh_token"]
    third = redeem(second["refresh_token"])
    assert third.status_code == 200
    reused = redeem(first["refresh_token"])  # two behind: nobody's retry
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert redeem(third.json()["refresh_token"]).json()["error_codes"] == [50173]
    refused = requests.get(
        f"{arm.base}/subscriptions",
        params={"api-version": "2022-12-01"},
        headers={"Authorization": f"Bearer {third.json()['access_token']}"},
        timeout=30,
    )
    assert refused.status_code == 401


def test_msal_as_generic_openid_connect_client(web, tenant, arm):
    client_id, secret = web
    app = msal.ConfidentialClientApplication(
        client_id, client_credential=secret, oidc_authority=f"{login_host()}/{tenant}/v2.0"
    )
    answer = app.acquire_token_for_client([f"{arm.base}/.default"])
    assert claims_of(answer["access_token"])["appid"] == client_id
    assert 3600 <= answer["expires_in"] <= 4500


def test_wrong_password_tells_nothing_and_is_limited(graph, tenant):
    someone = graph.user()
    someone.password = "wrong"
    url = f"{login_host()}/{tenant}/oauth2/v2.0/authorize?{QUERY}"
    with pytest.raises(AssertionError, match="user name or password is not correct"):
        someone.open(url)
    nobody = Person("", "nobody@lazuli.localhost", "wrong")
    with pytest.raises(AssertionError, match="user name or password is not correct"):
        nobody.open(url)


def test_first_sign_in_changes_the_password(graph, tenant):
    someone = graph.user(must_change=True)
    answer = someone.browser.get(
        f"{login_host()}/{tenant}/oauth2/v2.0/authorize?{QUERY}", timeout=30
    )
    answer = someone.submit(answer.url, someone.page(answer).forms[0])
    assert "Choose a new password" in answer.text
    form = someone.page(answer).forms[0]
    fresh = someone.password + "2"
    wrong = someone.submit(answer.url, form, fresh=fresh, again="other")
    assert "differ" in someone.page(wrong).alert
    form = someone.page(wrong).forms[0]
    fields = {
        **form["fields"],
        "username": someone.name,
        "password": someone.password,
        "fresh": fresh,
        "again": fresh,
    }
    target = urllib.parse.urljoin(answer.url, form["action"])
    done = someone.browser.post(target, data=fields, timeout=30, allow_redirects=False)
    assert done.status_code == 303 and "code=" in done.headers["Location"]


def test_password_grant_is_off(person, tenant, arm):
    app = msal.PublicClientApplication(
        CLI, authority=f"{login_host()}/{tenant}", instance_discovery=False
    )
    answer = app.acquire_token_by_username_password(
        person.name, person.password, [f"{arm.base}/.default"]
    )
    assert answer["error"] == "unsupported_grant_type"


def test_disabled_application(graph, tenant, arm):
    application, principal = graph.application()
    secret = graph.secret(application)
    credential = ClientSecretCredential(
        tenant, application["appId"], secret, **authority_of(tenant)
    )
    token = credential.get_token(f"{arm.base}/.default").token
    graph("PATCH", f"/servicePrincipals/{principal['id']}", {"accountEnabled": False})
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000112"):
        credential.get_token("https://storage.azure.com/.default")
    refused = requests.get(
        f"{arm.base}/subscriptions",
        params={"api-version": "2022-12-01"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert refused.status_code == 401
