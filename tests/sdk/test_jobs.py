# SPDX-License-Identifier: Apache-2.0
"""Command jobs that succeed: what they see, what is streamed, downloaded, listed and updated."""

import json

import pytest
from azure.ai.ml import Input, Output, command
from azure.ai.ml.constants import AssetTypes, InputOutputModes
from azure.ai.ml.entities import Data

from harness import unique, wait_for_job, write_tree

WORKS = """
import argparse, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--count", type=int)
parser.add_argument("--rate", type=float)
parser.add_argument("--table", type=pathlib.Path)
parser.add_argument("--folder", type=pathlib.Path)
parser.add_argument("--single", type=pathlib.Path)
args = parser.parse_args()
print("first line", flush=True)
print("to stderr", file=sys.stderr, flush=True)
time.sleep(2.5)
print("table has", len(args.table.read_text().splitlines()), "lines, rate", args.rate)
print("greeting is", os.environ["GREETING"])
for number in range(args.count):
    (args.folder / f"part-{number}.txt").write_text(f"part {number}")
(args.folder / "deep" / "er").mkdir(parents=True)
(args.folder / "deep" / "er" / "empty").write_bytes(b"")
args.single.write_text("the single file")
pathlib.Path("outputs/report.json").write_text("{}")
pathlib.Path("logs/extra.log").write_text("an extra log")
print("last line")
"""

LOOKS = """
import json, os, pathlib, socket, urllib.request
def refused(action):
    try:
        action()
        return False
    except OSError:
        return True
facts = {
    "run": os.environ.get("AZUREML_RUN_ID"),
    "mlflow_run": os.environ.get("MLFLOW_RUN_ID"),
    "mlflow": os.environ.get("MLFLOW_TRACKING_URI"),
    "telemetry": [os.environ.get(n) for n in ("MLFLOW_DISABLE_TELEMETRY", "ORT_DISABLE_TELEMETRY")],
    "secrets": sorted(
        name for name in os.environ
        if name in ("AZURE_CLIENT_SECRET", "AZURE_STORAGE_CONNECTION_STRING")),
    "files": sorted(path.name for path in pathlib.Path(".").iterdir()),
    "no network": refused(lambda: socket.create_connection(("192.0.2.1", 443), timeout=3)),
    "root read-only": refused(lambda: open("/etc/lazuli-was-here", "w")),
}
request = urllib.request.Request(
    os.environ["MLFLOW_TRACKING_URI"]
    + "/api/2.0/mlflow/runs/get?run_id=" + os.environ["MLFLOW_RUN_ID"],
    headers={"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]})
facts["own run"] = json.load(urllib.request.urlopen(request))["run"]["info"]["run_id"]
pathlib.Path("outputs/facts.json").write_text(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def finished(client, bare_environment, tmp_path_factory):
    """One job with all kinds of inputs and outputs, streamed to its end."""
    folder = tmp_path_factory.mktemp("job")
    write_tree(folder, {"src/works.py": WORKS, "table.csv": "a\n1\n2\n"})
    job = command(
        code=str(folder / "src"),
        command=(
            "python works.py --count ${{inputs.count}} --rate ${{inputs.rate}}"
            " --table ${{inputs.table}} --folder ${{outputs.folder}} --single ${{outputs.single}}"
        ),
        inputs={
            "count": 3,
            "rate": 0.5,
            "table": Input(type=AssetTypes.URI_FILE, path=str(folder / "table.csv")),
        },
        outputs={
            "folder": Output(type=AssetTypes.URI_FOLDER),
            "single": Output(type=AssetTypes.URI_FILE),
        },
        environment=bare_environment,
        environment_variables={"GREETING": "hello there"},
        compute="cpu-cluster",
        experiment_name="sdk-jobs",
        display_name="works",
        tags={"kind": "test"},
    )
    return client.jobs.create_or_update(job)


def test_stream_prints_the_log(client, finished, capsys):
    client.jobs.stream(finished.name)
    printed = capsys.readouterr().out
    for line in (
        "Streaming user_logs/std_log.txt",
        "first line",
        "to stderr",
        "table has 3 lines, rate 0.5",
        "greeting is hello there",
        "last line",
        "Execution Summary",
    ):
        assert line in printed, printed
    assert printed.count("first line") == 1


def test_get_and_list(client, finished):
    job = wait_for_job(client, finished.name)
    assert (job.status, job.display_name) == ("Completed", "works")
    assert job.tags == {"kind": "test"}
    assert job.experiment_name == "sdk-jobs"
    assert job.services["Studio"].endpoint.startswith("https://")
    assert job.creation_context.created_at
    assert finished.name in [entry.name for entry in client.jobs.list()]


def test_download_all(client, finished, tmp_path):
    wait_for_job(client, finished.name)
    client.jobs.download(finished.name, download_path=str(tmp_path), all=True)
    texts = {
        str(path.relative_to(tmp_path)): path.read_text()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    named = "named-outputs"
    assert texts[f"{named}/folder/part-2.txt"] == "part 2"
    assert texts[f"{named}/folder/deep/er/empty"] == ""
    assert texts[f"{named}/single/single"] == "the single file"
    assert texts["artifacts/outputs/report.json"] == "{}"
    assert texts["artifacts/logs/extra.log"] == "an extra log"
    assert "last line" in texts["artifacts/user_logs/std_log.txt"]


def test_download_one_output(client, finished, tmp_path):
    wait_for_job(client, finished.name)
    client.jobs.download(finished.name, download_path=str(tmp_path), output_name="folder")
    assert (tmp_path / "named-outputs/folder/part-0.txt").read_text() == "part 0"
    assert not list(tmp_path.rglob("single"))


def test_update_and_archive(client, finished):
    job = wait_for_job(client, finished.name)
    job.display_name = "renamed"
    job.tags["more"] = "yes"
    client.jobs.create_or_update(job)
    updated = client.jobs.update(finished.name, description="described")
    assert (updated.display_name, updated.description) == ("renamed", "described")
    assert updated.tags == {"kind": "test", "more": "yes"}
    assert updated.status == "Completed"
    client.jobs.archive(finished.name)
    assert finished.name not in [entry.name for entry in client.jobs.list()]
    client.jobs.restore(finished.name)
    assert finished.name in [entry.name for entry in client.jobs.list()]


def test_a_finished_job_still_streams(client, bare_environment, capsys):
    job = client.jobs.create_or_update(
        command(command="echo over before anyone looks", environment=bare_environment)
    )  # no compute: serverless
    wait_for_job(client, job.name)
    client.jobs.stream(job.name)
    assert "over before anyone looks" in capsys.readouterr().out


def test_what_the_process_sees(client, bare_environment, tmp_path):
    write_tree(tmp_path, {"src/looks.py": LOOKS, "src/beside.txt": ""})
    job = client.jobs.create_or_update(
        command(
            code=str(tmp_path / "src"),
            command="python looks.py",
            environment=bare_environment,
            compute="cpu-cluster",
        )
    )
    ended = wait_for_job(client, job.name)
    client.jobs.download(job.name, download_path=str(tmp_path / "down"), all=True)
    log = (tmp_path / "down/artifacts/user_logs/std_log.txt").read_text()
    assert ended.status == "Completed", log
    facts = json.loads((tmp_path / "down/artifacts/outputs/facts.json").read_text())
    assert facts["run"] == facts["mlflow_run"] == facts["own run"] == job.name
    assert facts["telemetry"] == ["true", "1"]
    assert facts["secrets"] == []
    assert {"looks.py", "beside.txt", "outputs", "logs"} <= set(facts["files"])
    assert facts["no network"]
    assert facts["root read-only"]


def test_inputs_and_outputs_as_assets(client, bare_environment, tmp_path):
    source = client.data.create_or_update(
        Data(
            name=unique("words"),
            type=AssetTypes.URI_FOLDER,
            path=str(write_tree(tmp_path, {"w/a.txt": "alpha\n", "w/b.txt": "beta\n"}) / "w"),
        )
    )
    made = unique("joined")
    job = client.jobs.create_or_update(
        command(
            command="cat ${{inputs.words}}/*.txt > ${{outputs.joined}}/all.txt",
            inputs={
                "words": Input(
                    type=AssetTypes.URI_FOLDER,
                    path=f"azureml:{source.name}:{source.version}",
                    mode=InputOutputModes.DOWNLOAD,
                )
            },
            outputs={"joined": Output(type=AssetTypes.URI_FOLDER, name=made)},
            environment=bare_environment,
            compute="cpu-cluster",
        )
    )
    assert wait_for_job(client, job.name).status == "Completed"
    registered = client.data.get(made, label="latest")
    assert registered.type == AssetTypes.URI_FOLDER
    reads = client.jobs.create_or_update(
        command(
            command="grep -c alpha ${{inputs.joined}}/all.txt",
            inputs={"joined": Input(type=AssetTypes.URI_FOLDER, path=registered.id)},
            environment=bare_environment,
        )
    )
    assert wait_for_job(client, reads.name).status == "Completed"


def test_same_name_twice_is_refused_or_idempotent(client, bare_environment):
    """A retried PUT must not start a second process."""
    name = unique("again")
    job = command(command="echo once", environment=bare_environment, name=name)
    client.jobs.create_or_update(job)
    wait_for_job(client, name)
    with pytest.raises(Exception, match=name):
        client.jobs.create_or_update(
            command(command="echo twice", environment=bare_environment, name=name)
        )


def test_curated_environment_is_mapped_and_said_so(client, tmp_path):
    job = client.jobs.create_or_update(
        command(
            command="python -c 'import sys; print(sys.version_info.major)'",
            environment="azureml://registries/azureml/environments/minimal-py311-inference/labels/latest",
            compute="cpu-cluster",
        )
    )
    assert wait_for_job(client, job.name, 300).status == "Completed"
    client.jobs.download(job.name, download_path=str(tmp_path), all=True)
    log = (tmp_path / "artifacts/user_logs/std_log.txt").read_text()
    said = [line for line in log.splitlines() if line.startswith("[lazuli] ")]
    assert any("minimal-py311-inference" in line for line in said), log
