#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the wire tests: text files of requests and expected answers, against the real server.

Each request of the .http files below this folder is one test; README.md says how they are written. Arguments: files
to run instead of all. The last line is "N passed, N failed, N skipped".
"""

import concurrent.futures
import pathlib
import sys

import matrix
import rights
import script
import server

HERE = pathlib.Path(__file__).resolve().parent
WORKERS = 8


def run_file(running, path):
    """(requests, failures as text) of one file. Each request is a test."""
    try:
        return len(script.parse(path)), script.run(running, path)
    except Exception as error:  # a broken file is a failed test, not the end of the others
        return 1, [f"{path}: {type(error).__name__}: {error}"]


def self_test(running):
    """The runner must see what is wrong: each request of must_fail.http has to fail."""
    path = HERE / "must_fail.http"
    requests = script.parse(path)
    failures = script.run(running, path)
    return [] if len(failures) == len(requests) else [f"{path}: only {len(failures)} of {len(requests)} failed"]


def main():
    files = [pathlib.Path(name).resolve() for name in sys.argv[1:]] or sorted(HERE.glob("*/**/*.http"))
    passed = failed = 0
    with server.Server() as running:
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for requests, failures in pool.map(lambda path: run_file(running, path), files):
                print("".join(failure + "\n" for failure in failures), end="")
                failed, passed = failed + len(failures), passed + requests - len(failures)
        if not sys.argv[1:]:
            for failures in (self_test(running), running.leaks()):
                print("".join(failure + "\n" for failure in failures), end="")
                failed, passed = failed + bool(failures), passed + (not failures)
        if failed:
            print(running.tail())
    if not sys.argv[1:]:
        for part in (matrix, rights):
            asked, failures = part.check()
            print("".join(failure + "\n" for failure in failures), end="")
            failed, passed = failed + len(failures), passed + asked - len(failures)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
