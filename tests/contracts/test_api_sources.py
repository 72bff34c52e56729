"""Every source that talks HTTP stands a server's faults; broken ones show that each promise can be broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import SourceError
from tests.contracts import api_suite as suite
from tests.contracts.entra_specimen import entra_api_specimen
from tests.contracts.okta_specimen import okta_api_specimen
from tests.contracts.rest_specimen import KINDS, rest_api_specimen
from tests.contracts.scim_specimen import scim_api_specimen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contracts.api_suite import ApiSpecimen

API_SPECIMENS: dict[str, Callable[[Path], ApiSpecimen]] = {
    "entra": entra_api_specimen,
    "okta": okta_api_specimen,
    **{f"rest by {kind}": rest_api_specimen(kind) for kind in KINDS},
    **{f"scim by {paging}": scim_api_specimen(paging) for paging in ("auto", "index")},
}
"""One for each kind of source that talks HTTP."""


@pytest.fixture(params=API_SPECIMENS)
def specimen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ApiSpecimen]:
    made = API_SPECIMENS[request.param](tmp_path)
    with made.server:
        yield made


@pytest.mark.parametrize("promise", suite.API_PROMISES, ids=lambda promise: promise.__name__)
def test_an_api_source_keeps_its_promise(
    promise: Callable[[ApiSpecimen], None], specimen: ApiSpecimen
) -> None:
    promise(specimen)


class Broken:
    """A source that reads well and meets faults badly, in one way each."""

    def __init__(self, real: Any, sleep: Callable[[float], None]) -> None:
        self.real, self.sleep = real, sleep

    def pages(self, fields: Any) -> Any:
        return self.real.pages(fields)


class StopsAtTheFirstFault(Broken):
    def pages(self, fields: Any) -> Any:
        self.real._api.sleep = _refuse
        return self.real.pages(fields)


class ShowsTheValue(Broken):
    def pages(self, fields: Any) -> Any:
        try:
            yield from self.real.pages(fields)
        except SourceError as error:
            raise SourceError(f"{error.what} u01@example.com") from None


class DoesNotWait(Broken):
    def pages(self, fields: Any) -> Any:
        self.real._api.sleep = lambda _: None
        return self.real.pages(fields)


class LosesTheLastPage(Broken):
    def pages(self, fields: Any) -> Any:
        return list(self.real.pages(fields))[:-1]


def _refuse(_: float) -> None:
    raise SourceError("It failed once.")


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (StopsAtTheFirstFault, suite.a_fault_that_passes_costs_nobody),
        (ShowsTheValue, suite.a_refused_credential_stops_and_says_so),
        (DoesNotWait, suite.a_throttled_call_waits_as_long_as_the_server_asks),
        (LosesTheLastPage, suite.everybody_is_read),
    ],
)
def test_the_promises_bite(
    broken: type[Broken], promise: Callable[[ApiSpecimen], None], tmp_path: Path
) -> None:
    made = rest_api_specimen("page")(tmp_path)
    honest = made.make
    made.make = lambda sleep: broken(honest(sleep), sleep)  # type: ignore[assignment,return-value]  # broken
    with made.server, pytest.raises((AssertionError, SourceError)):
        promise(made)
