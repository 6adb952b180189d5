# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: cores, CPU time of a server with its children, and the load generator wrk."""
import contextlib
import os
import re
import socket
import statistics
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, "build", "release", "bin")
SERVER_CORE, CLIENT_CORE = 0, 1
UNITS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def on_core(core):
    """What is started inside runs on that core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wait_for_port(port, process, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nothing answers on port {port}")


def start_program(name, *arguments):
    """A program of the build on the server's core; its last argument is the port it gets."""
    port = free_port()
    with on_core(SERVER_CORE):
        process = subprocess.Popen([os.path.join(BIN, name), *arguments, str(port)])
    wait_for_port(port, process)
    return process, port


def _stat(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[1]), int(fields[11]) + int(fields[12])


def cpu_seconds(pid):
    """User and system time of a process and of all that descend from it."""
    parents, ticks = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(name)], ticks[int(name)] = _stat(name)
    family, grew = {pid}, True
    while grew:
        more = {child for child, parent in parents.items() if parent in family} - family
        family |= more
        grew = bool(more)
    return sum(ticks.get(one, 0) for one in family) / os.sysconf("SC_CLK_TCK")


def wrk(pid, url, connections, seconds, script=None):
    """One closed-loop round of wrk, one thread on the client's core; what the server spent meanwhile."""
    command = ["taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    before = cpu_seconds(pid)
    out = subprocess.run(command + (["-s", script] if script else []) + [url],
                         capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(pid) - before
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    if "Non-2xx" in out or "Socket errors" in out or requests == 0:
        raise RuntimeError(f"not every request was answered well:\n{out}")

    def quantile(percent):
        value, unit = re.search(percent + r"%\s+([\d.]+)(us|ms|s|m)", out).groups()
        return float(value) * UNITS[unit]

    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), "cpu": spent * 1e6 / requests,
            "p50": quantile("50"), "p99": quantile("99")}


def median(rows):
    return {key: statistics.median(row[key] for row in rows) for key in rows[0]}
