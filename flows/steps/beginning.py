"""From an address to a run file on disk, with what was seen on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.errors import ConfigurationError
from flows.reports.delta import percent
from flows.reports.profiles import profile_tables
from flows.settings import load_run_file
from flows.steps.drafting import Draft, draft_run_file
from flows.steps.source_settings import source_part
from flows.steps.unmapped import listed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.table import Table

    from flows.steps.source_settings import Ask


@dataclass(frozen=True, slots=True)
class Wish:
    """What ``poolferry init`` is asked for; see its options."""

    source: str
    out: Path
    pool_id: str
    kind: str | None = None
    told: tuple[str, ...] = ()
    region: str | None = None
    role_arn: str | None = None
    name: str = "migration"


@dataclass(frozen=True, slots=True)
class Begun:
    """A run file that was written."""

    out: Path
    draft: Draft

    def to_json(self) -> dict[str, Any]:
        """What was chosen and seen, as a JSON object."""
        found = self.draft.choice.preset
        return {
            "run_file": str(self.out),
            "kind": self.draft.source["kind"],
            "source": dict(self.draft.source),
            "preset": found.preset if found else None,
            "notes": list(self.draft.notes),
            "profile": self.draft.profile.to_json(),
        }

    def tables(self) -> Iterable[Table | str]:
        """The same for people."""
        found = self.draft.choice.preset
        yield f"Source: kind {self.draft.source['kind']}"
        yield (
            f"Mapping: the preset {found.preset}, recognised by {found.why}"
            if found
            else "Mapping: rules by the names and looks of the fields; no preset knows them"
        )
        yield from (f"· {note}" for note in self.draft.notes)
        yield from profile_tables(self.draft.profile)
        left = [f"{name} ({percent(share)})" for name, share in self.draft.profile.unmapped.items() if share]
        if left:
            yield f"Fields of the source that nothing carries over, and how full they are: {listed(left)}."


def write_draft(wish: Wish, ask: Ask | None = None) -> Begun:
    """Write a run file for a source; an existing file is never overwritten.

    Raises:
        ConfigurationError: ``out`` exists, or the source is not told well enough.
        SourceError, TargetError: source or pool cannot be read.
    """
    if wish.out.exists():
        raise ConfigurationError(f"{wish.out} exists already.", "Name another file with --out.")
    base = wish.out.parent.resolve()
    part = source_part(wish.source, base, kind=wish.kind, told=wish.told, ask=ask)
    draft = draft_run_file(
        source=part.settings, pool_id=wish.pool_id, region=wish.region, role_arn=wish.role_arn,
        name=wish.name, base=base, found=part.notes, guessed=part.guessed,
    )  # fmt: skip
    wish.out.write_text(draft.text, encoding="utf-8")
    load_run_file(wish.out)
    return Begun(wish.out, draft)
