# SPDX-License-Identifier: Apache-2.0
"""Pipelines of local components: bindings, optional inputs, nesting, a failing child, cancel."""

import random

import pytest
from azure.ai.ml import Input, load_component, load_job
from azure.ai.ml.dsl import pipeline
from azure.ai.ml.exceptions import JobException
from azure.core.exceptions import HttpResponseError

from harness import running_commands, wait_for, wait_for_job, write_tree

ENVIRONMENT = """
environment:
  image: mcr.microsoft.com/azureml/minimal-ubuntu22.04-py311-cpu-inference
"""

MAKE = (
    """
name: make_numbers
type: command
inputs:
  count: {type: integer}
  scale: {type: number, default: 1}
  note: {type: string, optional: true}
outputs:
  numbers: {type: uri_folder}
code: ./src
command: >-
  python make.py --count ${{inputs.count}} --scale ${{inputs.scale}}
  $[[--note ${{inputs.note}}]] --numbers ${{outputs.numbers}}
"""
    + ENVIRONMENT
)

ADD = (
    """
name: add_numbers
type: command
inputs:
  numbers: {type: uri_folder}
  fail: {type: boolean, default: false}
outputs:
  total: {type: uri_file}
code: ./src
command: python add.py ${{inputs.numbers}} ${{outputs.total}} ${{inputs.fail}}
"""
    + ENVIRONMENT
)

FILES = {
    "make.yml": MAKE,
    "add.yml": ADD,
    "src/make.py": """
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--count", type=int)
parser.add_argument("--scale", type=float)
parser.add_argument("--note", default="no note")
parser.add_argument("--numbers", type=pathlib.Path)
args = parser.parse_args()
for number in range(args.count):
    (args.numbers / f"{number}.txt").write_text(str(number * args.scale))
(args.numbers / "note").write_text(args.note)
print("made", args.count, "with", args.note)
""",
    "src/add.py": """
import pathlib, sys
numbers, total, fail = sys.argv[1:]
if fail.lower() == "true":
    raise RuntimeError("the sum was asked to fail")
folder = pathlib.Path(numbers)
result = sum(float(path.read_text()) for path in folder.glob("*.txt"))
pathlib.Path(total).write_text(f"{result} {(folder / 'note').read_text()}")
print("total", result)
""",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("pipeline"), FILES)


@pytest.fixture(scope="module")
def sums(folder):
    make = load_component(folder / "make.yml")
    add = load_component(folder / "add.yml")

    @pipeline(default_compute="cpu-cluster", experiment_name="sdk-pipelines")
    def sum_up(count: int, scale: float = 1.0, fail: bool = False):
        made = make(count=count, scale=scale)
        added = add(numbers=made.outputs.numbers, fail=fail)
        return {"total": added.outputs.total}

    return sum_up


def test_pipeline_from_yaml(client, folder, tmp_path, capsys):
    write_tree(
        folder,
        {
            "pipeline.yml": """
type: pipeline
display_name: sums
experiment_name: sdk-pipelines
inputs:
  count: 4
  note: hello
outputs:
  total: {type: uri_file}
settings:
  default_compute: azureml:cpu-cluster
jobs:
  make:
    type: command
    component: ./make.yml
    inputs:
      count: ${{parent.inputs.count}}
      scale: 2.5
      note: ${{parent.inputs.note}}
  add:
    type: command
    component: ./add.yml
    inputs:
      numbers: ${{parent.jobs.make.outputs.numbers}}
    outputs:
      total: ${{parent.outputs.total}}
"""
        },
    )
    job = client.jobs.create_or_update(load_job(folder / "pipeline.yml"))
    client.jobs.stream(job.name)
    assert "Streaming logs/azureml/executionlogs.txt" in capsys.readouterr().out
    assert client.jobs.get(job.name).status == "Completed"

    children = {child.display_name: child for child in client.jobs.list(parent_job_name=job.name)}
    assert {child.status for child in children.values()} == {"Completed"}
    assert set(children) == {"make", "add"}

    client.jobs.download(job.name, download_path=str(tmp_path), output_name="total")
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.read_text() for path in found] == ["15.0 hello"]


def test_optional_input_left_out(client, sums, tmp_path):
    job = client.jobs.create_or_update(sums(count=3))
    assert wait_for_job(client, job.name).status == "Completed"
    client.jobs.download(job.name, download_path=str(tmp_path), all=True)
    totals = [
        path.read_text() for path in (tmp_path / "named-outputs").rglob("total") if path.is_file()
    ]
    assert totals == ["3.0 no note"]


def test_failure_names_the_child(client, sums, capsys):
    job = client.jobs.create_or_update(sums(count=3, fail=True))
    with pytest.raises(JobException) as caught:
        client.jobs.stream(job.name)
    capsys.readouterr()
    message = str(caught.value)
    assert "added" in message
    assert "RuntimeError: the sum was asked to fail" in message
    states = {
        child.display_name: child.status for child in client.jobs.list(parent_job_name=job.name)
    }
    assert states == {"made": "Completed", "added": "Failed"}


def test_nested_pipeline_and_two_equal_nodes(client, folder, sums, tmp_path):
    add = load_component(folder / "add.yml")
    make = load_component(folder / "make.yml")

    @pipeline()
    def inner(count: int):
        first = make(count=count)
        return {"numbers": first.outputs.numbers}

    @pipeline(default_compute="cpu-cluster")
    def outer(count: int):
        left = inner(count=count)
        right = add(numbers=left.outputs.numbers)
        again = add(numbers=left.outputs.numbers)
        return {"one": right.outputs.total, "two": again.outputs.total}

    job = client.jobs.create_or_update(outer(count=5))
    assert wait_for_job(client, job.name).status == "Completed"
    client.jobs.download(job.name, download_path=str(tmp_path), all=True)
    texts = {
        path.name: path.read_text()
        for path in (tmp_path / "named-outputs").rglob("*")
        if path.is_file()
    }
    assert texts == {"one": "10.0 no note", "two": "10.0 no note"}


def test_data_input_of_a_pipeline(client, folder, tmp_path):
    add = load_component(folder / "add.yml")
    numbers = write_tree(tmp_path, {"n/1.txt": "40", "n/2.txt": "2", "n/note": "from data"}) / "n"

    @pipeline(default_compute="cpu-cluster")
    def only_add(numbers):
        return {"total": add(numbers=numbers).outputs.total}

    job = client.jobs.create_or_update(
        only_add(numbers=Input(type="uri_folder", path=str(numbers)))
    )
    assert wait_for_job(client, job.name).status == "Completed"
    client.jobs.download(job.name, download_path=str(tmp_path / "d"), output_name="total")
    found = [path for path in (tmp_path / "d").rglob("*") if path.is_file()]
    assert [path.read_text() for path in found] == ["42.0 from data"]


def test_cancel(client, tmp_path):
    command = f"sleep {random.randint(10**6, 10**7)}"
    write_tree(
        tmp_path,
        {
            "sleep.yml": f"name: sleeps\ntype: command\ncommand: {command}\n" + ENVIRONMENT,
        },
    )
    sleep = load_component(tmp_path / "sleep.yml")

    @pipeline(default_compute="cpu-cluster")
    def sleeping():
        sleep()

    job = client.jobs.create_or_update(sleeping())

    def child_runs():
        return [c for c in client.jobs.list(parent_job_name=job.name) if c.status == "Running"]

    wait_for("the child to run", child_runs)
    wait_for("its process", lambda: command in running_commands())
    client.jobs.begin_cancel(job.name).result()
    assert wait_for_job(client, job.name, 40).status == "Canceled"
    assert {child.status for child in client.jobs.list(parent_job_name=job.name)} == {"Canceled"}
    assert command not in running_commands()


def test_registered_component_with_bad_binding_is_refused(client, arm):
    """What the client would not send: a node bound to an output that does not exist."""
    answer = arm(
        "PUT",
        "/jobs/bad-binding",
        json={
            "properties": {
                "jobType": "Pipeline",
                "inputs": {},
                "outputs": {},
                "jobs": {
                    "one": {
                        "type": "command",
                        "componentId": "azureml:no_such_component:1",
                        "inputs": {
                            "numbers": {
                                "job_input_type": "literal",
                                "value": "${{parent.jobs.two.outputs.numbers}}",
                            }
                        },
                    }
                },
            }
        },
    )
    assert answer.status_code in (400, 404), answer.text
    message = answer.json()["error"]["message"]
    assert "two" in message or "no_such_component" in message


def test_a_component_input_that_is_missing(client, sums):
    with pytest.raises((Exception, HttpResponseError), match="count"):
        client.jobs.create_or_update(sums())
