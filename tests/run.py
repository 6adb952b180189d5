#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the test layers and adds up what they count. Called by ./test, which sets up and builds first.

A layer is a program. It prints its own lines, and one of them, the last of its kind, counts:
"N passed, N failed, N skipped". Three layers need more than that and have a function here: unit (the C++ test binary,
in parallel shards, beside a real PostgreSQL), style (quick, so it goes first) and sdk (pytest in the clients' own
environments). Every other layer is tests/LAYER/run.py. A layer that is not there counts nothing.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from postgres import Postgres
import s3

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
UNIT_BINARY = ROOT / "build/release/bin/lazuli_tests"
LAYERS = ("style", "unit", "wire", "hostile", "cli", "sdk", "fault")
SHARD_SECONDS_MAX = 300
LAYER_SECONDS_MAX = 3600
COUNT_LINE = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info|warn|error) ")
PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")

Count = collections.namedtuple("Count", "passed failed skipped")


def add(counts):
    return Count(*(sum(column) for column in zip(Count(0, 0, 0), *counts)))


def say(text):
    print(text, flush=True)


# --- a program as a layer ------------------------------------------------------------------------


def run_program(command, count_of_line, **options):
    """Runs it with its output passed on line by line; the count is that of the last line that has one."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", cwd=ROOT, start_new_session=True, **options)
    timer = threading.Timer(LAYER_SECONDS_MAX, os.killpg, (child.pid, signal.SIGKILL))
    timer.start()
    count = None
    try:
        for line in child.stdout:
            sys.stdout.write("  " + line)
            sys.stdout.flush()
            count = count_of_line(line.strip()) or count
        status = child.wait()
    finally:
        timer.cancel()
        stop_group(child.pid)
    if status != 0 and (count is None or count.failed == 0):
        say(f"  {command[0]} ended with status {status} without a failed test: counted as one")
        count = add([count or Count(0, 0, 0), Count(0, 1, 0)])
    return count or Count(0, 0, 0)


def stop_group(group):
    """Ends what a layer left running, so that nothing outlives the tests."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def plain_count(line):
    match = COUNT_LINE.match(line)
    return Count(*(int(number or 0) for number in match.groups())) if match else None


def pytest_count(line):
    if not re.fullmatch(r"=* ?\d+ .* in [\d.]+s.*", line):
        return None
    found = collections.Counter()
    for number, word in PYTEST_COUNT.findall(line):
        found[word.rstrip("s") if word.startswith("error") else word] += int(number)
    return Count(found["passed"] + found["xpassed"], found["failed"] + found["error"],
                 found["skipped"] + found["xfailed"])


def run_script(layer):
    script = TESTS / layer / "run.py"
    if not script.exists():
        say("  (not there yet)")
        return Count(0, 0, 0)
    return run_program([sys.executable, str(script)], plain_count)


# --- style ---------------------------------------------------------------------------------------


def run_style(_):
    return add([run_program([sys.executable, str(TESTS / "style" / name)], plain_count)
                for name in ("check_test.py", "check.py")])


# --- unit ----------------------------------------------------------------------------------------


def run_shard(index, total, folder, environment):
    """One slice of the test binary. What does not end well is a failed test, with its output shown."""
    report = folder / f"shard-{index}.json"
    log = UNIT_BINARY.parent.parent / f"unit-shard-{index}.log"
    command = [str(UNIT_BINARY), f"--gtest_output=json:{report}"]
    environment = dict(environment, GTEST_TOTAL_SHARDS=str(total), GTEST_SHARD_INDEX=str(index))
    with log.open("w") as sink, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink,
                                                 stderr=subprocess.STDOUT, env=environment, cwd=ROOT) as child:
        late = ""
        try:
            child.wait(SHARD_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            late = f"shard {index} did not end within {SHARD_SECONDS_MAX} s\n" + stacks(child.pid)
            child.kill()
    status, output = child.returncode, log.read_text(errors="replace") + late
    count = count_report(report)
    if status != 0:
        lines = [line for line in output.splitlines() if not LOG_LINE.match(line) and "[       OK ]" not in line]
        say("\n".join("  " + line[:500] for line in lines[-200:]))
        say(f"  (with the program's own log lines: build/release/unit-shard-{index}.log)")
        if count.failed == 0:
            say(f"  shard {index} of {total} ended with status {status}: counted as one failed test")
            count = add([count, Count(0, 1, 0)])
    return count


def stacks(pid):
    """Where each thread of a test that does not end stands, if there is a debugger to ask."""
    if not shutil.which("gdb"):
        return ""
    done = subprocess.run(["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt 12"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120)
    return "\n".join(line for line in done.stdout.splitlines() if line.startswith(("Thread", "#")))


def count_report(path):
    if not path.exists():
        return Count(0, 0, 0)
    counts = []
    for suite in json.loads(path.read_text())["testsuites"]:
        for test in suite["testsuite"]:
            failed = bool(test.get("failures"))
            skipped = test["result"] == "SKIPPED" or test["status"] == "NOTRUN"
            counts.append(Count(not failed and not skipped, failed, skipped and not failed))
    return add(counts)


def run_unit(_):
    if not UNIT_BINARY.exists():
        say("  (not there yet)")
        return Count(0, 0, 0)
    workers = os.cpu_count() or 2
    total = workers * 4  # more slices than workers: a slow one does not keep the others waiting
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lazuli-unit-"))
    try:
        with (Postgres() as postgres, s3.ObjectService() as objects,
              concurrent.futures.ThreadPoolExecutor(workers) as pool):
            environment = dict(os.environ, LAZULI_TEST_PG=postgres.conninfo, LAZULI_TEST_S3=objects.settings)
            count = add(pool.map(lambda index: run_shard(index, total, folder, environment), range(total)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("  {} passed, {} failed, {} skipped".format(*count))
    return count


# --- sdk -----------------------------------------------------------------------------------------


def venv(name):
    made = subprocess.run([str(ROOT / "tools/venv.sh"), name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, cwd=ROOT)
    if made.returncode != 0:
        raise RuntimeError(f"tools/venv.sh {name} failed")
    return pathlib.Path(made.stdout.strip())


def node_modules():
    made = subprocess.run([str(ROOT / "tools/node_modules.sh")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, cwd=ROOT)
    if made.returncode != 0:
        raise RuntimeError("tools/node_modules.sh failed")
    return made.stdout.strip()


def run_sdk(_):
    """pytest runs with the azureml-mlflow set of clients; tests start what must do without it in the 'mlflow' set."""
    folder = TESTS / "sdk"
    if not any(folder.glob("test_*.py")):
        say("  (not there yet)")
        return Count(0, 0, 0)
    home, plain, command_line = venv("azureml"), venv("mlflow"), venv("azurecli")
    venv("oidc")
    environment = dict(os.environ, PATH=f"{home}/bin:{os.environ['PATH']}", VIRTUAL_ENV=str(home),
                       LAZULI_PLAIN_PYTHON=str(plain / "bin/python"), LAZULI_AZURECLI=str(command_line),
                       LAZULI_NODE_MODULES=node_modules())
    command = [str(home / "bin/python"), "-m", "pytest", "-v", "-rfE", "--color=no", "-p", "no:cacheprovider",
               str(folder)]
    return run_program(command, pytest_count, env=environment)


# --- all -----------------------------------------------------------------------------------------


RUNNERS = {"style": run_style, "unit": run_unit, "sdk": run_sdk}


def run_layer(layer):
    say(f"=== {layer}")
    started = time.monotonic()
    try:
        count = RUNNERS.get(layer, run_script)(layer)
    except Exception as error:  # a layer that cannot even start is a failure, and the others still run
        say(f"  {layer}: {error}")
        count = Count(0, 1, 0)
    say("=== {}: {} ok, {} failed, {} skipped in {:.0f} s".format(layer, *count, time.monotonic() - started))
    return count


def main():
    parser = argparse.ArgumentParser(prog="./test", description="Runs all tests, or those of the named layers.")
    parser.add_argument("layers", nargs="*", metavar="LAYER", help=", ".join(LAYERS))
    layers = parser.parse_args().layers or LAYERS
    unknown = [layer for layer in layers if layer not in LAYERS]
    if unknown:
        parser.error(f"no such layer: {', '.join(unknown)} (there are: {', '.join(LAYERS)})")
    os.environ["LAZULI_BIN"] = str(ROOT / "build/release/bin/lazuli")
    # What keeps libraries from reporting home is Lazuli's own doing: nothing here may do it in its stead.
    for name in ("ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.pop(name, None)
    count = add([run_layer(layer) for layer in layers])
    if count.passed + count.failed == 0:
        say("no test ran")
    say("{} passed, {} failed, {} skipped".format(*count))
    sys.exit(1 if count.failed or not count.passed else 0)


if __name__ == "__main__":
    main()
