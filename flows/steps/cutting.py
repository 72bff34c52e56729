"""Cut routed users into full batches, every kind (strategy and hash algorithm) on its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from connectors.cognito.import_file import ImportFileFormat, cut
from connectors.records import ALGORITHM
from flows.ledger.segments import write_parquet
from flows.ledger.states import BatchState
from flows.ledger.store import BatchRecord
from flows.steps.columns import ROW_BYTES, STRATEGY, VERDICT
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
    number: int = 0
    """The last number that is taken already."""

    def add(self, routed: pl.DataFrame) -> None:
        """Take the users of one page who have a way and no verdict."""
        travellers = routed.filter(pl.col(VERDICT).is_null())
        kinds = travellers.select(ORDINAL, ROW_BYTES, STRATEGY, ALGORITHM).partition_by(
            STRATEGY, ALGORITHM, as_dict=True, include_key=False
        )
        for kind, part in kinds.items():
            self.parts.setdefault(cast("tuple[str, HashAlgorithm | None]", kind), []).append(part)

    def finish(self) -> list[BatchRecord]:
        """Write the users of every batch, in the order of the run file's strategies, plain jobs first.

        Returns:
            The batches, which the ledger does not know yet.
        """
        made = []
        order = list(self.strategies)
        for kind in sorted(self.parts, key=lambda kind: (order.index(kind[0]), kind[1] or "")):
            users = pl.concat(self.parts.pop(kind))
            for start, stop in self._cuts(kind, users[ROW_BYTES]):
                self.number += 1
                made.append(self._write(self.number, kind, users[start:stop]))
        return made

    def _cuts(self, kind: tuple[str, HashAlgorithm | None], sizes: pl.Series) -> list[tuple[int, int]]:
        rows, most = self.strategies[kind[0]].batch_limits()
        return cut(sizes, header_bytes=self._header_bytes(kind[1]), max_rows=rows, max_bytes=most)

    def _header_bytes(self, algorithm: HashAlgorithm | None) -> int:
        return len(ImportFileFormat(self.context.schema, algorithm).header_line)

    def _write(self, number: int, kind: tuple[str, HashAlgorithm | None], users: pl.DataFrame) -> BatchRecord:
        write_parquet(users.select(ORDINAL), self.context.folder.batch_users(number))
        strategy, algorithm = kind
        size = int(users[ROW_BYTES].sum()) + self._header_bytes(algorithm) if strategy == "import_job" else 0
        facts = {**self.facts, "bytes": size}
        return BatchRecord(
            number, strategy, algorithm, users.height, BatchState.PLANNED, 1, None, None, None, facts
        )
