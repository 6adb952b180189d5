# SPDX-License-Identifier: Apache-2.0
"""One server for the whole session, configured in this process as `lazuli env` says.

The variables are set before a test module is imported, since the clients read some at import.
"""

import os

import pytest

import harness
import wiretap

SERVER = pytest.StashKey[harness.Server]()


def pytest_sessionstart(session):
    if session.config.option.collectonly:
        return
    server = harness.Server()
    session.config.stash[SERVER] = server
    try:
        server.start()
        os.environ.update(server.env())
        wiretap.install()
    except Exception as error:
        server.stop()
        pytest.exit(f"cannot start the server: {error}", returncode=3)


def pytest_sessionfinish(session):
    server = session.config.stash.get(SERVER, None)
    if server is not None:
        server.stop()


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    server = config.stash.get(SERVER, None)
    if server is None:
        return
    if exitstatus != 0:
        terminalreporter.section("last lines of the server")
        terminalreporter.write_line(server.tail())
    if exitstatus == 0 or not os.environ.get("LAZULI_SDK_KEEP"):
        server.remove()
    else:
        terminalreporter.write_line(f"kept: {server.base}")


def pytest_runtest_setup(item):
    wiretap.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.sections.append(("last requests", wiretap.last()))
    return report


@pytest.fixture(scope="session")
def server(pytestconfig):
    return pytestconfig.stash[SERVER]


@pytest.fixture(scope="session")
def scope():
    """The ARM path of the workspace."""
    return (
        f"/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}"
        f"/resourceGroups/{os.environ['AZURE_RESOURCE_GROUP']}"
        "/providers/Microsoft.MachineLearningServices"
        f"/workspaces/{os.environ['AZUREML_WORKSPACE_NAME']}"
    )


@pytest.fixture(scope="session")
def credential():
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


@pytest.fixture(scope="session")
def client(credential):
    from azure.ai.ml import MLClient

    return MLClient(
        credential,
        os.environ["AZURE_SUBSCRIPTION_ID"],
        os.environ["AZURE_RESOURCE_GROUP"],
        os.environ["AZUREML_WORKSPACE_NAME"],
    )


@pytest.fixture(scope="session")
def bare_environment():
    """An environment with nothing but Python: no package has to be installed."""
    from azure.ai.ml.entities import Environment

    return Environment(
        name="bare",
        version="1",
        image="mcr.microsoft.com/azureml/minimal-ubuntu22.04-py311-cpu-inference",
    )


@pytest.fixture(scope="session")
def arm(credential, scope):
    """Sends a raw request to ARM as the session's principal: arm("GET", "/jobs")."""
    import requests

    base = os.environ["ARM_CLOUD_METADATA_URL"].split("/metadata/")[0]
    token = credential.get_token(f"{base}/.default").token

    def send(method, path, **options):
        url = path if path.startswith("https:") else base + scope + path
        options.setdefault("params", {"api-version": "2024-01-01-preview"})
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return requests.request(method, url, headers=headers, timeout=60, **options)

    send.scope = scope
    send.base = base
    send.token = token
    return send


def _azure_cli(server, folder):
    from azure_cli import AzureCli

    variables = {name: value for name, value in os.environ.items() if name in server.env()}
    az = AzureCli(folder, variables)
    az.tenant = server.tenant()
    return az


@pytest.fixture(scope="session")
def az(server, tmp_path_factory):
    """`az`, signed in as the session's principal: az("group", "list") is the parsed JSON."""
    az = _azure_cli(server, tmp_path_factory.mktemp("azure"))
    az.login(os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"], az.tenant)
    return az


@pytest.fixture
def az_signed_out(server, tmp_path):
    """`az` that nobody has signed in to; `az_signed_out.tenant` is the tenant's id."""
    return _azure_cli(server, tmp_path / "azure")
