"""The command as a user meets it, as far as no pool is needed: help, statuses, clear texts, completion."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from typer.core import TyperArgument, TyperOption
from typer.testing import CliRunner

from connectors.cognito.sandbox import SandboxSettings
from connectors.errors import (
    AskThePoolError,
    ConfigurationError,
    PoolferryError,
    RetryError,
    SourceError,
    TargetError,
    ThrottledError,
    UserRefusedError,
)
from flows import settings
from flows.cli import app, main
from flows.local import switches_table
from flows.steps import beginning, corrected, sign_in_proof
from tests.reference import command_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer.testing import Result

READERS = (beginning, corrected, sign_in_proof)
"""They take ``load_run_file`` by name: imported while a test has patched it, they would keep the patch."""

COMMANDS = command_line().commands
RUN_FILE = """
name: acme
source: {kind: csv, path: users.csv}
mapping: {username: {from: id}}
target: {user_pool_id: eu-west-1_Example01}
"""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def words(text: str) -> str:
    """The words of a help page without its frames and line breaks."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


def raising(error: BaseException) -> Callable[..., None]:
    def load(*_: object) -> None:
        raise error

    return load


@pytest.fixture
def run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.yaml"
    path.write_text(RUN_FILE, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_argument_and_option_with_its_meaning(name: str) -> None:
    shown = call(name, "--help")
    assert shown.exit_code == 0
    said = words(shown.stdout)
    for param in COMMANDS[name].params:
        assert isinstance(param, TyperArgument | TyperOption)
        assert param.help, param.name
        assert (param.metavar or param.opts[0]) in said
        assert words(param.help).replace("`", "")[:40] in said.replace("`", ""), param.name


def test_without_a_command_the_commands_are_listed() -> None:
    said = words(call().output)
    for name in COMMANDS:
        assert name in said
    assert "Exit status: 0 everyone landed" in said


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["run"], "RUN_FILE"),
        (["plan", "run.yaml", "--nwe"], "No such option: --nwe"),
        (["sandbox", "--port", "http"], "Invalid value for '--port'"),
    ],
)
def test_a_mistake_on_the_command_line_is_a_matter_of_configuration(arguments: list[str], named: str) -> None:
    told = call(*arguments)
    assert told.exit_code == ConfigurationError.exit_status
    assert named in words(told.stderr)
    assert told.stdout == ""


ENDS: list[tuple[BaseException, int]] = [
    (ConfigurationError("It is odd.", "Mend it."), 2),
    (SourceError("It is odd.", "Mend it."), 3),
    (TargetError("It is odd.", "Mend it."), 3),
    (RetryError("It is odd.", "Mend it."), 3),
    (ThrottledError("It is odd.", "Mend it."), 3),
    (AskThePoolError("It is odd.", "Mend it."), 3),
    (UserRefusedError("email_invalid", "It is odd.", "Mend it."), 3),
]


@pytest.mark.parametrize(("error", "status"), ENDS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", ["run", "plan", "check"])
def test_an_error_is_one_text_and_the_status_of_its_class(
    name: str, error: PoolferryError, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "load_run_file", raising(error))
    told = call(name, "run.yaml")
    assert told.exit_code == status
    assert told.stderr == "error: It is odd.\nMend it.\n"
    assert told.stdout == ""


def test_every_class_of_errors_has_its_status_tried() -> None:
    def leaves(kind: type[PoolferryError]) -> set[type[PoolferryError]]:
        return {kind} | {leaf for below in kind.__subclasses__() for leaf in leaves(below)}

    assert {kind.exit_status for kind in leaves(PoolferryError)} == {status for _, status in ENDS}


@pytest.mark.parametrize(
    ("number", "way_out"), [(errno.ENOSPC, "Make room"), (errno.EROFS, "copy of the folder")]
)
def test_a_disk_that_refuses_is_told_as_one(
    number: int, way_out: str, run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = OSError(number, os.strerror(number), "runs/acme")
    monkeypatch.setattr(settings, "load_run_file", raising(refusal))
    told = call("plan", str(run_file))
    assert told.exit_code == 3
    assert f"error: runs/acme: {os.strerror(number)}." in told.stderr
    assert way_out in told.stderr


def test_an_interrupt_is_told_with_its_own_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "load_run_file", raising(KeyboardInterrupt()))
    told = call("run", "run.yaml")
    assert told.exit_code == 130
    assert "goes on from here" in told.stderr


def test_an_error_that_nobody_foresaw_is_told_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A library's error may quote a row: only its class and place are shown, unless asked for more."""
    monkeypatch.delenv("POOLFERRY_DEBUG", raising=False)
    monkeypatch.setattr(sys, "argv", ["poolferry", "run", "run.yaml"])
    monkeypatch.setattr(settings, "load_run_file", raising(ValueError("ada@example.com is odd")))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    told = capsys.readouterr()
    assert "unexpected error: ValueError at test_cli.py:" in told.err
    assert "ada@" not in told.out + told.err
    monkeypatch.setenv("POOLFERRY_DEBUG", "1")
    with pytest.raises(ValueError, match="ada@"):
        main()


@pytest.mark.parametrize(
    ("old", "new", "status", "named"),
    [
        ("name: acme", "nam: acme", 2, ["unknown key 'nam'", "Did you mean 'name'?", "verify"]),
        (
            "name: acme",
            "name: acme\nverify: hunter2",
            2,
            ["verify: input should be 'full', 'sample' or 'none'"],
        ),
        ("name: acme", "name: acme\njobs: {poll_seconds: hunter2}", 2, ["jobs.poll_seconds"]),
        ("name: acme", "name: [hunter2", 2, ["run.yaml, line 3"]),
        ("kind: csv", "kind: cvs", 2, ["unknown kind of source 'cvs'", "Did you mean 'csv'?", "parquet"]),
        (
            "path: users.csv",
            "paht: users.csv",
            2,
            ["unknown key 'paht'", "Did you mean 'path'?", "delimiter"],
        ),
        (
            "path: users.csv",
            "path: '${POOLFERRY_ABSENT}'",
            2,
            ["source.path: ${POOLFERRY_ABSENT} is not set"],
        ),
        ("path: users.csv", "path: absent.csv", 3, ["absent.csv"]),
    ],
)
def test_a_wrong_run_file_is_told_with_its_place_and_without_its_values(
    run_file: Path, old: str, new: str, status: int, named: list[str]
) -> None:
    run_file.write_text(RUN_FILE.replace(old, new), encoding="utf-8")
    told = call("run", str(run_file))
    assert told.exit_code == status
    for part in ["error: ", *named]:
        assert part in told.stderr
    assert "Traceback" not in told.output
    assert "hunter2" not in told.output
    assert told.stdout == ""
    assert [path.name for path in run_file.parent.iterdir()] == ["run.yaml"]


def test_long_errors_stay_on_their_line_so_that_they_can_be_searched(run_file: Path) -> None:
    far = run_file.parent / ("x" * 120) / "run.yaml"
    told = call("run", str(far))
    assert f"error: {far}: cannot be read (FileNotFoundError).\n" in told.stderr


def test_without_runs_the_status_says_so_and_where_it_looked(run_file: Path) -> None:
    shown = call("status")
    assert shown.exit_code == 0
    assert shown.stdout == "There are no runs in runs. --state names another folder.\n"
    assert json.loads(call("status", "--json").stdout) == {"runs": []}
    assert not (run_file.parent / "runs").exists()


@pytest.mark.parametrize("arguments", [["status", "acme"], ["report", "acme"], ["explain", "acme", "u1"]])
@pytest.mark.usefixtures("run_file")
def test_an_unknown_run_is_told_with_the_runs_that_are_there(arguments: list[str]) -> None:
    told = call(*arguments)
    assert told.exit_code == 2
    assert told.stderr == (
        "error: There is no run 'acme' in runs.\n"
        "Newest runs there: none. --state names another folder.\n"
    )  # fmt: skip


def test_init_never_overwrites(run_file: Path) -> None:
    (run_file.parent / "users.csv").write_text("id\n1\n", encoding="utf-8")
    told = call("init", "users.csv", "--pool", "eu-west-1_Example01")
    assert told.exit_code == 2
    assert told.stderr == "error: run.yaml exists already.\nName another file with --out.\n"
    assert run_file.read_text(encoding="utf-8") == RUN_FILE


def test_init_says_which_files_it_can_read(run_file: Path) -> None:
    told = call("init", "users.docx", "--pool", "eu-west-1_Example01", "--out", "new.yaml")
    assert told.exit_code == 2
    assert "unknown ending '.docx'" in told.stderr
    assert ".parquet" in told.stderr
    assert not (run_file.parent / "new.yaml").exists()


def test_the_switches_of_the_local_cognito_are_listed() -> None:
    shown = call("sandbox", "--switches").stdout
    for name in SandboxSettings.model_fields:
        assert name in shown


def test_defaults_of_switches_are_told_as_a_settings_file_has_them() -> None:
    table = switches_table()
    names, defaults = ([str(cell) for cell in column.cells] for column in table.columns[:2])
    told = {name: json.loads(text) for name, text in zip(names, defaults, strict=True) if text}
    assert SandboxSettings.model_validate(told) == SandboxSettings()
    assert set(names) - set(told) == {
        name for name, value in SandboxSettings().model_dump().items() if value is None
    }


def test_wrong_switches_are_told_without_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "switches.json"
    path.write_text('{"quotes": "sometimes"}', encoding="utf-8")
    told = call("sandbox", "--settings", str(path))
    assert told.exit_code == 2
    assert "no settings of the local Cognito (ValidationError)" in told.stderr
    assert "--switches" in told.stderr


def test_the_version_names_what_decides_how_a_run_behaves() -> None:
    told = call("--version")
    assert told.exit_code == 0
    for name in ("poolferry", "polars", "boto3", "prefect"):
        assert f"{name} {version(name)}" in told.stdout


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    heavy = {"polars", "boto3", "botocore", "pydantic", "sqlalchemy", "moto", "prefect"}
    code = f"import sys, flows.cli; print(sorted({heavy!r} & set(sys.modules)))"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "[]"


@pytest.mark.parametrize(("typed", "offered"), [("pl", {"plan"}), ("s", {"status", "sandbox"})])
def test_bash_completes_commands(typed: str, offered: set[str]) -> None:
    environment = {**os.environ, "_POOLFERRY_COMPLETE": "complete_bash"}
    environment |= {"COMP_WORDS": f"poolferry {typed}", "COMP_CWORD": "1"}
    shown = subprocess.run(
        ["poolferry"], executable=f"{os.path.dirname(sys.executable)}/poolferry",  # noqa: PTH120 - a link stays one
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(shown.stdout.split()) == offered


def test_completion_can_be_shown_for_bash() -> None:
    folder = os.path.dirname(sys.executable)  # noqa: PTH120 - a link stays one
    shown = subprocess.run(
        ["bash", "-c", "poolferry --show-completion; exit $?"],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "complete -o default -F _poolferry_completion poolferry" in shown.stdout


def test_the_module_is_the_command() -> None:
    """``make demo`` starts the module."""
    command = [sys.executable, "-m", "flows.cli", "report", "--help"]
    asked = subprocess.run(command, capture_output=True, text=True, check=True)
    assert words(call("report", "--help").stdout) in words(asked.stdout).replace(
        "python -m flows.cli", "poolferry"
    )
