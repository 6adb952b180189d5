#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feeds the real server what attackers send. The last line is "N passed, N failed, N skipped".

usage: run.py [NAME…]       NAME: part of a corpus's or a case's name
"""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "wire"))
sys.path.insert(0, str(HERE))

import corpus  # noqa: E402
import jwt_attacks  # noqa: E402
import server  # noqa: E402
import ssrf_attacks  # noqa: E402
import talk  # noqa: E402
import yaml_attacks  # noqa: E402

GROWTH_MIB_MAX = 64    # what the server may hold on to after all of it
PEAK_MIB_MAX = 400     # and what it may need meanwhile
CASE_SECONDS_MAX = 20


class Tally:
    def __init__(self, wanted):
        self.wanted, self.passed, self.failures = wanted, 0, []

    def wants(self, group, name):
        return not self.wanted or any(word in f"{group} {name}" for word in self.wanted)

    def check(self, name, test):
        started = time.monotonic()
        try:
            problem = test()
        except (talk.Garbled, OSError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
        if not problem and time.monotonic() - started > CASE_SECONDS_MAX:
            problem = f"took {time.monotonic() - started:.0f} s"
        if problem:
            self.failures.append(f"{name}: {problem}")
            print(f"FAILED {self.failures[-1]}", flush=True)
        else:
            self.passed += 1


def fields_of(house):
    def field(name):
        word, _, rest = name.partition(" ")
        if word == "bearer":
            return house.authorization(rest, "", "", [], b"")[len("Bearer "):]
        if word in ("management", "login", "api", "blob", "graph"):
            return f"{house.host(word)}:{house.port}"
        if word == "plain":
            return f"{house.domain}:{house.port}"
        return house.names.get(name)
    return field


def play(house, case, in_pieces):
    """What is wrong with the server's answers to a case; None when nothing is."""
    data = case.payload(fields_of(house))
    methods = [data.split(b" ", 1)[0].decode("latin-1")] * len(case.statuses)
    with talk.Line(house, case.via) as line:
        line.send(data, in_pieces)
        body = b""
        for expected, method in zip(case.statuses, methods):
            answer = line.answer(method)
            if answer is None:
                return f"no answer where {expected} was expected"
            body = answer[2]
            if answer[0] != expected:
                return f"{answer[0]} where {expected} was expected: {body[:300]!r}"
        for text in case.texts:
            if text.encode() not in body:
                return f"the answer lacks '{text}': {body[:300]!r}"
        return check_ending(line, case, house)


def check_ending(line, case, house):
    if case.ending == "ended":
        return None if line.is_closed() or line.ended else "not closed"
    if case.ending == "closed":
        return None if line.is_closed() else f"not closed in silence: {line.received[:200]!r}"
    if not line.is_quiet():
        return f"{'closed' if line.ended else 'another answer'} where silence was expected: {line.received[:200]!r}"
    if case.ending == "open" and "CONNECT" not in case.name:
        line.send(f"GET /health HTTP/1.1\r\nHost: {house.domain}:{house.port}\r\n\r\n".encode())
        answer = line.answer("GET")
        if answer is None or answer[0] != 200:
            return f"the next request on the connection got {answer and answer[0]}"
    return None


def memory_mib(house, name):
    for line in pathlib.Path(f"/proc/{house.process.pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no {name}")


def is_up(house):
    if house.process.poll() is not None:
        return f"the server ended with {house.process.returncode}\n{house.tail()}"
    started = time.monotonic()
    answer = house.send("GET", "plain", "/health", [], b"")
    took = time.monotonic() - started
    return None if answer.status == 200 and took < 2 else f"/health: {answer.status} in {took:.1f} s"


def run_http(house, tally):
    for path in sorted((HERE / "http").glob("*.txt")):
        for case in corpus.read(path):
            if not tally.wants(path.stem, case.name):
                continue
            name = f"{path.name}:{case.line} {case.name}"
            tally.check(name, lambda: play(house, case, False))
            if not case.once:
                tally.check(name + " (in pieces)", lambda: play(house, case, True))
        tally.check(f"after {path.name}: the server is up", lambda: is_up(house))


def main():
    tally = Tally(sys.argv[1:])
    with server.Server() as house:
        is_up(house)
        before = memory_mib(house, "VmRSS")
        run_http(house, tally)
        jwt_attacks.run(house, tally)
        yaml_attacks.run(house, tally)
        tally.check("the server is up in the end", lambda: is_up(house))
        after, peak = memory_mib(house, "VmRSS"), memory_mib(house, "VmHWM")
        print(f"memory: {before:.0f} MiB before, {after:.0f} MiB after, {peak:.0f} MiB at most")
        tally.check("memory stays bounded", lambda: None if after - before < GROWTH_MIB_MAX and peak < PEAK_MIB_MAX
                    else f"{before:.0f} MiB before, {after:.0f} after, {peak:.0f} at most")
    ssrf_attacks.run(tally)
    print(f"{tally.passed} passed, {len(tally.failures)} failed, 0 skipped")
    sys.exit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
