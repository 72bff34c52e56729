"""Fields of the source that nothing carries over, so that none is dropped in silence."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from connectors.errors import ConfigurationError
from flows.steps.field_names import without_values
from flows.steps.sampling import asked_at_once
from mappings.texts import without_blanks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flows.steps.context import Context

UNMAPPED: Final = "unmapped"
"""Fact of a run: field → share of a sample's users who have a value in it; null where nobody was there."""

SAMPLE: Final = 10_000
"""Users at most that the shares are told from: those of the source's first page."""

NAMED: Final = 20
"""Fields at most that a line of text names."""


def look_at_unmapped(context: Context) -> dict[str, Any]:
    """What a new run notes of fields that no rule reads.

    Raises:
        ConfigurationError: there are some, and the run file says ``unmapped: refuse``.
    """
    wish = context.loaded.settings.unmapped
    names = [] if wish == "ignore" else unmapped_fields(context)
    if not names:
        return {}
    if wish == "refuse":
        raise ConfigurationError(
            f"{context.loaded.path}: unmapped: refuse: nothing is taken from {listed(names)}.",
            "Map them, leave them out of what the source reads, or say `unmapped: report`.",
        )
    context.progress.note(f"Fields of the source that nothing carries over: {listed(names)}.")
    return {UNMAPPED: _filled(context, names)}


def unmapped_fields(context: Context) -> list[str]:
    """Names of the fields that neither a rule nor the source itself reads; a part stands for the whole."""
    told = context.loaded.settings.source
    return unread_fields(context.source.fields(), context.mapping.fields, told)


def unread_fields(fields: Sequence[str], read: Sequence[str], told: Mapping[str, Any]) -> list[str]:
    """Those of a source's fields that nothing reads; of a whole and its parts the whole alone.

    Args:
        fields: names of all fields.
        read: those that the mapping reads.
        told: the ``source`` part of the run file, which may read some itself.
    """
    own = [str(told[name]) for name in ("key", "updated_at") if told.get(name)]
    wanted = {*read, *own}
    unread = [name for name in without_values(fields) if not any(overlap(name, other) for other in wanted)]
    return [name for name in unread if not any(_is_part(name, other) for other in unread)]


def listed(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def overlap(one: str, other: str) -> bool:
    """Whether two paths are the same, or one leads into the other."""
    return one == other or _is_part(one, other) or _is_part(other, one)


def _is_part(part: str, whole: str) -> bool:
    return part.startswith((f"{whole}.", f"{whole}["))


def _filled(context: Context, names: Sequence[str]) -> dict[str, float | None]:
    """The fullest first; unknown of those that the system does not hand out together with the others."""
    asked = asked_at_once(context.source, names)
    with closing(context.source.pages(asked)) as pages:  # type: ignore[type-var]  # sources are generators
        page = next(pages, None)
    if page is None or page.rows.is_empty():
        return dict.fromkeys(names)
    rows = page.rows.head(SAMPLE)
    empty = {name: without_blanks(rows[name]).null_count() for name in asked}
    fullest_first = sorted(asked, key=lambda name: (empty[name], name))
    shares = {name: 1 - empty[name] / rows.height for name in fullest_first}
    return {**shares, **dict.fromkeys(name for name in names if name not in shares)}
