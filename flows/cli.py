"""The command: each sub-command is the thin face of one plain function."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from connectors.errors import ConfigurationError, PoolferryError, StopError
from flows.cli_aftermath import aftermath
from flows.cli_init import HELP, init
from flows.cli_shared import (
    JsonOption,
    RepairOption,
    RunArgument,
    RunFileArgument,
    StateOption,
    VersionOption,
    leave,
    refusals_of_disks_told,
    show,
    show_summary,
)
from flows.cli_trigger import trigger
from flows.console import OUT, TerminalProgress, forecast_tables, retries_shown, say
from flows.interrupts import listen
from flows.ledger.copies import copies_kept
from flows.logs import FORMAT_VARIABLE, LEVEL_VARIABLE, LogFormat, LogLevel, log_of_options

if TYPE_CHECKING:
    from flows.settings import LoadedRunFile

INTERRUPTED = 130


class Commands(TyperGroup):
    """Turns errors of Poolferry's tree into one clear text and the exit status of their class."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's own signature
        """Run the sub-command."""
        listen()
        try:
            with refusals_of_disks_told(), retries_shown(), copies_kept():
                return super().invoke(ctx)
        except PoolferryError as error:
            _print_error(error)
            raise typer.Exit(error.exit_status) from None
        except KeyboardInterrupt:
            say("Interrupted. Run the same command again: it goes on from here.", style="yellow")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    name="poolferry",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Carry a whole user base into an Amazon Cognito user pool and prove that every user arrived.",
    epilog="Begin with **poolferry demo**; then **init**, **check**, **plan** and **run**. "
    "Exit status: 0 everyone landed · 1 some are rejected or failed · 2 configuration · "
    "3 stopped and resumable · 130 interrupted and resumable.",
)


@app.callback()
def logging_options(
    ctx: typer.Context,
    *,
    log_format: Annotated[
        LogFormat,
        typer.Option(envvar=FORMAT_VARIABLE, help="`json`: one object a line on standard error."),
    ] = "text",
    log_level: Annotated[
        LogLevel, typer.Option(envvar=LEVEL_VARIABLE, help="How much a JSON log tells.")
    ] = "info",
    version: VersionOption = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Choose what standard error gets; results are on standard output either way."""
    keep = ctx.obj.enter_context if isinstance(ctx.obj, ExitStack) else ctx.with_resource
    keep(log_of_options(log_format, log_level))


def main() -> None:
    """Run the command; an error that nobody foresaw is told without its text."""
    with ExitStack() as kept:
        try:
            app(obj=kept)
        except Exception as error:
            if os.environ.get("POOLFERRY_DEBUG"):
                raise
            _print_unexpected(error)
            sys.exit(StopError.exit_status)


def _print_unexpected(error: Exception) -> None:
    """Name an error that nobody foresaw by its class and place: its text may hold a person's data."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}:{where.lineno}"
    say(f"unexpected error: {type(error).__name__} at {place}.", style="bold red")
    say(
        "Nothing is lost: the same command goes on from here. POOLFERRY_DEBUG=1 shows the whole trace, "
        "which may hold values of people. Please report it with what `poolferry --version` prints."
    )


def _print_error(error: PoolferryError) -> None:
    say(f"error: {error.what}", style="bold red")
    if error.mend:
        say(error.mend)


@app.command()
def run(
    run_file: RunFileArgument,
    *,
    new: Annotated[bool, typer.Option("--new", help="Start another run instead of going on.")] = False,
    repair: RepairOption = None,
    as_json: JsonOption = False,
) -> None:
    """Migrate: goes on with the unfinished run of the same name, or begins one.

    Every user ends with exactly one verdict. Stop it at any time with Ctrl-C: the running import job is
    stopped, and the same command goes on later. With a Prefect API configured (`PREFECT_API_URL` or a
    profile) the run is a flow run like any other, but not with `--repair`.
    """
    from flows.prefect_api import has_prefect_api  # noqa: PLC0415 - keeps `--help` quick

    is_flow = repair is None and has_prefect_api()
    run_it = partial(_run_as_flow, run_file) if is_flow else partial(_run_here, run_file, repair)
    folder, summary = run_it(new=new)
    show_summary(as_json, folder, summary)
    sys.stdout.flush()
    (folder / "told").touch(mode=0o600)  # from here on the same command starts another run
    leave(summary)


def _run_here(run_file: Path, repair: Path | None, *, new: bool) -> tuple[Path, dict[str, Any]]:
    from flows.steps.context import Worker  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.running import migrate_untold  # noqa: PLC0415

    with TerminalProgress() as progress:
        folder, summary = migrate_untold(_loaded(run_file, repair), Worker(progress), new=new)
    return folder.path, summary


def _loaded(run_file: Path, repair: Path | None) -> LoadedRunFile:
    from flows.settings import load_run_file  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.repairing import with_repair  # noqa: PLC0415

    loaded = load_run_file(run_file)
    return with_repair(loaded, repair) if repair else loaded


def _run_as_flow(run_file: Path, *, new: bool) -> tuple[Path, dict[str, Any]]:
    from flows.migrate import run_as_flow  # noqa: PLC0415 - Prefect takes seconds to import
    from flows.settings import load_run_file  # noqa: PLC0415

    summary = run_as_flow(run_file, new=new)
    return load_run_file(run_file).state_folder / summary["run_id"], summary


@app.command()
def plan(run_file: RunFileArgument, *, repair: RepairOption = None, as_json: JsonOption = False) -> None:
    """Forecast: who would go which way, who is rejected and why, jobs, time, messages, cost.

    Reads the whole source and the pool, judges everybody with the code that `run` uses, and sends nothing.
    """
    from flows.steps.context import Worker  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.forecast import plan as make_plan  # noqa: PLC0415

    with TerminalProgress() as progress:
        forecast = make_plan(_loaded(run_file, repair), Worker(progress))
    show(as_json, forecast.to_json(), *forecast_tables(forecast))


@app.command()
def check(
    run_file: RunFileArgument,
    *,
    create_role: Annotated[
        bool, typer.Option("--create-role", help="Create the role that import jobs log with (F3.34).")
    ] = False,
    role_name: Annotated[str, typer.Option(help="Name of the role to create.")] = "poolferry-import",
    create_attributes: Annotated[
        bool,
        typer.Option(
            "--create-attributes",
            help="Add the custom attributes that the mapping fills and the pool lacks; they can never be"
            " removed (F6.31).",
        ),
    ] = False,
    try_hashes: Annotated[
        bool,
        typer.Option(
            "--try-hashes",
            help="Ask the pool which password hashes it takes: a tiny import job for each algorithm (one of "
            "the pool's 1,000, F3.15) with invented users, who are deleted at the end.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at everything a run needs before the night: run file, source, mapping, pool, role."""
    from flows import checks  # noqa: PLC0415 - keeps `--help` quick
    from flows.settings import load_run_file  # noqa: PLC0415
    from flows.steps import attributes  # noqa: PLC0415

    loaded = load_run_file(run_file)
    if create_role:
        arn = checks.create_import_role(loaded, role_name)
        say(f"Role ready. Put this into the run file: target.log_role_arn: {arn}")
    if create_attributes:
        added = ", ".join(attributes.create_attributes(loaded)) or "none, the pool has them all"
        say(f"Attributes added: {added}.")
    found = checks.check_run_file(loaded, made_role=create_role)
    if try_hashes:
        with TerminalProgress() as progress:
            found += checks.try_hashes(loaded, progress)
    good = all(item.good for item in found)
    data = {"good": good, "checks": [item.to_json() for item in found]}
    show(as_json, data, checks.checks_table(found))
    if not good:
        raise typer.Exit(ConfigurationError.exit_status)


@app.command()
def status(
    name: Annotated[str | None, typer.Argument(help="A run's id, name or folder.", metavar="RUN")] = None,
    *,
    state: StateOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Where a run stands, from its ledger alone; without RUN: all runs."""
    from flows.reports.status import list_runs, run_status, runs_part, status_parts  # noqa: PLC0415

    if name is None:
        runs = list_runs(state)
        show(as_json, {"runs": runs}, runs_part(runs, state))
        return
    found = run_status(name, state)
    show(as_json, found, *status_parts(found))


@app.command()
def report(
    name: RunArgument,
    *,
    state: StateOption = Path("runs"),
    html: Annotated[
        bool, typer.Option("--html", help="Write the page for a browser, and print where it lies.")
    ] = False,
    with_values: Annotated[
        bool,
        typer.Option(
            "--with-values",
            help="With --html: show the attributes of rejected and failed users, in a page of its own.",
        ),
    ] = False,
) -> None:
    """Print the report of a run (Markdown), or write its page, from its folder alone."""
    from flows.reports.status import ledger_with_numbers, written_page  # noqa: PLC0415
    from flows.reports.text import report_text  # noqa: PLC0415

    if with_values and not html:
        raise ConfigurationError("Only a page shows values.", "Add --html, or leave --with-values out.")
    with ledger_with_numbers(name, state) as (folder, ledger):
        typer.echo(
            written_page(folder, ledger, with_values=with_values) if html else report_text(folder, ledger)
        )


@app.command()
def explain(
    name: RunArgument,
    user: Annotated[str, typer.Argument(help="The user's id in the source.", metavar="USER")],
    *,
    state: StateOption = Path("runs"),
    with_values: Annotated[
        bool, typer.Option("--with-values", help="Show the values; they are masked otherwise.")
    ] = False,
) -> None:
    """Tell how one user travelled: which rule gave which value, the verdict and its reason."""
    from flows.reports.explaining import explain_user  # noqa: PLC0415

    for part in explain_user(name, user, state, with_values=with_values):
        OUT.print(part)


@app.command()
def reconcile(
    run_file: RunFileArgument,
    *,
    no_source: Annotated[
        bool, typer.Option("--no-source", help="Leave the source out: only the runs against the pool.")
    ] = False,
    with_groups: Annotated[
        bool,
        typer.Option(
            "--with-groups",
            help="Also read who is in which group, one call for 60 members of each, and tell who lacks one.",
        ),
    ] = False,
    with_values: Annotated[
        bool,
        typer.Option(
            "--with-values",
            help="Also write the values that differ: `values.csv` holds people's data, for the owner alone.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold source, runs and pool against one another as they are today: what differs, and what repairs it.

    Sends nothing, and reads the pool with ListUsers only, which makes nobody billable; with `--with-groups`
    also with ListUsersInGroup. Found are users who are missing in the pool or extra there, altered in the
    pool, new, changed or vanished in the source, disabled on one side alone, on demand who lacks a group,
    and how many deferred ones have arrived. `differences.csv` in the run's folder names them by ids;
    `poolferry run --repair` takes it. Exit status 1 says that something needs a hand.
    """
    from flows.reports.reconciliation import reconciliation_parts  # noqa: PLC0415 - keeps `--help` quick
    from flows.settings import load_run_file  # noqa: PLC0415
    from flows.steps.context import Worker  # noqa: PLC0415
    from flows.steps.reconciling import reconcile as hold_together  # noqa: PLC0415

    loaded = load_run_file(run_file)
    with TerminalProgress() as progress:
        found = hold_together(
            loaded,
            Worker(progress),
            with_source=not no_source,
            with_groups=with_groups,
            with_values=with_values,
        )
    show(as_json, found.to_json(), *reconciliation_parts(loaded, found))
    if found.exit_status:
        raise typer.Exit(found.exit_status)


app.command(help=HELP)(init)


@app.command()
def sandbox(
    *,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 5500,
    settings: Annotated[
        Path | None, typer.Option(help="JSON file with switches; `--switches` lists them.")
    ] = None,
    switches: Annotated[bool, typer.Option("--switches", help="List every switch with its fact.")] = False,
) -> None:
    """Run the local Cognito: import jobs, uploads and logs without an AWS account, until Ctrl-C."""
    from flows.local import serve, switches_table  # noqa: PLC0415 - keeps `--help` quick

    if switches:
        OUT.print(switches_table())
        return
    serve(port, settings)


@app.command()
def demo(
    *,
    folder: Annotated[Path, typer.Option(help="Where the demo's files go.")] = Path("runs/demo"),
    as_json: JsonOption = False,
) -> None:
    """Migrate a shipped set of invented users, with all the usual dirt, into the local Cognito.

    At the end some of every kind sign in with their old passwords.
    """
    from flows.local import run_demo, where_to_look  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.trigger_texts import proof_table  # noqa: PLC0415

    run_folder, summary, proof = run_demo(folder)
    show_summary(as_json, run_folder, {**summary, "sign_ins": proof.to_json()})
    if not as_json:
        show(as_json, None, proof_table(proof), proof.sentence, where_to_look(run_folder))


app.add_typer(aftermath)
app.add_typer(trigger)

if __name__ == "__main__":
    main()
