"""Every registered kind of source keeps every promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.registry import source_kinds
from tests.contracts.source_specimens import SPECIMENS
from tests.contracts.source_suite import PROMISES, Specimen
from tests.reference_keys import traits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(params=source_kinds())
def specimen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Specimen]:
    """A specimen of each registered kind."""
    assert request.param in SPECIMENS, f"the kind {request.param!r} has no specimen in source_specimens.py"
    made = SPECIMENS[request.param](tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_source_keeps_its_promise(promise: Callable[[Specimen], None], specimen: Specimen) -> None:
    promise(specimen)


def test_the_reference_tells_of_a_kind_what_its_source_claims(
    specimen: Specimen, request: pytest.FixtureRequest
) -> None:
    assert traits_of(request.node.callspec.params["specimen"]) == specimen.source().traits
