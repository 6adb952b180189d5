# SPDX-License-Identifier: Apache-2.0
"""The unmodified `az`, from its package in an environment of its own (tools/venv.sh azurecli)."""

import json
import os
import pathlib
import subprocess
import threading

from harness import ENVIRONMENT_BEFORE, REPOSITORY

SECONDS_MAX = 120


class AzFailed(AssertionError):
    """`az` ended with another status than 0; `output` is what it said on standard error."""

    def __init__(self, arguments, status, output):
        super().__init__(f"az {' '.join(arguments)}: exit {status}\n{output}")
        self.status = status
        self.output = output


def _environment():
    if named := os.environ.get("LAZULI_AZURECLI"):
        return pathlib.Path(named)
    made = subprocess.run(
        [REPOSITORY / "tools/venv.sh", "azurecli"],
        env=ENVIRONMENT_BEFORE,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return pathlib.Path(made.stdout.strip())


class AzureCli:
    """`az` with a configuration folder of its own; its clouds come from ARM_CLOUD_METADATA_URL.

        az("group", "list")                  the parsed JSON, or None where az prints nothing
        az("group", "delete", ok=False)      AzFailed is returned instead of raised
    """

    def __init__(self, folder, variables):
        self.program = _environment() / "bin" / "az"
        self.variables = {
            **ENVIRONMENT_BEFORE,
            **variables,
            "AZURE_CONFIG_DIR": str(folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_NO_COLOR": "true",
            # A tenant with a GUID otherwise makes msal ask the public cloud which authorities exist.
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "false",
            "AZURE_CORE_ENCRYPT_TOKEN_CACHE": "false",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        }
        for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
            self.variables.pop(name, None)
        self("cloud", "set", "--name", "Lazuli")

    def __call__(self, *arguments, ok=True, input=None, env=None):
        command = [self.program, *arguments, "--only-show-errors", "--output", "json"]
        done = subprocess.run(
            [str(part) for part in command],
            env={**self.variables, **(env or {})},
            input=input,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            failed = AzFailed([str(part) for part in arguments], done.returncode, done.stderr)
            if ok:
                raise failed
            return failed
        if not ok:
            raise AssertionError(f"az {arguments} succeeded: {done.stdout}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def converse(self, *arguments, listener=None, env=None):
        """`az` for what a person has to do meanwhile: listener(line) gets what it says on standard error."""
        command = [self.program, *arguments, "--output", "json"]
        child = subprocess.Popen(
            [str(part) for part in command],
            env={**self.variables, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        timer = threading.Timer(SECONDS_MAX, child.kill)
        timer.start()
        said = []
        try:
            for line in child.stderr:
                said.append(line)
                if listener:
                    listener(line)
            output = child.stdout.read()
            if child.wait() != 0:
                raise AzFailed([str(part) for part in arguments], child.returncode, "".join(said))
            return json.loads(output) if output.strip() else None
        finally:
            timer.cancel()
            child.kill()
            child.wait()

    def expire_tokens(self):
        """Makes the cache say that all access tokens have ended: the next command needs new ones."""
        file = pathlib.Path(self.variables["AZURE_CONFIG_DIR"]) / "msal_token_cache.json"
        cache = json.loads(file.read_text())
        for token in cache["AccessToken"].values():
            token["expires_on"] = token["extended_expires_on"] = "1"
        file.write_text(json.dumps(cache))

    def login(self, client_id, secret, tenant):
        return self(
            "login", "--service-principal", "-u", client_id, "-p", secret, "--tenant", tenant
        )  # fmt: skip
