#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the chain costs: authentication by bearer token, authorization and all else, before a handler that does nothing.

Compared in one run: a no-op route of the bare HTTP server; a route of the chain that asks for no credential; and one
that asks for a token and a right. All get the same head, token included, on 16 connections; the rounds are interleaved.
Fails if the whole chain takes more CPU than the goal beyond the no-op route.

usage: ./dev bench chain [--rounds N] [--seconds N] [--goal MICROSECONDS]
"""
import argparse
import contextlib
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common.measure import BIN, SERVER_CORE, free_port, median, on_core, start_program, wait_for_port, wrk  # noqa: E402

SCRIPT = """wrk.headers["Authorization"] = "Bearer {token}"
wrk.headers["Host"] = "local.api.ml.azure.lazuli.localhost:{port}"
"""


def start_chain(stack):
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lazuli-bench-"))
    port = free_port()
    with on_core(SERVER_CORE):
        process = subprocess.Popen([os.path.join(BIN, "bench_chain"), os.path.join(folder, "data"), str(port)],
                                   stdout=subprocess.PIPE, text=True)
    stack.callback(process.wait)
    stack.callback(process.kill)
    subscription, token = process.stdout.readline().split()
    wait_for_port(port, process)
    script = os.path.join(folder, "token.lua")
    with open(script, "w", encoding="ascii") as file:
        file.write(SCRIPT.format(token=token, port=port))
    return process, f"http://127.0.0.1:{port}", subscription, script


def measure(options, stack):
    process, base, subscription, script = start_chain(stack)
    noop, port = start_program("bench_noop")
    stack.callback(noop.kill)
    runs = {
        "no-op, bare server": (noop, f"http://127.0.0.1:{port}/"),
        "chain, anonymous": (process, base + "/noop"),
        "chain, bearer token": (process, f"{base}/subscriptions/{subscription}/noop"),
    }
    results = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, (server, url) in runs.items():
            results[name].append(wrk(server.pid, url, 16, options.seconds, script))
    return {name: median(rows) for name, rows in results.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--goal", type=float, default=6.0)
    options = parser.parse_args()
    subprocess.run(["cmake", "--build", os.path.dirname(BIN), "--target", "bench_chain", "bench_noop"], check=True,
                   stdout=subprocess.DEVNULL)
    with contextlib.ExitStack() as stack:
        results = measure(options, stack)
    print(f"{'':24}{'requests/s':>12}{'CPU µs':>9}{'p50 µs':>9}{'p99 µs':>9}")
    for name, row in results.items():
        print(f"{name:24}{row['rate']:12.0f}{row['cpu']:9.2f}{row['p50']:9.0f}{row['p99']:9.0f}")
    cost = results["chain, bearer token"]["cpu"] - results["no-op, bare server"]["cpu"]
    print(f"the chain with a bearer token costs {cost:.1f} µs CPU over the no-op route; the goal is {options.goal:.0f}")
    return 0 if cost <= options.goal else 1


if __name__ == "__main__":
    sys.exit(main())
