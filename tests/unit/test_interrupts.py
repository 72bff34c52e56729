"""A signal ends a command, also where it meets code whose errors Python forgets."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys, time, weakref
from flows.interrupts import listen

listen()

class Thing:
    pass

def callback(_):
    os.kill(os.getpid(), {number})
    for _ in range(1000):
        pass

thing = Thing()
reference = weakref.ref(thing, callback)
try:
    del thing  # the callback runs here, and the signal is noticed in it
    time.sleep(20)
    print("went on")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_callback_of_the_collector_is_not_lost(number: signal.Signals) -> None:
    program = PROGRAM.format(number=int(number))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("interrupted\n", "")


def test_other_errors_there_are_told_as_ever() -> None:
    program = PROGRAM.format(number=0).replace("for _ in range(1000):", "if 1 / 0:").replace("20", "0")
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "went on\n"
    assert "ZeroDivisionError" in ended.stderr
