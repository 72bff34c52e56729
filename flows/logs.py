"""The log as JSON: one object a line on standard error, for machines that collect it.

Only Poolferry's own loggers are told, whatever the level: what boto3, requests or SQLAlchemy say at level
``DEBUG`` holds requests and answers, and so people's data. Every record has the ids of run, batch, job and
Prefect's flow run that this process works at; a process works at one batch at a time.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args

from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
Choice = TypeVar("Choice", bound=str)

FORMAT_VARIABLE: Final = "POOLFERRY_LOG_FORMAT"
LEVEL_VARIABLE: Final = "POOLFERRY_LOG_LEVEL"

OURS: Final = ("connectors", "flows", "mappings")
"""The loggers whose records are shown; no other library's."""

IDS: Final = ("run_id", "batch", "job_id", "flow_run_id")
"""Fields of every record; null where there is none."""

_LEVELS: Final[Mapping[LogLevel, int]] = MappingProxyType(
    {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
)
_now: dict[str, Any] = dict.fromkeys(IDS)
_writers: list[logging.Handler] = []
_options: list[LogFormat] = []
"""What a command's own options ask for while it runs."""


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
    """Write the records of Poolferry's loggers as JSON on standard error, and nowhere else."""
    from flows.logs_json import JsonHandler  # noqa: PLC0415 - only for who wants it

    handler = JsonHandler(sys.stderr, ids_now)
    handler.setLevel(_LEVELS[level])  # a logger below may have a level of its own
    loggers = [logging.getLogger(name) for name in OURS]
    before = [(each.level, each.propagate) for each in loggers]
    _writers.append(handler)
    for each in loggers:
        each.addHandler(handler)
        each.setLevel(_LEVELS[level])
        each.propagate = False  # Prefect's handler of the root logger would write each of them again, as text
    try:
        yield
    finally:
        _writers.remove(handler)
        for each, (old, propagates) in zip(loggers, before, strict=True):
            each.removeHandler(handler)
            each.setLevel(old)
            each.propagate = propagates


@contextmanager
def log_of_options(text_or_json: LogFormat, level: LogLevel) -> Iterator[None]:
    """Write as a command's options ask for; a flow that it runs does not ask the environment then."""
    _options.append(text_or_json)
    try:
        with json_log(level) if text_or_json == "json" else nullcontext():
            yield
    finally:
        _options.pop()


@contextmanager
def log_of_environment() -> Iterator[None]:
    """Write as ``json_log`` does where the environment asks for it and no command and no flow does so yet.

    Raises:
        ConfigurationError: a variable has a value that the command would not take either.
    """
    text_or_json = _chosen(FORMAT_VARIABLE, get_args(LogFormat), "text")
    level = _chosen(LEVEL_VARIABLE, get_args(LogLevel), "info")
    with json_log(level) if text_or_json == "json" and not _options and not _writers else nullcontext():
        yield


def _chosen(variable: str, choices: tuple[Choice, ...], default: Choice) -> Choice:
    """Read a variable that has one of a few values; empty is the default, as it is for the command."""
    value = os.environ.get(variable) or default
    for choice in choices:
        if choice == value:
            return choice
    raise ConfigurationError(f"{variable} is none of {', '.join(choices)}.", "Mend it or leave it out.")
