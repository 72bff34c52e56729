"""The server of the local Cognito: starting, stopping, settings, parallel callers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from moto.cognitoidp import urls
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.logs.models import LogsBackend

from connectors.cognito.sandbox import Sandbox, SandboxSettings, launch, start
from connectors.cognito.sandbox.server import ROOT
from connectors.errors import ConfigurationError
from tests.unit.sandbox_jobs import client_for, make_pool, person, put, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "connectors.cognito.sandbox"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with start() as running:
        yield running


@pytest.fixture(scope="module")
def launched() -> Iterator[Sandbox]:
    with launch() as running:
        yield running


def test_all_services_answer_under_one_url(sandbox: Sandbox) -> None:
    bucket = client_for(sandbox, "s3")
    bucket.create_bucket(Bucket="runs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    bucket.put_object(Bucket="runs", Key="a", Body=b"1")
    assert bucket.get_object(Bucket="runs", Key="a")["Body"].read() == b"1"
    assert client_for(sandbox, "sts").get_caller_identity()["Account"] == "123456789012"
    assert client_for(sandbox, "iam").list_roles()["Roles"] == []
    assert client_for(sandbox, "logs").describe_log_groups()["logGroups"] == []
    assert client_for(sandbox, "dynamodb").list_tables()["TableNames"] == []
    assert client_for(sandbox).list_user_pools(MaxResults=1)["UserPools"] == []


def test_the_environment_leads_every_client_to_it(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    code = "import boto3; print(boto3.client('cognito-idp').create_user_pool(PoolName='p')['UserPool']['Id'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("eu-west-1_")
    assert [pool["Name"] for pool in client_for(sandbox).list_user_pools(MaxResults=5)["UserPools"]] == ["p"]


def test_health_names_the_version_of_moto(sandbox: Sandbox) -> None:
    answer = requests.get(f"{sandbox.url}/sandbox/health", timeout=10)
    assert answer.json() == {"status": "ok", "moto": "5.2.5"}


def test_settings_are_read_and_changed_over_http() -> None:
    with start(SandboxSettings(pending_seconds=2)) as sandbox:
        sandbox.update(quotes="keep")
        shown = requests.get(f"{sandbox.url}/sandbox/settings", timeout=10).json()
    assert SandboxSettings.model_validate(shown) == SandboxSettings(pending_seconds=2, quotes="keep")


@pytest.mark.parametrize("body", ['{"quotez": "keep"}', '{"quotes": "eat"}', "[1]", "no json", ""])
def test_wrong_settings_are_refused_and_change_nothing(sandbox: Sandbox, body: str) -> None:
    answer = requests.put(f"{sandbox.url}/sandbox/settings", data=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["errors"]
    shown = requests.get(f"{sandbox.url}/sandbox/settings", timeout=10).json()
    assert shown == SandboxSettings().model_dump(mode="json")


def test_a_wrong_update_says_which_setting(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="quotez: Extra inputs are not permitted"):
        sandbox.update(quotez="keep")


def test_calls_are_counted(sandbox: Sandbox) -> None:
    client_for(sandbox).list_user_pools(MaxResults=1)
    assert sandbox.counters()["operations"] == {"ListUserPools": 1}


def test_a_second_one_in_the_same_process_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="Another sandbox runs in this process"):
        start()
    assert requests.get(f"{sandbox.url}/sandbox/health", timeout=10).ok


def test_a_stopped_one_leaves_moto_as_it_was_and_empty() -> None:
    with start() as first:
        make_pool(first)
        url = first.url
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=2)
    assert urls.url_paths[ROOT] == CognitoIdpResponse.dispatch
    with start() as second:
        assert client_for(second).list_user_pools(MaxResults=1)["UserPools"] == []


def test_stopping_ends_a_running_job_and_deletes_its_file() -> None:
    with start(SandboxSettings(rows_per_second=1)) as sandbox:
        pool = make_pool(sandbox)
        job = pool.job()
        put(job, pool.file(*(person(f"u{n}") for n in range(50))))
        pool.start(job)
        pool.wait(job, "InProgress")
        folder = folder_of(sandbox)
        assert [file.name for file in folder.iterdir()] == [f"{job['JobId']}.csv"]
        before = time.monotonic()
    assert time.monotonic() - before < 10
    assert not folder.exists()


def folder_of(sandbox: Sandbox) -> Path:
    """Where an in-process sandbox keeps files."""
    assert sandbox._end is not None
    folder: Path = sandbox._end.__self__.state.jobs.folder  # type: ignore[attr-defined]  # a bound method
    return folder


def test_a_taken_port_is_refused(sandbox: Sandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"Port {port} of 127.0.0.1 cannot be listened on" in done.stderr


def test_a_seam_that_is_gone_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(LogsBackend, "ensure_log_group")
    with pytest.raises(ConfigurationError, match=r"LogsBackend\.ensure_log_group"):
        start()


def test_a_url_that_moto_no_longer_has_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(urls.url_paths, ROOT)
    with pytest.raises(ConfigurationError, match="url_paths"):
        start()


def test_a_launched_one_takes_settings_and_ends_at_stop() -> None:
    sandbox = launch(SandboxSettings(region="eu-central-1", pending_seconds=1.5))
    with sandbox:
        shown = requests.get(f"{sandbox.url}/sandbox/settings", timeout=10).json()
        assert (shown["region"], shown["pending_seconds"]) == ("eu-central-1", 1.5)
        assert sandbox.environment["AWS_DEFAULT_REGION"] == "eu-central-1"
        assert make_pool(sandbox).id.startswith("eu-central-1_")
    sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{sandbox.url}/sandbox/health", timeout=2)


def test_a_launched_one_ends_when_its_parent_is_killed() -> None:
    code = (
        "import time; from connectors.cognito.sandbox import launch; s = launch();"
        "print(s.url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert requests.get(f"{url}/sandbox/health", timeout=10).ok
        parent.kill()
    until = time.monotonic() + 20
    while reachable(url):
        assert time.monotonic() < until
        time.sleep(0.05)


def reachable(url: str) -> bool:
    """Whether it answers; one that ends may leave half an answer behind."""
    try:
        return requests.get(f"{url}/sandbox/health", timeout=5).ok
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        return False


def test_one_that_does_not_start_says_so() -> None:
    class Broken(SandboxSettings):
        def model_dump_json(self, **_: object) -> str:
            return "{}}"

    with pytest.raises(ConfigurationError, match="did not start"):
        launch(Broken())


def test_the_command_prints_its_url_and_ends_on_sigterm() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        said = json.loads(child.stdout.readline())
        assert requests.get(f"{said['url']}/sandbox/health", timeout=10).ok
        assert said["AWS_ENDPOINT_URL"] == said["url"]
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=20) == 0


def test_the_command_refuses_unknown_settings() -> None:
    done = subprocess.run(
        [*COMMAND, "--settings", '{"quotez": 1}'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "quotez" in done.stderr


@pytest.mark.parametrize("settings", [{}, {"UsernameAttributes": ["email"]}, {"AliasAttributes": ["email"]}])
def test_parallel_callers_never_meet_an_internal_error(launched: Sandbox, settings: dict[str, Any]) -> None:
    """While a job imports, others create, list, describe and read the log of the same pool."""
    pool = make_pool(launched, **settings)
    sign_in = "UsernameAttributes" in settings
    rows = [person(f"job{n}") for n in range(3_000)]
    if sign_in:
        rows = [{**row, "cognito:username": row["email"]} for row in rows]
    job = pool.job()
    put(job, pool.file(*rows))

    def work(number: int) -> int:
        client, logs = client_for(launched), client_for(launched, "logs")
        for step in range(8):
            name = f"own{number}-{step}" + ("@example.com" if sign_in else "")
            client.admin_create_user(UserPoolId=pool.id, Username=name, MessageAction="SUPPRESS")
            client.list_users(UserPoolId=pool.id, Limit=60)
            client.admin_get_user(UserPoolId=pool.id, Username=name)
            client.describe_user_import_job(UserPoolId=pool.id, JobId=job["JobId"])
            client.list_user_import_jobs(UserPoolId=pool.id, MaxResults=60)
            logs.describe_log_groups()
        return number

    pool.start(job)
    with ThreadPoolExecutor(8) as workers:
        assert list(workers.map(work, range(8))) == list(range(8))
    assert pool.wait(job)["ImportedUsers"] == 3_000
    assert pool.call("describe_user_pool")["UserPool"]["EstimatedNumberOfUsers"] == 3_000 + 64


def test_parallel_creations_of_jobs_keep_them_all(launched: Sandbox) -> None:
    pool = make_pool(launched)
    with ThreadPoolExecutor(8) as workers:
        jobs = list(workers.map(lambda number: pool.job(f"job {number}"), range(24)))
    listed = pool.call("list_user_import_jobs", MaxResults=60)["UserImportJobs"]
    assert {job["JobId"] for job in jobs} == {job["JobId"] for job in listed}
    assert len({job["JobId"] for job in jobs}) == 24


def test_of_many_parallel_starts_exactly_one_wins() -> None:
    with launch(SandboxSettings(pending_seconds=30)) as sandbox:
        pools = [make_pool(sandbox) for _ in range(8)]
        jobs = [pool.job() for pool in pools]
        for pool, job in zip(pools, jobs, strict=True):
            put(job, pool.file(person("ann")))

        def started(place: int) -> bool:
            try:
                pools[place].start(jobs[place])
            except pools[place].client.exceptions.PreconditionNotMetException:
                return False
            return True

        with ThreadPoolExecutor(8) as workers:
            assert sum(workers.map(started, range(8))) == 1


def test_moto_still_answers_for_what_is_not_made_strict(sandbox: Sandbox) -> None:
    pool = make_pool(sandbox)
    pool.call("create_group", GroupName="staff")
    with refused("GroupExistsException"):
        pool.call("create_group", GroupName="staff")
