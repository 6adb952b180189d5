# SPDX-License-Identifier: Apache-2.0
"""YAML files that unfold, nest or mislead (yaml/*.yml), given to the command line: it refuses soon, in little memory.

A file's first line is a comment: "# expect: TEXT", what the message must say.
"""

import os
import pathlib
import resource
import subprocess
import time

import corpus
import server

HERE = pathlib.Path(__file__).resolve().parent
MEMORY_BYTES_MAX = 1 << 30
SECONDS_MAX = 10


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))


def submit(house, binary, path):
    """What is wrong with how `lazuli job create` takes the file; it holds the escapes and repeats of the corpora."""
    text = path.read_text()
    expected = text.partition("\n")[0].partition("# expect: ")[2]
    unfolded = house.folder / path.name
    unfolded.write_bytes(corpus.encode(text, lambda name: None))
    started = time.monotonic()
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    done = subprocess.run([binary, "job", "create", "--data", house.data, "-f", unfolded], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", env=environment, timeout=60,
                          preexec_fn=limit_memory)
    took = time.monotonic() - started
    if done.returncode <= 0 or not expected or expected not in done.stderr:
        return f"status {done.returncode}, '{expected}' expected: {done.stdout[-200:]} {done.stderr[-400:]}"
    return f"took {took:.0f} s" if took > SECONDS_MAX else None


def run(house, tally):
    for path in sorted((HERE / "yaml").glob("*.yml")):
        if tally.wants("yaml", path.stem):
            tally.check(f"yaml: {path.stem}", lambda: submit(house, server.BINARY, path))
