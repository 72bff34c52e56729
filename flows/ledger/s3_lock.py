"""One writer at a time for a state in S3: an object that only its owner renews.

It is taken and renewed by conditional writes. Nobody's clock counts: who finds it held watches for the
length of a lease, and takes it over where nothing has moved.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from connectors.cognito.polling import polling
from connectors.errors import ConfigurationError, DethronedError
from flows.ledger.copies import WAIT_FOR_IT
from flows.ledger.elapsed import elapsed

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from connectors.s3_objects import Objects

_log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 40.0
"""A lock that was not renewed for so long has lost its owner."""
RENEWALS: Final = 4
"""Renewals in the time of one lease."""
_LOOKS: Final = 8
"""How often who waits for a lease looks whether it was renewed."""


class S3Lock:
    """The lock of the runs of one name.

    Args:
        objects: where it lies.
        name: the object's name.
        lease: seconds, for all who want the lock.
        clock: seconds that only go forward.
        sleep: takes seconds.
    """

    def __init__(
        self,
        objects: Objects,
        name: str,
        *,
        lease: float = LEASE_SECONDS,
        clock: Callable[[], float] = elapsed,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._objects, self._name, self._lease = objects, name, lease
        self._clock, self._sleep = clock, sleep
        self._me = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(6)}"
        self._etag: str | None = None
        self._renewed = clock()
        self._renewals = 0
        self._asked = self._renewed
        self._busy = Lock()
        self._lost: DethronedError | None = None

    def take(self) -> None:
        """Take the lock, or wait for the end of a lease whose owner may be dead.

        Raises:
            ConfigurationError: its owner lives.
        """
        if self._written(None):
            return
        found = self._objects.read(self._name)
        if self._is_mine(found):
            return
        now = self._watched(found)
        if (now and found and now[1] != found[1]) or not self._written(now[1] if now else None):
            raise self._held_by(now or found)

    def _watched(self, found: tuple[bytes, str] | None) -> tuple[bytes, str] | None:
        """The lock after a lease, or as soon as it has changed or is gone."""
        if found is None:
            return None
        watch = polling(
            lambda now: now is None or now[1] != found[1],
            attempts=_LOOKS + 1,
            delay=self._lease / _LOOKS,
            sleep=self._sleep,
            on_wait=lambda: _log.info(
                "%s is locked: waiting for up to %.0f s whether its owner is alive.",
                self._objects.url,
                self._lease,
            ),
        )
        seen: tuple[bytes, str] | None = watch(self._objects.read, self._name)
        return seen

    def renew_if_due(self) -> None:
        """Renew the lock where a quarter of the lease is over.

        Raises:
            DethronedError: somebody else has it: this process was away for longer than a lease.
        """
        with self._busy:
            if self._lost is not None:
                raise self._lost
            if self._clock() - self._renewed >= self._lease / RENEWALS:
                self._renew()

    def _renew(self) -> None:
        if not self._written(self._etag) and not self._is_mine(self._objects.read(self._name)):
            raise self.lose()

    def lose(self) -> DethronedError:
        """Find out that somebody else has written here: the lock is not to be had again."""
        self._lost = DethronedError(
            f"{self._objects.url} was taken over by another machine while this one was away.",
            "Nothing more is written from here; `poolferry status` tells what the other one does.",
        )
        return self._lost

    def keep(self, closed: Event) -> None:
        """Renew the lock until it is closed, also while a large file is on its way, which takes a while."""
        while not closed.wait(self._lease / RENEWALS / 2):
            try:
                self.renew_if_due()
            except DethronedError:  # whoever writes next meets it too, and tells it
                return
            except Exception as error:  # noqa: BLE001 - same
                _log.warning("The lock in S3 could not be renewed: %s.", type(error).__name__)

    def release(self) -> None:
        """Give the lock back; nothing happens where somebody else has it."""
        if self._is_mine(self._objects.read(self._name)):
            self._objects.delete([self._name])

    def _written(self, etag: str | None) -> bool:
        self._renewals += 1
        asked = self._asked = self._clock()
        content = json.dumps({"owner": self._me, "renewals": self._renewals}).encode()
        made = self._objects.put_if(self._name, content, etag)
        if made is not None:
            self._etag, self._renewed = made, asked
        return made is not None

    def _is_mine(self, found: tuple[bytes, str] | None) -> bool:
        """Whether an object that was read is one's own, written by a call whose reply was lost.

        It proves no more than that write: one that did not get there has renewed nothing.
        """
        told = _told(found)
        if found is None or told.get("owner") != self._me:
            return False
        self._etag = found[1]
        if told.get("renewals") == self._renewals:
            self._renewed = self._asked
        return True

    def _held_by(self, found: tuple[bytes, str] | None) -> ConfigurationError:
        owner = str(_told(found).get("owner", ""))
        where = f" on {owner.partition('/')[0]}" if owner else ""
        return ConfigurationError(
            f"{self._objects.url} is being worked on by another process{where}.",
            WAIT_FOR_IT,
        )


def _told(found: tuple[bytes, str] | None) -> dict[str, Any]:
    """What the lock says of itself; nothing where nobody of ours has written it."""
    try:
        told = json.loads(found[0]) if found else None
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
