"""The commands for after a run: bring in who did not land, take everybody out again, forget everybody."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.errors import ConfigurationError
from flows.cli_shared import JsonOption, RunArgument, StateOption, leave, show, show_summary
from flows.console import TerminalProgress, forecast_tables, rollback_table, say

if TYPE_CHECKING:
    from flows.ledger.folder import RunFolder
    from flows.settings import LoadedRunFile
    from flows.steps.retrying import Choice

aftermath = typer.Typer()


@aftermath.command()
def retry(  # noqa: PLR0913 - each is an option of the command
    name: RunArgument,
    *,
    reason: Annotated[
        list[str] | None,
        typer.Option("--reason", help="Only users with this reason; may be given several times."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A corrected file of these users, read in place of the source.")
    ] = None,
    write_file: Annotated[
        Path | None,
        typer.Option(help="Only write the source's rows of these users, all fields, to be corrected."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only forecast: who would go which way; nothing is sent.")
    ] = False,
    run_file: Annotated[
        Path | None, typer.Option(help="The run file of today; default: where it was when the run began.")
    ] = None,
    state: StateOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Take the rejected and failed users of a run into a run of their own.

    The retry reads those users alone, with the run file **as it is today**: mend the mapping, a strategy or
    a rule, and retry. Name and pool must be the same. The source may be mended too: where it has changed,
    users are found by their key. A retry is a run with a folder and verdicts of its own; the report of the
    first run says how all of them stand together. Stopped, the same command goes on; a retry can be retried.

    To correct values by hand: `--write-file rows.csv`, correct that file, `--file rows.csv`.
    """
    if write_file is not None and (file is not None or dry_run):
        raise ConfigurationError(
            "--write-file goes with neither --file nor --dry-run.",
            "It writes the rows; once they are corrected, give the same file as --file.",
        )
    folder, loaded, choice = _retried(name, state, run_file, reason or [], file)
    from flows.steps.retrying import count_left, plan_retry, write_rows  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.retrying import retry as retry_users  # noqa: PLC0415

    if not count_left(folder):
        show(
            as_json, {"run_id": folder.run_id, "left": 0}, f"Nobody of run {folder.run_id} is left to retry."
        )
        return
    from flows.steps.context import Worker  # noqa: PLC0415

    with TerminalProgress() as progress:
        worker = Worker(progress)
        if write_file is not None:
            written = write_rows(folder, loaded, worker, choice, write_file)
        elif dry_run:
            forecast = plan_retry(folder, loaded, worker, choice)
        else:
            child, summary = retry_users(folder, loaded, worker, choice)
    if write_file is not None:
        _show_written(as_json, write_file, asdict(written))
    elif dry_run:
        show(as_json, forecast.to_json(), *forecast_tables(forecast))
    else:
        show_summary(as_json, child.path, summary)
        leave(summary)


def _retried(
    name: str, state: Path, run_file: Path | None, reasons: list[str], file: Path | None
) -> tuple[RunFolder, LoadedRunFile, Choice]:
    from flows.ledger.families import record_of  # noqa: PLC0415 - keeps `--help` quick
    from flows.ledger.folder import find_run  # noqa: PLC0415
    from flows.settings import load_run_file  # noqa: PLC0415
    from flows.steps.retrying import Choice  # noqa: PLC0415

    folder = find_run(name, state)
    path = run_file or Path(record_of(folder).facts["run_file"])
    return folder, load_run_file(path), Choice(tuple(reasons), file)


def _show_written(as_json: bool, target: Path, written: dict[str, Any]) -> None:  # noqa: FBT001 - a flag
    parts = [
        f"{written['rows']:,} rows are in {target}. It holds people's data: delete it when you are done."
    ]
    if written["missing"]:
        parts.append(
            f"{written['missing']:,} users are not in it: their lines cannot be read, or are not in the "
            "source any more. Mend those in the source itself."
        )
    show(as_json, {"file": str(target), **written}, *parts)


@aftermath.command()
def rollback(
    name: RunArgument,
    *,
    delete: Annotated[
        bool, typer.Option("--delete", "--yes", help="Delete; without it nothing is changed.")
    ] = False,
    confirmed_too: Annotated[
        bool,
        typer.Option(
            "--confirmed-too",
            help="Also users who could sign in from the start: no application has used the pool yet.",
        ),
    ] = False,
    with_retries: Annotated[
        bool, typer.Option("--with-retries", help="Also the users whom retries of the run created.")
    ] = False,
    state: StateOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Delete the users that a run created, and nobody else; only says whom, without `--delete`.

    Users are found by their `sub`, never by name alone. Left alone are users who have signed in, set a
    password or were changed since the run read them back, and those who could have signed in without a
    trace: `CONFIRMED` from the start, as with imported hashes. Each one is looked at again in the moment
    before the call. Whoever was in the pool before the run is never touched, and groups are kept. The
    pace leaves the quota's other half to live traffic; stopped, the same command goes on. Exit status 1
    says that somebody is left alone; `rollback.csv` says who, and why.
    """
    from flows.ledger.families import descendants_of  # noqa: PLC0415 - keeps `--help` quick
    from flows.ledger.folder import find_run  # noqa: PLC0415
    from flows.steps.context import Worker  # noqa: PLC0415
    from flows.steps.rolling_back import plan_rollback  # noqa: PLC0415
    from flows.steps.rolling_back import rollback as delete_users  # noqa: PLC0415

    root = find_run(name, state)
    work = delete_users if delete else plan_rollback
    with TerminalProgress() as progress:
        folders = [*reversed(descendants_of(root)), root] if with_retries else [root]
        found = [work(folder, Worker(progress), confirmed_too=confirmed_too) for folder in folders]
    show(
        as_json,
        {"runs": [asdict(one) for one in found]},
        *(part for one in found for part in (one.sentence, rollback_table(one))),
        None if delete else "Nothing was deleted. With --delete it is done.",
    )
    if any(one.exit_status for one in found):
        raise typer.Exit(1)


@aftermath.command()
def purge(
    name: RunArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it nothing is removed.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also a run that is not finished: nobody can go on with it then.")
    ] = False,
    salt_file: Annotated[
        Path | None,
        typer.Option(help="Keep the salt of the hashes in this file; it is thrown away otherwise."),
    ] = None,
    state: StateOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Remove what identifies people from a run and its retries; only says what, without `--yes`.

    Counts, reasons and jobs stay, and `verdicts.parquet` with a salted hash (HMAC-SHA256) in the place of
    each id. The salt is random and thrown away, so that nobody can find out whose row one is by hashing ids
    that they know. `status` and `report` still work; `explain`, `retry`, `rollback` and `reconcile` do not.
    Files are deleted, not overwritten; copies and backups of the folder are yours to delete.
    """
    from flows.ledger.folder import find_run  # noqa: PLC0415 - keeps `--help` quick
    from flows.steps.context import Worker  # noqa: PLC0415
    from flows.steps.purging import plan_purge  # noqa: PLC0415
    from flows.steps.purging import purge as forget  # noqa: PLC0415

    folder = find_run(name, state)
    found = forget(folder, Worker(), force=force, salt_file=salt_file) if yes else plan_purge(folder)
    show(
        as_json,
        {"runs": [asdict(one) for one in found]},
        *(one.sentence for one in found),
        None if yes else "Nothing was removed. With --yes it is done.",
    )
    if yes and salt_file is not None:
        say(f"The salt is in {salt_file}: with it, hashes can be made again from ids.")
