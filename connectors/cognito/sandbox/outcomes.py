"""What became of one row of an import file (F3.27, table 1e)."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["SUCCEEDED", "SKIPPED", "FAILED"]

IMPORTED: Final = "SUCCEEDED"
SKIPPED: Final = "SKIPPED"
FAILED: Final = "FAILED"


class Outcome(NamedTuple):
    """The word in the log line, and a reason code where it is FAILED."""

    kind: Kind
    reason: str = ""


SUCCESS: Final = Outcome(IMPORTED)
SKIP: Final = Outcome(SKIPPED)
