#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the server where it hurts and looks at what is there afterwards; looks for telemetry.

The last line is "N passed, N failed, N skipped".
"""

import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/wire"))

import crowd  # noqa: E402
import nodes  # noqa: E402
import onnx_identity  # noqa: E402
import server  # noqa: E402

UPLOAD_ROUNDS = 4
WRITERS = 8
WAIT_SECONDS_MAX = 90


class Crashable(server.Server):
    """A server that can be killed and started again on the same data."""

    def kill(self):
        self.process.kill()
        self.process.wait()
        (self.data / "server.json").unlink(missing_ok=True)

    def start_again(self):
        self.tokens.clear()
        self.launch()
        self._wait()

    def call(self, method, host, target, body=None, auth="arm", headers=()):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        credential = self.authorization(auth, method, target, list(headers), raw)
        return self.send(method, host, target, [*headers, ("Authorization", credential)], raw)

    def json(self, method, target, body=None):
        answer = self.call(method, "management", self.names["ws"] + target, body)
        if answer.status >= 300:
            raise AssertionError(f"{method} {target}: {answer.status} {answer.body.decode()}")
        return json.loads(answer.body)

    def wait_for_job(self, name):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            job = self.json("GET", f"/jobs/{name}")
            if job["properties"]["status"] in ("Completed", "Failed", "Canceled"):
                return job
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} is still {job['properties']['status']}\n{self.tail()}")
            time.sleep(0.1)

    def log_of(self, name):
        answer = self.call("GET", "blob", f"/azureml/ExperimentRun/dcid.{name}/user_logs/std_log.txt", auth="storage",
                           headers=[("x-ms-version", "2025-11-05")])
        return answer.body.decode()


class Kill(unittest.TestCase):
    def setUp(self):
        self.server = Crashable().__enter__()
        self.addCleanup(self.server.__exit__)
        self.server.json("PUT", "/environments/bare/versions/1", {"properties": {"image": "bare"}})

    def test_no_acknowledged_upload_is_lost(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}")
        chance = random.Random(seed)
        version = [("x-ms-version", "2025-11-05")]
        self.server.call("PUT", "blob", "/crash?restype=container", auth="storage", headers=version)
        acknowledged, lock = {}, threading.Lock()

        def write(worker, round_number):
            try:
                for number in range(10**6):
                    name = f"{round_number}-{worker}-{number}"
                    content = hashlib.sha256(name.encode()).digest() * (1 + (worker * 37 + number) % 300)
                    answer = self.server.call("PUT", "blob", f"/crash/{name}", content, "storage",
                                              [*version, ("x-ms-blob-type", "BlockBlob")])
                    if answer.status == 201:
                        with lock:
                            acknowledged[name] = content
            except Exception:
                return  # the server is gone

        for round_number in range(UPLOAD_ROUNDS):
            self.server.token("https://storage.azure.com")
            writers = [threading.Thread(target=write, args=(worker, round_number)) for worker in range(WRITERS)]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.2, 1.2))
            self.server.kill()
            for writer in writers:
                writer.join()
            self.server.start_again()
        self.assertGreater(len(acknowledged), 20)
        for name, content in acknowledged.items():
            answer = self.server.call("GET", "blob", f"/crash/{name}", auth="storage", headers=version)
            self.assertEqual((answer.status, answer.body == content), (200, True), name)

    def submit(self, name, command):
        self.server.json("PUT", f"/jobs/{name}", {"properties": {
            "jobType": "Command", "command": command, "environmentId": "azureml:bare:1", "experimentName": "crash"}})

    def wait_until_running(self, name, text):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while text not in self.server.log_of(name):
            self.assertLess(time.monotonic(), deadline, self.server.log_of(name))
            time.sleep(0.05)

    def test_a_job_goes_on_and_its_log_is_whole(self):
        self.submit("steady", "for i in $(seq 1 40); do echo line $i; sleep 0.1; done; echo x > outputs/x")
        self.wait_until_running("steady", "line 3")
        self.server.kill()
        time.sleep(1)
        self.server.start_again()
        job = self.server.wait_for_job("steady")
        self.assertEqual(job["properties"]["status"], "Completed", job)
        lines = re.findall(r"^line (\d+)$", self.server.log_of("steady"), re.M)
        self.assertEqual(lines, [str(number) for number in range(1, 41)])

    def test_a_job_that_ends_while_the_server_is_down_is_picked_up(self):
        self.submit("brief", "echo begun; sleep 1; exit 5")
        self.wait_until_running("brief", "begun")
        self.server.kill()
        time.sleep(2)
        self.server.start_again()
        self.assertEqual(self.server.wait_for_job("brief")["properties"]["status"], "Failed")

    def test_a_pipeline_finishes_and_publishes_once(self):
        component = {"type": "command", "environment": "azureml:bare:1", "outputs": {"out": {"type": "uri_folder"}},
                     "command": "echo begun; sleep 2; echo data > ${{outputs.out}}/a.txt"}
        made = self.server.json("PUT", "/components/azureml_anonymous/versions/c1",
                                {"properties": {"componentSpec": component, "isAnonymous": True}})
        second = dict(component, inputs={"data": {"type": "uri_folder"}},
                      command="cat ${{inputs.data}}/a.txt; sleep 2; cp ${{inputs.data}}/a.txt ${{outputs.out}}/b.txt")
        other = self.server.json("PUT", "/components/azureml_anonymous/versions/c2",
                                 {"properties": {"componentSpec": second, "isAnonymous": True}})
        self.server.json("PUT", "/jobs/pipe", {"properties": {
            "jobType": "Pipeline", "experimentName": "crash",
            "outputs": {"result": {"jobOutputType": "uri_folder", "assetName": "published"}},
            "jobs": {
                "one": {"name": "one", "type": "command", "componentId": made["id"], "inputs": {}, "outputs": {}},
                "two": {"name": "two", "type": "command", "componentId": other["id"],
                        "inputs": {"data": {"job_input_type": "literal", "value": "${{parent.jobs.one.outputs.out}}"}},
                        "outputs": {"out": {"type": "literal", "value": "${{parent.outputs.result}}"}}}}}})
        for pause in (1.0, 1.5, 1.5):
            time.sleep(pause)
            self.server.kill()
            self.server.start_again()
        job = self.server.wait_for_job("pipe")
        self.assertEqual(job["properties"]["status"], "Completed", job)
        versions = self.server.json("GET", "/data/published/versions")["value"]
        self.assertEqual(len(versions), 1, versions)

    def test_a_deployment_goes_on(self):
        path = self.server.names["group"] + "/providers/Microsoft.Resources/deployments/crash"
        version = "?api-version=2024-03-01"
        subnets = {"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "2023-11-01",
                   "name": "[concat('crash/s', copyIndex())]", "dependsOn": ["crash"],
                   "copy": {"name": "subnets", "count": 250, "mode": "serial"},
                   "properties": {"secret": "[parameters('secret')]"}}
        template = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                    "contentVersion": "1.0.0.0", "parameters": {"secret": {"type": "securestring"}},
                    "resources": [{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-11-01",
                                   "name": "crash", "location": "local"}, subnets],
                    "outputs": {"last": {"type": "string", "value": "[reference(resourceId("
                                         "'Microsoft.Network/virtualNetworks/subnets', 'crash', 's249'), "
                                         "'2023-11-01').secret]"}}}
        body = {"properties": {"mode": "Incremental", "template": template,
                               "parameters": {"secret": {"value": "planted-secret"}}}}
        answer = self.server.call("PUT", "management", path + version, body)
        self.assertEqual(answer.status, 201, answer.body)
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            found = json.loads(self.server.call("GET", "management", path + version).body)["properties"]
            if found["provisioningState"] != "Accepted":
                break
            self.assertLess(time.monotonic(), deadline, found)
            time.sleep(0.02)
        self.assertEqual(found["provisioningState"], "Running", found)
        self.server.kill()
        self.server.start_again()
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            found = json.loads(self.server.call("GET", "management", path + version).body)["properties"]
            if found["provisioningState"] not in ("Accepted", "Running"):
                break
            self.assertLess(time.monotonic(), deadline, found)
            time.sleep(0.1)
        self.assertEqual(found["provisioningState"], "Succeeded", found)
        self.assertEqual(found["outputs"]["last"]["value"], "planted-secret")
        operations, page = [], path + "/operations" + version
        while page:
            answer = json.loads(self.server.call("GET", "management", page).body)
            operations += answer["value"]
            next_page = urllib.parse.urlsplit(answer.get("nextLink", ""))
            page = next_page.path and f"{next_page.path}?{next_page.query}"
        self.assertEqual(len({each["operationId"] for each in operations}), 252)


class Telemetry(unittest.TestCase):
    """CI=true silences what this looks for, so it is unset."""

    def test_nothing_speaks_to_the_world(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="lazuli-telemetry-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        trace = folder / "trace"
        environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
        environment["HOME"] = str(folder / "home")
        (folder / "home").mkdir()
        binary, server.BINARY = server.BINARY, folder / "traced"
        (folder / "traced").write_text(
            "#!/bin/sh\nexec strace -f -qq -e trace=connect,sendto,sendmsg,sendmmsg,accept4 "
            f'-o {trace} {binary} "$@"\n')
        (folder / "traced").chmod(0o755)
        try:
            with Crashable(environment=environment) as running:
                self.score_once(running)
        finally:
            server.BINARY = binary
        calls = [line for line in trace.read_text().splitlines() if "accept4(" not in line]
        self.assertIn("accept4(", trace.read_text(), "nothing was traced")
        for line in calls:
            foreign = (re.search(r'inet_addr\("(?!127\.|0\.0\.0\.0)', line)
                       or re.search(r'inet_pton\(AF_INET6, "(?!::1"|::"|::ffff:127\.)', line)
                       or "htons(53)" in line)
            self.assertFalse(foreign, line)
        self.assertEqual(list((folder / "home").rglob("*onnxruntime*")), [])
        self.assertFalse((folder / "home/.cache/Microsoft").exists())

    def score_once(self, running):
        version = [("x-ms-version", "2025-11-05"), ("x-ms-blob-type", "BlockBlob")]
        store = running.json("GET", "/datastores/workspaceblobstore")["properties"]["containerName"]
        running.call("PUT", "blob", f"/{store}/m/model.onnx", onnx_identity.MODEL, "storage", version)
        running.json("PUT", "/models/m/versions/1",
                     {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/m"}})
        running.json("PUT", "/onlineEndpoints/quiet", {"location": "local", "properties": {"authMode": "Key"}})
        running.json("PUT", "/onlineEndpoints/quiet/deployments/blue",
                     {"properties": {"model": "azureml:m:1"}, "sku": {"capacity": 1}})
        deadline = time.monotonic() + 30
        while True:
            state = running.json("GET", "/onlineEndpoints/quiet/deployments/blue")["properties"]["provisioningState"]
            if state != "Creating":
                break
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual(state, "Succeeded")
        key = running.json("POST", "/onlineEndpoints/quiet/listKeys")["primaryKey"]
        answer = running.send("POST", "quiet.local.inference.ml.azure", "/score",
                              [("Authorization", "Bearer " + key), ("azureml-model-deployment", "blue")],
                              b'{"input_data": [[1.5, 2.5]]}')
        self.assertEqual((answer.status, json.loads(answer.body)), (200, {"y": [[1.5, 2.5]]}))


def main():
    load = unittest.defaultTestLoader.loadTestsFromModule
    suite = unittest.TestSuite([load(sys.modules[__name__]), load(crowd), load(nodes)])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
