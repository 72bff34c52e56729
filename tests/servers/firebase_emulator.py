"""Firebase's own emulator of its Auth service, of the npm package firebase-tools."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

from tests.servers.installed import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND: Final = "POOLFERRY_FIREBASE"
"""Variable with the path of firebase-tools' command; ``make test-firebase`` sets it."""
PROJECT: Final = "demo-example"
_OWNER: Final = {"Authorization": "Bearer owner"}
_SECONDS: Final = 120


class Emulator:
    """A running emulator.

    Args:
        url: where it listens.
    """

    def __init__(self, url: str) -> None:
        self.api = f"{url}/identitytoolkit.googleapis.com"

    def call(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST to the project's accounts, as its owner."""
        url = f"{self.api}/v1/projects/{PROJECT}/{what}"
        answer = requests.post(url, json=body, headers=_OWNER, timeout=30)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


@contextmanager
def firebase_emulator(folder: Path) -> Iterator[Emulator]:
    """Start it; skips without the variable, also under CI: it is 300 MB, and one of a lane of its own."""
    command = os.environ.get(COMMAND)
    if not command:
        pytest.skip("Firebase's emulator: run `make test-firebase`, which brings it")
    ports = {name: {"port": free_port(), "host": "127.0.0.1"} for name in ("auth", "hub", "logging")}
    told = {"emulators": {**ports, "ui": {"enabled": False}, "singleProjectMode": True}}
    (folder / "firebase.json").write_text(json.dumps(told), encoding="utf-8")
    start = [command, "emulators:start", "--only", "auth", "--project", PROJECT]
    log = folder / "emulator.log"
    with log.open("wb") as out:
        process = subprocess.Popen(start, cwd=folder, stdout=out, stderr=out)
    try:
        url = f"http://127.0.0.1:{ports['auth']['port']}"
        _wait(url, process, log)
        yield Emulator(url)
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(requests.ConnectionError):
            requests.get(url, timeout=5)
            return
        time.sleep(0.5)
    pytest.fail(f"the emulator did not start: {log.read_text(encoding='utf-8')[-500:]}")
