#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A route that does nothing, beside a bare epoll loop (the floor) in the same run.

The server has the first core, the load generator (wrk, closed loop, one thread) the second. The rounds are
interleaved; medians are shown. Server CPU per request is the firm figure; where the generator is the slower side,
requests per second say little about the server. Fails if the no-op route reaches less than 80 % of the floor.

usage: ./dev bench noop [--rounds N] [--seconds N] [--connections N]
"""
import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "release")
GOAL = 0.8


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(program):
    port = free_port()
    process = subprocess.Popen(["taskset", "-c", "0", os.path.join(BUILD, "bin", program), str(port)])
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            time.sleep(0.02)
    process.kill()
    sys.exit(f"{program} does not answer")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(process, url, options):
    before = cpu_seconds(process.pid)
    out = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency", url],
        capture_output=True, text=True, check=True).stdout
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
        "cpu": (cpu_seconds(process.pid) - before) * 1e6 / max(requests, 1),
        "p50": float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit],
    }


def report(results):
    print(f"{'':24}{'requests/s':>12}{'of floor':>10}{'CPU µs':>9}{'of floor':>10}{'p50 µs':>9}")
    median = {name: {key: statistics.median(one[key] for one in rows) for key in rows[0]}
              for name, rows in results.items()}
    floor = median["floor"]
    for name, row in median.items():
        print(f"{name:24}{row['rate']:12.0f}{row['rate'] / floor['rate']:10.0%}{row['cpu']:9.2f}"
              f"{floor['cpu'] / row['cpu']:10.0%}{row['p50']:9.0f}")
    return median["no-op, I/O thread"]["rate"] / floor["rate"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench_floor", "bench_noop"], check=True,
                   stdout=subprocess.DEVNULL)
    floor, floor_port = start("bench_floor")
    noop, noop_port = start("bench_noop")
    runs = {
        "floor": (floor, f"http://127.0.0.1:{floor_port}/"),
        "no-op, I/O thread": (noop, f"http://127.0.0.1:{noop_port}/"),
        "no-op, pool": (noop, f"http://127.0.0.1:{noop_port}/pool"),
        "no-op, I/O thread, TLS": (noop, f"https://127.0.0.1:{noop_port}/"),
    }
    results = {name: [] for name in runs}
    try:
        for _ in range(options.rounds):
            for name, (process, url) in runs.items():
                results[name].append(measure(process, url, options))
    finally:
        floor.kill()
        noop.kill()
    ratio = report(results)
    print(f"the no-op route reaches {ratio:.0%} of the floor; the goal is {GOAL:.0%}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
