"""Files that are written once: under a temporary name, synced, then renamed."""

from __future__ import annotations

import os
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import polars as pl
from polars import selectors as cs

from mappings.duplicates import CODES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYOUT: Final = 1
"""Which form the files of users have. Whoever changes it, or a column that a later step reads, counts up:
an unfinished run of another layout is refused, and not read wrong."""


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame so that ``path`` is either absent or complete, readable by the owner only."""
    write_once(path, lambda target: frame.write_parquet(target, compression="lz4", statistics=False))


def sink_parquet(frame: pl.LazyFrame, path: Path) -> None:
    """The same of a frame that is too large to be held."""
    write_once(path, lambda target: frame.sink_parquet(target, compression="lz4"))


def write_new(frame: pl.DataFrame, path: Path) -> bool:
    """Write a frame as a file that nobody has written yet; False where another worker was first."""
    temporary = _beside(path)
    write_parquet(frame, temporary)
    try:
        os.link(temporary, path)  # unlike a rename it never takes the place of a file
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    _sync(path.parent)
    return True


def write_users(users: pl.DataFrame, path: Path) -> None:
    """Write users once, as an Arrow IPC file: that costs half of what Parquet costs, and is read in place.

    Texts and keys that nobody has take no room; ``scan_users`` gives the columns back.
    """
    spared = (name for name, kind in users.schema.items() if kind == pl.String or name in CODES)
    empty = [name for name in spared if users[name].null_count() == users.height]
    written = users.with_columns(pl.lit(None).alias(name) for name in empty)
    write_once(path, lambda target: written.write_ipc(target, compression="uncompressed"))


def scan_users(*paths: Path) -> pl.LazyFrame:
    """Users of some files that ``write_users`` wrote, in order; only what is asked for is read."""
    empty = cs.by_dtype(pl.Null)
    keys = empty & cs.by_name(*CODES, require_all=False)
    return pl.concat(
        pl.scan_ipc(path).with_columns(keys.cast(pl.UInt64), (empty - keys).cast(pl.String)) for path in paths
    )


def write_text(text: str, path: Path) -> None:
    """Write a text so that ``path`` is either the old or the new one, never half of it."""
    write_once(path, lambda target: target.write_text(text, encoding="utf-8"))


def write_once(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, sync it and rename it."""
    temporary = _beside(path)
    descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    os.close(descriptor)
    try:
        write(temporary)
        _sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def _beside(path: Path) -> Path:
    """A name that nobody else has: in containers that share a disk, all workers have the same process id."""
    return path.with_name(f".{path.name}.{token_hex(6)}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
