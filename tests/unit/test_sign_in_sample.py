"""The people who are signed in to prove a migration: a file that is not whole signs nobody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.errors import ConfigurationError
from flows.steps.sign_in_proof import read_sample

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("username,password\nanna,secret\nbert,\n", "missing in line 3"),
        ("username,password\nanna\nbert,secret\n", "missing in line 2"),
        ("username,password\n" + ",secret\n" * 7, "missing in line 2, 3, 4, 5, 6 …"),
        ('username,password\nanna,"secret\n', "cannot be read"),
        ("username\nanna\n", "lacks the column password"),
        ("username,password\n", "names nobody"),
    ],
)
def test_what_is_missing_is_told_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=told) as refused:
        read_sample(path)
    assert "secret" not in str(refused.value)


def test_everybody_is_read(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('\ufeffpassword,username,more\n"a, b",anna,x\nc,bert,\n', encoding="utf-8")
    found = [(one.username, one.password) for one in read_sample(path)]
    assert found == [("anna", "a, b"), ("bert", "c")]
