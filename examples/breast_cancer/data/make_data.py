# SPDX-License-Identifier: Apache-2.0
"""Writes the four files of this folder from the data set bundled with scikit-learn.

The files are committed, so this is only needed to check or to change them. The split is stratified
and seeded: 455 rows to train on, 114 rows that no job ever trains on. The labels of those 114 rows
are in a file of their own, which stays with the caller and is never uploaded.
"""

import csv
import pathlib

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

HERE = pathlib.Path(__file__).resolve().parent
HELDOUT_ROWS = 114
SEED = 20


def write(name, header, rows):
    with open(HERE / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main():
    bunch = load_breast_cancer()
    columns = [str(name).replace(" ", "_") for name in bunch.feature_names]
    train_x, heldout_x, train_y, heldout_y = train_test_split(
        bunch.data, bunch.target, test_size=HELDOUT_ROWS, random_state=SEED, stratify=bunch.target
    )
    training = [[*map(float, row), int(label)] for row, label in zip(train_x, train_y, strict=True)]
    write("training.csv", [*columns, "benign"], training)
    write("heldout_rows.csv", columns, [list(map(float, row)) for row in heldout_x])
    write("heldout_labels.csv", ["benign"], [[int(label)] for label in heldout_y])


if __name__ == "__main__":
    main()
