"""Signals that end a command: each of them gets through, wherever it meets the program."""

from __future__ import annotations

import _thread
import signal
import sys
from threading import Timer
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType


_MOMENT: Final = 0.05
"""Seconds until a lost signal is sent again."""


def listen() -> None:
    """Let SIGTERM do what Ctrl-C does, and neither of them be lost.

    An error in a finaliser, or in a callback of the garbage collector, is told and forgotten by Python. A
    signal that arrives there is sent once more, until it meets code that can be left.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    sys.unraisablehook = _send_again


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _send_again(lost: sys.UnraisableHookArgs) -> None:
    if issubclass(lost.exc_type, KeyboardInterrupt):
        again = Timer(_MOMENT, _thread.interrupt_main)  # at once it would be lost in here
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(lost)
