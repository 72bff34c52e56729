"""Puts judged rows into a pool, one after the other, and says what became of each (table 1e)."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import polars as pl
from moto.cognitoidp.exceptions import (
    AliasExistsException,
    InvalidParameterException,
    UsernameExistsException,
)

from connectors.cognito.sandbox.csv_reader import PROBLEM
from connectors.cognito.sandbox.directory import add_user, directory_of
from connectors.cognito.sandbox.outcomes import FAILED, SKIP, SUCCESS, Outcome
from connectors.cognito.sandbox.row_rules import STATUS
from connectors.cognito.sandbox.schema import MFA_ENABLED, PASSWORD_HASH, USERNAME
from connectors.cognito.sandbox.sign_in_names import is_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.cognito.sandbox.moto_types import MotoPool
    from connectors.cognito.sandbox.settings import SandboxSettings

OWN_COLUMNS = frozenset({USERNAME, MFA_ENABLED, PASSWORD_HASH})
"""Columns of the file that are no attributes."""


class UserWriter:
    """Writes the users of one file; remembers no more than it must.

    Args:
        pool: moto's pool.
        settings: the switches in force.
        hashed: whether the job has an algorithm, so that hashes are kept (F2.11).
    """

    def __init__(self, pool: MotoPool, settings: SandboxSettings, *, hashed: bool) -> None:
        self._pool = pool
        self._settings = settings
        self._hashed = hashed
        self._directory = directory_of(pool)
        self._seen: set[str] | None = set() if settings.duplicate_username == "fail" else None

    def write(self, block: pl.DataFrame) -> Iterator[Outcome]:
        """Write row after row as the outcomes are taken; the caller holds the pool's lock.

        Args:
            block: what ``judge`` returned.
        """
        names = _filled_columns(block)
        values = block.select(names).iter_rows() if names else repeat((), block.height)
        columns = (
            _texts(block, PROBLEM),
            _texts(block, USERNAME),
            _texts(block, STATUS),
            self._hashes(block),
            _texts(block, MFA_ENABLED),
        )
        for problem, username, status, stored, mfa, row in zip(*columns, values, strict=True):
            if problem is not None:
                yield Outcome(FAILED, problem)
                continue
            attributes = {name: value for name, value in zip(names, row, strict=True) if value}
            outcome = self._write(username, attributes, status, stored or None)
            if outcome is SUCCESS and is_true(mfa):
                self._claim_mfa(username)
            yield outcome

    def _claim_mfa(self, username: str) -> None:
        """Keep that MFA is active: without anything to use it with, the user cannot sign in (F1.35)."""
        if (user := self._directory.find(username)) is not None:
            user.mfa_claimed = True

    def _write(self, username: str, attributes: dict[str, str], status: str, stored: str | None) -> Outcome:
        folded = self._directory.names.fold(username)
        if self._seen is not None and folded in self._seen:
            return Outcome(FAILED, "duplicate_username")
        if self._exists(username, folded):
            return SKIP
        outcome = self._add(username, attributes, status, stored)
        if self._seen is not None and outcome is SUCCESS:
            self._seen.add(folded)
        return outcome

    def _exists(self, username: str, folded: str) -> bool:
        """Look before adding: an exception of moto's costs far more than a look."""
        names = self._directory.names
        found = self._directory.find(username)
        return found is not None and (bool(names.username_attributes) or names.fold(found.username) == folded)

    def _add(self, username: str, attributes: dict[str, str], status: str, stored: str | None) -> Outcome:
        if not self._settings.username_is_attribute:
            attributes = self._without_sign_in_names(attributes)
        steal = self._settings.taken_alias == "steal"
        try:
            add_user(
                self._pool, username, attributes, status=status, password_hash=stored, force_alias=steal
            ).came_by(self._settings.clock_offset_seconds)
        except AliasExistsException:
            return SKIP if self._settings.taken_alias == "skip" else Outcome(FAILED, "alias_taken")
        except UsernameExistsException:
            return SKIP
        except InvalidParameterException:
            return Outcome(FAILED, "username_malformed")
        return SUCCESS

    def _without_sign_in_names(self, attributes: dict[str, str]) -> dict[str, str]:
        """The username takes the place of the address that it stands in for (F1.47)."""
        own = self._directory.names.username_attributes
        return {name: value for name, value in attributes.items() if name not in own}

    def _hashes(self, block: pl.DataFrame) -> list[str | None]:
        return _texts(block, PASSWORD_HASH) if self._hashed else [None] * block.height


def _filled_columns(block: pl.DataFrame) -> list[str]:
    """Attributes that anybody of the block has; most files leave most columns empty."""
    names = [name for name in block.columns if name not in OWN_COLUMNS and not name.startswith("@")]
    filled = block.select((pl.col(name) != "").any() for name in names).row(0) if names else ()
    return [name for name, any_value in zip(names, filled, strict=True) if any_value]


def _texts(block: pl.DataFrame, name: str) -> list[Any]:
    return block[name].to_list() if name in block.columns else [None] * block.height
