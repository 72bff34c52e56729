"""The ``source`` part of a run file, from an address and what is set besides; secrets stay references."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args
from urllib.parse import unquote_plus

from pydantic import SecretStr, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from connectors.errors import ConfigurationError, unknown_name
from connectors.recognising import KEYS, recognise
from connectors.registry import source_kind
from connectors.sources.scouted import Scouted
from flows.settings import fill_secrets

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo

Ask = Callable[[str, str, bool], str]
"""Asks a person for a setting: its name, what it means, and whether it is a secret; gives the answer."""

_REFERENCE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_SECRET: Final = re.compile(
    r"(?:password|passwd|secret|token|bearer|private_?key|api[-_]?key|authorization|cookie|header\.value)$",
    re.IGNORECASE,
)
"""Ends of names, with dots between levels, whose values are secrets."""

_IN_URL: Final = re.compile(r"://[^/?#@\s]*?:([^@/?#]*)@")
_PARAMETER: Final = re.compile(r"[?&]([^=&#\s]+)=([^&#]*)")
_SECRET_PARAMETER: Final = re.compile(
    r"^(?:key|code)$|(?:^|[-_.])(?:sig|signature|(?:access|subscription)[-_]?key|credential)$", re.IGNORECASE
)
"""Ends of names that are secrets in a URL alone, beside those above."""

_IN_SQL_URL: Final = re.compile(r"://[^/?#@\s:]*:(.*)@")
"""The same of a database, whose password may have any sign in it."""


@dataclass(frozen=True, slots=True)
class SourcePart:
    """What a run file says of its source.

    Attributes:
        settings: as the run file has them, with ``${NAME}`` for each secret.
        notes: what was found out, and why it was chosen.
        guessed: names of the settings that were found out so.
    """

    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    guessed: tuple[str, ...] = ()


def source_part(
    address: str, base: Path, *, kind: str | None = None, told: Sequence[str] = (), ask: Ask | None = None
) -> SourcePart:
    """Put the ``source`` part of a run file together.

    Args:
        address: what the source is recognised by.
        base: the folder that the run file will lie in.
        kind: its kind, where somebody knows it.
        told: settings as ``NAME=VALUE``; names of inner settings have dots.
        ask: asks for what is missing; None: nobody is there to be asked.

    Raises:
        ConfigurationError: the kind cannot be told, a setting is unknown, missing or wrong, or a secret is
            written out.
        SourceError: the source cannot be looked at.
    """
    part: dict[str, Any] = dict(recognise(address, base, kind))
    for one in told:
        _set(part, one)
    _refuse_secrets(part)
    _from_environment(part)
    found = _scouted(part, base, kind)
    part |= found.settings
    if part["kind"] in KEYS:
        part.setdefault("key", KEYS[part["kind"]])
    _complete(part, address, ask)
    return SourcePart(part, found.notes, tuple(found.settings))


def _set(part: dict[str, Any], told: str) -> None:
    name, equals, value = told.partition("=")
    *above, last = name.strip().split(".")
    if not equals or not last:
        raise ConfigurationError(
            f"--set {name}: a setting is written NAME=VALUE.", "For example: --set table=users"
        )
    known = source_kind(str(part["kind"])).settings.model_fields
    first = (*above, last)[0]
    if first not in known or first == "kind":
        raise ConfigurationError(
            unknown_name(
                f"setting of kind {part['kind']}", first, [n for n in known if n != "kind"], where="--set"
            )
        )
    place = part
    for step in above:
        inner = place.setdefault(step, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(f"--set {name}: {step} is set to a value already.", "Set either one.")
        place = inner
    place[last] = _value(value, None if above else known[first], name)


def _value(text: str, info: FieldInfo | None, name: str) -> Any:  # noqa: ANN401 - what YAML makes of it
    """A text stays as it is, unless it is a list or map, or the setting takes no text."""
    is_text = info is None or any(
        one in (str, SecretStr) for one in (info.annotation, *get_args(info.annotation))
    )
    if is_text and not text.startswith(("[", "{")):
        return text
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        raise ConfigurationError(
            f"--set {name}: the value is not YAML.", "A list is written [a, b]."
        ) from None


def _leaves(value: object, name: str = "") -> list[tuple[str, str]]:
    """Every text at any depth, by its name with dots."""
    if isinstance(value, Mapping):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{name}.{key}".lstrip("."))]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in _leaves(inner, name)]
    return [(name, value)] if isinstance(value, str) else []


def _refuse_secrets(part: Mapping[str, Any]) -> None:
    """A secret is never written into a file; nor is it shown here."""
    fields = source_kind(str(part["kind"])).settings.model_fields
    for name, text in _leaves(part):
        typed = name in fields and _is_secret(name, fields[name])
        is_secret = typed or bool(_SECRET.search(name))
        secrets = [text] if is_secret else _secrets_in(text, is_sql=part["kind"] == "sql")
        if not all(_REFERENCE.search(secret) for secret in secrets):
            variable = _variable(part, name.rpartition(".")[2])
            raise ConfigurationError(
                f"source.{name}: a secret is written out here, and would stand in the run file.",
                f"Set an environment variable, {variable} for example, and write ${{{variable}}} in its "
                "place; within single quotes, so that the shell leaves it alone.",
            )


def _secrets_in(url: str, *, is_sql: bool) -> list[str]:
    """Passwords and tokens in a URL."""
    looks = (_IN_URL, _IN_SQL_URL) if is_sql else (_IN_URL,)
    found = [secret for look in looks for secret in look.findall(url)]
    for name, value in _PARAMETER.findall(url) if "://" in url else ():
        plain = unquote_plus(name)
        found += [value] if _SECRET.search(plain) or _SECRET_PARAMETER.search(plain) else []
    return [secret for secret in found if secret]


def _is_secret(name: str, info: FieldInfo) -> bool:
    """Whether a setting of one text is a secret."""
    kinds = (info.annotation, *get_args(info.annotation))
    return SecretStr in kinds or (str in kinds and (not info.repr or bool(_SECRET.search(name))))


def _variable(part: Mapping[str, Any], name: str) -> str:
    """The environment variable that a secret is taken from where nothing else is told: ``OKTA_TOKEN``."""
    own = name if _SECRET.search(name) else "password"
    return re.sub(r"\W", "_", f"{part['kind']}_{own}").upper()


def _from_environment(part: dict[str, Any]) -> None:
    """Take secrets that nobody has told from the variables of their names, where those are set."""
    for name, info in source_kind(str(part["kind"])).settings.model_fields.items():
        variable = _variable(part, name)
        if name not in part and _is_secret(name, info) and os.environ.get(variable):
            part[name] = f"${{{variable}}}"


def _scouted(part: dict[str, Any], base: Path, kind: str | None) -> Scouted:
    look = source_kind(str(part["kind"])).scout
    if look is None:
        return Scouted()
    filled = fill_secrets(part, where="source")
    assert isinstance(filled, dict)  # noqa: S101 - a map stays one
    found = look(filled, base)
    return Scouted() if kind is not None and "kind" in found.settings else found


def _complete(part: dict[str, Any], address: str, ask: Ask | None) -> None:
    """Ask for what the kind needs and nobody has told."""
    model = source_kind(str(part["kind"])).settings
    missing = _missing(part)
    if missing and ask is None:
        described = "\n".join(f"  {name}: {model.model_fields[name].description}" for name in missing)
        examples = " ".join(_example(part, name) for name in missing)
        raise ConfigurationError(
            f"kind {part['kind']} needs more than its address:\n{described}",
            f"Give each with --set: poolferry init {address} {examples}",
        )
    for name in missing:
        assert ask is not None  # noqa: S101 - as just seen
        info = model.model_fields[name]
        answer = ask(name, info.description or "", _is_secret(name, info))
        part[name] = _value(answer, info, name)
    _refuse_secrets(part)
    _validate(part)


def _missing(part: Mapping[str, Any]) -> list[str]:
    """Required settings that are not there."""
    fields = source_kind(str(part["kind"])).settings.model_fields
    return [
        name for name, info in fields.items() if info.is_required() and name not in part and name != "kind"
    ]


def _example(part: Mapping[str, Any], name: str) -> str:
    info = source_kind(str(part["kind"])).settings.model_fields[name]
    if _is_secret(name, info):
        return f"--set '{name}=${{{_variable(part, name)}}}'"
    return f"--set {name}={str(info.examples[0]) if info.examples else '…'}"


def _validate(part: Mapping[str, Any]) -> None:
    """Hold the settings against their model; what does not fit is told without its value."""
    model = source_kind(str(part["kind"])).settings
    filled = fill_secrets(part, where="source")
    try:
        model.model_validate(filled)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        known = [name for name in model.model_fields if name != "kind"]
        said = " ".join(f"{'.'.join(map(str, each['loc'])) or 'source'}: {each['msg']}." for each in faults)
        raise ConfigurationError(
            f"kind {part['kind']}: {said}",
            f"Give it with --set NAME=VALUE; its settings: {', '.join(known)}.",
        ) from None
