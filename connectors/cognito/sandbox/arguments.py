"""Whether a call's arguments fit the service model: present, long enough, of the pattern, in the enum."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
import polars as pl
from moto.cognitoidp.exceptions import InvalidParameterException

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from botocore.model import Shape


def check_arguments(operation: str, arguments: Mapping[str, Any]) -> None:
    """Judge the plain members of a call as the API does, before anything else happens.

    Args:
        operation: as the API writes it.
        arguments: as they came.

    Raises:
        InvalidParameterException: names every member that breaks a constraint, without its value.
    """
    shape = _input_shape(operation)
    _refuse(
        (_lower_first(name), constraint)
        for name, member in shape.members.items()
        for constraint in _broken(member, arguments.get(name), required=name in shape.required_members)
    )


def check_names(operation: str, argument: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Judge the ``Name`` of each item of a list, as ``check_arguments`` judges plain members.

    Raises:
        InvalidParameterException: names the place of every name that breaks a constraint.
    """
    name = _input_shape(operation).members[argument].member.members["Name"]
    _refuse(
        (f"{_lower_first(argument)}.{place}.member.name", constraint)
        for place, item in enumerate(items, 1)
        for constraint in _broken(name, item.get("Name"), required=False)
    )


def _refuse(found: Iterable[tuple[str, str]]) -> None:
    broken = [
        f"Value at '{place}' failed to satisfy constraint: Member must {constraint}"
        for place, constraint in found
    ]
    if broken:
        errors = "validation error" if len(broken) == 1 else "validation errors"
        raise InvalidParameterException(f"{len(broken)} {errors} detected: {'; '.join(broken)}")


def _broken(member: Shape, value: object, *, required: bool) -> Iterator[str]:
    if value is None:
        if required:
            yield "not be null"
    elif member.type_name == "integer":
        yield from _broken_number(member, value)
    elif not isinstance(value, str):
        yield "be a string"
    else:
        yield from _broken_text(member, value)


def _broken_number(member: Shape, value: object) -> Iterator[str]:
    least, most = member.metadata.get("min"), member.metadata.get("max")
    if not isinstance(value, int) or isinstance(value, bool):
        yield "be an integer"
    elif least is not None and value < least:
        yield f"have value greater than or equal to {least}"
    elif most is not None and value > most:
        yield f"have value less than or equal to {most}"


def _broken_text(member: Shape, value: str) -> Iterator[str]:
    limits = member.metadata
    if len(value) < limits.get("min", 0):
        yield f"have length greater than or equal to {limits['min']}"
    if len(value) > limits.get("max", len(value)):
        yield f"have length less than or equal to {limits['max']}"
    pattern = limits.get("pattern")
    if pattern and not _matches(pattern, value):
        yield f"satisfy regular expression pattern: {pattern}"
    names = limits.get("enum")
    if names and value not in names:
        yield f"satisfy enum value set: [{', '.join(names)}]"


def _matches(pattern: str, value: str) -> bool:
    r"""Judge the whole value; Python's ``re`` knows no classes of Unicode such as ``\p{L}``."""
    if r"\p{" in pattern:
        return bool(pl.Series([value]).str.contains(f"^(?:{pattern})$").item())
    return re.fullmatch(pattern, value, re.ASCII) is not None


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


@cache
def _input_shape(operation: str) -> Any:  # noqa: ANN401 - botocore's StructureShape, seen as a plain shape
    session = botocore.session.get_session()
    return session.get_service_model("cognito-idp").operation_model(operation).input_shape
