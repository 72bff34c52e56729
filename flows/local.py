"""The local Cognito from the command line: the demo, and a sandbox to play with."""

from __future__ import annotations

import json
import os
import shlex
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.table import Table

from connectors.cognito.sandbox import SandboxSettings, launch, start
from connectors.errors import ConfigurationError
from flows.console import OUT, TerminalProgress, say
from flows.demo import prepare
from flows.demo.sign_ins import sign_in_as_some
from flows.reports.units import near
from flows.settings import load_run_file
from flows.steps.context import Worker
from flows.steps.running import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flows.steps.sign_in_proof import SignInProof

DEMO_SETTINGS = SandboxSettings()


def run_demo(folder: Path) -> tuple[Path, dict[str, Any], SignInProof]:
    """Start the local Cognito, make a pool, migrate the shipped users, sign in as some, leave the report."""
    with launch(DEMO_SETTINGS) as local, _environment(local.environment):
        say(f"The local Cognito answers at {local.url}; no AWS account is touched.")
        run_file = prepare(folder, local.environment)
        say(f"Run file: {run_file}")
        with TerminalProgress() as progress:
            loaded, worker = load_run_file(run_file), Worker(progress)
            made, summary = migrate(loaded, worker, new=True)
            proof = sign_in_as_some(loaded, worker)
    return made.path, summary, proof


def where_to_look(run: Path) -> str:
    """The command that tells of one user of the demo: commands look elsewhere for runs by themselves."""
    name, state = run.parent.name, near(run.parent.parent)
    command = shlex.join(["poolferry", "explain", name, "00001", "--state", str(state)])
    return f"Look at one user: {command}"


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Point boto3 at the local Cognito, and back again afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def serve(port: int, settings_file: Path | None) -> None:
    """Serve until Ctrl-C and say how to point a shell at it."""
    with start(_settings(settings_file), port) as local:
        OUT.print("The local Cognito answers. Point a shell at it:")
        for name, value in local.environment.items():
            OUT.print(f"  export {name}={value}")
        OUT.print("Ctrl-C ends it, and everything in it.")
        OUT.file.flush()  # a log file shows it at once
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return


def _settings(path: Path | None) -> SandboxSettings:
    if path is None:
        return SandboxSettings()
    try:
        return SandboxSettings.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path}: no settings of the local Cognito ({type(error).__name__}).",
            "`poolferry sandbox --switches` lists them.",
        ) from None


def switches_table() -> Table:
    """Every switch of the local Cognito with its default, as a settings file has it, and meaning."""
    table = Table(title="Switches of the local Cognito", title_justify="left")
    for head in ("switch", "default", "meaning"):
        table.add_column(head, overflow="fold")
    for name, field in SandboxSettings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        table.add_row(name, "" if default is None else json.dumps(default), field.description or "")
    return table
