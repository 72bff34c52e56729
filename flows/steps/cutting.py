"""Cut routed users into full batches, every kind (strategy and hash algorithm) on its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.cognito.import_file import ImportFileFormat, cut
from connectors.records import ALGORITHM
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.ledger.store import BatchRecord
from flows.steps.columns import ROW_BYTES, STRATEGY, VERDICT
from flows.steps.numbering import write_members
from mappings.duplicates import ORDINAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.records import HashAlgorithm
    from flows.steps.context import Context
    from flows.strategies.base import Strategy


@dataclass
class Cutter:
    """Gathers travellers page by page; twelve bytes a user are held until the end."""

    context: Context
    strategies: Mapping[str, Strategy]
    parts: dict[tuple[str, HashAlgorithm | None], list[pl.DataFrame]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the ledger shall know of each batch beside its size."""
    is_first: bool = True
    """Whether these are the run's first batches: a routing that never ended may have written them already."""

    def add(self, routed: pl.DataFrame) -> None:
        """Take the users of one page who have a way and no verdict."""
        kept = routed.select(ORDINAL, ROW_BYTES, STRATEGY, ALGORITHM, VERDICT)
        travellers = kept.filter(pl.col(VERDICT).is_null()).drop(VERDICT)
        for strategy in travellers[STRATEGY].unique():
            own = travellers.filter(pl.col(STRATEGY) == strategy)
            for algorithm in own[ALGORITHM].unique():
                part = own.filter(pl.col(ALGORITHM).eq_missing(pl.lit(algorithm, pl.String)))
                self.parts.setdefault((strategy, algorithm), []).append(part.select(ORDINAL, ROW_BYTES))

    def finish(self) -> list[BatchRecord]:
        """Write the users of every batch, in the order of the run file's strategies, plain jobs first.

        Returns:
            The batches, which the ledger does not know yet.
        """
        made: list[BatchRecord] = []
        order = list(self.strategies)
        for kind in sorted(self.parts, key=lambda kind: (order.index(kind[0]), kind[1] or "")):
            users = pl.concat(self.parts.pop(kind))
            for start, stop in self._cuts(kind, users[ROW_BYTES]):
                made.append(self._write(len(made) + 1, kind, users[start:stop]))
        return made

    def _cuts(self, kind: tuple[str, HashAlgorithm | None], sizes: pl.Series) -> list[tuple[int, int]]:
        rows, most = self.strategies[kind[0]].batch_limits()
        return cut(sizes, header_bytes=self._header_bytes(kind[1]), max_rows=rows, max_bytes=most)

    def _header_bytes(self, algorithm: HashAlgorithm | None) -> int:
        return len(ImportFileFormat(self.context.schema, algorithm).header_line)

    def _write(self, number: int, kind: tuple[str, HashAlgorithm | None], users: pl.DataFrame) -> BatchRecord:
        if self.is_first:
            write_parquet(users.select(ORDINAL), self.context.folder.batch_users(number))
        else:
            number = write_members(self.context, users)
        strategy, algorithm = kind
        size = int(users[ROW_BYTES].sum()) + self._header_bytes(algorithm) if strategy == "import_job" else 0
        facts = {**self.facts, "bytes": size}
        return BatchRecord(
            number, strategy, algorithm, users.height, BatchState.PLANNED, 1, None, None, None, facts
        )
