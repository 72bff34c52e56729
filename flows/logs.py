"""The log as JSON: one object a line on standard error, for machines that collect it.

Only Poolferry's own loggers are told, whatever the level: what boto3, requests or SQLAlchemy say at level
``DEBUG`` holds requests and answers, and so people's data. Every record has the ids of run, batch and job
that this process works at; a process works at one batch at a time.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

OURS: Final = ("connectors", "flows", "mappings")
"""The loggers whose records are shown; no other library's."""

IDS: Final = ("run_id", "batch", "job_id")
"""Fields of every record; null where there is none."""

_LEVELS: Final[Mapping[LogLevel, int]] = MappingProxyType(
    {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
)
_now: dict[str, Any] = dict.fromkeys(IDS)
_writers: list[logging.Handler] = []


@contextmanager
def working(**ids: str | int | None) -> Iterator[None]:
    """Give every record of this process these ids (``IDS``) for a while, also those of its threads."""
    before = {name: _now[name] for name in ids}
    _now.update(ids)
    try:
        yield
    finally:
        _now.update(before)


def ids_now() -> dict[str, Any]:
    """The ids that this process works at."""
    return dict(_now)


def is_json() -> bool:
    """Whether people's texts and bars are to be left out, since the log is for machines."""
    return bool(_writers)


@contextmanager
def json_log(level: LogLevel) -> Iterator[None]:
    """Write the records of Poolferry's loggers as JSON on standard error."""
    from flows.logs_json import JsonHandler  # noqa: PLC0415 - only for who wants it

    handler = JsonHandler(sys.stderr, ids_now)
    handler.setLevel(_LEVELS[level])  # a logger below may have a level of its own
    loggers = [logging.getLogger(name) for name in OURS]
    before = [each.level for each in loggers]
    _writers.append(handler)
    for each in loggers:
        each.addHandler(handler)
        each.setLevel(_LEVELS[level])
    try:
        yield
    finally:
        _writers.remove(handler)
        for each, old in zip(loggers, before, strict=True):
            each.removeHandler(handler)
            each.setLevel(old)
