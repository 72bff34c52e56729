"""Runs one Lambda function: started by ``functions.py`` as a script, with the zip and boto3 around it.

The first argument is the folder of the unpacked zip, the second what Lambda's own runtime brings along
(boto3), the third the handler as ``module.function``. Each line on standard input is an event; each answer
is a line on standard output: ``{"result": …}`` or ``{"error": text}``. What the function itself prints goes
to standard error, which is its log. Ends with standard input.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from importlib import import_module
from time import time
from typing import Any


class Context:
    """The few members of Lambda's context that a function may ask for."""

    def __init__(self, seconds: float) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self._end = time() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        return max(0, int((self._end - time()) * 1000))


def main(code: str, runtime: str, handler: str) -> None:
    """Import the function, then answer events until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path[:0] = [code, runtime]
    module, _, function = handler.rpartition(".")
    call = getattr(import_module(module.replace("/", ".")), function)
    seconds = float(os.environ.get("AWS_LAMBDA_FUNCTION_TIMEOUT", "3"))
    for line in sys.stdin:
        answer = _answer(call, json.loads(line), Context(seconds))
        sys.stdout.flush()  # the log is complete before anybody has the answer
        sys.stderr.flush()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(call: Any, event: Any, context: Context) -> dict[str, Any]:  # noqa: ANN401 - JSON and a stranger's code
    try:
        return {"result": call(event, context)}
    except Exception as error:  # noqa: BLE001 - whatever the function raises, Lambda answers
        traceback.print_exc()
        return {"error": str(error) or type(error).__name__}


if __name__ == "__main__":
    main(*sys.argv[1:])
