"""A rollback deletes whom the run created and nobody else: not who signed in or was changed since."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from connectors.cognito import deletion
from connectors.errors import AskThePoolError, ConfigurationError, TargetError, UserRefusedError
from flows.ledger.folder import RunFolder
from flows.reports.cards import rollback_markdown
from flows.reports.explaining import explain_user
from flows.settings import load_run_file
from flows.steps import rolling_back
from flows.steps.context import Worker
from flows.steps.looking_back import GONE
from flows.steps.retrying import Choice, retry
from flows.steps.rolling_back import Rollback, plan_rollback, rollback
from tests.flows.conftest import Pool, person
from tests.flows.journeys import QUICK, lead_to, switched, travel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.cognito.sandbox import Sandbox

PASSWORD = "Invented-1234"  # noqa: S105 - an invented one
HASHED = "Password-1"
BCRYPT = "$2b$04$9gLn4nv2KFtdB0Z38PZF/.ds/GSP6BL2lVJnUrzlicMAHiGhD8syS"  # of HASHED


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_to(sandbox, monkeypatch)


def migrated(pool: Pool, people: Sequence[dict[str, str]], **changes: Any) -> RunFolder:
    return RunFolder(travel(pool.run_file(people, jobs=QUICK, **changes)).folder)


def sign_in(pool: Pool, username: str, password: str) -> None:
    app = pool.client.create_user_pool_client(
        UserPoolId=pool.pool_id, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    answer = pool.client.initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH", ClientId=app,
        AuthParameters={"USERNAME": username, "PASSWORD": password},
    )  # fmt: skip
    assert "AccessToken" in answer["AuthenticationResult"]


def set_password(pool: Pool, username: str) -> None:
    pool.client.admin_set_user_password(
        UserPoolId=pool.pool_id, Username=username, Password=PASSWORD, Permanent=True
    )


def ends(folder: RunFolder) -> dict[str, tuple[str, str | None]]:
    frame = pl.read_parquet(folder.rolled_back)
    return {row["source_id"]: (row["end"], row["reason"]) for row in frame.iter_rows(named=True)}


def test_without_delete_it_only_says_what_would_happen(pool: Pool) -> None:
    folder = migrated(pool, [person(1), person(2)])
    found = plan_rollback(folder, Worker())
    assert found == Rollback(folder.run_id, done=False, made=2, deleted=2, gone_already=0, refused={})
    assert "would be deleted" in found.sentence
    assert set(pool.users()) == {"u00001", "u00002"}
    assert not folder.rolled_back.exists()


def test_it_deletes_whom_the_run_made_and_leaves_everybody_else(pool: Pool) -> None:
    """Left alone: who was there before, who set a password, whose attribute or access changed, a stranger."""
    pool.client.admin_create_user(UserPoolId=pool.pool_id, Username="u00000", MessageAction="SUPPRESS")
    folder = migrated(pool, [person(n, roles="staff") for n in range(6)] + [person(6, verified="false")])
    pool.client.admin_create_user(UserPoolId=pool.pool_id, Username="stranger", MessageAction="SUPPRESS")
    set_password(pool, "u00002")
    sign_in(pool, "u00002", PASSWORD)
    pool.client.admin_update_user_attributes(
        UserPoolId=pool.pool_id, Username="u00003", UserAttributes=[{"Name": "name", "Value": "New Name"}]
    )
    pool.client.admin_disable_user(UserPoolId=pool.pool_id, Username="u00004")
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00005")
    found = rollback(folder, Worker())
    assert set(pool.users()) == {"u00000", "stranger", "u00002", "u00003", "u00004"}
    assert ends(folder) == {
        "u00001": ("deleted", None), "u00002": ("refused", "status_moved"),
        "u00003": ("refused", "changed_since"), "u00004": ("refused", "changed_since"),
        "u00005": (GONE, None), "u00006": ("deleted", None),
    }  # fmt: skip
    assert (found.made, found.deleted, found.gone_already, found.exit_status) == (6, 2, 1, 1)
    assert found.refused == {"changed_since": 2, "status_moved": 1}
    groups = pool.client.list_groups(UserPoolId=pool.pool_id)["Groups"]
    assert [group["GroupName"] for group in groups] == ["staff"], "groups are kept"
    assert "Rolled back: 2 users were deleted, 1 were gone already, 3 were left alone." in report(folder)
    table = (folder.path / "rollback.csv").read_text()
    assert table.splitlines()[1].startswith('"u00003","u00003",')
    assert "New Name" not in table
    assert not (folder.path / "rollback").exists(), "attributes of the deleted are not kept"


def report(folder: RunFolder) -> str:
    from flows.ledger.families import looked_at  # noqa: PLC0415
    from flows.reports.text import report_text  # noqa: PLC0415

    with looked_at(folder) as ledger:
        return report_text(folder, ledger)


@pytest.mark.parametrize("traced", [False, True])
def test_who_could_sign_in_from_the_start_is_left_alone_unless_somebody_knows_better(
    pool: Pool,
    sandbox: Sandbox,
    traced: bool,  # noqa: FBT001 - a switch of the service
) -> None:
    """Whether a sign-in moves the date is not documented: the default is right either way."""
    folder = migrated(pool, [person(1, pw=BCRYPT), person(2, pw=BCRYPT), person(3)])
    with switched(sandbox, sign_in_modifies=traced):
        sign_in(pool, "u00001", HASHED)
    found = plan_rollback(folder, Worker())
    why = {"may_have_signed_in": 1, "changed_since": 1} if traced else {"may_have_signed_in": 2}
    assert (found.deleted, found.refused) == (1, why)
    surely = plan_rollback(folder, Worker(), confirmed_too=True)
    assert (surely.deleted, surely.refused) == ((2, {"changed_since": 1}) if traced else (3, {}))


def test_somebody_else_of_the_same_name_is_not_deleted(pool: Pool) -> None:
    folder = migrated(pool, [person(1), person(2)])
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00001")
    pool.client.admin_create_user(UserPoolId=pool.pool_id, Username="u00001", MessageAction="SUPPRESS")
    found = rollback(folder, Worker())
    assert found.refused == {"replaced": 1}
    assert set(pool.users()) == {"u00001"}


def test_a_change_in_the_moment_before_the_call_is_seen(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleting takes hours, so each user is looked at again."""
    folder = migrated(pool, [person(1), person(2)])
    look_again = rolling_back.look_again

    def late(context: Any, sub: str) -> pl.DataFrame:
        if sub == pool.attributes("u00002")["sub"]:
            set_password(pool, "u00002")
        return look_again(context, sub)

    monkeypatch.setattr(rolling_back, "look_again", late)
    assert rollback(folder, Worker()).refused == {"status_moved": 1}
    assert set(pool.users()) == {"u00002"}


def test_many_users_are_found_by_reading_the_whole_pool(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.steps.looking_back.ONE_BY_ONE", 2)
    folder = migrated(pool, [person(n) for n in range(5)])
    set_password(pool, "u00003")
    assert rollback(folder, Worker()).refused == {"status_moved": 1}
    assert set(pool.users()) == {"u00003"}


def test_a_run_that_knows_no_subs_is_refused_with_the_way_out(pool: Pool) -> None:
    folder = migrated(pool, [person(1)], verify="none")
    with pytest.raises(ConfigurationError, match=r"knows nobody's `sub`.*verify: full"):
        plan_rollback(folder, Worker())
    assert set(pool.users()) == {"u00001"}


def test_a_second_rollback_takes_who_was_left_and_keeps_the_record(pool: Pool) -> None:
    folder = migrated(pool, [person(1), person(2, pw=BCRYPT)])
    assert rollback(folder, Worker()).refused == {"may_have_signed_in": 1}
    found = rollback(folder, Worker(), confirmed_too=True)
    assert (found.deleted, found.refused, found.exit_status) == (2, {}, 0)
    assert ends(folder) == {"u00001": ("deleted", None), "u00002": ("deleted", None)}


def test_a_lost_reply_is_asked_of_the_pool(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call took effect in the first case and not in the second."""
    folder = migrated(pool, [person(1), person(2)])
    real, lost = deletion.delete_user, AskThePoolError("AdminDeleteUser failed: ReadTimeoutError.")

    def after(*arguments: Any) -> None:
        real(*arguments)
        raise lost

    def before(*_: Any) -> None:
        raise lost

    monkeypatch.setattr(rolling_back, "delete_user", before)
    with pytest.raises(TargetError, match="goes on from here"):
        rollback(folder, Worker())
    monkeypatch.setattr(rolling_back, "delete_user", after)
    assert rollback(folder, Worker()).deleted == 2
    assert pool.users() == {}


def test_whom_the_pool_refuses_to_delete_is_not_gone(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else deletes the first one in the moment before the call; the second one is refused."""
    folder = migrated(pool, [person(1), person(2)])
    refusals = ["user_not_found", "invalid_parameter"]

    def refuse(*_: Any) -> None:
        raise UserRefusedError(refusals.pop(0), "AdminDeleteUser failed.")

    monkeypatch.setattr(rolling_back, "delete_user", refuse)
    found = rollback(folder, Worker())
    assert (found.gone_already, found.refused, found.exit_status) == (1, {"invalid_parameter": 1}, 1)
    assert ends(folder) == {"u00001": (GONE, None), "u00002": ("refused", "invalid_parameter")}
    assert "refused to delete" in (folder.path / "rollback.csv").read_text()
    assert "invalid_parameter" in rollback_markdown("run", found)


def test_killed_in_the_middle_it_goes_on_and_knows_whom_it_has_deleted(pool: Pool) -> None:
    folder = migrated(pool, [person(n) for n in range(130)])
    command = [sys.executable, "-m", "flows.cli", "rollback", str(folder.path), "--delete"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while len(pool.users()) > 110:
        assert time.monotonic() < end
        assert process.poll() is None, "it was over before it was killed"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < len(pool.users()) < 130
    found = rollback(folder, Worker())
    assert (found.made, found.deleted, found.gone_already, found.refused) == (130, 130, 0, {})
    assert pool.users() == {}


def test_a_second_rollback_that_is_stopped_is_told_as_one_that_goes_on(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = migrated(pool, [person(1), person(2, pw=BCRYPT)])
    rollback(folder, Worker())

    def lost(*_: Any) -> None:
        raise AskThePoolError("AdminDeleteUser failed: ReadTimeoutError.")

    with monkeypatch.context() as patched:
        patched.setattr(rolling_back, "delete_user", lost)
        with pytest.raises(TargetError):
            rollback(folder, Worker(), confirmed_too=True)
    assert "A rollback has begun and is not done" in report(folder)
    assert "were left alone" not in report(folder)
    rollback(folder, Worker(), confirmed_too=True)
    assert "Rolled back: 2 users were deleted, 0 were gone already, 0 were left alone." in report(folder)


def test_retries_are_rolled_back_as_runs_of_their_own(pool: Pool) -> None:
    parent = migrated(pool, [person(1), person(2, email="x")])
    path = pool.run_file([person(1), person(2)], jobs=QUICK)
    child, _ = retry(parent, load_run_file(path), Worker(), Choice())
    assert rollback(parent, Worker()).made == 1
    assert set(pool.users()) == {"u00002"}
    assert rollback(child, Worker()).deleted == 1
    assert pool.users() == {}


def test_whom_the_rollback_of_a_retry_has_deleted_can_be_retried_again(pool: Pool) -> None:
    """They came in with a wrong address: out with them, mend it, and take them once more."""
    parent = migrated(pool, [person(1), person(2, email="x"), person(3, email="y")])
    wrong = pool.run_file([person(1), person(2), person(3, pw=BCRYPT)], jobs=QUICK)
    child, _ = retry(parent, load_run_file(wrong), Worker(), Choice())
    assert rollback(child, Worker()).refused == {"may_have_signed_in": 1}
    assert "after retries: 2 of 3 landed, 1 still rejected or failed" in parent.report.read_text()
    assert mapped_ids(parent) == {name: pool.attributes(name)["sub"] for name in ("u00001", "u00003")}
    assert told_of(pool, parent, "u00002") == ["After retries: rejected, email_invalid."]
    second, summary = retry(parent, load_run_file(wrong), Worker(), Choice())
    assert (summary["extracted"], summary["verdicts"]["imported"]) == (1, 1)
    assert mapped_ids(parent) == {name: pool.attributes(name)["sub"] for name in pool.users()}
    assert told_of(pool, second, "u00002") == []


def test_what_a_run_tells_of_people_knows_whom_a_rollback_has_deleted(pool: Pool) -> None:
    folder = migrated(pool, [person(1), person(2), person(3, pw=BCRYPT), person(4)])
    pool.client.admin_delete_user(UserPoolId=pool.pool_id, Username="u00004")
    rollback(folder, Worker())
    assert mapped_ids(folder) == {"u00003": pool.attributes("u00003")["sub"]}
    for text in (folder.report.read_text(), folder.page.read_text(), report(folder)):
        assert "Rolled back: 2 users were deleted, 1 were gone already, 1 were left alone." in text
        assert "is complete: all 1 users in the pool" in text
    assert told_of(pool, folder, "u00001") == ["Rolled back: deleted."]
    assert told_of(pool, folder, "u00003") == ["Rolled back: left alone, may_have_signed_in."]
    assert told_of(pool, folder, "u00004") == ["Rolled back: was gone already."]
    rollback(folder, Worker(), confirmed_too=True)
    assert mapped_ids(folder) == {}
    assert "`id_map.csv` names nobody" in folder.report.read_text()


def mapped_ids(folder: RunFolder) -> dict[str, str]:
    rows = pl.read_csv(folder.path / "id_map.csv", infer_schema=False)
    return dict(rows.select("source_id", "sub").iter_rows())


def told_of(pool: Pool, folder: RunFolder, user: str) -> list[str]:
    """The sentences of ``explain``, without its tables."""
    parts = explain_user(str(folder.path), user, pool.folder / "runs", with_values=False)
    return [part for part in parts if isinstance(part, str)]
