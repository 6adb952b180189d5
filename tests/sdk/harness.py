# SPDX-License-Identifier: Apache-2.0
"""Starts a real `lazuli serve` for a test session and waits for what it does."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "breast_cancer"
BINARY = pathlib.Path(os.environ.get("LAZULI_BIN", REPOSITORY / "build/release/bin/lazuli"))
ENVIRONMENT_BEFORE = dict(os.environ)  # as it was when nothing of the server was set yet
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30


def plain_python():
    """The interpreter of the environment without azureml-mlflow."""
    if named := os.environ.get("LAZULI_PLAIN_PYTHON"):
        return pathlib.Path(named)
    made = subprocess.run(
        [REPOSITORY / "tools/venv.sh", "mlflow"],
        env=ENVIRONMENT_BEFORE,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return pathlib.Path(made.stdout.strip()) / "bin/python"


class Server:
    """One server with a data folder of its own; everything it prints is kept in `log`."""

    def __init__(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="lazuli-sdk-"))
        self.data = self.base / "data"
        self.log = self.base / "server.log"
        self.process = None

    def start(self):
        if not BINARY.exists():
            raise RuntimeError(f"{BINARY} is missing: build it first (./dev build)")
        command = [BINARY, "serve", "--data", self.data]
        if port := os.environ.get("LAZULI_SDK_PORT"):
            command += ["--port", port]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(
                    f"the server ended with {self.process.returncode}\n{self.tail()}"
                )
            if (self.data / "server.json").exists() and self.cli(
                "status", check=False
            ).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server was not ready in {START_SECONDS_MAX} s\n{self.tail()}")

    def cli(self, *arguments, check=True, env=None, timeout=120):
        command = [BINARY, *arguments, "--data", self.data]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=env or ENVIRONMENT_BEFORE,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def env(self, *arguments):
        return json.loads(self.cli("env", "--json", *arguments).stdout)

    def tenant(self):
        """The tenant's id (`env` names the authority "adfs" instead)."""
        return json.loads((self.data / "installation.json").read_text())["tenantId"]

    def tail(self, lines=60):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(
                f"the server did not stop in {STOP_SECONDS_MAX} s\n{self.tail()}"
            ) from None

    def remove(self):
        shutil.rmtree(self.base, ignore_errors=True)


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def running_commands():
    """The command lines of all processes of this machine, those in sandboxes too, as one text."""
    lines = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            pass  # it has just ended
    return "\n".join(lines)


def wait_for(what, probe, seconds_max=60, pause_seconds=0.1):
    """Calls `probe` until it answers something true, and returns that."""
    deadline = time.monotonic() + seconds_max
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds_max} s (last answer {answer!r})")
        time.sleep(pause_seconds)


TERMINAL = {"Completed", "Failed", "Canceled", "NotResponding"}


def wait_for_job(client, name, seconds_max=120):
    def finished():
        job = client.jobs.get(name)
        return job if job.status in TERMINAL else None

    return wait_for(f"job {name} to end", finished, seconds_max)


def write_tree(root, files):
    """Writes {relative path: text or bytes} below `root` and returns `root`."""
    for name, content in files.items():
        path = pathlib.Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return pathlib.Path(root)
