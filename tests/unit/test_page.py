"""The page of a run: it adds up, is one safe file, and names nobody's values."""

from __future__ import annotations

import json
import re
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from connectors.records import PASSWORD, PASSWORD_HASH, USERNAME
from flows.cli import app
from flows.ledger.states import RunState
from flows.reports import page as page_package
from flows.reports.page import page, people, write_page
from flows.reports.page.people import of_every_reason
from flows.steps.columns import WHY
from flows.steps.finishing import standing
from flows.steps.purging import KEPT
from tests.page_run import made_run

SOME = [
    *((f"u{number}", "imported", None) for number in range(90)),
    *((f"u{number}", "rejected", "email_invalid") for number in range(90, 96)),
    *((f"u{number}", "deferred", None) for number in range(96, 100)),
]


def data_of(text: str) -> dict[str, Any]:
    """The data that the page's scripts read."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def test_the_chart_adds_up_to_those_who_were_read(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME) as run:
        drawn = data_of(run.end())["verdicts"]
    assert {row["name"]: row["users"] for row in drawn if row["users"]} == {
        "imported": 90, "deferred": 4, "rejected": 6,
    }  # fmt: skip
    assert sum(row["users"] for row in drawn) == 100


def test_jobs_are_counted_as_everybody_else_is(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME) as run:
        run.job(1, 2351, begun=1, ended=2)
        text = run.end()
        told = run.folder.report.read_text(encoding="utf-8")
    assert '<td class="n">2,351</td>' in text
    assert re.search(r"^\| import-1 \| 1 \| 1 \|  \|  \| 2,351 \|", told, re.MULTILINE)
    assert "| verdict | users |\n| --- | ---: |" in told


def test_a_run_that_lands_nobody_says_so(tmp_path: Path) -> None:
    nobody = [("u1", "rejected", "email_invalid")]
    with made_run(tmp_path, nobody, drift={}, read_back=0) as run:
        text = run.end()
    assert "Nobody was read back: this run has created and updated nobody." in text
    assert "<code>id_map.csv</code> names nobody" in text


def test_the_chart_of_an_unfinished_run_adds_up_as_well(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME[:90]) as run:
        run.folder.outcomes("all").rename(run.folder.path / "kept")
        with made_run(tmp_path / "other", SOME[:40]) as other:
            other.folder.outcomes("all").rename(run.folder.outcomes("all"))
        text = page(run.folder, run.ledger, standing(run.folder, run.ledger))
    drawn = {row["name"]: row["users"] for row in data_of(text)["verdicts"]}
    assert (drawn["imported"], drawn["open"]) == (40, 50)
    assert "do not add up yet" in text


HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>",
    "' onmouseover='alert(1)",
    "=1+1",
    "a\u2028b&amp;",
)


def test_ids_of_any_kind_are_text(tmp_path: Path) -> None:
    """No id closes the script that holds it, and each is read back as it was."""
    users = [(hostile, "failed", "not_in_pool") for hostile in HOSTILE]
    with made_run(tmp_path, users) as run:
        text = run.end()
    assert [row[0] for row in data_of(text)["named"]["failed"]] == list(HOSTILE)
    assert not [hostile for hostile in HOSTILE[:4] if hostile in text]


def test_names_of_runs_pools_and_attributes_are_text(tmp_path: Path) -> None:
    users = [("u1", "rejected", "email_invalid")]
    columns = {HOSTILE[1]: "x"}
    with made_run(tmp_path, users, name="a&b", columns=columns) as run:
        run.end()
        text = page(run.folder, run.ledger, standing(run.folder, run.ledger), with_values=True)
    assert HOSTILE[1] not in text
    assert "<th>&lt;img src=x onerror=alert(1)&gt;</th>" in text
    assert "<h1>a&amp;b" in text


def test_the_page_names_no_value_unless_it_is_asked_to(tmp_path: Path) -> None:
    secrets = {"email": "vera-0815@example.com", PASSWORD_HASH: "$2b$10$abc", PASSWORD: "plain-secret"}
    with made_run(tmp_path, SOME, columns={**secrets, USERNAME: "vera-0815"}) as run:
        text = run.end()
        masked = page(run.folder, run.ledger, standing(run.folder, run.ledger))
        shown = page(run.folder, run.ledger, standing(run.folder, run.ledger), with_values=True)
    assert masked == text
    assert not [value for value in (*secrets.values(), "vera-0815") if value in text]
    assert [row[4:] for row in data_of(shown)["named"]["rejected"]] == [
        ["vera-0815", "vera-0815@example.com"]
    ] * 6
    assert not [name for name in (PASSWORD_HASH, PASSWORD) if secrets[name] in shown]


def test_a_page_with_values_is_another_file_that_a_purge_takes(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME) as run:
        run.end()
        path = write_page(run.folder, run.ledger, standing(run.folder, run.ledger), with_values=True)
    assert path.name not in KEPT
    assert path.stat().st_mode & 0o777 == 0o600
    assert run.folder.page.stat().st_mode & 0o777 == 0o600


def test_many_users_are_cut_and_no_reason_is_crowded_out() -> None:
    codes = [("many", 9_000), ("some", 30), ("few", 1)]
    users = pl.LazyFrame({WHY: [code for code, count in codes for _ in range(count)]}).with_row_index("at")
    kept = of_every_reason(users, 1_000).collect()
    assert dict(kept.group_by(WHY).len().iter_rows()) == {"many": 969, "some": 30, "few": 1}
    assert kept["at"].is_sorted()


def test_the_page_says_that_it_does_not_name_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = partial(of_every_reason, most=4)
    monkeypatch.setattr(people, "of_every_reason", cut)
    with made_run(tmp_path, SOME) as run:
        text = run.end()
        assert (run.folder.path / "rejected.csv").read_text().count("\n") == 1 + 6
    assert "4 of 6 are" in text
    assert '<a href="rejected.csv">' in text
    assert len(data_of(text)["named"]["rejected"]) == 4


def test_every_reason_stands_there_with_what_to_do(tmp_path: Path) -> None:
    with made_run(tmp_path, [*SOME, ("x", "failed", "not_in_pool")]) as run:
        text = run.end()
    assert data_of(text)["reasons"] == [
        {"verdict": "rejected", "code": "email_invalid", "users": 6},
        {"verdict": "failed", "code": "not_in_pool", "users": 1},
    ]
    assert "Mend it in the source, or drop it with <code>bad: drop</code>." in text


def test_the_vendored_scripts_are_those_of_their_packages() -> None:
    folder = Path(page_package.__file__).parent / "vendor"
    told = (folder / "NOTICE").read_text(encoding="utf-8")
    for name in ("chart.umd.min.js", "dataTables.min.js"):
        assert sha256((folder / name).read_bytes()).hexdigest() in told
    assert not re.search(r"</script|<!--", "".join(path.read_text() for path in folder.glob("*.js")))


def test_stages_and_jobs_stand_on_one_timeline(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME, state_now=RunState.READING) as run:
        run.job(1, 60, begun=12, ended=40.5)
        run.job(2, 30, begun=45, ended=47, status="Failed", imported=28, failed=2)
        for state, after in ((RunState.ROUTING, 5), (RunState.SENDING, 8), (RunState.PROVING, 50)):
            run.come(state, after)
        text = run.end(after=60)
    spans = [(one["label"], one["kind"], one["begun"], one["ended"]) for one in data_of(text)["spans"]]
    assert spans == [
        ("reading", "stage", 0, 5),
        ("routing", "stage", 5, 8),
        ("sending", "stage", 8, 50),
        ("proving", "stage", 50, 60),
        ("job 1", "good", 12, 40.5),
        ("job 2", "bad", 45, 47),
    ]
    assert "Reading took 5.0 s, routing took 3.0 s, sending took 42 s, proving took 10 s." in flat(text)
    assert "2 of the 1,000 import jobs" in text


def test_of_many_jobs_the_longest_are_drawn_and_all_are_told(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME) as run:
        for number in range(1, 71):
            run.job(number, 1, begun=number, ended=number + (100 if number > 65 else 1))
        text = run.end()
    drawn = [span["label"] for span in data_of(text)["spans"]]
    assert len(drawn) == 60
    assert drawn[-5:] == ["job 66", "job 67", "job 68", "job 69", "job 70"]
    assert "The chart shows the 60 that took longest." in flat(text)
    assert text.count("<td>import-") == 70


def test_what_people_experience_adds_up_and_is_drawn(tmp_path: Path) -> None:
    row = {"scheme": "none", "parameters": "", "way": "import_job", "reason": ""}
    rows = [row | {"users": 90, "experience": "asks for a `code`"}, row | {"users": 10, "experience": ""}]
    with made_run(tmp_path, SOME, first_sign_ins=rows) as run:
        text = run.end()
        assert "| none |  | 90 | import_job |  | asks for a `code` |" in run.folder.report.read_text()
    assert data_of(text)["experiences"] == [["asks for a `code`", 90], ["of many kinds", 10]]
    assert '<td class="prose">asks for a <code>code</code></td>' in text


def test_what_was_left_behind_or_changed_on_the_way_is_told(tmp_path: Path) -> None:
    told = {
        "unmapped": {"shoe<size>": 0.5, "empty": 0.0},
        "left_out": {"groups": {"user_not_found": 3}},
        "read_back": 90,
        "drift": {"name": 2},
        "delta": {"since": "20261125T000000Z-000000", "reads": "everybody", "new": 7, "vanished": 1},
    }
    with made_run(tmp_path, SOME, **told) as run:
        text = flat(run.end())
    assert '<td>shoe&lt;size&gt;</td><td class="n">50 %</td>' in text
    assert '<td>memberships of groups</td><td>user_not_found</td><td class="n">3</td>' in text
    assert '<td>name</td><td class="n">2</td>' in text
    assert '<td>users who are new in the source</td><td class="n">7</td>' in text
    assert "Since run <code>20261125T000000Z-000000</code>. Everybody was read and compared." in text
    anchors = re.findall(r'<a href="#([\w-]+)">', text.partition("<nav")[2].partition("</nav>")[0])
    assert anchors == re.findall(r'<section id="([\w-]+)"', text)


def test_every_link_leads_to_a_file_beside_the_page(tmp_path: Path) -> None:
    with made_run(tmp_path, [*SOME, ("x", "failed", "not_in_pool")]) as run:
        links = re.findall(r'<a href="([^#"]+)"', run.end())
    assert len(links) >= 8
    assert [link for link in links if not (run.folder.path / link).is_file()] == []


def test_drift_and_read_back_are_told_as_in_the_other_report(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME, read_back=90, drift={}) as run:
        text = run.end()
        sentence = "90 users were read back; every attribute arrived as it was sent."
        assert sentence in run.folder.report.read_text()
    assert sentence in text


@pytest.mark.parametrize("options", [[], ["--html"]])
def test_of_a_run_that_has_read_nobody_there_is_nothing_to_report(tmp_path: Path, options: list[str]) -> None:
    with made_run(tmp_path, SOME) as run:
        run.folder.outcomes("all").unlink()
        told = CliRunner().invoke(app, ["report", str(run.folder.path), *options])
    assert told.exit_code == 2
    assert "has nothing to report yet" in told.stderr


def test_a_run_that_is_on_its_way_has_a_page(tmp_path: Path) -> None:
    with made_run(tmp_path, SOME) as run:
        told = CliRunner().invoke(app, ["report", str(run.folder.path), "--html"])
        assert told.exit_code == 0, told.output
        text = run.folder.page.read_text(encoding="utf-8")
    assert '<span class="state proving">proving</span>' in text
    assert "rejected.csv" not in text


def flat(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())
