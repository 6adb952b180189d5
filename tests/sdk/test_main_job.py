# SPDX-License-Identifier: Apache-2.0
"""The main job: examples/breast_cancer the whole way with the unmodified client."""

import csv
import json

import pytest
import requests
from azure.ai.ml import (
    load_component,
    load_data,
    load_environment,
    load_job,
    load_online_deployment,
    load_online_endpoint,
)

from harness import EXAMPLE, wait_for_job

pytestmark = pytest.mark.slow

ACCURACY_MIN = 0.95
PROBABILITY_ERROR_MAX = 1e-4
BUILD_AND_RUN_SECONDS_MAX = 600


def table(path):
    with open(path, encoding="utf-8") as file:
        return [[float(value) for value in row] for row in list(csv.reader(file))[1:]]


@pytest.fixture(scope="module")
def assets(client):
    environment = client.environments.create_or_update(
        load_environment(EXAMPLE / "environment.yml")
    )
    training = client.data.create_or_update(load_data(EXAMPLE / "data-training.yml"))
    heldout = client.data.create_or_update(load_data(EXAMPLE / "data-heldout.yml"))
    return environment, training, heldout


@pytest.fixture(scope="module")
def job(client, assets):
    submitted = client.jobs.create_or_update(load_job(EXAMPLE / "pipeline.yml"))
    return wait_for_job(client, submitted.name, BUILD_AND_RUN_SECONDS_MAX)


@pytest.fixture(scope="module")
def endpoint(client, job):
    if job.status != "Completed":
        pytest.fail(f"the pipeline ended {job.status}")
    made = client.online_endpoints.begin_create_or_update(
        load_online_endpoint(EXAMPLE / "endpoint.yml")
    ).result()
    client.online_deployments.begin_create_or_update(
        load_online_deployment(EXAMPLE / "deployment.yml")
    ).result()
    made = client.online_endpoints.get(made.name)
    made.traffic = {"blue": 100}
    yield client.online_endpoints.begin_create_or_update(made).result()
    client.online_endpoints.begin_delete(made.name).result()


def test_assets(assets):
    environment, training, heldout = assets
    assert environment.version == training.version == heldout.version == "1"


def test_components_can_be_registered(client, assets):
    for name in ("prepare", "train"):
        component = client.components.create_or_update(
            load_component(EXAMPLE / "components" / f"{name}.yml")
        )
        assert client.components.get(component.name, version=component.version)


def test_pipeline(client, job, capsys):
    if job.status != "Completed":
        client.jobs.stream(job.name)  # raises with the cause
    assert job.status == "Completed"
    children = {child.display_name: child for child in client.jobs.list(parent_job_name=job.name)}
    assert {name: child.status for name, child in children.items()} == {
        "prepare": "Completed",
        "train": "Completed",
    }


def test_training_was_tracked(client, job):
    import mlflow

    children = {child.display_name: child for child in client.jobs.list(parent_job_name=job.name)}
    tracking = mlflow.MlflowClient()
    run = tracking.get_run(children["train"].name)
    assert run.data.metrics["validation_accuracy"] > 0.9
    assert run.data.params["hidden_layers"] == "64,32"
    assert len(tracking.get_metric_history(run.info.run_id, "loss")) > 20
    assert tracking.get_run(children["prepare"].name).data.metrics["rows"] == 455


def test_model_is_registered(client, job):
    model = client.models.get("breast-cancer-onnx", label="latest")
    assert model.version == "1"
    assert model.type == "custom_model"


def test_accuracy_and_probabilities(client, job, endpoint, tmp_path):
    rows = table(EXAMPLE / "data" / "heldout_rows.csv")
    labels = [int(row[0]) for row in table(EXAMPLE / "data" / "heldout_labels.csv")]
    assert len(rows) == len(labels) == 114
    key = client.online_endpoints.get_keys(endpoint.name).primary_key
    answer = requests.post(
        endpoint.scoring_uri,
        json={"input_data": rows},
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    scored = answer.json()["probabilities"]
    assert len(scored) == 114
    correct = sum(
        int(pair[1] > pair[0]) == label for pair, label in zip(scored, labels, strict=True)
    )
    assert correct / 114 >= ACCURACY_MIN

    client.jobs.download(job.name, download_path=str(tmp_path), output_name="expected")
    expected = table(next(path for path in tmp_path.rglob("*") if path.is_file()))
    difference = max(
        abs(mine - theirs)
        for pair, reference in zip(scored, expected, strict=True)
        for mine, theirs in zip(pair, reference, strict=True)
    )
    assert difference <= PROBABILITY_ERROR_MAX
    print(f"accuracy {correct / 114:.4f}, largest difference {difference:.2e}")


def test_sample_request(client, endpoint):
    text = client.online_endpoints.invoke(
        endpoint.name, request_file=str(EXAMPLE / "sample-request.json")
    )
    assert len(json.loads(text)["label"]) == 3
