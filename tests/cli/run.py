#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the command line against a server of its own. The last line is "N passed, N failed, N skipped"."""

import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LAZULI = pathlib.Path(os.environ.get("LAZULI_BIN", ROOT / "build/release/bin/lazuli"))
CLEAN = {name: value for name, value in os.environ.items()
         if name not in ("LAZULI_DATA", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
                         "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")}


def lazuli(*arguments, data=None, **environment):
    command = [LAZULI, *arguments] + (["--data", data] if data else [])
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=dict(CLEAN, **environment), timeout=300)


class Help(unittest.TestCase):
    def test_without_arguments_it_says_what_to_do(self):
        done = lazuli()
        self.assertEqual(done.returncode, 0)
        self.assertIn("lazuli up", done.stdout)

    def test_every_command_has_help(self):
        commands = ["serve", "up", "down", "status", "env", "demo", "routes", "login", "logout", "whoami",
                    "setup", "setup-code", "audit verify", "audit list", "ad group add-member", "ad group members",
                    "ad app reset-secret", "ad user link", "ad user unlink", "ad provider list", "ad provider create",
                    "ad provider delete", "keys list", "keys rotate", "keys drop", "token revoke"]
        commands += [f"ad {noun} {verb}" for noun in ("user", "group", "app", "sp")
                     for verb in ("list", "show", "create", "delete")]
        commands += [f"role {verb}" for verb in ("list", "show", "assign", "assignments", "unassign")]
        commands += [f"{noun} {verb}" for noun in ("job", "model", "data", "environment", "endpoint", "deployment")
                     for verb in ("create", "list", "show")] + ["job stream"]
        commands += [f"deployment group {verb}" for verb in ("create", "validate", "what-if", "list", "show")]
        for command in commands:
            done = lazuli(*command.split(), "--help")
            self.assertEqual(done.returncode, 0, command)
            self.assertIn("Usage", done.stdout, command)
            self.assertRegex(done.stdout, r"Examples?:", command)

    def test_wrong_usage_is_2(self):
        for arguments in (["bogus"], ["serve", "--port", "x"], ["job"], ["job", "create"], ["serve", "--nonsense"],
                          ["audit"], ["audit", "list", "--kind", "bogus"], ["ad", "user"]):
            self.assertEqual(lazuli(*arguments).returncode, 2, arguments)


class NoServer(unittest.TestCase):
    def test_commands_end_with_3_and_advice(self):
        with tempfile.TemporaryDirectory() as folder:
            for arguments in (["status"], ["env"], ["job", "list"], ["demo"], ["login"], ["whoami"],
                              ["ad", "user", "list"]):
                done = lazuli(*arguments, data=folder)
                self.assertEqual(done.returncode, 3, arguments)
                self.assertIn("lazuli up", done.stderr, arguments)

    def test_down_without_a_server_is_fine(self):
        with tempfile.TemporaryDirectory() as folder:
            done = lazuli("down", data=folder)
            self.assertEqual((done.returncode, done.stdout), (0, "not running\n"))

    def test_a_taken_port_is_told(self):
        with socket.socket() as taken, tempfile.TemporaryDirectory() as folder:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            done = lazuli("serve", "--port", str(taken.getsockname()[1]), data=folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("--port", done.stderr)


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazuli-cli-"))
        cls.data = cls.folder / "data"
        done = lazuli("up", "--port", "0", data=cls.data)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    @classmethod
    def tearDownClass(cls):
        lazuli("down", data=cls.data)
        shutil.rmtree(cls.folder, ignore_errors=True)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_status(self):
        done = lazuli("status", data=self.data)
        self.assertEqual(done.returncode, 0)
        self.assertIn("ready", done.stdout)
        told = json.loads(lazuli("status", "--json", data=self.data).stdout)
        self.assertEqual(told["status"], "ready")
        self.assertTrue(told["isolation"])

    def test_a_second_server_on_the_same_data_is_refused(self):
        done = lazuli("serve", "--port", "0", data=self.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("lazuli down", done.stderr)

    def test_up_again_says_it_runs(self):
        done = lazuli("up", data=self.data)
        self.assertEqual(done.returncode, 0)
        self.assertIn("already running", done.stdout)

    def test_what_is_secret_is_the_owner_s_alone(self):
        self.assertEqual(stat.S_IMODE(self.data.stat().st_mode), 0o700)
        for name in ("root.key", "administrator.json", "ca.key"):
            self.assertEqual(stat.S_IMODE((self.data / name).stat().st_mode), 0o600, name)

    def administrator(self):
        return json.loads((self.data / "administrator.json").read_text())

    def test_whoami_is_the_administrator_at_first(self):
        told = json.loads(lazuli("whoami", "-o", "json", data=self.data).stdout)
        self.assertEqual((told["type"], told["appId"]), ("servicePrincipal", self.administrator()["clientId"]))
        self.assertFalse(told["signedIn"])

    def test_sign_in_with_a_secret_and_out(self):
        who = self.administrator()
        command = [LAZULI, "login", "--service-principal", "-u", who["clientId"], "-o", "json", "--data", self.data]
        done = subprocess.run(command, input=who["clientSecret"] + "\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=CLEAN)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(done.stdout)["signedIn"])
        kept = self.data / "login.json"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertEqual(lazuli("job", "list", data=self.data).returncode, 0)
        self.assertEqual(lazuli("logout", data=self.data).stdout, "signed out\n")
        self.assertFalse(kept.exists())
        self.assertEqual(lazuli("logout", data=self.data).returncode, 0)

    def test_a_wrong_secret_signs_nobody_in(self):
        done = lazuli("login", "--service-principal", "-u", self.administrator()["clientId"], "-p", "wrong",
                      data=self.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("AADSTS", done.stderr)
        self.assertFalse((self.data / "login.json").exists())

    def test_roles_are_given_listed_and_taken(self):
        someone = json.loads((pathlib.Path(self.data) / "administrator.json").read_text())["objectId"]
        made = lazuli("role", "assign", "--role", "ML Model Registrar", "--assignee", someone, "-o", "json",
                      data=self.data)
        self.assertEqual(made.returncode, 0, made.stderr)
        listed = lazuli("role", "assignments", "--assignee", someone, data=self.data)
        self.assertIn("ML Model Registrar", listed.stdout)
        self.assertEqual(lazuli("role", "unassign", json.loads(made.stdout)["id"], data=self.data).returncode, 0)
        listed = lazuli("role", "assignments", "--assignee", someone, data=self.data)
        self.assertNotIn("ML Model Registrar", listed.stdout)
        self.assertIn("Feature Store Contributor", lazuli("role", "list", "--custom", data=self.data).stdout)

    def test_whoami_explains_what_one_may_do(self):
        allowed = lazuli("whoami", "--why", "Microsoft.X/things/write", "/subscriptions/x", data=self.data)
        self.assertEqual(allowed.returncode, 0, allowed.stderr)
        self.assertIn("Owner", allowed.stdout)
        refused = lazuli("whoami", "--why", "Microsoft.X/things/read", "/", "--data-action", data=self.data)
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("noAction", refused.stdout)

    def test_routes_of_the_running_server(self):
        told = json.loads(lazuli("routes", "-o", "json", data=self.data).stdout)
        self.assertGreater(len(told), 200)
        health = [route for route in told if route["path"] == "/health"]
        self.assertEqual([(route["service"], route["method"], route["host"], route["anonymous"]) for route in health],
                         [("health", "GET", "plain", True)])
        self.assertIn("/health", lazuli("routes", data=self.data).stdout)

    def test_the_audit_tells_what_was_done_and_is_intact(self):
        self.write("b.csv", "x\n1\n")
        file = self.write("audited.yml", "name: audited\ntype: uri_file\npath: b.csv\n")
        self.assertEqual(lazuli("data", "create", "-f", file, data=self.data).returncode, 0)
        records = json.loads(lazuli("audit", "list", "--kind", "write", "-o", "json", data=self.data).stdout)
        made = [each for each in records if each["resource"].endswith("/data/audited/versions/1")]
        self.assertTrue(made, records[:3])
        self.assertEqual(made[0]["caller"], "administrator")
        self.assertTrue(made[0]["role"] and made[0]["assignment"])
        self.assertIn(made[0]["status"], (200, 201))
        done = lazuli("audit", "verify", data=self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("intact", done.stdout)
        done = lazuli("audit", "verify", "--public-key", self.data / "audit/public.pem", data=self.data)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_server_leaves_no_core_and_lets_nobody_look(self):
        pid = json.loads((self.data / "server.json").read_text())["pid"]
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        # A process that is not dumpable belongs to root, whoever started it.
        self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0)

    def test_env_is_valid_shell_and_complete(self):
        done = lazuli("env", data=self.data)
        printed = subprocess.run(["bash", "-c", done.stdout + "\nenv"], stdout=subprocess.PIPE, text=True, check=True)
        for name in ("ARM_CLOUD_METADATA_URL", "AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID",
                     "AZURE_CLIENT_SECRET", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS",
                     "CURL_CA_BUNDLE", "NO_PROXY", "no_proxy", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN",
                     "AZURE_STORAGE_CONNECTION_STRING", "AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP",
                     "AZUREML_WORKSPACE_NAME", "ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY"):
            self.assertIn(f"{name}=", printed.stdout, name)

    def test_env_through_the_proxy(self):
        before = {"NO_PROXY": "localhost,127.0.0.1,keep.example"}
        told = json.loads(lazuli("env", "--json", "--proxy", data=self.data, **before).stdout)
        self.assertEqual(told["HTTPS_PROXY"], told["https_proxy"])
        self.assertTrue(told["HTTPS_PROXY"].startswith("http://127.0.0.1:"))
        self.assertEqual(told["NO_PROXY"], "127.0.0.1,keep.example")
        self.assertEqual(told["LAZULI_PARENT_PROXY"], "")
        behind = {"HTTPS_PROXY": "http://10.0.0.1:3128"}
        told = json.loads(lazuli("env", "--json", "--proxy", data=self.data, **behind).stdout)
        self.assertEqual(told["LAZULI_PARENT_PROXY"], "http://10.0.0.1:3128")
        again = {"HTTPS_PROXY": told["HTTPS_PROXY"]}
        told = json.loads(lazuli("env", "--json", "--proxy", data=self.data, **again).stdout)
        self.assertNotIn("LAZULI_PARENT_PROXY", told)
        self.assertTrue(told["ARM_CLOUD_METADATA_URL"].startswith("https://management.lazuli.localhost/"))

    def test_env_keeps_the_authorities_named_before(self):
        own = self.write("own.pem", (self.data / "ca.pem").read_text())
        told = json.loads(lazuli("env", "--json", data=self.data, REQUESTS_CA_BUNDLE=str(own)).stdout)
        self.assertIn("BEGIN CERTIFICATE", pathlib.Path(told["REQUESTS_CA_BUNDLE"]).read_text())

    def test_assets_from_yaml(self):
        self.write("a.csv", "x\n1\n")
        file = self.write("data.yml", "name: table\ntype: uri_file\npath: a.csv\n")
        self.assertEqual(lazuli("data", "create", "-f", file, data=self.data).returncode, 0)
        shown = json.loads(lazuli("data", "show", "table", "--version", "1", "-o", "json", data=self.data).stdout)
        self.assertEqual(shown["properties"]["dataType"], "uri_file")
        self.assertIn("table", lazuli("data", "list", data=self.data).stdout)
        file = self.write("model.yml", "name: model\ntype: custom_model\npath: a.csv\n")
        self.assertEqual(lazuli("model", "create", "-f", file, data=self.data).returncode, 0)

    def test_a_job_from_yaml_is_streamed(self):
        self.write("env.yml", "name: bare\nimage: bare\n")
        self.assertEqual(lazuli("environment", "create", "-f", self.folder / "env.yml", data=self.data).returncode, 0)
        file = self.write("job.yml", "type: command\ncommand: echo said ${{inputs.x}}\ninputs: {x: 3}\n"
                                     "environment: azureml:bare@latest\ncompute: azureml:cpu-cluster\n")
        done = lazuli("job", "create", "-f", file, "--stream", data=self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("said 3", done.stdout)
        file.write_text(file.read_text().replace("echo said", "exit 7; echo"))
        failed = lazuli("job", "create", "-f", file, "--stream", data=self.data)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("7", failed.stderr)

    def test_errors_name_the_file_and_the_cause(self):
        broken = self.write("broken.yml", "name: [unclosed\n")
        done = lazuli("data", "create", "-f", broken, data=self.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("broken.yml", done.stderr)
        missing = lazuli("data", "create", "-f", self.folder / "absent.yml", data=self.data)
        self.assertIn("absent.yml", missing.stderr)
        unknown = lazuli("model", "show", "absent", data=self.data)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("absent", unknown.stderr)

    def test_an_endpoint_from_yaml(self):
        file = self.write("endpoint.yml", "name: from-yaml\nauth_mode: key\n")
        self.assertEqual(lazuli("endpoint", "create", "-f", file, data=self.data).returncode, 0)
        self.assertIn("from-yaml", lazuli("endpoint", "list", data=self.data).stdout)


class AuditTampered(unittest.TestCase):
    def test_a_changed_record_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "data"
            self.assertEqual(lazuli("up", "--port", "0", data=data).returncode, 0)
            self.assertEqual(lazuli("whoami", data=data).returncode, 0)
            self.assertEqual(lazuli("down", data=data).returncode, 0)
            self.assertEqual(lazuli("audit", "verify", data=data).returncode, 0)
            segment = data / "audit/segment-00000001.jsonl"
            segment.write_text(segment.read_text().replace('"kind":"system"', '"kind":"read"', 1))
            done = lazuli("audit", "verify", "-o", "json", data=data)
            self.assertEqual(done.returncode, 1)
            self.assertFalse(json.loads(done.stdout)["intact"])
            self.assertIn("MAC", done.stderr)


class Declarations(unittest.TestCase):
    def test_every_closed_route_has_a_permission(self):
        routes = json.loads(lazuli("routes", "--declared", "--json").stdout)
        self.assertGreater(len(routes), 200)
        for route in routes:
            self.assertNotEqual(route["anonymous"], bool(route["permission"]), route)

    def test_the_coverage_page_is_current(self):
        done = subprocess.run([sys.executable, ROOT / "tools/coverage.py", "--check"],
                              stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
