# SPDX-License-Identifier: Apache-2.0
"""Two servers on one PostgreSQL: one is killed in the middle of its work, and the other finishes it."""

import json
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/wire")]

import postgres  # noqa: E402
import server  # noqa: E402

SUBNETS = 400
TAKEOVER_SECONDS_MAX = 8
WAIT_SECONDS_MAX = 120
OF_ONE_PROCESS = {"lock", "server.json", "node", "relay.sock", "audit", "compute"}
VERSION = "?api-version=2024-03-01"


class Node(server.Server):
    """A server on a PostgreSQL; `like` is the one whose keys and names it shares."""

    def __init__(self, conninfo, like=None):
        super().__init__(mint=None)
        self.conninfo, self.like = conninfo, like

    def launch(self):
        if self.like:
            self.data.mkdir(mode=0o700)
            for each in self.like.data.iterdir():
                if each.name in OF_ONE_PROCESS or each.is_socket():
                    continue
                (shutil.copytree if each.is_dir() else shutil.copy2)(each, self.data / each.name)
        self.process = subprocess.Popen(
            [server.BINARY, "serve", "--port", "0", "--data", self.data, "--database", self.conninfo],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def ask(self, method, target, body=None):
        raw = json.dumps(body).encode() if body is not None else b""
        credential = self.authorization("arm", method, target, [], raw)
        return self.send(method, "management", target, [("Authorization", credential)], raw)


class TwoNodes(unittest.TestCase):
    def setUp(self):
        self.database = postgres.Postgres(durable=True).__enter__()
        self.addCleanup(self.database.__exit__)
        self.first = Node(self.database.conninfo).__enter__()
        self.addCleanup(self.first.__exit__)
        self.second = Node(self.database.conninfo, self.first).__enter__()
        self.addCleanup(self.second.__exit__)

    def sql(self, statement):
        host = self.database.conninfo.split()[0].removeprefix("host=")
        psql = [str(postgres.find_binaries() / "psql"), "-h", host, "-U", "lazuli", "-d", "postgres", "-AtX", "-c"]
        done = subprocess.run([*psql, statement], capture_output=True, text=True, check=True)
        return [line.split("|") for line in done.stdout.splitlines()]

    def deployment(self, node, path):
        return json.loads(node.ask("GET", path + VERSION).body)["properties"]

    def wait_until(self, what, probe):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not probe():
            self.assertLess(time.monotonic(), deadline, what + "\n" + self.second.tail())
            time.sleep(0.02)

    def ended_steps(self):
        return int(self.sql("SELECT count(*) FROM workflow_journal WHERE event = 'StepEnded'")[0][0])

    def test_the_other_finishes_what_the_killed_one_began(self):
        path = self.first.names["group"] + "/providers/Microsoft.Resources/deployments/two"
        subnets = {"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "2023-11-01",
                   "name": "[concat('two/s', copyIndex())]", "dependsOn": ["two"],
                   "copy": {"name": "subnets", "count": SUBNETS, "mode": "serial"}, "properties": {}}
        template = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                    "contentVersion": "1.0.0.0",
                    "resources": [{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-11-01",
                                   "name": "two", "location": "local"}, subnets]}
        answer = self.first.ask("PUT", path + VERSION, {"properties": {"mode": "Incremental", "template": template}})
        self.assertEqual(answer.status, 201, answer.body)
        self.wait_until("a few steps", lambda: self.ended_steps() > 5)
        self.first.process.kill()
        self.first.process.wait()
        killed, before = time.monotonic(), self.ended_steps()
        self.assertLess(before, SUBNETS)
        self.wait_until("the takeover", lambda: self.ended_steps() > before)
        takeover = time.monotonic() - killed
        print(f"taken over after {takeover:.1f} s, with {before} of {SUBNETS + 2} steps done")
        self.assertLess(takeover, TAKEOVER_SECONDS_MAX)
        self.wait_until("its end", lambda: self.deployment(self.second, path)["provisioningState"] not in
                        ("Accepted", "Running"))
        self.assertEqual(self.deployment(self.second, path)["provisioningState"], "Succeeded")
        ends = self.sql("SELECT step, count(*) FROM workflow_journal WHERE event = 'StepEnded' GROUP BY step")
        self.assertEqual(len(ends), SUBNETS + 2)
        self.assertEqual({count for _, count in ends}, {"1"})


if __name__ == "__main__":
    unittest.main()
