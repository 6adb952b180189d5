# SPDX-License-Identifier: Apache-2.0
"""`lazuli env` in a shell: the clients work, and so does everything else."""

import ssl
import subprocess
import sys

import pytest

from harness import BINARY, ENVIRONMENT_BEFORE
from package_index import PackageIndex

NAMES = """
ARM_CLOUD_METADATA_URL AZURE_AUTHORITY_HOST AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET
REQUESTS_CA_BUNDLE SSL_CERT_FILE NODE_EXTRA_CA_CERTS CURL_CA_BUNDLE NO_PROXY no_proxy
MLFLOW_TRACKING_URI MLFLOW_TRACKING_TOKEN AZURE_STORAGE_CONNECTION_STRING AZURE_SUBSCRIPTION_ID
AZURE_RESOURCE_GROUP AZUREML_WORKSPACE_NAME ORT_DISABLE_TELEMETRY MLFLOW_DISABLE_TELEMETRY
""".split()

GET_WORKSPACE = """
import os
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
client = MLClient(DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"],
                  os.environ["AZURE_RESOURCE_GROUP"], os.environ["AZUREML_WORKSPACE_NAME"])
print("workspace", client.workspaces.get(client.workspace_name).name)
"""


@pytest.fixture(scope="module")
def package_index(tmp_path_factory):
    with PackageIndex(tmp_path_factory.mktemp("index")) as index:
        yield index


@pytest.fixture(scope="module")
def pip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pip") / "venv"
    subprocess.run(["/usr/bin/python3", "-m", "venv", folder], env=ENVIRONMENT_BEFORE, check=True, timeout=300)
    return folder / "bin/pip"


def shell(server, script, *arguments, **variables):
    """Runs `script` in bash after eval "$(lazuli env …)"."""
    line = " ".join([f"'{BINARY}'", "env", "--data", f"'{server.data}'", *arguments])
    return subprocess.run(
        ["bash", "-c", f'set -e; eval "$({line})"\n{script}'],
        env={**ENVIRONMENT_BEFORE, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_json_has_every_name(server):
    assert set(NAMES) <= set(server.env())


def test_shell_has_the_same(server):
    done = shell(server, "env")
    assert done.returncode == 0, done.stderr
    printed = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    told = server.env()
    for name in NAMES:
        if name != "MLFLOW_TRACKING_TOKEN":  # a new one each time
            assert printed[name] == told[name], name


@pytest.mark.parametrize("arguments", [[], ["--proxy"]])
def test_client_in_a_shell(server, arguments):
    done = shell(server, f"'{sys.executable}' -c '{GET_WORKSPACE}'", *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "workspace" in done.stdout


def test_client_where_no_proxy_names_localhost(server):
    """NO_PROXY=localhost matches every *.localhost by suffix: proxy mode has to drop it."""
    done = shell(
        server,
        f"echo \"$NO_PROXY\"; '{sys.executable}' -c '{GET_WORKSPACE}'",
        "--proxy",
        NO_PROXY="localhost,kept.example",
        no_proxy="localhost,kept.example",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    entries = done.stdout.splitlines()[0].split(",")
    assert "kept.example" in entries and "localhost" not in entries


@pytest.mark.parametrize("arguments", [[], ["--proxy"]])
@pytest.mark.parametrize("configured_by", ["variable", "file"])
def test_pip_still_works(server, pip, package_index, configured_by, arguments, tmp_path):
    """From an index where our proxy may not go: on a private address."""
    variables = {"PIP_CERT": str(package_index.certificate), "PIP_FIND_LINKS": ""}
    if configured_by == "variable":
        variables["PIP_INDEX_URL"] = package_index.url
    else:
        variables["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
        (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {package_index.url}\n")
    variables |= dict.fromkeys(("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"), "")
    download = f"'{pip}' download --no-deps --no-cache-dir -qd '{tmp_path}' probe==1.0"
    done = shell(server, f'{download}; echo "proxy=$HTTPS_PROXY"', *arguments, **variables)
    assert done.returncode == 0, done.stderr
    assert not arguments or "proxy=http://127.0.0.1" in done.stdout
    assert list(tmp_path.glob("probe-1.0*.whl"))


def test_bundles_keep_what_was_named(server, tmp_path):
    """The bundle that the variable named before is part of the one it names now."""
    mine = tmp_path / "mine.pem"
    mine.write_text(
        ssl.DER_cert_to_PEM_cert(ssl.create_default_context().get_ca_certs(True)[0])
        if ssl.create_default_context().get_ca_certs(True)
        else open(ssl.get_default_verify_paths().cafile).read()
    )
    done = shell(
        server, 'cat "$REQUESTS_CA_BUNDLE"', REQUESTS_CA_BUNDLE=str(mine), SSL_CERT_FILE=str(mine)
    )
    assert done.returncode == 0, done.stderr
    body = mine.read_text().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0].strip()
    assert body in done.stdout
    assert done.stdout.count("BEGIN CERTIFICATE") > 1


def test_env_twice_is_stable(server):
    done = shell(
        server, 'eval "$(' + f"'{BINARY}' env --data '{server.data}'" + ')"; echo "$NO_PROXY"'
    )
    assert done.returncode == 0, done.stderr
    entries = [entry for entry in done.stdout.strip().split(",") if entry]
    assert len(entries) == len(set(entries))


def test_nothing_answers(server, tmp_path):
    done = subprocess.run(
        [BINARY, "env", "--data", tmp_path / "empty"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "lazuli up" in done.stderr + done.stdout or "lazuli serve" in done.stderr


def test_proxy_refuses_private_and_metadata_addresses(server):
    """CONNECT to what is not ours: never to the metadata service or a private address."""
    proxy = server.env("--proxy")["HTTPS_PROXY"]
    for target in ("169.254.169.254:443", "10.0.0.1:443", "192.168.0.1:443", "[fd00::1]:443"):
        done = subprocess.run(
            ["curl", "-sS", "-m", "10", "-o", "/dev/null", "-x", proxy, f"https://{target}/"],
            env={
                key: value
                for key, value in ENVIRONMENT_BEFORE.items()
                if "proxy" not in key.lower()
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert "403" in done.stderr, done.stderr


def test_data_folder_is_private(server):
    assert server.data.stat().st_mode & 0o077 == 0
