"""Every error of Poolferry, one tree in one file.

An error's class says what to do next; its text says what happened and how to mend it.
No text ever holds a response body, a row, an attribute value, a hash or a password.

    PoolferryError
    ├── StopError               nothing can go on until a person mends something
    │   ├── ConfigurationError  the run file, an option or the environment is wrong   exit 2
    │   ├── SourceError         the source cannot be read                             exit 3
    │   │   └── AbsentError     what was asked for by its address is not there: it may be gone
    │   ├── TargetError         the pool, its jobs or its logs refuse to go on        exit 3
    │   │   ├── SpentJobError   this import job can never run: a new one can
    │   │   └── RefusedJobError the pool does not make this import job: one without hashes it may
    │   ├── TakenOverError      another worker does this piece of work: leave it      exit 3
    │   └── DethronedError      another machine has all of the state: do nothing more exit 3
    ├── RetryError              the same call may succeed when it is made again
    │   ├── ThrottledError      … but only at a slower pace
    │   └── MissingFileError    the service sees no file of an import job: a new job needs a new upload
    ├── AskThePoolError         the reply was lost: the effect is unknown, ask before a second try
    └── UserRefusedError        one user cannot travel this way; everybody else goes on
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_MOST_SHOWN = 200
_LOOKS_LIKE_DATA = re.compile(r"@|\d{5}|^[\d\W_]*$|^\$\w+\$|^\{[A-Za-z0-9+-]{3,}\}.")
"""An address, a longer number, no letter at all, or the hash of a password: hardly the name of a field."""


class Recovery(Enum):
    """What the caller does next after an error."""

    STOP = "stop"
    RETRY = "retry"
    RETRY_SLOWER = "retry slower"
    ASK_THE_POOL = "ask the pool first"
    REJECT_THIS_USER = "reject this user"


class PoolferryError(Exception):
    """Base of all errors that Poolferry raises on purpose.

    Args:
        what: one sentence that says what happened, without any person's data.
        mend: one sentence that says how to mend it; empty where nothing can be done.
    """

    recovery: ClassVar[Recovery]
    exit_status: ClassVar[int] = 3

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what, mend)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        """What happened, then how to mend it."""
        return f"{self.what} {self.mend}".strip()


class StopError(PoolferryError):
    """Nothing can go on until a person mends something."""

    recovery = Recovery.STOP


class ConfigurationError(StopError):
    """The run file, an option or the environment is wrong; nothing was sent."""

    exit_status = 2


class SourceError(StopError):
    """The source cannot be read; the run can be resumed once it can."""


class AbsentError(SourceError):
    """What was asked for is not there (HTTP 404); what a list has just named may be gone since."""


class TargetError(StopError):
    """The pool, its import jobs or its logs refuse to go on; the run can be resumed."""


class SpentJobError(TargetError):
    """This import job can never run (its URL or the job itself has expired, F3.10, F3.17): make a new one."""


class RefusedJobError(TargetError):
    """The pool does not make this import job; it may take no hashes (F2.2), or not the log role."""


class TakenOverError(StopError):
    """Another worker has this piece of work: leave it alone and go on with something else."""


class DethronedError(StopError):
    """Another machine has taken all of the state over: this one writes no more, and leaves the pool alone."""


class RetryError(PoolferryError):
    """The same call may succeed when it is made again."""

    recovery = Recovery.RETRY


class ThrottledError(RetryError):
    """The service asks for a slower pace (``TooManyRequestsException``, HTTP 429).

    ``after`` is how many seconds it wants to be left alone (``Retry-After``), None where it does not say.
    """

    recovery = Recovery.RETRY_SLOWER

    def __init__(self, what: str, mend: str = "", *, after: float | None = None) -> None:
        super().__init__(what, mend)
        self.after = after


class MissingFileError(RetryError):
    """The service sees no file of an import job (F3.11); where it stays so, a new job is made."""


class AskThePoolError(PoolferryError):
    """A reply was lost: whether the call took effect is unknown until the pool is asked."""

    recovery = Recovery.ASK_THE_POOL


class UserRefusedError(PoolferryError):
    """The pool refuses one user; ``code`` is the reason code of the verdict."""

    recovery = Recovery.REJECT_THIS_USER

    def __init__(self, code: str, what: str, mend: str = "") -> None:
        super().__init__(what, mend)
        self.code = code


def unknown_name(kind: str, name: str, known: Iterable[str], *, where: str = "") -> str:
    """Say that a name is unknown, the nearest known one first, then all known ones.

    ``kind`` is what the name should have been ("verb"), ``where`` the file and key it stands at.
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    place = f"{where}: " if where else ""
    return f"{place}unknown {kind} {name!r}.{hint} Known: {', '.join(names) or 'none'}."


def look_like_data(names: Collection[str]) -> bool:
    """Whether names may be a person's data: a file without a header line has a person in their place."""
    return len(names) > _MOST_SHOWN or any(map(_LOOKS_LIKE_DATA.search, names))


def unknown_field(kind: str, name: str, known: Collection[str], *, where: str = "") -> tuple[str, str]:
    """Say what ``unknown_name`` says of a field, and how to mend it; names that look like data are not shown.

    Besides files without a header line, an object may have people's ids for its keys.
    """
    if not look_like_data(known):
        return unknown_name(kind, name, known, where=where), ""
    place = f"{where}: " if where else ""
    return (
        f"{place}unknown {kind} {name!r}. What stands there looks like data, so it is not shown.",
        "Check that names stand there: a CSV file without a header line needs `columns`.",
    )
