"""A run file to begin with: a suggested mapping with what a person must know to check it.

Names of fields and numbers of users are in its comments, never a value of a person.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, replace
from io import StringIO
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from connectors.cognito.pool import read_pool
from connectors.errors import ConfigurationError
from connectors.records import FILE, LINE
from flows.settings import LoadedRunFile, RunFile, Target
from flows.steps.context import cognito_client, source_of
from mappings.documents import write_rules
from mappings.suggest import Suggestion, suggest
from mappings.templates import fields as fields_of
from mappings.texts import without_blanks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from connectors.records import PoolSchema

SAMPLE = 10_000
"""Users at most that a suggestion is made from."""

LEAST_NAMED = 0.5
"""Share of the sample that a field must name for it to be suggested as the username."""

WIDTH = 72
"""Column at which comments stand where lines are shorter."""

_A_VALUE = re.compile(r"@|^\+?[\d\s./-]{5,}$|^\$2|^\{[A-Z]")
"""What a header never holds: addresses, dates, telephone numbers, hashes."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Sample:
    """Some users of the source.

    Attributes:
        fields: names of the source's fields.
        rows: a String column for each.
        unreadable: lines among them that are no rows.
    """

    fields: Sequence[str]
    rows: pl.DataFrame
    unreadable: int

    def filled(self, field: str) -> str:
        """How many of the sample's users have a value in a field, in words."""
        share = 1 - without_blanks(self.rows[field]).null_count() / self.rows.height
        if share in (0, 1):
            return f"{field}: {'filled for everybody' if share else 'always empty'}"
        return f"{field}: filled for {min(99, max(1, round(share * 100)))} %"


def draft_run_file(
    *, source: dict[str, Any], pool_id: str, region: str | None, role_arn: str | None, name: str, base: Path
) -> str:
    """Write a run file for a source and a pool.

    Args:
        source: the ``source`` part, as the run file shall have it.
        pool_id: the pool.
        region: its Region; None leaves it to boto3.
        role_arn: the role that import jobs log with (F3.34), if there is one.
        name: name of the runs.
        base: the folder that the run file will lie in.

    Returns:
        YAML that loads, parses and compiles as it stands; comments say how full fields are, what
        is not mapped and what to check.

    Raises:
        ConfigurationError: no field names the users, the file has no header, or no user.
        SourceError, TargetError: source or pool cannot be read.
    """
    target = Target(user_pool_id=pool_id, region=region, log_role_arn=role_arn)
    settings = RunFile(name=name, source=source, mapping={}, target=target)
    loaded = LoadedRunFile(settings, base / "run.yaml", "")
    sample = _sample(loaded)
    schema = read_pool(cognito_client(loaded), pool_id)
    suggestion = _suggestion(sample, schema)
    parts = (
        _head(sample),
        _yaml({"name": name, "source": source}),
        _mapping(suggestion, sample),
        _remarks(suggestion, sample, schema),
        _target(target),
        _yaml({"strategies": _strategies(suggestion, schema)}, flow=True),
        "existing: leave\nverify: full\nstate: ./runs\n",
    )
    return "".join(parts)


def _sample(loaded: LoadedRunFile) -> Sample:
    source = source_of(loaded)
    fields = source.fields()
    if any(_A_VALUE.search(field) for field in fields):
        raise ConfigurationError(
            "The first line of the source seems to be a user and not the names of the fields.",
            "Name the fields in a run file of your own: source.columns.",
        )
    with closing(source.pages(fields)) as pages:  # type: ignore[type-var]  # sources are generators
        page = next(pages, None)
    if page is None or page.rows.is_empty():
        raise ConfigurationError("The source holds no user that can be read.", "Name another file.")
    rows = page.rows.head(SAMPLE).drop(LINE, FILE)  # not `select`: to polars a field named * is all of them
    return Sample(fields, rows, page.unreadable.height)


def _suggestion(sample: Sample, schema: PoolSchema) -> Suggestion:
    """Suggest; where a few users spoil the best username, suggest from the others and say so."""
    found = _suggested(sample, sample.rows, schema)
    chosen = found.mapping.get("username", {}).get("from")
    named = {field: _named(sample.rows[field], schema) for field in sample.fields}
    best = max(named, key=lambda field: int(named[field].sum()))
    is_enough = named[best].sum() >= LEAST_NAMED * sample.rows.height
    if chosen and (named[chosen].all() or not is_enough):
        return found
    if not is_enough:
        raise ConfigurationError(
            "No field of the source names its users: values are missing, shared or hold spaces in each.",
            "Give the source a column with a name or number for every user.",
        )
    return _spoilt(_suggested(sample, sample.rows.filter(named[best]), schema), best, named)


def _spoilt(found: Suggestion, best: str, named: Mapping[str, pl.Series]) -> Suggestion:
    """Add how many users have no username of their own."""
    mapping = {"username": {"from": best}, **found.mapping}
    chosen = mapping["username"]["from"]
    users = int((~named[chosen]).sum())
    text = f"username: {users:,} users of the sample share their {chosen}, have none, or one with spaces."
    notes = (text, *(note for note in found.notes if not note.startswith("username:")))
    return replace(found, mapping=mapping, notes=notes)


def _suggested(sample: Sample, rows: pl.DataFrame, schema: PoolSchema) -> Suggestion:
    contacts = schema.username_attributes
    return suggest(sample.fields, rows, schema.attributes, username_attributes=contacts)


def _named(values: pl.Series, schema: PoolSchema) -> pl.Series:
    """True where a value could be a username: there, nobody else's, and without spaces (F1.27).

    An address is one only where users sign in with it, since an alias pool refuses it (F1.45).
    """
    names = without_blanks(values)
    names = names if schema.case_sensitive else names.str.to_lowercase()
    fine = names.is_unique() & ~names.str.contains(r"\s")
    if "email" not in schema.username_attributes:
        fine &= ~names.str.contains("@", literal=True)
    return fine.fill_null(value=False)


def _head(sample: Sample) -> str:
    lines = [
        f"Written by `poolferry init` from a sample of {sample.rows.height:,} users.",
        "Read every line, then try it with `poolferry check` and `poolferry plan`: neither sends anything.",
    ]
    if sample.unreadable:
        lines.append(f"{sample.unreadable:,} lines among them could not be read; `plan` names them.")
    return _comments(lines)


def _mapping(suggestion: Suggestion, sample: Sample) -> str:
    lines = ["mapping:\n"]
    for name, rule in suggestion.mapping.items():
        if name != "attributes":
            lines.append(_rule(name, rule, sample, "  "))
            continue
        lines.append("  attributes:\n" if rule else "  attributes: {}\n")
        lines.extend(_rule(attribute, one, sample, "    ") for attribute, one in rule.items())
    return "".join(lines)


def _rule(name: str, rule: Mapping[str, Any], sample: Sample, indent: str) -> str:
    line = indent + write_rules({name: _quoted(rule)}).rstrip("\n")
    said = " · ".join(sample.filled(field) for field in _read_by(rule))
    return f"{line:<{WIDTH}} # {_on_one_line(said)}\n"


def _quoted(part: Any) -> Any:  # noqa: ANN401 - a rule or any part of one
    """Put texts in quotes unless they are plain: ruamel leaves ``?a`` bare, which it cannot read again."""
    if isinstance(part, dict):
        return {key: _quoted(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_quoted(value) for value in part]
    return part if not isinstance(part, str) or _PLAIN.fullmatch(part) else DoubleQuotedScalarString(part)


def _read_by(rule: Mapping[str, Any]) -> Iterable[str]:
    if "template" in rule:
        return fields_of(rule["template"])
    return [field for field in (rule.get("from"),) if field]


def _remarks(suggestion: Suggestion, sample: Sample, schema: PoolSchema) -> str:
    """What a person has to decide, what is not read, and what stays empty."""
    filled = suggestion.mapping.get("attributes", {})
    empty = [name for name in schema.attributes if name not in filled]
    unused = [sample.filled(field) for field in suggestion.unused]
    lines = [f"Check: {note}" for note in (*suggestion.notes, *_unverified(filled, schema))]
    lines += [f"Not mapped: {said}" for said in unused]
    lines += [f"Attributes of the pool that stay empty: {', '.join(empty)}"] if empty else []
    return _comments(lines)


def _unverified(filled: Mapping[str, object], schema: PoolSchema) -> Iterable[str]:
    for name in schema.auto_verified:
        if f"{name}_verified" not in filled:
            yield (
                f"{name}_verified: nothing fills it, and import jobs take only users whose {name} is "
                "verified (F1.29); the others are created one by one."
            )


def _target(target: Target) -> str:
    text = _yaml({"target": target.model_dump(exclude_none=True)})
    if target.log_role_arn is None:
        text += "  # log_role_arn: import jobs need one (F3.34); `poolferry check --create-role` makes it.\n"
    return text


def _strategies(suggestion: Suggestion, schema: PoolSchema) -> list[str]:
    """Import jobs where the pool lets them start (F1.30); the trigger where there are passwords to keep."""
    jobs = ["import_job"] if schema.auto_verified else []
    trigger = ["migration_trigger"] if "password_hash" in suggestion.mapping else []
    return [*jobs, "admin_create_user", *trigger]


def _comments(lines: Iterable[str]) -> str:
    return "".join(f"# {_on_one_line(line)}\n" for line in lines)


def _on_one_line(text: str) -> str:
    """A field's name may hold a line break, which would end a comment."""
    return " ".join(text.split())


def _yaml(data: Mapping[str, Any], *, flow: bool = False) -> str:
    writer, text = YAML(pure=True), StringIO()
    writer.width = 4096
    writer.default_flow_style = None if flow else False
    writer.dump(dict(data), text)
    return text.getvalue()
