"""What a look at a source tells of the settings that nobody has given: for ``poolferry init``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Scouted:
    """What was found out.

    Attributes:
        settings: settings that were not told, or ``kind`` where it turned out to be another one.
        notes: what was found, and why it was chosen; no value of a person.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


Scout = Callable[[Mapping[str, object], "Path"], Scouted]
"""Takes what is told of a source, its secrets filled in, and the run file's folder.

Raises:
    SourceError: the source cannot be read.
    ConfigurationError: it holds nothing that could be users, or what is told is wrong.
"""
