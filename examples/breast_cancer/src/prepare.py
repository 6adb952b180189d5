# SPDX-License-Identifier: Apache-2.0
"""Checks the training data and splits off the rows that training validates itself with."""

import argparse
import pathlib

import mlflow
import numpy as np
from sklearn.model_selection import train_test_split


def read(path):
    with open(path, encoding="utf-8") as file:
        header = file.readline().strip().split(",")
    table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    if table.shape[1] != len(header):
        raise ValueError(f"{path}: {len(header)} column names, {table.shape[1]} columns")
    if not np.isfinite(table).all():
        raise ValueError(f"{path}: holds values that are not finite numbers")
    if not set(np.unique(table[:, -1])) <= {0.0, 1.0}:
        raise ValueError(f"{path}: the last column ({header[-1]}) must be 0 or 1")
    return header, table


def write(path, header, table):
    np.savetxt(path, table, delimiter=",", header=",".join(header), comments="", fmt="%.17g")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--training-data", type=pathlib.Path, required=True)
    parser.add_argument("--validation-fraction", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--prepared", type=pathlib.Path, required=True)
    args = parser.parse_args()

    header, table = read(args.training_data)
    train, validation = train_test_split(
        table, test_size=args.validation_fraction, random_state=args.seed, stratify=table[:, -1]
    )
    args.prepared.mkdir(parents=True, exist_ok=True)
    write(args.prepared / "train.csv", header, train)
    write(args.prepared / "validation.csv", header, validation)

    mlflow.log_metrics({"rows": len(table), "benign_share": float(table[:, -1].mean())})
    print(f"{len(table)} rows: {len(train)} to train on, {len(validation)} to validate with")


if __name__ == "__main__":
    main()
