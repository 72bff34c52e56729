"""What tests say of servers that are not installed, and where those listen that are."""

from __future__ import annotations

import os
import socket
from typing import NoReturn

import pytest


def missing(what: str, package: str) -> NoReturn:
    """Under CI a missing server is a failure, elsewhere a skip that says what to install."""
    unavailable(f"{what} is not installed: apt-get install {package}")


def unavailable(text: str) -> NoReturn:
    """The same for any other obstacle."""
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
