"""States in S3 that this process works with: each has a copy on this machine for the length of a command.

``state: s3://bucket/prefix`` and ``--state s3://…`` are the same place. The first look at it brings the
copy up to date, but for users' pages, which are fetched when somebody reads them (``fetch_users``). Whoever
changes something holds it (``hold``) and has all of it, and the end of the command lets it go.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Final

from platformdirs import user_cache_path

from connectors.errors import ConfigurationError, PoolferryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connectors.s3_objects import Objects
    from flows.ledger.s3_copy import S3Copy

WAIT_FOR_IT: Final = (
    "Wait for it, or look with `poolferry status`. "
    "What was stopped goes on with the same command, a run without --new."
)
"""The way out for who meets another process at work."""

_SCHEME: Final = "s3://"

_lock = Lock()
_copies: dict[Path, S3Copy] = {}
_depth = 0


def is_in_s3(state: str) -> bool:
    """Whether a state is a place in S3 and no folder."""
    return state.startswith(_SCHEME)


@contextmanager
def copies_kept() -> Iterator[None]:
    """Let states in S3 be worked with in this block; at its end they are up to date there, and free.

    Raises:
        StopError: the last changes did not get there.
    """
    global _depth  # noqa: PLW0603 - a process works on one state, whichever thread asks
    with _lock:
        _depth += 1
    try:
        yield
    except (PoolferryError, KeyboardInterrupt):
        with suppress(PoolferryError):  # what ended the work is told, and not this
            _leave()
        raise
    except BaseException:
        _leave()
        raise
    else:
        _leave()


def _leave() -> None:
    global _depth  # noqa: PLW0603 - as above
    with _lock:
        _depth -= 1
        left = [] if _depth else [_copies.pop(folder) for folder in list(_copies)]
    for copy in left:
        copy.close()


def copied_state(url: str, *, region: str | None = None, profile: str | None = None) -> Path:
    """The copy of all runs of a state in S3, brought up to date; for who only looks, or finds a run by name.

    Raises:
        ConfigurationError: the URL names no bucket or prefix.
        StopError: S3 does not answer, or may not be read.
    """
    for name in _objects(url, region, profile).folders():
        copied_runs(url, name, region=region, profile=profile)
    return _root(url)


def copied_runs(url: str, name: str, *, region: str | None = None, profile: str | None = None) -> Path:
    """The copy of the runs of one name, ``STATE/NAME``, brought up to date by the first look at it.

    Raises:
        ConfigurationError: the URL names no bucket or prefix.
        StopError: S3 does not answer, or may not be read.
    """
    from flows.ledger.s3_copy import S3Copy  # noqa: PLC0415 - most states are folders

    folder = _root(url) / name
    with _lock:
        if folder in _copies:
            return folder
        if not _depth:
            raise ConfigurationError(f"{url}: outside of `copies_kept` nobody would let it go.")
        runs = _objects(f"{url.rstrip('/')}/{name}", region, profile)
        copy = S3Copy(runs, _objects(url, region, profile), folder)
        copy.refresh()
        _copies[folder] = copy
    return folder


def _root(url: str) -> Path:
    from connectors.s3_objects import bucket_and_prefix  # noqa: PLC0415 - slow to import, and rarely needed

    bucket, prefix = bucket_and_prefix(url)
    return user_cache_path("poolferry").resolve() / bucket / prefix


def _objects(url: str, region: str | None, profile: str | None) -> Objects:
    from connectors.aws import client  # noqa: PLC0415 - as above
    from connectors.s3_objects import Objects, bucket_and_prefix  # noqa: PLC0415

    return Objects(client("s3", region=region, profile=profile), *bucket_and_prefix(url))


def hold(path: Path) -> None:
    """Hold the state in S3 that a folder is the copy of, until the command ends; a plain folder needs none.

    Raises:
        ConfigurationError: another process works on it.
    """
    if copy := _copy_of(path):
        copy.hold()


def fetch_users(run: Path) -> None:
    """Fetch the users' pages that the copy of a run has left in S3.

    Raises:
        ConfigurationError: nobody has named the state that the folder is the copy of.
        StopError: S3 does not answer, or has them no more.
    """
    copy = _copy_of(run)
    if copy is None:
        raise ConfigurationError(
            f"{run} is a copy without its users: they are in S3 alone.",
            "Name the run by its id, and the state by --state s3://bucket/prefix.",
        )
    copy.fetch_users(run.name)


def try_to_write(path: Path) -> None:
    """Write an object beside the runs whose copy a folder is, and delete it; nothing for a plain folder.

    Raises:
        StopError: S3 refuses it.
    """
    if copy := _copy_of(path):
        copy.try_to_write()


def pusher_of(path: Path) -> Callable[[], None] | None:
    """What a ledger calls after each of its moves; None where its folder is no copy."""
    copy = _copy_of(path)
    return copy.push if copy else None


def _copy_of(path: Path) -> S3Copy | None:
    with _lock:
        return next((copy for folder, copy in _copies.items() if path.is_relative_to(folder)), None)
