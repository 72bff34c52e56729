"""The parameters of the flows, as Prefect's form shows them: references and switches, never people.

Prefect stores parameters as they are and shows them to everybody who sees its pages, so secrets are none of
them either. It takes a parameter's help from the docstring of the flow; its title stands here, since the form
would show the bare name otherwise. What may be left out is empty rather than null, which the form would show
as a switch between kinds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from prefect import runtime
from pydantic import Field

from connectors.errors import ConfigurationError
from flows.ledger.folder import find_run
from flows.settings import load_run_file

if TYPE_CHECKING:
    from flows.ledger.folder import RunFolder

LONGEST_PATH = 1024

RunFilePath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_PATH,
        examples=["/srv/migration/acme.yaml"],
        json_schema_extra={"title": "Run file"},
    ),
]
RunId = Annotated[
    str,
    Field(
        pattern=r"^(\d{8}T\d{6}Z-[0-9a-f]{6})?$",
        examples=["20261123T050258Z-a0afbd"],
        json_schema_extra={"title": "Run"},
    ),
]
Reasons = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[\w:.-]{1,80}$")], ...],
    Field(
        examples=[["email_invalid", "birthdate_invalid"]],
        json_schema_extra={"title": "Only users with these reasons"},
    ),
]
CorrectedFile = Annotated[
    str,
    Field(
        max_length=LONGEST_PATH,
        examples=["/srv/migration/corrected.csv"],
        json_schema_extra={"title": "Corrected file"},
    ),
]
New = Annotated[bool, Field(json_schema_extra={"title": "Start another run"})]
DryRun = Annotated[bool, Field(json_schema_extra={"title": "Only look, change nothing"})]
ConfirmedToo = Annotated[
    bool, Field(json_schema_extra={"title": "Also users who could sign in from the start"})
]
NoSource = Annotated[bool, Field(json_schema_extra={"title": "Leave the source out"})]
WithGroups = Annotated[bool, Field(json_schema_extra={"title": "Also compare groups"})]
WithValues = Annotated[bool, Field(json_schema_extra={"title": "Also write the values that differ"})]
Force = Annotated[bool, Field(json_schema_extra={"title": "Also a run that is not finished"})]


def flow_run_name() -> str:
    """Name a flow run after its run file, and the run that is named: ``acme 20261123T050258Z-a0afbd``."""
    given = runtime.flow_run.parameters
    name = Path(str(given.get("run_file", ""))).stem or "unnamed"
    return f"{name} {given['run_id']}" if given.get("run_id") else name


def chosen_run(run_file: str, run_id: str, *, must_be_named: bool = False) -> RunFolder:
    """Find a run of a run file by its id; without one the newest that is no retry.

    Args:
        run_file: path of the run file, which says where its runs lie.
        run_id: the run; empty: the newest.
        must_be_named: whether what follows cannot be taken back, so that no run is chosen unasked.

    Raises:
        ConfigurationError: there is no such run, and the text lists the newest ones; or none is named.
    """
    folder = load_run_file(Path(run_file)).state_folder
    if must_be_named and not run_id:
        raise ConfigurationError(
            "run_id: this cannot be taken back, so the run must be named.",
            f"Only looking needs no name and tells it; {folder} has a folder for each run.",
        )
    name = str(folder / run_id) if run_id and (folder / run_id).is_dir() else run_id or folder.name
    return find_run(name, folder.parent)
