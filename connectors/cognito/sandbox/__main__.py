"""``python -m connectors.cognito.sandbox``: a local Cognito in a process of its own."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from threading import Event, Thread

from pydantic import ValidationError

from connectors.cognito.sandbox import SandboxSettings, start
from connectors.errors import PoolferryError


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; print one JSON line with the URL once it can be reached.

    Returns:
        The exit status: 0, or 2 where it could not start.
    """
    options = _parser().parse_args(arguments)
    over = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    try:
        sandbox = start(SandboxSettings.model_validate_json(options.settings), options.port)
    except (PoolferryError, ValidationError) as wrong:
        print(wrong, file=sys.stderr)  # noqa: T201 - a command's error
        return 2
    with sandbox:
        print(json.dumps({"url": sandbox.url, **sandbox.environment}), flush=True)  # noqa: T201 - its result
        sys.stdout = sys.stderr  # moto prints; nobody reads the pipe behind its first line
        if options.until_stdin_closes:
            Thread(target=_watch, args=[over], daemon=True).start()
        over.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.cognito.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--settings", default="{}", help="a JSON object of settings")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the process that started it"
    )
    return parser


def _watch(over: Event) -> None:
    """End with the parent: its end of the pipe closes, whatever became of it."""
    sys.stdin.read()
    over.set()


if __name__ == "__main__":
    sys.exit(main())
