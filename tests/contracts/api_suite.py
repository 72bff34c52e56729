"""What every source that talks HTTP does about a server's faults; beside it, it keeps the promises of
``source_suite.py``. ``test_api_sources.py`` runs this on each one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from connectors.errors import PoolferryError, RetryError, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connectors.sources.base import Source
    from tests.servers.api_server import ApiServer, FaultKind


PASSING: Final[tuple[FaultKind, ...]] = ("broken", "cut", "malformed")
"""Faults that another try may not meet again."""

RESUMABLE: Final = 3


@dataclass
class ApiSpecimen:
    """One kind of source with a server that plays its system.

    Attributes:
        server: serves, and plants faults.
        make: makes the source anew; takes what is called instead of ``time.sleep``.
        fields: some fields that everybody has; the first one names a user.
        ids: the users' ids in the order of the source; more than one page of them.
        secrets: texts that no error may hold: credentials and values of people.
    """

    server: ApiServer
    make: Callable[[Callable[[float], None]], Source]
    fields: Sequence[str]
    ids: Sequence[str]
    secrets: Sequence[str]
    pauses: list[float] = field(default_factory=list)

    def read(self) -> list[str]:
        source = self.make(self.pauses.append)
        return [row for page in source.pages(self.fields) for row in page.rows[self.fields[0]]]

    def error(self, *kinds: tuple[FaultKind, int]) -> PoolferryError:
        for kind, times in kinds:
            self.server.fail(kind, times)
        with pytest.raises(PoolferryError) as caught:
            self.read()
        self.server.faults.clear()
        assert not [text for text in self.secrets if text in str(caught.value)]
        assert caught.value.__cause__ is None
        return caught.value


def everybody_is_read(specimen: ApiSpecimen) -> None:
    assert specimen.read() == list(specimen.ids)


def a_refused_credential_stops_and_says_so(specimen: ApiSpecimen) -> None:
    error = specimen.error(("unauthorized", 1000))
    assert isinstance(error, SourceError)
    assert "401" in error.what
    assert error.mend


def a_missing_right_stops_and_names_it(specimen: ApiSpecimen) -> None:
    error = specimen.error(("forbidden", 1000))
    assert isinstance(error, SourceError)
    assert "403" in error.what
    assert error.mend


def a_throttled_call_waits_as_long_as_the_server_asks(specimen: ApiSpecimen) -> None:
    specimen.server.fail("throttled")
    assert specimen.read() == list(specimen.ids)
    assert max(specimen.pauses, default=0.0) >= 7


def a_fault_that_passes_costs_nobody(specimen: ApiSpecimen) -> None:
    for kind in PASSING:
        specimen.pauses.clear()
        specimen.server.fail(kind)
        assert specimen.read() == list(specimen.ids), kind
        assert specimen.pauses, kind


def a_fault_that_stays_is_an_error_that_can_be_resumed(specimen: ApiSpecimen) -> None:
    for kind in PASSING:
        error = specimen.error((kind, 1000))
        assert isinstance(error, SourceError | RetryError), kind
        assert error.exit_status == RESUMABLE


def the_log_holds_nothing_of_people_or_credentials(specimen: ApiSpecimen) -> None:
    log = _Written()
    logger = logging.getLogger("connectors")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(log)
    try:
        specimen.server.fail("throttled")
        specimen.read()
    finally:
        logger.removeHandler(log)
        logger.setLevel(before)
    assert log.texts
    assert not [text for text in specimen.secrets if any(text in line for line in log.texts)]


class _Written(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


API_PROMISES: tuple[Callable[[ApiSpecimen], None], ...] = (
    everybody_is_read,
    a_refused_credential_stops_and_says_so,
    a_missing_right_stops_and_names_it,
    a_throttled_call_waits_as_long_as_the_server_asks,
    a_fault_that_passes_costs_nobody,
    a_fault_that_stays_is_an_error_that_can_be_resumed,
    the_log_holds_nothing_of_people_or_credentials,
)
