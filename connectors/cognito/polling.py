"""Waiting for something to become true: a poll is no retry, since nothing has failed.

``connectors.retry`` retries errors; this asks again while the *answer* is not there yet. Both are
tenacity, and a call inside a poll keeps its own retry policy.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import tenacity

if TYPE_CHECKING:
    from collections.abc import Callable


def polling(
    until: Callable[[Any], bool],
    *,
    attempts: int,
    delay: float,
    sleep: Callable[[float], None] = time.sleep,
    on_wait: Callable[[], None] | None = None,
) -> tenacity.Retrying:
    """Make the policy that calls until the answer is there, and then or at its bound returns the last one.

    Args:
        until: takes an answer and says whether it will do.
        attempts: how many calls are made in total.
        delay: seconds between two calls.
        sleep: takes seconds; tests give one that does not sleep.
        on_wait: called once, before the first pause: a silent wait looks like a hang.

    Returns:
        The policy; ``polling(…)(call)`` returns what the last call returned and lets its errors through.
    """
    return tenacity.Retrying(
        retry=tenacity.retry_if_not_result(until),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_fixed(delay),
        sleep=sleep,
        before_sleep=lambda state: on_wait() if on_wait and state.attempt_number == 1 else None,
        retry_error_callback=_last_answer,
    )


def _last_answer(state: tenacity.RetryCallState) -> object:
    return state.outcome.result() if state.outcome else None
