"""What the sub-commands share: arguments, and how results are printed."""

from __future__ import annotations

import errno
import json
import os
import platform
from collections.abc import Iterator  # noqa: TC003 - typer evaluates the hints of what completes
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from connectors.errors import StopError
from flows.console import OUT, reasons_table, summary_table
from flows.reports.delta import delta_lines
from flows.reports.units import near

if TYPE_CHECKING:
    from rich.console import RenderableType

_MAKE_ROOM: Final = "Make room, then run the same command again."
_GIVE_RIGHTS: Final = "Give this user the right to it, or work with a copy of the folder elsewhere."
_WAYS_OUT: Final = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _MAKE_ROOM),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), _GIVE_RIGHTS),
}

SOME_DID_NOT_LAND = 1
"""Exit status of a run in which some are rejected or failed."""


def known_runs(incomplete: str) -> Iterator[str]:
    """Complete RUN in the shell: names and ids of the runs in ``runs`` of the folder that one is in."""
    from flows.ledger.folder import runs_of  # noqa: PLC0415 - keeps `--help` quick

    for named in sorted(Path("runs").glob("*")):
        names = [named.name, *(run.run_id for run in runs_of(named))]
        yield from (name for name in names if len(names) > 1 and name.startswith(incomplete))


def state_folder(state: str | Path) -> Path:
    """Take a folder as it is; of a state in S3 its copy, which is brought up to date."""
    from flows.ledger.copies import copied_state, is_in_s3  # noqa: PLC0415 - keeps `--help` quick

    return copied_state(str(state)) if is_in_s3(str(state)) else Path(state)


RunFileArgument = Annotated[
    Path, typer.Argument(help="The run file (YAML).", metavar="RUN_FILE", show_default=False)
]
RunArgument = Annotated[
    str,
    typer.Argument(
        help="A run's id, its name (then the newest run that is no retry) or its folder.",
        metavar="RUN",
        show_default=False,
        autocompletion=known_runs,
    ),
]
StateOption = Annotated[
    Path,
    typer.Option(parser=state_folder, metavar="STATE", help="The folder of the runs, or s3://bucket/prefix."),
]
RepairOption = Annotated[
    Path | None,
    typer.Option(
        help="A file of differences that `reconcile` wrote: its missing, altered and ungrouped users are "
        "taken as well, with `mode: delta` and `existing: update` whatever the run file says.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object as the last thing on standard output.")
]


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback of a flag
    """Print the version, and those of what decides how a run behaves; then end."""
    if wanted:
        parts = ", ".join(f"{name} {version(name)}" for name in ("polars", "boto3", "prefect"))
        typer.echo(f"poolferry {version('poolferry')} (Python {platform.python_version()}, {parts})")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Print the version and what it stands on."
    ),
]


@contextmanager
def refusals_of_disks_told() -> Iterator[None]:
    """Tell a disk that is full or not to be written as what it is, whichever command meets it.

    Raises:
        StopError: with the file's name, and the way out.
    """
    try:
        yield
    except OSError as error:
        way_out = _WAYS_OUT.get(error.errno or 0)
        if way_out is None:
            raise
        raise StopError(f"{error.filename or 'A file'}: {os.strerror(error.errno or 0)}.", way_out) from None


def show(as_json: bool, data: object, *parts: RenderableType | None) -> None:  # noqa: FBT001 - a flag of the command
    """Print a result: as one JSON object, or as its parts for people."""
    if as_json:
        typer.echo(json.dumps(data))
        return
    for part in parts:
        if part is not None:
            OUT.print(part, soft_wrap=isinstance(part, str))


def show_summary(as_json: bool, folder: Path, summary: dict[str, Any]) -> None:  # noqa: FBT001 - same
    """Print how a run ended, and where its report lies."""
    there = near(folder)
    changes = [f"{count:,} {text}" for text, count in delta_lines(summary.get("delta", {}))]
    parts = (summary_table(summary), *changes, reasons_table(summary))
    show(as_json, summary, *parts, f"Report: {there / 'report.md'}", f"In a browser: {there / 'report.html'}")


def leave(summary: dict[str, Any]) -> None:
    """End with the exit status of a run's verdicts."""
    verdicts = summary["verdicts"]
    if verdicts["rejected"] or verdicts["failed"]:
        raise typer.Exit(SOME_DID_NOT_LAND)
