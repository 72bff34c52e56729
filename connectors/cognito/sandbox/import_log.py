"""The import log: one line a user, in CloudWatch Logs of the same server (F3.25-F3.32)."""

from __future__ import annotations

import re
from random import Random
from threading import Timer
from typing import TYPE_CHECKING, Final

from moto.logs.models import logs_backends

from connectors.cognito.sandbox.log_stream import ImportStream
from connectors.cognito.sandbox.outcomes import FAILED, IMPORTED, SKIPPED, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from connectors.cognito.sandbox.jobs import ImportJob
    from connectors.cognito.sandbox.moto_types import MotoPool
    from connectors.cognito.sandbox.settings import SandboxSettings
    from connectors.cognito.sandbox.state import SandboxState

TEST_LINE: Final = "Cognito User Pools Import - Test Log"
SUCCEEDED_LINE: Final = "[SUCCEEDED] Line Number {} - The import succeeded."
SKIPPED_LINE: Final = "[SKIPPED] Line Number {} - The user already exists."
AUTO_VERIFIED_TEXT: Final = (
    "The User Record does not set any of the auto verified attributes to {}."
    " (Example: email_verified to true)."
)

# Cognito's words for every other reason are unknown (F3.32): these are invented and must not be relied on.
INVENTED_TEXTS: Final = {
    "alias_taken": "The User Record has an alias that another user has.",
    "attribute_required": "The User Record lacks a required attribute.",
    "birthdate_malformed": "The User Record has a birthdate that is not mm/dd/yyyy.",
    "blank_line": "The line is empty.",
    "boolean_malformed": "The User Record has a Boolean that is neither true nor false.",
    "carriage_return": "The line holds a carriage return.",
    "column_missing": "The User Record lacks a column of the user pool.",
    "contact_missing": "The User Record sets a contact that it lacks to verified.",
    "duplicate_username": "The User Record has a username that stands earlier in the file.",
    "email_malformed": "The User Record has an invalid email address format.",
    "field_count": "The line does not have one value for each column.",
    "hash_malformed": "The password hash is malformed.",
    "hash_other_algorithm": "The password hash is of another algorithm than the import job.",
    "hash_over_maximum": "A parameter of the password hash is above its maximum.",
    "hash_without_algorithm": "The User Record has a password hash but the import job has no algorithm.",
    "length_out_of_range": "The User Record has a value of a length that the schema does not allow.",
    "lone_backslash": "The line holds a backslash that no comma follows.",
    "mfa_against_pool": "The User Record sets cognito:mfa_enabled against the user pool's MFA configuration.",
    "mfa_missing": "The User Record does not set cognito:mfa_enabled.",
    "number_malformed": "The User Record has a value that is not a number.",
    "number_out_of_range": "The User Record has a number that the schema does not allow.",
    "phone_number_malformed": "The User Record has an invalid phone number format.",
    "quotation_mark": "The line holds a quotation mark.",
    "row_too_long": "The line is longer than 16000 characters.",
    "time_malformed": "The User Record has a value that is not a time.",
    "undecodable": "The line is not UTF-8.",
    "username_like_alias": "The User Record has a username of the form of an alias of the user pool.",
    "username_malformed": "The User Record has an invalid username format.",
    "username_missing": "The User Record lacks a username.",
    "username_not_attribute": "The User Record has a username that is not its email address or phone number.",
    "value_too_long": "The User Record has a value longer than 2048.",
}


class ImportLog:
    """The log stream of one job.

    Args:
        state: the sandbox.
        stream: what its lines are appended to; None where nothing is to be logged.
        seed: of the order of shuffled lines.
    """

    def __init__(self, state: SandboxState, stream: ImportStream | None, seed: int) -> None:
        self._state = state
        self._stream = stream
        self._count = 0
        self._random = Random(seed)  # noqa: S311 - an order of lines, no secret

    @classmethod
    def open(cls, state: SandboxState, pool: MotoPool, job: ImportJob) -> ImportLog:
        """Find or make the group and stream of a job (F3.25, F3.26)."""
        if state.settings.log_group_missing:
            return cls(state, None, job.number)
        backend = logs_backends[pool.account_id][pool.region]
        group, stream = group_name(pool.id, pool.name, state.settings), f"{job.job_id}/{job.name}"
        with state.lock:
            backend.ensure_log_group(group)
            found = backend.groups[group]
            return cls(state, found.streams.setdefault(stream, ImportStream(found, stream)), job.number)

    def test_line(self) -> None:
        """Write what Cognito writes to see that it can (F3.29)."""
        self._put([TEST_LINE])

    def users(self, lines: Iterable[int], outcomes: Sequence[Outcome]) -> None:
        """Write one line a user; late, doubled, missing or out of order as the settings say (F3.31).

        Args:
            lines: physical lines of the file, the header's is 1.
            outcomes: what became of each.
        """
        settings = self._state.settings
        messages = [message(line, outcome, settings) for line, outcome in zip(lines, outcomes, strict=True)]
        delivered = list(self._disturbed(messages, settings))
        if settings.log_shuffle:
            self._random.shuffle(delivered)
        if not settings.log_delay_seconds:
            self._put(delivered)
            return
        timer = Timer(settings.log_delay_seconds, self._put, [delivered])
        timer.daemon = True
        timer.start()

    def _disturbed(self, messages: Iterable[str], settings: SandboxSettings) -> Iterator[str]:
        for text in messages:
            self._count += 1
            if not _every(self._count, settings.log_drop_every):
                yield text
                if _every(self._count, settings.log_duplicate_every):
                    yield text

    def _put(self, messages: Sequence[str]) -> None:
        if messages and self._stream is not None:
            self._stream.append(int(self._state.now().timestamp() * 1000), messages)


def group_name(pool_id: str, pool_name: str, settings: SandboxSettings) -> str:
    """Name of the log group; what a group's name may not hold is replaced (F3.26)."""
    fit = re.sub(r"[^A-Za-z0-9_./#-]", settings.log_group_replacement, pool_name)
    return f"/aws/cognito/userpools/{pool_id}/{fit}"


def message(line: int, outcome: Outcome, settings: SandboxSettings) -> str:
    """Text of one user's line (F3.27, F3.28, F3.30)."""
    number = line - 2 + settings.log_first_user_line
    if outcome.kind == IMPORTED:
        return SUCCEEDED_LINE.format(number)
    if outcome.kind == SKIPPED:
        return SKIPPED_LINE.format(number)
    return f"[{FAILED}] Line Number {number} - {reason_text(outcome.reason, settings)}"


def reason_text(reason: str, settings: SandboxSettings) -> str:
    """Words for a reason code."""
    if reason == "not_auto_verified":
        return AUTO_VERIFIED_TEXT.format(settings.log_auto_verified_wording)
    return INVENTED_TEXTS[reason]


def _every(count: int, nth: int) -> bool:
    return bool(nth) and count % nth == 0
