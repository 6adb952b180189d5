# SPDX-License-Identifier: Apache-2.0
"""Logs, searches, registers and loads with MLflow; prints what it read back as one JSON line.

Run by test_mlflow.py under two interpreters: with and without the azureml-mlflow plug-in.
"""

import json
import pathlib
import sys
import tempfile

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression


def log(name):
    mlflow.set_experiment(name)
    with mlflow.start_run(run_name="walk") as run:
        mlflow.log_param("alpha", 0.5)
        mlflow.log_params({"beta": "b", "gamma": 3})
        for step in range(5):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": 0.97, "auc": 0.99})
        mlflow.set_tag("kind", "test")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "notes é.txt")
            path.write_text("some notes", encoding="utf-8")
            mlflow.log_artifact(str(path))
            pathlib.Path(folder, "empty").write_bytes(b"")
            mlflow.log_artifacts(folder, artifact_path="deep/er")
        mlflow.log_text("written", "texts/t.txt")
        mlflow.log_dict({"a": 1}, "texts/d.json")
    return run.info.run_id


def read(client, experiment, run_id):
    run = client.get_run(run_id)
    return {
        "status": run.info.status,
        "run_name": run.info.run_name,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "kind": run.data.tags.get("kind"),
        "history": [(m.step, m.value) for m in client.get_metric_history(run_id, "loss")],
        "found": [
            found.info.run_id
            for found in client.search_runs(
                [experiment], "metrics.accuracy > 0.9 and params.beta = 'b' and tags.kind = 'test'"
            )
        ],
        "not_found": len(client.search_runs([experiment], "metrics.accuracy > 0.99")),
        "artifacts": sorted(entry.path for entry in client.list_artifacts(run_id)),
        "deep": sorted(entry.path for entry in client.list_artifacts(run_id, "deep/er")),
        "text": mlflow.artifacts.load_text(f"runs:/{run_id}/texts/t.txt"),
        "dict": mlflow.artifacts.load_dict(f"runs:/{run_id}/texts/d.json"),
        "notes": pathlib.Path(client.download_artifacts(run_id, "notes é.txt")).read_text(),
    }


def register(client, name):
    rows = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 0.5], [0.1, 3.0]])
    model = LogisticRegression().fit(rows, [0, 1, 1, 0])
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            model, name="model", registered_model_name=name, pip_requirements=["scikit-learn"]
        )
    version = client.get_model_version(name, "1")
    client.set_registered_model_alias(name, "best", "1")
    client.set_model_version_tag(name, "1", "stage", "test")
    loaded = mlflow.sklearn.load_model(f"models:/{name}/1")
    by_alias = mlflow.pyfunc.load_model(f"models:/{name}@best")
    logged = mlflow.get_logged_model(info.model_id)
    return {
        "version": str(version.version),
        "versions": [str(v.version) for v in client.search_model_versions(f"name='{name}'")],
        "predictions": loaded.predict(rows).tolist(),
        "by_alias": by_alias.predict(rows).tolist(),
        "expected": model.predict(rows).tolist(),
        "logged_model": logged.status.value
        if hasattr(logged.status, "value")
        else str(logged.status),
        "tag": client.get_model_version(name, "1").tags.get("stage"),
    }


def main():
    name = sys.argv[1]
    client = MlflowClient()
    run_id = log(name)
    experiment = client.get_experiment_by_name(name).experiment_id
    walk = {
        "tracking": mlflow.get_tracking_uri(),
        "run_id": run_id,
        "read": read(client, experiment, run_id),
        "model": register(client, f"{name}-model"),
    }
    print("RESULT " + json.dumps(walk))


if __name__ == "__main__":
    main()
