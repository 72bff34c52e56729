"""The run file is read strictly: what is wrong is named with its place and the known alternatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.errors import ConfigurationError
from connectors.recognising import describe_source
from flows.settings import load_run_file
from mappings.spec import parse_mapping

if TYPE_CHECKING:
    from pathlib import Path

RUN_FILE = """
name: acme
source: {kind: csv, path: users.csv}
mapping: {username: {from: id}}
target: {user_pool_id: eu-west-1_Example01}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_safe(tmp_path: Path) -> None:
    settings = load_run_file(write(tmp_path, RUN_FILE)).settings
    assert (settings.existing, settings.verify, settings.strategies) == ("leave", "full", ("import_job",))
    assert settings.quotas.share == 0.5


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("{from: id}}", '{from: "secret\\ud800"}}'), 4),
        (("{from: id}}", '{from: id}, attributes: {name: {const: "secret\\udc00"}}}'), 4),
        (("users.csv", '"secret\\ud800"'), 3),
    ],
)
def test_half_a_character_is_refused_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int
) -> None:
    with pytest.raises(ConfigurationError, match=rf"run\.yaml, line {line}: not YAML: found half") as caught:
        load_run_file(write(tmp_path, RUN_FILE.replace(*change)))
    assert "secret" not in str(caught.value)


def test_a_key_that_stands_twice_is_refused_without_its_values(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"run\.yaml, line 7: .*duplicate key") as caught:
        load_run_file(write(tmp_path, RUN_FILE + "state: secret\n" * 2))
    assert "secret" not in str(caught.value)


def test_a_number_keeps_the_form_in_which_it_is_written(tmp_path: Path) -> None:
    """A mapping refuses what loses its form; 49 would stand for `+49` in silence."""
    mapping = "{username: {from: id, then: [{prefix: +49}]}}"
    settings = load_run_file(write(tmp_path, RUN_FILE.replace("{username: {from: id}}", mapping))).settings
    with pytest.raises(ConfigurationError, match="put quotation marks round it"):
        parse_mapping(settings.mapping, where="run.yaml")


def test_no_is_a_country_and_not_a_boolean(tmp_path: Path) -> None:
    """YAML 1.2: `no` stays a text."""
    loaded = load_run_file(write(tmp_path, RUN_FILE.replace("users.csv", "no")))
    assert loaded.settings.source["path"] == "no"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("name: acme", "nam: acme"), ["unknown key 'nam'", "Did you mean 'name'?", "existing"]),
        (
            ("user_pool_id", "user_pol_id"),
            ["target.user_pol_id", "Did you mean 'user_pool_id'?", "log_role_arn"],
        ),
        (("name: acme", "name: acme\nverify: ful"), ["verify", "'full', 'sample' or 'none'"]),
        (("name: acme", "name: acme\njobs: {max_rows: 600000}"), ["jobs.max_rows", "500000"]),
        (("name: acme", "name: acme\nrules: {quotes: send}"), ["rules", "quotes"]),
        (("name: acme", "name: acme\nquotas: {share: 1.5}"), ["quotas.share", "less than or equal to 1"]),
        (("name: acme", "name: acme\nquotas: {share: 0}"), ["quotas.share", "greater than 0"]),
        (
            ("name: acme", "name: acme\nquotas: {limits: {UserCreations: 80}}"),
            ["quotas.limits.UserCreations", "'UserCreation', 'UserAccountRecovery'"],
        ),
        (
            ("name: acme", "name: acme\nquotas: {limits: {UserCreation: 0}}"),
            ["quotas.limits.UserCreation", "greater than 0"],
        ),
        (("name: acme", "name: [acme"), ["line"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], named: list[str]) -> None:
    path = write(tmp_path, RUN_FILE.replace(*change))
    with pytest.raises(ConfigurationError) as caught:
        load_run_file(path)
    for part in [str(path), *named]:
        assert part in str(caught.value)


def test_a_refused_value_is_not_repeated(tmp_path: Path) -> None:
    """A secret that stands in the wrong place must not reach a log."""
    path = write(tmp_path, RUN_FILE + "verify: hunter2-secret\n")
    with pytest.raises(ConfigurationError) as caught:
        load_run_file(path)
    assert "hunter2" not in str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="poolferry init"):
        load_run_file(tmp_path / "absent.yaml")


def test_the_fingerprint_changes_with_the_text(tmp_path: Path) -> None:
    first = load_run_file(write(tmp_path, RUN_FILE)).fingerprint
    assert load_run_file(write(tmp_path, RUN_FILE + "# note\n")).fingerprint != first


@pytest.mark.parametrize(
    ("name", "kind"),
    [("u.csv", "csv"), ("u.jsonl.gz", "jsonl"), ("u.json.zst", "json"), ("u.parquet", "parquet")],
)
def test_the_kind_of_a_file_is_told_from_its_name(tmp_path: Path, name: str, kind: str) -> None:
    assert describe_source(tmp_path / name, tmp_path) == {"kind": kind, "path": name}


def test_an_unknown_ending_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.parquet"):
        describe_source(tmp_path / "users.docx", tmp_path)
