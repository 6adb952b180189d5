# SPDX-License-Identifier: Apache-2.0
"""A real server with one model deployed behind an online endpoint with key authentication."""
import json
import os
import subprocess
import sys

from common.measure import BIN, ROOT, SERVER_CORE, on_core

sys.path.insert(0, os.path.join(ROOT, "tests", "wire"))
from server import Server  # noqa: E402  (the wire tests' own)

ENDPOINT = "bench"


class EndpointServer(Server):
    def __enter__(self):
        with on_core(SERVER_CORE):
            return super().__enter__()

    @property
    def pid(self):
        return self.process.pid

    @property
    def endpoint_host(self):
        return f"{ENDPOINT}.local.inference.ml.azure.{self.domain}:{self.port}"

    def cli(self, *arguments):
        done = subprocess.run([os.path.join(BIN, "lazuli"), *arguments, "--data", str(self.data)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"lazuli {' '.join(arguments)}: {done.stderr}")

    def _create(self, noun, text):
        path = self.folder / f"{noun}.yml"
        path.write_text(text)
        self.cli(noun, "create", "-f", str(path))

    def deploy(self, model_path, in_flight_max=128):
        """Registers the model, deploys it, gives it all traffic. Returns the endpoint's key."""
        self._create("model", f"name: bench\nversion: 1\npath: {model_path}\ntype: custom_model\n")
        self._create("endpoint", f"name: {ENDPOINT}\nauth_mode: key\n")
        self._create("deployment",
                     f"name: blue\nendpoint_name: {ENDPOINT}\nmodel: azureml:bench:1\n"
                     "instance_type: Standard_DS3_v2\ninstance_count: 1\nrequest_settings:\n"
                     f"  max_concurrent_requests_per_instance: {in_flight_max}\n")
        self._create("endpoint", f"name: {ENDPOINT}\nauth_mode: key\ntraffic: {{blue: 100}}\n")
        path = f"{self.names['ws']}/onlineEndpoints/{ENDPOINT}/listKeys?api-version=2024-10-01"
        bearer = "Bearer " + self.token(f"https://management.{self.domain}")
        return json.loads(self.send("POST", "management", path, [("Authorization", bearer)], b"").body)["primaryKey"]
