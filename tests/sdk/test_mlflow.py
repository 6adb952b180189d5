# SPDX-License-Identifier: Apache-2.0
"""MLflow with the azureml-mlflow plug-in, beside it, and without it."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
import requests

from harness import plain_python, unique, wait_for_job

SCRIPT = pathlib.Path(__file__).parent / "scripts" / "mlflow_walk.py"


def walk(python, tracking_uri, name):
    environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking_uri}
    if tracking_uri.startswith("azureml:"):
        environment.pop("MLFLOW_TRACKING_TOKEN")
    done = subprocess.run(
        [python, SCRIPT, name],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return json.loads(line.removeprefix("RESULT "))


WAYS = ["azureml:// with plug-in", "https:// with plug-in", "https:// without plug-in"]


@pytest.fixture(scope="module", params=WAYS)
def walked(request, client):
    plain = os.environ["MLFLOW_TRACKING_URI"]
    assert plain.startswith("https://") and "/mlflow/v1.0/" in plain
    name = unique("walk")
    if request.param == WAYS[0]:
        uri = client.workspaces.get(client.workspace_name).mlflow_tracking_uri
        return name, walk(sys.executable, uri, name)
    if request.param == WAYS[1]:
        return name, walk(sys.executable, plain, name)
    return name, walk(plain_python(), plain, name)


def test_log_and_read(walked):
    read = walked[1]["read"]
    assert (read["status"], read["run_name"], read["kind"]) == ("FINISHED", "walk", "test")
    assert read["params"] == {"alpha": "0.5", "beta": "b", "gamma": "3"}
    assert read["metrics"] == {"loss": 0.2, "accuracy": 0.97, "auc": 0.99}
    assert read["history"] == [[step, 1.0 / (step + 1)] for step in range(5)]


def test_search(walked):
    read = walked[1]["read"]
    assert read["found"] == [walked[1]["run_id"]]
    assert read["not_found"] == 0


def test_artifacts(walked):
    read = walked[1]["read"]
    assert read["artifacts"] == ["deep", "notes é.txt", "texts"]
    assert read["deep"] == ["deep/er/empty", "deep/er/notes é.txt"]
    assert (read["text"], read["dict"], read["notes"]) == ("written", {"a": 1}, "some notes")


def test_register_and_load(walked):
    model = walked[1]["model"]
    assert model["version"] == "1" and model["versions"] == ["1"]
    assert model["predictions"] == model["by_alias"] == model["expected"]
    assert model["logged_model"] == "READY"
    assert model["tag"] == "test"


def test_registered_model_is_an_azure_ml_model(client, walked, tmp_path):
    name = f"{walked[0]}-model"
    model = client.models.get(name, version="1")
    assert model.type == "mlflow_model"
    client.models.download(name, version="1", download_path=str(tmp_path))
    assert list(tmp_path.rglob("MLmodel"))


def test_tracking_run_is_a_job(client, walked):
    """Runs made by MLflow alone are in run history, where Studio and the client look."""
    job = client.jobs.get(walked[1]["run_id"])
    assert job.status == "Completed"


def test_token_is_for_mlflow_only(arm, scope):
    token = os.environ["MLFLOW_TRACKING_TOKEN"]
    answer = requests.get(
        arm.base + scope,
        headers={"Authorization": f"Bearer {token}"},
        params={"api-version": "2024-10-01-preview"},
        timeout=30,
    )
    assert answer.status_code in (401, 403)
    tracking = requests.post(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/experiments/search",
        headers={"Authorization": f"Bearer {token}"},
        json={"max_results": 5},
        timeout=30,
    )
    assert tracking.status_code == 200, tracking.text


def test_tracking_without_token(scope):
    answer = requests.post(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/experiments/search",
        json={"max_results": 5},
        timeout=30,
    )
    assert answer.status_code == 401


def test_absent_run_is_mlflows_own_error():
    answer = requests.get(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/get",
        params={"run_id": "0" * 32},
        headers={"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"},
        timeout=30,
    )
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_a_job_logs_to_its_own_run(client, bare_environment, tmp_path):
    """Standard library only: the REST calls that mlflow makes, with the job's variables."""
    source = """
import json, os, urllib.request
def post(path, body):
    request = urllib.request.Request(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/" + path,
        json.dumps(body).encode(),
        {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"],
         "Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))
run = os.environ["MLFLOW_RUN_ID"]
post("runs/log-metric", {"run_id": run, "key": "m", "value": 1.5, "timestamp": 1, "step": 0})
post("runs/log-parameter", {"run_id": run, "key": "p", "value": "v"})
"""
    from azure.ai.ml import command

    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "log.py").write_text(source)
    job = client.jobs.create_or_update(
        command(code=str(tmp_path / "src"), command="python log.py", environment=bare_environment)
    )
    ended = wait_for_job(client, job.name)
    assert ended.status == "Completed"
    answer = requests.get(
        os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/get",
        params={"run_id": job.name},
        headers={"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"},
        timeout=30,
    ).json()["run"]
    assert answer["data"]["metrics"][0]["value"] == 1.5
    assert answer["data"]["params"] == [{"key": "p", "value": "v"}]
    assert answer["info"]["status"] == "FINISHED"
