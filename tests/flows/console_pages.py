"""Pages whose `console` blocks are run: what they show, and whether it is what came."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import boto3
import jmespath
from botocore import xform_name
from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from botocore.model import OperationModel, Shape

INTERRUPT = "^C"
LEFT_OUT = "…"
REGION = "eu-west-1"

_ANY_VALUE = {
    "RUN": r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b",
    "POOL": r"\beu-west-1_\w+\b",
    "JOB": r"\bimport-\w{10}\b",
    "TIME": r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?)?",
    "RECONCILIATION": r"\breconcile-[\w.:-]+?(?=/)",
    "URL": r"\bhttp://127\.0\.0\.1:\d+",
    "CLIENT": r"\b[0-9a-z]{26}\b",
    "TRIGGER": r"\bpoolferry-trigger-acme-\w+",
    "SECONDS": r"(?<=Seconds: )\d+\.\d",
    "REST": r"(?<=travel on: )\d+",
    "FILES": r"\b\d+ files",
    "SIZE": r"(?<=\()\d[\d,]* bytes(?=\))|\b\d+\.\d MB\b",
    "FLOW_RUN": r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
}
"""What differs from run to run, and is not compared."""


@dataclass
class Step:
    """One command of a page, or Ctrl-C, with what the page shows of its output.

    Attributes:
        section: the heading that it stands under.
        command: as it is typed, without prompt and comment; ``^C`` for the interrupt.
        comment: what the page says behind ``#``.
        shown: lines of output; ``…`` where lines are left out.
    """

    section: str
    command: str
    comment: str = ""
    shown: list[str] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """The exit status that the page tells: 0 where it tells none."""
        told = re.search(r"ends with (\d+)", self.comment)
        return int(told[1]) if told else 0


def steps_of(text: str) -> Iterator[Step]:
    """The steps of a page, in its order."""
    for section, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        for block in re.findall(r"^```console\n(.*?)^```", body, re.MULTILINE | re.DOTALL):
            yield from _steps(section, block.splitlines())


def _steps(section: str, lines: Iterable[str]) -> Iterator[Step]:
    step: Step | None = None
    for line in lines:
        if line.startswith(("$ ", INTERRUPT)):
            if step:
                yield step
            command, _, comment = line.removeprefix("$ ").partition("  # ")
            step = Step(section, command.strip(), comment)
        else:
            assert step, f"{section}: output without a command: {line}"
            step.shown.append(line)
    if step:
        yield step


def differences(step: Step, came: str) -> str:
    """What a page shows and the command did not print; empty where all of it came.

    Lines that stand together on the page must have come together, and all of them in this order.
    """
    lines, at = _plain(came.splitlines()), 0
    for together in _parts(step.shown):
        wanted = _plain(together)
        places = range(at, len(lines) - len(wanted) + 1)
        found = next((n for n in places if lines[n : n + len(wanted)] == wanted), None)
        if found is None:
            shown = "\n".join(together)
            return f"{step.section}: `{step.command}`\nshown and not printed:\n{shown}\nprinted:\n{came}"
        at = found + len(wanted)
    return ""


def _parts(shown: Iterable[str]) -> Iterator[list[str]]:
    """What stands between the places where lines are left out."""
    for is_left_out, lines in groupby(shown, lambda line: line.strip() == LEFT_OUT):
        if not is_left_out:
            yield list(lines)


def _plain(lines: Iterable[str]) -> list[str]:
    """Lines without what differs each time; empty ones do not count."""
    return [plain for line in lines if (plain := _plain_line(line))]


def _plain_line(line: str) -> str:
    for name, pattern in _ANY_VALUE.items():
        line = re.sub(pattern, name, line)
    return re.sub(r"\s+", " ", line).strip()


def call_aws(command: str) -> str:
    """Run ``aws SERVICE OPERATION --flag value …`` by boto3, and give what the AWS CLI prints.

    Raises:
        ParamValidationError: an argument is not what AWS's model of the operation says.
    """
    client, model, arguments, _ = _parsed(command)
    answer = getattr(client, xform_name(model.name))(**arguments)
    answer.pop("ResponseMetadata")
    return json.dumps(answer, indent=4, default=str) if answer else ""


def wrong_in_aws(command: str) -> str:
    """What is wrong with an ``aws`` command by AWS's model of the operation; empty where nothing is.

    The local server knows no quotas of Cognito, so commands of ``service-quotas`` are held against the model.
    """
    _, model, arguments, query = _parsed(command)
    if query:
        jmespath.compile(query)
    report: str = ParamValidator().validate(arguments, model.input_shape).generate_report()
    return report


def _parsed(command: str) -> tuple[Any, OperationModel, dict[str, Any], str]:
    _, service, operation, *words = shlex.split(command)
    client = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]  # the service is the page's
    names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    model = client.meta.service_model.operation_model(names[operation])
    flags = dict(zip(words[::2], words[1::2], strict=True))
    query = flags.pop("--query", "")
    flags.pop("--output", None)
    members = {f"--{xform_name(name, '-')}": (name, shape) for name, shape in _members(model)}
    arguments = {members[flag][0]: _typed(members[flag][1], value) for flag, value in flags.items()}
    return client, model, arguments, query


def _members(model: OperationModel) -> Iterable[tuple[str, Shape]]:
    shape = model.input_shape
    assert shape is not None
    return shape.members.items()


def _typed(shape: Shape, value: str) -> object:
    """A value of the command line as the model has it; texts stay texts, all else is JSON."""
    return value if shape.type_name == "string" else json.loads(value)
