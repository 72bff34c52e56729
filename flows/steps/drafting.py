"""A run file to begin with: a suggested mapping with what a person must know to check it.

Names of fields and numbers of users are in its comments, never a value of a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from connectors.cognito.pool import read_pool
from flows.settings import LoadedRunFile, RunFile, Target
from flows.steps.choosing import choose, reads
from flows.steps.context import cognito_client
from flows.steps.preset_source import read_by_preset, with_source
from flows.steps.profiling import Profile, profile
from flows.steps.sampling import take_sample
from mappings.documents import write_rules
from mappings.presets_read import read_preset
from mappings.templates import fields as fields_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from connectors.records import PoolSchema
    from flows.steps.choosing import Choice
    from flows.steps.preset_source import Reading
    from flows.steps.sampling import Sample

WIDTH: Final = 72
"""Column at which comments stand where lines are shorter."""

MOST_EMPTY: Final = 40
"""Empty fields at most that a comment names."""

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

_BLOCK: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?(?:\n[ -~]*[!-~])+\n?")
"""Lines that YAML takes as a block as they are."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted run file.

    Attributes:
        text: YAML that loads, parses and compiles as it stands; comments say how full fields are, what is not
            mapped and what to check.
        choice: its mapping.
        profile: what the sample shows.
        notes: what was found out of the source and what a person has to check.
        source: its ``source`` part.
    """

    text: str
    choice: Choice
    profile: Profile
    notes: tuple[str, ...]
    source: Mapping[str, Any]


def draft_run_file(  # noqa: PLR0913 - each is a line of the run file
    *,
    source: Mapping[str, Any],
    pool_id: str,
    region: str | None,
    role_arn: str | None,
    name: str,
    base: Path,
    found: Sequence[str] = (),
    guessed: Collection[str] = (),
) -> Draft:
    """Write a run file for a source and a pool.

    Args:
        source: the ``source`` part, as the run file shall have it.
        pool_id: the pool.
        region: its Region; None leaves it to boto3.
        role_arn: the role that import jobs log with (F3.34), if there is one.
        name: name of the runs.
        base: the folder that the run file will lie in.
        found: what was found out of the source, for the comments.
        guessed: settings of the source that nobody has told; a preset's own may take their place.

    Raises:
        ConfigurationError: no field names the users, the file has no header, or no user.
        SourceError, TargetError: source or pool cannot be read.
    """
    target = Target(user_pool_id=pool_id, region=region, log_role_arn=role_arn)
    settings = RunFile(name=name, source=dict(source), mapping={}, target=target)
    loaded = LoadedRunFile(settings, base / "run.yaml", "")
    schema = read_pool(cognito_client(loaded), pool_id)
    sample, choice, reading = _read(loaded, schema, guessed)
    if reading is not None:
        source, found = reading.settings, (*_still_true(found, source, reading.settings), *reading.notes)
    seen = profile(sample, choice, schema, source)
    notes = _notes(choice, seen, schema)
    parts = (
        _head(seen),
        _comments(found),
        _yaml({"name": name, "source": _in_blocks(source)}),
        _mapping(choice, sample),
        _remarks(notes, seen, choice, schema),
        _target(target),
        _yaml({"strategies": _strategies(choice, schema)}, flow=True),
        "existing: leave\nverify: full\nunmapped: report\nstate: ./runs\n",
    )
    return Draft("".join(parts), choice, seen, (*found, *notes), source)


def _read(
    loaded: LoadedRunFile, schema: PoolSchema, guessed: Collection[str]
) -> tuple[Sample, Choice, Reading | None]:
    """Choose from a sample; once more, where the preset that knows the source reads it otherwise."""
    told = loaded.settings.source
    sample = take_sample(loaded)
    choice = choose(sample, schema, kind=told["kind"], key=told.get("key"))
    name = choice.preset.preset if choice.preset else None
    reading = read_by_preset(loaded, name, guessed=guessed, fields=sample.fields) if name else None
    if reading is None or reading.settings == told:
        return sample, choice, reading
    sample = take_sample(with_source(loaded, reading.settings))
    choice = choose(sample, schema, kind=told["kind"], key=told.get("key"), known=choice.preset)
    return sample, choice, reading


def _still_true(found: Iterable[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What was found out, less what was found of lists that others have taken the place of."""
    old, new = before.get("lists", {}), after.get("lists", {})
    gone = tuple(f"{name}: " for name in old if old[name] != new.get(name))
    return tuple(note for note in found if not note.startswith(gone))


def _head(seen: Profile) -> str:
    lines = [
        f"Written by `poolferry init` from a sample of {seen.users:,} users.",
        "Read every line, then try it with `poolferry check` and `poolferry plan`: neither sends anything.",
    ]
    if seen.unreadable:
        lines.append(f"{seen.unreadable:,} lines among them could not be read; `plan` names them.")
    return _comments(lines)


def _mapping(choice: Choice, sample: Sample) -> str:
    lines = ["mapping:\n"]
    for name, rule in choice.mapping.items():
        if name == "preset":
            lines.extend(_preset(choice, sample))
        elif name != "attributes":
            lines.append(_rule(name, rule, sample, "  "))
        else:
            lines.append("  attributes:\n" if rule else "  attributes: {}\n")
            lines.extend(_rule(attribute, one, sample, "    ") for attribute, one in rule.items())
    return "".join(lines)


def _preset(choice: Choice, sample: Sample) -> Iterable[str]:
    """The preset, and in comments what it fills from what."""
    if choice.preset is not None:
        yield f"{f'  preset: {choice.preset.preset}':<{WIDTH}} # by {choice.preset.why}\n"
        yield from (f"  # {line}".rstrip() + "\n" for line in read_preset(choice.preset.preset).words)
        yield "  # What the preset fills; a rule of the same name here replaces it, and null takes it away:\n"
    own = {*choice.mapping, *choice.mapping.get("attributes", {})}
    for target, names in reads(choice.spec):
        if target not in own and names:
            said = " · ".join(_on_one_line(sample.filled(name)) for name in names)
            yield f"{f'  #   {target}:':<30} {said}\n"


def _rule(name: str, rule: Mapping[str, Any] | None, sample: Sample, indent: str) -> str:
    if rule is None:
        return (
            f"{indent}{write_rules({name: None}).rstrip()}".rstrip() + "  # the pool has no such attribute\n"
        )
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


def _in_blocks(part: Any) -> Any:  # noqa: ANN401 - as before
    """The same of a source, whose queries of several lines stay such."""
    if isinstance(part, Mapping):
        return {key: _in_blocks(value) for key, value in part.items()}
    is_block = isinstance(part, str) and _BLOCK.fullmatch(part)
    return LiteralScalarString(part) if is_block else _quoted(part)


def _read_by(rule: Mapping[str, Any]) -> Iterable[str]:
    if "template" in rule:
        return fields_of(rule["template"])
    return [*(field for field in (rule.get("from"),) if field), *rule.get("first_of", ())]


def _notes(choice: Choice, seen: Profile, schema: PoolSchema) -> tuple[str, ...]:
    """What a person has to check or decide."""
    doubles = (
        f"{name}: {one.duplicates:,} users of the sample have one that an earlier user has."
        for name, one in seen.names.items()
        if one.duplicates
    )
    refused = ", ".join(f"{code} {users:,}" for code, users in seen.rejected.items())
    said = (
        (f"rejected, as it stands, of {seen.users:,} users: {refused}; `plan` says why.",) if refused else ()
    )
    unfilled = _unverified(choice, schema)
    return (*choice.notes, *unfilled, *doubles, *said)


def _unverified(choice: Choice, schema: PoolSchema) -> Iterable[str]:
    for name in schema.auto_verified:
        if f"{name}_verified" not in choice.spec.attributes:
            yield (
                f"{name}_verified: nothing fills it, and import jobs take only users whose {name} is "
                "verified (F1.29); the others are created one by one."
            )


def _remarks(notes: Iterable[str], seen: Profile, choice: Choice, schema: PoolSchema) -> str:
    """What a person has to decide, what is not read, and what stays empty."""
    lines = [f"Check: {note}" for note in notes]
    lines += [f"Not mapped: {name}: {_share(share)}" for name, share in seen.unmapped.items() if share]
    empty = [name for name, share in seen.unmapped.items() if not share]
    more = f" and {len(empty) - MOST_EMPTY:,} more" if len(empty) > MOST_EMPTY else ""
    lines += [f"Not mapped, and always empty: {', '.join(empty[:MOST_EMPTY])}{more}"] if empty else []
    unfilled = [name for name in schema.attributes if name not in choice.spec.attributes]
    lines += [f"Attributes of the pool that stay empty: {', '.join(unfilled)}"] if unfilled else []
    return _comments(lines)


def _share(share: float) -> str:
    return "filled for everybody" if share == 1 else f"filled for {min(99, max(1, round(share * 100)))} %"


def _target(target: Target) -> str:
    text = _yaml({"target": target.model_dump(exclude_none=True)})
    if target.log_role_arn is None:
        text += "  # log_role_arn: import jobs need one (F3.34); `poolferry check --create-role` makes it.\n"
    return text


def _strategies(choice: Choice, schema: PoolSchema) -> list[str]:
    """Import jobs where the pool lets them start (F1.30); the trigger where there are passwords to keep."""
    jobs = ["import_job"] if schema.auto_verified else []
    trigger = ["migration_trigger"] if choice.spec.password_hash is not None else []
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
