#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is left of the server when too much is asked of it.

1. Its peak for the properties of a blob container (bearer token, through a pool) and for a score, then twice as much,
   open loop: how much of the peak is still answered within a second, and how fast the rest is refused.
2. Scoring at a third of its peak, open loop, without and with many connections that never finish a request.

The server has the first core, the generators the second. Fails below 90 % of the peak, or if slow clients raise the
others' p99 by more than a half and two milliseconds.

usage: ./dev bench overload [--seconds N] [--slow CONNECTIONS]
"""
import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common.endpoint import EndpointServer  # noqa: E402
from common.measure import BIN, CLIENT_CORE, ROOT, on_core, wrk  # noqa: E402

BODY = json.dumps({"input_data": [[0.5] * 30]})
GOODPUT_GOAL = 0.9
OPEN_CONNECTIONS = 3000


class Load:
    """One request, as wrk and as the open-loop generator want it."""

    def __init__(self, folder, name, method, path, headers, body):
        self.name, self.path = name, path
        self.script, self.file = (os.path.join(folder, name + end) for end in (".lua", ".http"))
        with open(self.script, "w", encoding="ascii") as file:
            file.write(f'wrk.method = "{method}"\n' + "".join(
                f'wrk.headers["{key}"] = "{value}"\n' for key, value in headers.items()))
            if body:
                file.write(f"wrk.body = {json.dumps(body)}\n")
        fields = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        with open(self.file, "w", encoding="ascii", newline="") as file:
            file.write(f"{method} {path} HTTP/1.1\r\n{fields}{length}\r\n{body}")


def open_loop(port, load, rate, seconds, connections):
    out = subprocess.run(["taskset", "-c", str(CLIENT_CORE), os.path.join(BIN, "bench_open_loop"), str(port),
                          str(rate), str(seconds), str(connections), load.file],
                         check=True, capture_output=True, text=True).stdout.split()
    return {key: float(value) for key, value in zip(out[::2], out[1::2])}


def find_peak(server, load, seconds):
    """The most that is answered in time, offered ever more: from what a closed loop reaches until some is not."""
    offered = wrk(server.pid, f"http://127.0.0.1:{server.port}{load.path}", 64, seconds, load.script)["rate"]
    peak = 0
    while True:
        good = open_loop(server.port, load, offered, seconds, OPEN_CONNECTIONS)["ok"] / seconds
        peak = max(peak, good)
        if good < 0.95 * offered:
            return peak
        offered *= 1.3


def overload(server, load, seconds):
    peak = find_peak(server, load, seconds)
    row = open_loop(server.port, load, 2 * peak, seconds, OPEN_CONNECTIONS)
    good = row["ok"] / seconds
    print(f"{load.name:12}{peak:10.0f}{good:12.0f}{good / peak:9.0%}{row['refused'] / seconds:12.0f}"
          f"{row['refused_p99_us']:14.0f}{row['lost'] / seconds:10.0f}{row['late']:8.0f}{row['failed']:8.0f}")
    return good / peak, peak


def slow_clients(server, load, peak, options):
    rows = {}
    with contextlib.ExitStack() as stack:
        for label in ("alone", f"beside {options.slow} slow ones"):
            if label != "alone":
                with on_core(CLIENT_CORE):
                    crowd = subprocess.Popen([os.path.join(BIN, "bench_slow_clients"), str(server.port),
                                              str(options.slow)], stdout=subprocess.PIPE, text=True)
                stack.callback(crowd.wait)
                stack.callback(crowd.kill)
                if crowd.stdout.readline() != "ready\n":
                    sys.exit("the slow clients could not connect")
            row = open_loop(server.port, load, peak / 3, options.seconds, 64)
            rows[label] = row
            print(f"{label:28}{row['ok'] / options.seconds:10.0f}{row['ok_p50_us']:10.0f}{row['ok_p99_us']:10.0f}"
                  f"{row['failed'] + row['refused'] + row['late']:10.0f}")
    before, beside = rows.values()
    return beside["failed"] == 0 and beside["ok_p99_us"] <= 1.5 * before["ok_p99_us"] + 2000


def make_loads(folder, server, key):
    token = server.token("https://storage.azure.com")
    return (Load(folder, "read", "GET", "/azureml?restype=container",
                 {"Host": f"{server.host('blob')}:{server.port}", "Authorization": f"Bearer {token}",
                  "x-ms-version": "2025-11-05"}, ""),
            Load(folder, "score", "POST", "/score",
                 {"Host": server.endpoint_host, "Authorization": f"Bearer {key}", "Content-Type": "application/json"},
                 BODY))


def run(options, stack):
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lazuli-bench-"))
    home = subprocess.run([os.path.join(ROOT, "tools", "venv.sh"), "bench"], check=True, capture_output=True,
                          text=True).stdout.strip()
    model = os.path.join(folder, "model.onnx")
    subprocess.run([os.path.join(home, "bin", "python"), os.path.join(ROOT, "bench", "score", "model.py"), model],
                   check=True)
    server = stack.enter_context(EndpointServer())
    read, score = make_loads(folder, server, server.deploy(model))
    print(f"{'':12}{'peak/s':>10}{'good/s':>12}{'of peak':>9}{'refused/s':>12}{'in p99 µs':>14}{'lost/s':>10}"
          f"{'late':>8}{'failed':>8}")
    results = [overload(server, load, options.seconds) for load in (read, score)]
    print(f"\n{'scores':28}{'good/s':>10}{'p50 µs':>10}{'p99 µs':>10}{'not good':>10}")
    unharmed = slow_clients(server, score, results[1][1], options)
    return min(share for share, _ in results) >= GOODPUT_GOAL and unharmed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--slow", type=int, default=10000)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    subprocess.run(["cmake", "--build", os.path.dirname(BIN), "--target", "bench_open_loop", "bench_slow_clients"],
                   check=True, stdout=subprocess.DEVNULL)
    with contextlib.ExitStack() as stack:
        good = run(options, stack)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
