"""Exports of Auth0 whose link has expired, or whose job is gone: asked for anew, or told clearly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from connectors.errors import PoolferryError, SourceError
from connectors.sources.auth0_api import Auth0Source
from tests.contracts.auth0_specimen import settings
from tests.servers.auth0 import LINK, Auth0Server

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERYBODY = [f"u{number}" for number in range(8)]


@pytest.fixture
def server() -> Iterator[Auth0Server]:
    with Auth0Server([{"user_id": one} for one in EVERYBODY]) as made:
        yield made


def source(server: Auth0Server) -> Auth0Source:
    return Auth0Source(settings(server), Path(), sleep=lambda _: None, block_bytes=40)


def read(server: Auth0Server, after: Any = None) -> list[str]:
    return [one for page in source(server).pages(["user_id"], after) for one in page.rows["user_id"]]


@pytest.mark.parametrize("faults", [0, 1, 2])
def test_a_link_that_has_expired_is_asked_for_anew(server: Auth0Server, faults: int) -> None:
    server.link_uses, server.file_faults = 1, faults
    first = next(source(server).pages(["user_id"]))
    rest = read(server, json.loads(json.dumps(first.cursor)))
    assert [*first.rows["user_id"], *rest] == EVERYBODY
    assert len(server.jobs) == 1


def test_links_that_are_always_refused_are_told_with_the_way_out(server: Auth0Server) -> None:
    server.link_uses = 0
    with pytest.raises(PoolferryError, match=r"by a new link each time.*answered 403") as caught:
        read(server)
    assert "Resume later" in caught.value.mend
    assert "read:users" not in str(caught.value)
    assert LINK not in str(caught.value)
    assert len(server.links) == 3


def test_a_job_that_is_gone_before_anybody_was_read_is_ordered_anew(server: Auth0Server) -> None:
    honest = server._job_told
    server._job_told = lambda name: honest(name if len(server.jobs) > 1 else "gone")  # type: ignore[method-assign]
    assert read(server) == EVERYBODY
    assert len(server.jobs) == 2


@pytest.mark.parametrize("failing", [1, 2])
def test_a_job_that_fails_is_ordered_anew_once(server: Auth0Server, failing: int) -> None:
    server.failing = failing
    if failing == 1:
        assert read(server) == EVERYBODY
    else:
        with pytest.raises(SourceError, match="export job has failed"):
            read(server)
    assert len(server.jobs) == 2


def test_a_run_whose_job_is_gone_says_that_another_is_needed(server: Auth0Server) -> None:
    """A new export may have another order, so that no place in the old one means anything in it."""
    first = next(source(server).pages(["user_id"]))
    server.jobs.clear()
    with pytest.raises(SourceError, match=r"export.* is gone") as caught:
        read(server, first.cursor)
    assert "`--new`" in caught.value.mend
    assert server.jobs == []
