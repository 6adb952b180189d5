# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of the tests' own: in a temporary folder, reached by a unix socket alone, gone afterwards."""

import ctypes
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

START_SECONDS_MAX = 60
PR_SET_PDEATHSIG = 1


def find_binaries():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    if not folders:
        raise RuntimeError("PostgreSQL is not installed: run tools/setup.sh test")
    return pathlib.Path(folders[-1])


def unprivileged_user():
    """PostgreSQL refuses to run as root; the package brings a user for it."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is no user to run PostgreSQL as")


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


class Postgres:
    """`with Postgres() as server:` gives a running server; `server.conninfo` is what libpq takes.

    It does not wait for the disk, unless it is to be `durable`.
    """

    def __init__(self, durable=False):
        self._fsync = "on" if durable else "off"

    def __enter__(self):
        self._binaries = find_binaries()
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="lazuli-pg-"))
        self._server = None
        user = unprivileged_user()
        self._as_user = {}
        if user:
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._server:
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(20)
            except subprocess.TimeoutExpired:
                self._server.send_signal(signal.SIGQUIT)
                self._server.wait(20)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def conninfo(self):
        return f"host={self._folder} port=5432 user=lazuli dbname=postgres"

    def _run(self, *command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, cwd=self._folder, **self._as_user)
        if done.returncode != 0:
            raise RuntimeError(f"{os.path.basename(command[0])} failed:\n{done.stdout}")

    def _start(self):
        data, log = self._folder / "data", self._folder / "log"
        self._run(str(self._binaries / "initdb"), "-D", str(data), "-U", "lazuli", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")
        with open(log, "wb") as out:
            self._server = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(data), "-k", str(self._folder),
                 "-c", "listen_addresses=", "-c", f"fsync={self._fsync}", "-c", "max_connections=200"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self._folder, preexec_fn=die_with_parent,
                **self._as_user)
        deadline = time.monotonic() + START_SECONDS_MAX
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", str(self._folder)]
        while subprocess.run(ready, stdin=subprocess.DEVNULL).returncode != 0:
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not start:\n" + log.read_text(errors="replace"))
            time.sleep(0.05)


def main():
    """For programs: prints what libpq takes, and runs the server until standard input is closed.

    usage: postgres.py [--durable]
    """
    with Postgres(durable="--durable" in sys.argv[1:]) as server:
        print(server.conninfo, flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
