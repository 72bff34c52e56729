"""Lambda functions of the same server, really run: the uploaded zip, in a process of its own Python.

moto keeps a function's code and only echoes what it is invoked with. Here the zip is unpacked and its handler
runs in a child process that sees the zip, Python's own library and boto3, as in Lambda's runtime. A process
stays warm for the next event, as Lambda's do. Its Python is the one of the function's runtime where this
machine has it (``python3.13`` on the path), and else the one that runs the server.
"""

from __future__ import annotations

import json
import re
import select
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Mapping

MotoFunction: TypeAlias = Any
"""A ``LambdaFunction`` of moto's."""

CHILD: Final = Path(__file__).with_name("lambda_child.py")
OF_THE_RUNTIME: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""What Lambda's Python runtime brings along."""


class NotAllowedError(Exception):
    """There is no such function, or its policy does not let Cognito invoke it."""


class NoAnswerError(Exception):
    """The function did not answer in time, or its process ended."""


class FunctionError(Exception):
    """The function raised; the text is its own."""


@dataclass
class Worker:
    """One warm process of one version of a function."""

    process: subprocess.Popen[str]
    log: Path
    read: int = 0

    def ask(self, event: Mapping[str, Any], seconds: float) -> Any:  # noqa: ANN401 - the function's own JSON
        """Hand an event over and wait for the answer.

        Raises:
            NoAnswerError: none came in time; the process is ended.
            FunctionError: the function raised.
        """
        assert self.process.stdin is not None  # noqa: S101 - opened as pipes
        assert self.process.stdout is not None  # noqa: S101 - same
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(event) + "\n")
            self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.end()
            raise NoAnswerError
        answer = json.loads(line)
        if "error" in answer:
            raise FunctionError(answer["error"])
        return answer["result"]

    def said(self) -> str:
        """What was logged since the last time."""
        with self.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self.read)
            text = log.read()
            self.read = log.tell()
        return text

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


@dataclass
class Functions:
    """All functions that were invoked so far, unpacked, with their idle processes.

    Attributes:
        invoked: times that a function was handed an event, by name; retries count.
    """

    invoked: dict[str, int] = field(default_factory=dict)
    _idle: dict[str, list[Worker]] = field(default_factory=dict)
    _folder: Path | None = None
    _lock: Lock = field(default_factory=Lock)

    def invoke(self, arn: str, source_arn: str, event: Mapping[str, Any], *, url: str, seconds: float) -> Any:  # noqa: ANN401 - the function's own JSON
        """Run a function once for a user pool.

        Args:
            arn: the function.
            source_arn: the pool in whose name it is invoked.
            event: what it is handed.
            url: where the function finds all services.
            seconds: how long Cognito waits (F6.14).

        Raises:
            NotAllowedError, NoAnswerError, FunctionError: what went wrong.
        """
        function = _allowed_function(arn, source_arn)
        began = monotonic()
        worker = self._worker(function, url)
        left = min(seconds, float(function.timeout)) - (monotonic() - began)
        try:
            answer = worker.ask(event, max(0.0, left))
        except FunctionError:
            self._keep(function, worker)
            raise
        else:
            self._keep(function, worker)
            return answer
        finally:
            _log(function, worker.said())

    def close(self) -> None:
        """End all processes and forget the code."""
        with self._lock:
            for worker in [each for idle in self._idle.values() for each in idle]:
                worker.end()
            self._idle.clear()
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _worker(self, function: MotoFunction, url: str) -> Worker:
        with self._lock:
            name = function.function_name
            self.invoked[name] = self.invoked.get(name, 0) + 1
            if idle := self._idle.get(_version(function)):
                return idle.pop()
            return self._started(function, self._unpacked(function), url)

    def _keep(self, function: MotoFunction, worker: Worker) -> None:
        with self._lock:
            self._idle.setdefault(_version(function), []).append(worker)

    def _unpacked(self, function: MotoFunction) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="sandbox-functions-"))
            _lay_runtime(self._folder / "runtime")
        code: Path = self._folder / function.code_digest.removeprefix("sha256:")
        if not code.exists():
            with ZipFile(BytesIO(function.code_bytes)) as archive:
                archive.extractall(code)
        return code

    def _started(self, function: MotoFunction, code: Path, url: str) -> Worker:
        handle, log = tempfile.mkstemp(dir=code.parent, suffix=".log")
        known = (code, code.parent / "runtime", function.handler)
        with open(handle, "wb") as errors:  # noqa: PTH123 - a descriptor
            process = subprocess.Popen(  # noqa: S603 - an interpreter by the name of a runtime that Lambda has
                [interpreter(str(function.run_time)), "-I", "-S", CHILD, *known],
                env=_environment(function, url),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        return Worker(process, Path(log))


@cache
def interpreter(runtime: str) -> str:
    """The Python of a runtime (``python3.13``), or this one where the machine has none that starts."""
    found = shutil.which(runtime) if re.fullmatch(r"python3\.\d+", runtime) else None
    this = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if found is None or runtime == this:
        return sys.executable
    tried = subprocess.run([found, "-I", "-c", ""], capture_output=True, check=False)  # noqa: S603 - from the path
    return sys.executable if tried.returncode else found


def _log(function: MotoFunction, text: str) -> None:
    """Put what a function has printed where CloudWatch Logs shows it."""
    if text:
        function.logs_backend.ensure_log_group(function.logs_group_name)
        function.save_logs(text)


def _version(function: MotoFunction) -> str:
    """What a warm process stands for: code and settings of a function."""
    settings = json.dumps([function.environment_vars, function.handler, function.timeout], sort_keys=True)
    return f"{function.function_arn} {function.code_digest} {settings}"


def _environment(function: MotoFunction, url: str) -> dict[str, str]:
    return {
        **{name: str(value) for name, value in function.environment_vars.items()},
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
    }


def _lay_runtime(folder: Path) -> None:
    """Lay what Lambda's runtime has into a folder of its own, so that nothing else of this Python is seen."""
    folder.mkdir()
    for name in OF_THE_RUNTIME:
        origin = getattr(find_spec(name), "origin", None)
        if origin:
            found = Path(origin)
            found = found.parent if found.name == "__init__.py" else found
            (folder / found.name).symlink_to(found)


def _allowed_function(arn: str, source_arn: str) -> MotoFunction:
    """Find a function that Cognito may invoke for a pool (F6.20).

    Raises:
        NotAllowedError: there is none, or its policy does not allow it.
    """
    from moto.awslambda.models import lambda_backends  # noqa: PLC0415 - a fifth of a second, for those who use it

    _, _, _, region, account, *_ = [*arn.split(":"), *[""] * 5]
    known = lambda_backends[account][region].list_functions() if region and account else ()
    function = next((each for each in known if each.function_arn == arn), None)
    if function is None or not any(_lets_in(each, source_arn) for each in function.policy.statements):
        raise NotAllowedError
    return function


def _lets_in(statement: Mapping[str, Any], source_arn: str) -> bool:
    """Whether a statement of the function's policy lets Cognito invoke it for a pool."""
    principal = statement.get("Principal") or {}
    service = principal.get("Service") if isinstance(principal, dict) else principal
    condition = statement.get("Condition") or {}
    source = condition.get("ArnLike", {}).get("AWS:SourceArn", source_arn)
    account = condition.get("StringEquals", {}).get("AWS:SourceAccount", source_arn.split(":")[4])
    return (
        service == "cognito-idp.amazonaws.com"
        and statement.get("Action") in {"lambda:InvokeFunction", "lambda:*"}
        and source == source_arn
        and account == source_arn.split(":")[4]
    )
