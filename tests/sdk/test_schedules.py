# SPDX-License-Identifier: Apache-2.0
"""Schedules by azure-ai-ml: they fire on time, once, and stop when they are told to."""

import datetime
import os
import time
import uuid
import webbrowser

import pytest
from azure.ai.ml import MLClient, command
from azure.ai.ml.dsl import pipeline
from azure.ai.ml.entities import CronTrigger, JobSchedule, RecurrencePattern, RecurrenceTrigger
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import InteractiveBrowserCredential

from harness import unique, wait_for, wait_for_job
from people import Graph, login_host


def a_job(bare_environment):
    echo = command(name="echo", command="echo scheduled", environment=bare_environment)

    @pipeline(experiment_name="schedules", default_compute="serverless")
    def one_step():
        echo()

    return one_step()


def jobs_of(client, schedule):
    return sorted(job.name for job in client.jobs.list() if job.name.startswith(schedule + "-"))


def test_a_recurrence_fires_at_once_and_then_by_the_clock(client, bare_environment):
    name = unique("minutely")
    trigger = RecurrenceTrigger(frequency="minute", interval=1)
    made = client.schedules.begin_create_or_update(
        JobSchedule(name=name, trigger=trigger, create_job=a_job(bare_environment),
                    display_name="every minute", tags={"kind": "test"})).result()
    assert (made.name, made.is_enabled, made.provisioning_state) == (name, True, "Succeeded")
    wait_for("the first job", lambda: jobs_of(client, name), 20)
    job = client.jobs.get(jobs_of(client, name)[0])
    assert job.display_name == job.name
    assert wait_for_job(client, job.name).status == "Completed"
    wait_for("the second job", lambda: len(jobs_of(client, name)) == 2, 90)
    first, second = (datetime.datetime.strptime(each.rsplit("-", 1)[1], "%Y%m%dT%H%M%SZ")
                     for each in jobs_of(client, name))
    assert (second - first).total_seconds() == 60
    client.schedules.begin_disable(name).result()
    assert not client.schedules.get(name).is_enabled
    client.schedules.begin_delete(name).result()


def test_cron_with_a_time_zone_is_kept_as_it_was_written(client, bare_environment):
    name = unique("cron")
    trigger = CronTrigger(expression="15 10 * * 1-5", start_time="2026-03-10T10:15:00",
                          end_time="2046-03-10T10:15:00", time_zone="Pacific Standard Time")
    client.schedules.begin_create_or_update(
        JobSchedule(name=name, trigger=trigger, create_job=a_job(bare_environment))).result()
    kept = client.schedules.get(name)
    assert (kept.trigger.expression, kept.trigger.time_zone) == ("15 10 * * 1-5", "Pacific Standard Time")
    assert kept.create_job.type == "pipeline"
    assert name in [each.name for each in client.schedules.list()]
    client.schedules.begin_disable(name).result()
    assert name not in [each.name for each in client.schedules.list()]
    client.schedules.begin_enable(name).result()
    assert client.schedules.get(name).is_enabled
    assert jobs_of(client, name) == []
    client.schedules.begin_delete(name).result()
    with pytest.raises(ResourceNotFoundError):
        client.schedules.get(name)


def test_weeks_and_months(client, bare_environment):
    for frequency, pattern in (
            ("week", RecurrencePattern(hours=[8], minutes=[30], week_days=["monday", "thursday"])),
            ("month", RecurrencePattern(hours=[0], minutes=[0], month_days=[1, 15]))):
        name = unique(frequency)
        client.schedules.begin_create_or_update(JobSchedule(
            name=name, create_job=a_job(bare_environment),
            trigger=RecurrenceTrigger(frequency=frequency, interval=2, schedule=pattern))).result()
        assert client.schedules.get(name).trigger.frequency.lower() == frequency
        client.schedules.begin_delete(name).result()


def test_fired_by_hand_is_one_job_for_a_time(client, bare_environment):
    name = unique("manual")
    client.schedules.begin_create_or_update(JobSchedule(
        name=name, trigger=CronTrigger(expression="0 0 1 1 *"), create_job=a_job(bare_environment))).result()
    moment = "2026-01-02T03:04:05+00:00"
    first = client.schedules.trigger(name, schedule_time=moment)
    assert first.job_name == f"{name}-20260102T030405Z"
    assert client.schedules.trigger(name, schedule_time=moment).job_name == first.job_name
    wait_for("its job", lambda: jobs_of(client, name) == [first.job_name], 20)
    assert wait_for_job(client, first.job_name).status == "Completed"
    client.schedules.begin_delete(name).result()


def test_commands_and_jobs_that_are_there(client, bare_environment, monkeypatch):
    monkeypatch.setenv("AZURE_ML_CLI_PRIVATE_FEATURES_ENABLED", "true")  # the client's switch for commands
    yearly = CronTrigger(expression="0 0 1 1 *")
    name = unique("command")
    client.schedules.begin_create_or_update(JobSchedule(
        name=name, trigger=yearly,
        create_job=command(command="echo scheduled", environment=bare_environment))).result()
    first = client.schedules.trigger(name).job_name
    assert wait_for_job(client, wait_for("its job", lambda: jobs_of(client, name), 20)[0]).status == "Completed"
    again = unique("again")
    client.schedules.begin_create_or_update(JobSchedule(
        name=again, trigger=yearly, create_job=client.jobs.get(first).id)).result()
    second = client.schedules.trigger(again).job_name
    wait_for("its job", lambda: jobs_of(client, again) == [second], 20)
    assert wait_for_job(client, second).status == "Completed"
    assert client.jobs.get(second).command == "echo scheduled"
    for each in (name, again):
        client.schedules.begin_delete(each).result()


CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


def test_a_sign_out_ends_what_its_author_left_behind(arm, client, credential, bare_environment, monkeypatch):
    base = arm.base.replace("management.", "graph.")
    graph = Graph(base, credential.get_token(f"{base}/.default").token)
    author = graph.user()
    roles = f"{arm.base}{arm.scope}/providers/Microsoft.Authorization"
    given = arm("PUT", f"{roles}/roleAssignments/{uuid.uuid4()}", params={"api-version": "2022-04-01"}, json={
        "properties": {"principalId": author.object_id, "principalType": "User",
                       "roleDefinitionId": f"{roles}/roleDefinitions/{CONTRIBUTOR}".removeprefix(arm.base)}})
    assert given.status_code == 201, given.text
    monkeypatch.setattr(webbrowser, "open", lambda url, *_, **__: author.in_background(url))
    monkeypatch.setattr(webbrowser, "get", lambda *_: webbrowser)
    theirs = MLClient(
        InteractiveBrowserCredential(tenant_id="adfs", authority=login_host(), timeout=30),
        os.environ["AZURE_SUBSCRIPTION_ID"], os.environ["AZURE_RESOURCE_GROUP"],
        os.environ["AZUREML_WORKSPACE_NAME"])
    name = unique("left")
    theirs.schedules.begin_create_or_update(JobSchedule(
        name=name, trigger=CronTrigger(expression="0 0 1 1 *"), create_job=a_job(bare_environment))).result()
    first = client.schedules.trigger(name, schedule_time="2026-01-02T03:04:05+00:00").job_name
    wait_for("its job", lambda: jobs_of(client, name) == [first], 20)
    graph("POST", f"/users/{author.object_id}/revokeSignInSessions")
    client.schedules.trigger(name, schedule_time="2026-01-02T03:04:06+00:00")
    time.sleep(3)  # the first took a part of a second
    assert jobs_of(client, name) == [first]
    client.schedules.begin_delete(name).result()


def test_nonsense_is_refused(client, bare_environment):
    for trigger in (CronTrigger(expression="61 * * * *"), CronTrigger(expression="0 0 31 2 *"),
                    CronTrigger(expression="* * * * *", time_zone="Mars Standard Time")):
        with pytest.raises(HttpResponseError) as refused:
            client.schedules.begin_create_or_update(JobSchedule(
                name=unique("wrong"), trigger=trigger, create_job=a_job(bare_environment))).result()
        assert refused.value.status_code == 400
