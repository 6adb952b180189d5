# SPDX-License-Identifier: Apache-2.0
"""Trains a small neural network, tracks it with MLflow and exports it as ONNX."""

import argparse
import json
import pathlib

import mlflow
import numpy as np
from skl2onnx import to_onnx
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def read(path):
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2, dtype=np.float32)


def fit(args, table):
    hidden = tuple(int(width) for width in args.hidden_layers.split(","))
    network = MLPClassifier(
        hidden_layer_sizes=hidden,
        alpha=args.alpha,
        max_iter=args.max_epochs,
        random_state=args.seed,
    )
    model = make_pipeline(StandardScaler(), network)
    return model.fit(table[:, :-1], table[:, -1].astype(np.int64))


def track(args, model, validation):
    labels = validation[:, -1].astype(np.int64)
    probabilities = model.predict_proba(validation[:, :-1])
    metrics = {
        "validation_accuracy": accuracy_score(labels, probabilities.argmax(axis=1)),
        "validation_auc": roc_auc_score(labels, probabilities[:, 1]),
        "validation_log_loss": log_loss(labels, probabilities),
    }
    network = model[-1]
    mlflow.log_params(
        {
            "hidden_layers": args.hidden_layers,
            "alpha": args.alpha,
            "max_epochs": args.max_epochs,
            "seed": args.seed,
        }
    )
    for epoch, loss in enumerate(network.loss_curve_):
        mlflow.log_metric("loss", loss, step=epoch)
    mlflow.log_metrics(metrics)

    report = pathlib.Path("outputs/report.json")
    report.write_text(
        json.dumps({**metrics, "epochs": network.n_iter_}, indent=2), encoding="utf-8"
    )
    mlflow.log_artifact(str(report), artifact_path="report")
    print(f"{network.n_iter_} epochs, validation accuracy {metrics['validation_accuracy']:.4f}")


def export(model, directory, columns):
    """One float tensor in; `label` and the `probabilities` of both classes out."""
    directory.mkdir(parents=True, exist_ok=True)
    onnx = to_onnx(
        model,
        np.zeros((1, columns), dtype=np.float32),
        options={"zipmap": False},
        name="breast_cancer",
    )
    (directory / "model.onnx").write_bytes(onnx.SerializeToString())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prepared", type=pathlib.Path, required=True)
    parser.add_argument("--hidden-layers", default="64,32")
    parser.add_argument("--alpha", type=float, default=0.01)
    parser.add_argument("--max-epochs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--heldout-rows", type=pathlib.Path)
    parser.add_argument("--expected", type=pathlib.Path, required=True)
    args = parser.parse_args()

    train = read(args.prepared / "train.csv")
    model = fit(args, train)
    track(args, model, read(args.prepared / "validation.csv"))
    export(model, args.model, train.shape[1] - 1)

    # What scikit-learn itself says of rows it has not seen: the served model is checked against it.
    probabilities = (
        model.predict_proba(read(args.heldout_rows)) if args.heldout_rows else np.empty((0, 2))
    )
    np.savetxt(
        args.expected,
        probabilities,
        delimiter=",",
        header="malignant,benign",
        comments="",
        fmt="%.9f",
    )


if __name__ == "__main__":
    main()
