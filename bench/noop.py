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
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common.measure import BIN, median, start_program, wrk  # noqa: E402

GOAL = 0.8


def report(results):
    print(f"{'':24}{'requests/s':>12}{'of floor':>10}{'CPU µs':>9}{'of floor':>10}{'p50 µs':>9}")
    medians = {name: median(rows) for name, rows in results.items()}
    floor = medians["floor"]
    for name, row in medians.items():
        print(f"{name:24}{row['rate']:12.0f}{row['rate'] / floor['rate']:10.0%}{row['cpu']:9.2f}"
              f"{floor['cpu'] / row['cpu']:10.0%}{row['p50']:9.0f}")
    return medians["no-op, I/O thread"]["rate"] / floor["rate"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    subprocess.run(["cmake", "--build", os.path.dirname(BIN), "--target", "bench_floor", "bench_noop"], check=True,
                   stdout=subprocess.DEVNULL)
    floor, floor_port = start_program("bench_floor")
    noop, noop_port = start_program("bench_noop")
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
                results[name].append(wrk(process.pid, url, options.connections, options.seconds))
    finally:
        floor.kill()
        noop.kill()
    ratio = report(results)
    print(f"the no-op route reaches {ratio:.0%} of the floor; the goal is {GOAL:.0%}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
