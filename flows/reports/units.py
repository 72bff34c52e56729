"""Shares, times and paths as people read them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_SHORT: Final = 9.95
"""Seconds up to which tenths are told."""


def duration(seconds: float) -> str:
    """``2 h 05 min``, ``3 min 20 s``, ``12 s``, ``0.2 s``."""
    if 0 < seconds < _SHORT:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours:,} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def share(part: int, whole: int) -> str:
    """A part in percent; ``0 %`` and ``100 %`` only where it is just so."""
    if part in (0, whole):
        return "100 %" if part else "0 %"
    return f"{min(99.9, max(0.1, 100 * part / whole)):.1f} %"


def near(path: Path) -> Path:
    """A path as it lies from here, where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
