# SPDX-License-Identifier: Apache-2.0
"""Command jobs that fail, time out, are cancelled or cannot start: the cause reaches the caller."""

import random
import re
import time

import pytest
from azure.ai.ml import Input, command
from azure.ai.ml.entities import Environment
from azure.ai.ml.exceptions import JobException
from azure.core.exceptions import HttpResponseError

from harness import running_commands, unique, wait_for, wait_for_job, write_tree


def submit(client, environment, text, **options):
    return client.jobs.create_or_update(
        command(command=text, environment=environment, compute="cpu-cluster", **options)
    )


def error_of(client, name, capsys):
    """What `stream` raises of a failed job."""
    with pytest.raises(JobException) as caught:
        client.jobs.stream(name)
    capsys.readouterr()
    return str(caught.value)


def test_traceback_reaches_the_caller(client, bare_environment, tmp_path, capsys):
    write_tree(
        tmp_path,
        {"src/fails.py": "def deep():\n    raise ValueError('deliberate failure')\ndeep()\n"},
    )
    job = submit(client, bare_environment, "python fails.py", code=str(tmp_path / "src"))
    message = error_of(client, job.name, capsys)
    assert "ValueError: deliberate failure" in message
    assert "in deep" in message
    assert client.jobs.get(job.name).status == "Failed"


def test_exit_status_and_last_lines(client, bare_environment, capsys):
    job = submit(client, bare_environment, "echo the last words; exit 7")
    message = error_of(client, job.name, capsys)
    assert "7" in message and "the last words" in message


def test_failed_job_keeps_its_log(client, bare_environment, tmp_path):
    job = submit(client, bare_environment, "echo before; echo kept > outputs/kept.txt; false")
    assert wait_for_job(client, job.name).status == "Failed"
    client.jobs.download(job.name, download_path=str(tmp_path), all=True)
    assert "before" in (tmp_path / "artifacts/user_logs/std_log.txt").read_text()
    assert (tmp_path / "artifacts/outputs/kept.txt").read_text() == "kept\n"


def test_missing_command(client, bare_environment, capsys):
    job = submit(client, bare_environment, "no-such-command --flag")
    assert "no-such-command" in error_of(client, job.name, capsys)


def test_timeout(client, bare_environment, arm):
    job = command(command="echo begun; sleep 300", environment=bare_environment)
    job.set_limits(timeout=3)
    job = client.jobs.create_or_update(job)
    begun = time.monotonic()
    ended = wait_for_job(client, job.name, 60)
    assert ended.status in ("Canceled", "Failed")
    assert time.monotonic() - begun < 30
    assert "timeout" in details(client, arm, job.name).lower().replace("timed out", "timeout")


def test_cancel(client, bare_environment, capsys):
    sleep = f"sleep {random.randint(10**6, 10**7)}"
    job = submit(client, bare_environment, f"echo begun; trap '' TERM; {sleep}; {sleep}")
    wait_for("the job to run", lambda: client.jobs.get(job.name).status == "Running")
    wait_for("its process", lambda: sleep in running_commands())
    client.jobs.begin_cancel(job.name).result()
    assert wait_for_job(client, job.name, 40).status == "Canceled"
    assert sleep not in running_commands()
    client.jobs.stream(job.name)
    assert "Execution Summary" in capsys.readouterr().out


def test_cancel_of_an_ended_job_changes_nothing(client, bare_environment):
    job = submit(client, bare_environment, "true")
    wait_for_job(client, job.name)
    try:
        client.jobs.begin_cancel(job.name).result()
    except HttpResponseError:
        pass  # refusing is as good as ignoring
    assert client.jobs.get(job.name).status == "Completed"


def details(client, arm, name):
    """The run-history details of a job, as text."""
    import requests

    workspace = client.workspaces.get(client.workspace_name)
    api = requests.get(workspace.discovery_url, timeout=30).json()["api"].rstrip("/")
    return arm("GET", f"{api}/history/v1.0{workspace.id}/runs/{name}/details").text


def test_unknown_environment_version(client):
    with pytest.raises(Exception, match="no-such-environment"):
        job = submit(client, "azureml:no-such-environment:1", "true")
        raise_failure(client, job)


def test_unknown_registry_environment(client):
    with pytest.raises(Exception, match="no-such-curated-one"):
        job = submit(
            client,
            "azureml://registries/azureml/environments/no-such-curated-one/versions/1",
            "true",
        )
        raise_failure(client, job)


def raise_failure(client, job):
    wait_for_job(client, job.name)
    client.jobs.stream(job.name)


def test_package_that_cannot_be_mapped(client):
    environment = Environment(
        name=unique("unmappable"),
        image="ubuntu:22.04",
        conda_file={"name": "x", "dependencies": ["python=3.11", "r-base=4.3"]},
    )
    with pytest.raises(Exception, match="r-base=4.3"):
        raise_failure(client, submit(client, environment, "echo must not start"))


def test_conda_file_that_is_no_mapping(client, arm):
    answer = arm(
        "PUT",
        "/environments/broken/versions/1",
        json={"properties": {"image": "ubuntu:22.04", "condaFile": "dependencies: [a, {b"}},
    )
    assert answer.status_code == 400
    assert re.search(r"condaFile.* \d+:\d+", answer.json()["error"]["message"])


def test_unknown_compute(client, bare_environment):
    with pytest.raises(Exception, match="no-such-cluster"):
        client.jobs.create_or_update(
            command(command="true", environment=bare_environment, compute="no-such-cluster")
        )


def test_missing_input(client, bare_environment):
    with pytest.raises(Exception, match="no/such/file.csv"):
        job = submit(
            client,
            bare_environment,
            "cat ${{inputs.absent}}",
            inputs={
                "absent": Input(
                    type="uri_file",
                    path="azureml://datastores/workspaceblobstore/paths/no/such/file.csv",
                )
            },
        )
        raise_failure(client, job)


def test_input_path_with_dots(client, bare_environment):
    with pytest.raises(Exception, match=r"\.\."):
        job = submit(
            client,
            bare_environment,
            "cat ${{inputs.absent}}",
            inputs={
                "absent": Input(
                    type="uri_file",
                    path="azureml://datastores/workspaceblobstore/paths/a/../../../etc/passwd",
                )
            },
        )
        raise_failure(client, job)
