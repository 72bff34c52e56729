"""YAML 1.2 documents, in which ``no`` is a country and every part knows its line."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarint import ScalarInt

from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from ruamel.yaml.nodes import ScalarNode


_HALF = (
    r"found half a character; write the character itself, or its whole number (\U0001F600, not \uD83D\uDE00)"
)


class _Constructor(RoundTripConstructor):
    r"""Keeps apart the whole numbers that are written in another form than their own: ``+49``, ``007``.

    It refuses half a character, which no file and no API takes: YAML can write one, as ``"\ud800"``.
    """

    def construct_scalar(self, node: ScalarNode) -> object:
        """Give what stands there, unless it is no text."""
        if any("\ud800" <= character <= "\udfff" for character in node.value):
            raise MarkedYAMLError(problem=_HALF, problem_mark=node.start_mark)
        return super().construct_scalar(node)

    def construct_yaml_int(self, node: ScalarNode) -> int:
        """Give an ``int`` where nothing of its form is lost, else a ``ScalarInt``."""
        number: int = super().construct_yaml_int(node)
        if node.value == str(int(number)):
            return int(number)
        return number if isinstance(number, ScalarInt) else ScalarInt(number)


_Constructor.add_constructor("tag:yaml.org,2002:int", _Constructor.construct_yaml_int)


def read_yaml(path: Path) -> object:
    """Read one YAML file; the maps and lists of the answer know their lines (``problems.line_of``).

    Raises:
        ConfigurationError: the file cannot be read, is not UTF-8 or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8.", "Save it as UTF-8.") from None
    return parse_yaml(text, where=str(path))


def parse_yaml(text: str, *, where: str) -> object:
    """Read YAML from a text; ``where`` names it in errors.

    Raises:
        ConfigurationError: the text is not YAML, or a key stands twice in one map.
    """
    try:
        reader = YAML(typ="rt", pure=True)
        reader.Constructor = _Constructor
        return reader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = (error.problem or "").split(" with value")[0]
        raise ConfigurationError(f"{where}{line}: not YAML: {problem}.") from None
    except YAMLError:
        raise ConfigurationError(f"{where}: not YAML.") from None


def write_rules(rules: Mapping[str, object]) -> str:
    """Write rules as YAML, each rule on a line of its own: ``email: {from: mail, then: [trim]}``."""
    lines = StringIO()
    writer = YAML(pure=True)
    writer.width = 4096
    writer.dump({name: _in_line(rule, block=name == "attributes") for name, rule in rules.items()}, lines)
    return lines.getvalue()


def _in_line(rule: object, *, block: bool) -> object:
    if isinstance(rule, Mapping):
        written = CommentedMap({key: _in_line(part, block=False) for key, part in rule.items()})
        if not block:
            written.fa.set_flow_style()
        return written
    if isinstance(rule, list | tuple):
        listed = CommentedSeq(_in_line(part, block=False) for part in rule)
        listed.fa.set_flow_style()
        return listed
    return rule
