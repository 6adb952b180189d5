#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scoring a small network (30-128-64-2, one row, JSON, key authentication) beside FastAPI and ONNX Runtime.

Both serve the same model bytes in the same run, over plain HTTP and over TLS, with 1, 16 and 64 connections. The
servers have the first core, the load generator (wrk, closed loop, one thread) the second. The rounds are interleaved;
medians are shown. Server CPU per request (user and system, children included) is the firm figure: it holds on a
busy machine.
The bare epoll loop of `./dev bench noop` runs along as the floor. Fails below the goal with 16 or 64 connections; with
one, each request wakes the server from sleep, which costs the floor as much as everybody: shown, not judged.

usage: ./dev bench score [--rounds N] [--seconds N] [--goal RATIO]
"""
import argparse
import contextlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common.endpoint import EndpointServer  # noqa: E402
from common import measure as common  # noqa: E402
from common.measure import BIN, ROOT, SERVER_CORE, median, on_core, wrk  # noqa: E402

CONNECTIONS = (1, 16, 64)
ROW = [round(((i * 37) % 101 - 50) / 20, 3) for i in range(30)]
BODY = json.dumps({"input_data": [ROW]})
SCRIPT = """wrk.method = "POST"
wrk.body = {body}
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
wrk.headers["Host"] = "{host}"
"""


class Peer:
    """FastAPI under uvicorn: one worker, uvloop, httptools. Plain and TLS need a process each."""

    def __init__(self, python, model, key, certificate=None):
        self.port, self.scheme = common.free_port(), "https" if certificate else "http"
        command = [python, "-m", "uvicorn", "app:app", "--app-dir", os.path.join(ROOT, "bench", "score"), "--port",
                   str(self.port), "--workers", "1", "--loop", "uvloop", "--http", "httptools", "--no-access-log",
                   "--log-level", "warning"]
        if certificate:
            command += ["--ssl-certfile", certificate, "--ssl-keyfile", certificate]
        with on_core(SERVER_CORE):
            self.process = subprocess.Popen(command, env={**os.environ, "BENCH_MODEL": model, "BENCH_KEY": key})
        common.wait_for_port(self.port, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def self_signed(folder):
    path = os.path.join(folder, "peer.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-keyout", path, "-out", path + ".crt"],
                   check=True, capture_output=True)
    with open(path, "a", encoding="ascii") as whole, open(path + ".crt", encoding="ascii") as certificate:
        whole.write(certificate.read())
    return path


def ask(url, host, key):
    request = urllib.request.Request(url, BODY.encode(), {
        "Content-Type": "application/json", "Authorization": f"Bearer {key}", "Host": host})
    with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as reply:  # noqa: S323
        return json.load(reply)["probabilities"]


def check_same(answers):
    first = answers[0]
    for other in answers[1:]:
        if max(abs(a - b) for a, b in zip(first[0], other[0])) > 1e-5:
            sys.exit(f"the servers disagree: {answers}")


def measure(targets, floor, options):
    results = {(name, line, count): [] for name, line in targets for count in CONNECTIONS}
    results.update({("floor", count): [] for count in CONNECTIONS})
    for _ in range(options.rounds):
        for count in CONNECTIONS:
            results["floor", count].append(wrk(floor[0].pid, f"http://127.0.0.1:{floor[1]}/", count, options.seconds))
            for (name, line), (pid, url, script) in targets.items():
                results[name, line, count].append(wrk(pid, url, count, options.seconds, script))
    return {key: median(rows) for key, rows in results.items()}


def show(name, count, row, ratio=""):
    print(f"{name:16}{count:12}{row['rate']:12.0f}{row['cpu']:9.1f}{row['p50']:9.0f}{row['p99']:9.0f}{ratio:>11}")


def report(results):
    print(f"{'':16}{'connections':>12}{'requests/s':>12}{'CPU µs':>9}{'p50 µs':>9}{'p99 µs':>9}{'CPU ratio':>11}")
    for count in CONNECTIONS:
        show("floor (no-op)", count, results["floor", count])
    worst = float("inf")
    for line in ("http", "https"):
        for count in CONNECTIONS:
            ours, theirs = results["lazuli", line, count], results["fastapi", line, count]
            ratio = theirs["cpu"] / ours["cpu"]
            worst = min(worst, ratio) if count > 1 else worst
            show("lazuli " + line, count, ours, f"{ratio:.1f}x")
            show("fastapi " + line, count, theirs)
    return worst


def write_script(folder, name, host, key):
    path = os.path.join(folder, name + ".lua")
    with open(path, "w", encoding="ascii") as file:
        file.write(SCRIPT.format(body=json.dumps(BODY), key=key, host=host))
    return path


def run(options, stack):
    home = subprocess.run([os.path.join(ROOT, "tools", "venv.sh"), "bench"], check=True, capture_output=True,
                          text=True).stdout.strip()
    python = os.path.join(home, "bin", "python")
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lazuli-bench-"))
    model = os.path.join(folder, "model.onnx")
    subprocess.run([python, os.path.join(ROOT, "bench", "score", "model.py"), model], check=True)
    server = stack.enter_context(EndpointServer())
    key = server.deploy(model)
    script = write_script(folder, "lazuli", server.endpoint_host, key)
    targets, certificate = {}, self_signed(folder)
    for line in ("http", "https"):
        targets["lazuli", line] = (server.pid, f"{line}://127.0.0.1:{server.port}/score", script)
        peer = Peer(python, model, key, certificate if line == "https" else None)
        stack.callback(peer.stop)
        theirs = write_script(folder, "peer-" + line, f"localhost:{peer.port}", key)
        targets["fastapi", line] = (peer.process.pid, f"{line}://127.0.0.1:{peer.port}/score", theirs)
    hosts = {"lazuli": server.endpoint_host, "fastapi": "localhost"}
    check_same([ask(url, hosts[name], key) for (name, _), (_, url, _) in targets.items()])
    floor = common.start_program("bench_floor")
    stack.callback(floor[0].kill)
    return report(measure(targets, floor, options))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--goal", type=float, default=5.0)
    options = parser.parse_args()
    subprocess.run(["cmake", "--build", os.path.dirname(BIN), "--target", "bench_floor"], check=True,
                   stdout=subprocess.DEVNULL)
    with contextlib.ExitStack() as stack:
        worst = run(options, stack)
    print(f"FastAPI takes at least {worst:.1f} times our CPU for a request; the goal is {options.goal:.0f} times")
    return 0 if worst >= options.goal else 1


if __name__ == "__main__":
    sys.exit(main())
