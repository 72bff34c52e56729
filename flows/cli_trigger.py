"""The commands round the migration trigger: ``poolferry trigger …`` and ``poolferry verify-sign-in``."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli_shared import JsonOption, RunFileArgument, StateOption, show
from flows.console import TerminalProgress, say

if TYPE_CHECKING:
    from connectors.cognito.trigger.package import Package
    from flows.settings import LoadedRunFile

trigger = typer.Typer()
trigger_app = typer.Typer(
    name="trigger",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Let deferred users in by their old password: the pool asks a Lambda at their first sign-in.",
    epilog="In this order: **build** (to look at it), **deploy**, **attach**, **status**; at the end "
    "**detach** and **remove**.",
)

trigger.add_typer(trigger_app)
HereOption = Annotated[
    bool,
    typer.Option(
        "--here", help="Take the packages that are installed here: for the local Cognito, without a network."
    ),
]
NOT_YET = 1
"""Exit status where something is left to be done."""


@trigger_app.command()
def build(
    run_file: RunFileArgument,
    *,
    out: Annotated[Path, typer.Option(help="Where the zip goes.")] = Path("poolferry-trigger.zip"),
    here: HereOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make the zip of the Lambda function, to look at it or to deploy it by other means.

    `deploy` makes it by itself. The template in deployments/trigger/ takes this file.
    """
    package = _built(_loaded(run_file), out, here=here)
    told = {**asdict(package), "path": str(package.path)}
    show(
        as_json,
        told,
        f"{out}: {package.size / 1e6:.1f} MB ({package.unpacked / 1e6:.1f} MB unpacked) for "
        f"{package.runtime} on {package.architecture}, sha256 {package.sha256}",
    )


@trigger_app.command()
def deploy(
    run_file: RunFileArgument,
    *,
    here: HereOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make key, table, role and function, and load the newest run's deferred users; attaches nothing.

    May be run again at any time: it finds what is there, and loads nobody twice.
    """
    from flows.steps import trigger as steps  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.context import Worker  # noqa: PLC0415

    loaded = _loaded(run_file)
    with tempfile.TemporaryDirectory(prefix="poolferry-") as scratch, TerminalProgress() as progress:
        package = _built(loaded, Path(scratch) / "trigger.zip", here=here)
        done = steps.deploy(steps.trigger_of(loaded), Worker(progress), package)
    lines = [
        f"{done.progress.deferred:,} users are left to {done.name}; {done.progress.to_come:,} are to come.",
        *(f"  {count:,} with {scheme}" for scheme, count in done.tally.schemes.most_common()),
        *(f"  {count:,} can only ask for a code: {why}" for why, count in done.tally.problems.most_common()),
        f"Next: poolferry trigger attach {run_file}",
    ]
    show(as_json, done.to_json(), "\n".join(lines))


@trigger_app.command()
def attach(run_file: RunFileArgument, *, as_json: JsonOption = False) -> None:
    """Let the pool ask the function, with every other setting of the pool carried over and compared.

    Refuses while an import job runs (F3.18), and where no app client allows a flow that reaches the trigger
    (F6.13).
    """
    from flows.steps import trigger as steps  # noqa: PLC0415 - keeps `--help` quick

    trigger = steps.trigger_of(_loaded(run_file))
    clients = steps.attach(trigger)
    names = ", ".join(f"{each.name} ({each.client_id})" for each in clients)
    told = {"attached": True, "function_arn": trigger.place.function_arn,
            "app_clients": [each.client_id for each in clients]}  # fmt: skip
    show(
        as_json,
        told,
        f"Attached; nothing else of the pool has changed. Sign-ins reach it by: {names}.",
    )


@trigger_app.command()
def status(run_file: RunFileArgument, *, as_json: JsonOption = False) -> None:
    """How many users have come by the trigger, and how many are still to come."""
    from flows.steps import trigger as steps  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.trigger_texts import status_parts  # noqa: PLC0415

    found = steps.status(steps.trigger_of(_loaded(run_file)))
    show(as_json, found, *status_parts(found))


@trigger_app.command()
def detach(run_file: RunFileArgument, *, as_json: JsonOption = False) -> None:
    """Take the trigger off the pool, with every other setting carried over; the function stays."""
    from flows.steps import trigger as steps  # noqa: PLC0415 - keeps `--help` quick

    was_attached = steps.detach(steps.trigger_of(_loaded(run_file)))
    text = "Detached." if was_attached else "It was not attached."
    show(as_json, {"attached": False, "was_attached": was_attached}, text)


@trigger_app.command()
def remove(
    run_file: RunFileArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be lost.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove function, role, table and key; who has not come yet cannot come any more.

    Without --yes nothing is removed, and the exit status is 1.
    """
    from flows.steps import trigger as steps  # noqa: PLC0415 - keeps `--help` quick

    to_come, removed = steps.remove(steps.trigger_of(_loaded(run_file)), really=yes)
    lost = f"{to_come:,} users have not come yet"
    text = (
        f"Removed: {'; '.join(removed)}. {lost}."
        if yes
        else f"{lost}. Nothing was removed: add --yes to do it."
    )
    show(as_json, {"to_come": to_come, "removed": removed}, text)
    if not yes:
        raise typer.Exit(NOT_YET)


@trigger.command(name="verify-sign-in")
def verify_sign_in(
    name: Annotated[
        str,
        typer.Argument(
            help="A run's id, its name (then the newest run) or its folder; or a run file.",
            metavar="RUN",
            show_default=False,
        ),
    ],
    *,
    state: StateOption = Path("runs"),
    sample: Annotated[
        Path, typer.Option(help="CSV file with the columns username and password, of people who agreed.")
    ],
    client_id: Annotated[
        str | None, typer.Option(help="App client; default: the first one that allows passwords.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Sign in as known test people with their old passwords, and tell by which way each came in.

    Passwords are read from the file, used once and kept nowhere. Each sign-in makes its user billable (F8.2).
    Exit status 1 says that somebody could not sign in.
    """
    from flows.steps import sign_in_proof as steps  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.trigger_texts import proof_table  # noqa: PLC0415

    loaded, runs = steps.run_file_of(name, state)
    with TerminalProgress() as progress:
        found = steps.proof_of_sign_ins(loaded, runs, steps.read_sample(sample), client_id, progress)
    show(as_json, found.to_json(), proof_table(found), found.sentence)
    if found.signed_in < found.asked:
        raise typer.Exit(NOT_YET)


def _loaded(run_file: Path) -> LoadedRunFile:
    from flows.settings import load_run_file  # noqa: PLC0415 - keeps `--help` quick

    return load_run_file(run_file)


def _built(loaded: LoadedRunFile, out: Path, *, here: bool) -> Package:
    from connectors.cognito.trigger.package import build as make  # noqa: PLC0415 - keeps `--help` quick

    chosen = loaded.settings.trigger
    live = chosen.live
    authorities = loaded.base / live.ca_file if live and live.ca_file else None
    where = "this machine" if here else f"{chosen.runtime} on {chosen.architecture}"
    say(f"Building the function for {where}.")
    return make(
        out, runtime=chosen.runtime, architecture=chosen.architecture, here=here,
        ldap=live is not None and live.kind == "ldap", authorities=authorities,
    )  # fmt: skip
