"""Files of a run that are written once, also where several workers write them at the same moment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl
import pytest

from flows.ledger import segments
from flows.ledger.segments import write_new, write_once, write_text

if TYPE_CHECKING:
    from pathlib import Path


def test_of_two_workers_with_one_process_id_the_first_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In containers that share a disk every worker is process 1: their half-written files must differ."""
    path, link, won = tmp_path / "b0001.parquet", os.link, list[bool]()
    mine, others = pl.DataFrame({"user": ["mine"]}), pl.DataFrame({"user": ["another's"]})

    def other_comes_first(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        won.append(write_new(others, path))
        link(source, target)

    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(os, "link", other_comes_first)
    won.append(write_new(mine, path))
    assert won == [True, False]
    assert pl.read_parquet(path).equals(others)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_text("old", path)

    def breaks_off(target: Path) -> None:
        target.write_text("ne")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_once(path, breaks_off)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_file_is_its_owners_alone(tmp_path: Path) -> None:
    segments.write_text("text", tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
