# SPDX-License-Identifier: Apache-2.0
"""An object service of the tests' own: SeaweedFS with one bucket, in a temporary folder, gone afterwards."""

import ctypes
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
START_SECONDS_MAX = 60
PR_SET_PDEATHSIG = 1
BUCKET, ACCESS_KEY, SECRET_KEY = "bytes", "lazuli-test", "lazuli-test-secret"


def find_binary():
    """The server, from its package in an environment of its own (tools/venv.sh seaweedfs)."""
    found = subprocess.run([str(ROOT / "tools/venv.sh"), "seaweedfs"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, text=True, check=True)
    return str(pathlib.Path(found.stdout.strip()) / "bin/weed")


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_ports(count):
    """SeaweedFS adds 10,000 to each for gRPC, unless told otherwise."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class ObjectService:
    """`with ObjectService() as service:` gives a running one; `service.settings` is what LAZULI_TEST_S3 holds."""

    def __enter__(self):
        self._binary = find_binary()
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="lazuli-s3-"))
        self._server = None
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._server:
            self._server.terminate()
            try:
                self._server.wait(20)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def settings(self):
        return f"http://127.0.0.1:{self._port} {BUCKET} {ACCESS_KEY} {SECRET_KEY}"

    def _start(self):
        names = ("master", "volume", "filer", "s3")
        ports = free_ports(2 * len(names))
        self._port = ports[3]
        config = self._folder / "s3.json"
        config.write_text(json.dumps({"identities": [{
            "name": "test", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}))
        flags = [f"-{name}.port{suffix}={port}" for (name, suffix), port in
                 zip([(name, suffix) for suffix in ("", ".grpc") for name in names], ports)]
        self._log = self._folder / "log"
        with open(self._log, "wb") as out:
            self._server = subprocess.Popen(
                [self._binary, "server", "-ip=127.0.0.1", f"-dir={self._folder}", "-s3", f"-s3.config={config}",
                 "-volume.max=20", "-master.volumeSizeLimitMB=64"] + flags,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self._folder, preexec_fn=die_with_parent)
        self._make_bucket(ports[0], ports[4])

    def _make_bucket(self, master, master_grpc):
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            made = subprocess.run([self._binary, "shell", f"-master=127.0.0.1:{master}.{master_grpc}"],
                                  input=f"s3.bucket.create -name {BUCKET}\ns3.bucket.list\n", stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, cwd=self._folder, timeout=START_SECONDS_MAX)
            if f"{BUCKET}\t" in made.stdout or f"  {BUCKET}" in made.stdout:
                return
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("SeaweedFS did not start:\n" + made.stdout
                                   + self._log.read_text(errors="replace")[-3000:])
            time.sleep(0.5)


def main():
    """For programs: prints the settings, and runs the service until standard input is closed."""
    with ObjectService() as service:
        print(service.settings, flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
