"""How a record of the log is written as JSON; ``flows.logs`` says which records and with which ids."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pythonjsonlogger.json import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class JsonHandler(logging.StreamHandler[Any]):
    """Writes one JSON object a record.

    Args:
        stream: where to.
        ids: gives the fields that every record has.
    """

    def __init__(self, stream: TextIO, ids: Callable[[], dict[str, Any]]) -> None:
        super().__init__(stream)
        self.setFormatter(_Harmless(ids))


class _Harmless(JsonFormatter):
    """Time, level, logger, text and ids of a record; of an exception its class and place alone."""

    def __init__(self, ids: Callable[[], dict[str, Any]]) -> None:
        self._ids = ids
        super().__init__(
            "{levelname}{name}{message}", style="{", rename_fields={"levelname": "level", "name": "logger"}
        )

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Put time and ids in front; what the caller gave as ``extra`` stays as given."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data |= {"time": moment, **self._ids()}
        super().add_fields(log_data, record, message_dict)

    def formatException(  # noqa: N802 - the library's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """Leave out the text and the values of a traceback: they may hold a person's data."""
        kind, _, trace = ei
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        return f"{kind.__name__ if kind else 'error'}{place}"
