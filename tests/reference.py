"""The tables of the documentation, made from the code: ``python -m tests.reference`` writes them anew.

A table stands in its page between ``<!-- NAME -->`` and ``<!-- /NAME -->``; ``tests/test_docs.py`` holds
each against what is made here now. ``--demo`` runs the demo as well and writes down what it prints.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeGuard, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.core import TyperArgument, TyperOption
from typer.main import get_command

from connectors.cognito.error_codes import action
from connectors.cognito.sandbox import SandboxSettings
from connectors.registry import source_kind, source_kinds
from flows.cli import app
from flows.reports.markdown import table
from flows.settings import RunFile, StrategyName
from flows.strategies.admin_create_user import AdminCreateUser
from flows.strategies.import_job import ImportJob
from flows.strategies.migration_trigger import MigrationTrigger
from mappings.conditions import Condition
from mappings.hash_schemes.listed import SCHEMES
from mappings.hash_schemes.wrapped import WRAPPERS
from mappings.presets_read import preset_names
from mappings.reasons import PROBLEMS, REASONS
from mappings.spec import ORIGINS, HashRule, ListRule, Lookup, MappingSpec, Rule
from mappings.verbs import CONVERSIONS, VERBS
from tests.faults.table import TABLE as FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from typer.core import TyperCommand, TyperGroup

    from mappings.verbs import Verb
    from tests.faults.table import Part

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "deployments" / "REFERENCE.md",
    ROOT / "deployments" / "FAULTS.md",
)

_SECTION: Final = re.compile(r"<!-- (?P<name>[\w-]+) -->\n(?P<body>.*?)<!-- /(?P=name) -->", re.DOTALL)


def command_line() -> TyperGroup:
    """The command as typer builds it."""
    return cast("TyperGroup", get_command(app))


def commands() -> str:
    """One line a command."""
    rows = [(f"`{usage(name, each)}`", _paragraph(each.help)) for name, each in leaf_commands().items()]
    return table(("command", "what it does"), rows)


def leaf_commands() -> dict[str, TyperCommand]:
    """Every command by the words behind ``poolferry``; those of a group begin with the group's name."""
    found: dict[str, TyperCommand] = {}
    for name, command in command_line().commands.items():
        inside = getattr(command, "commands", None)
        below = {f"{name} {own}": each for own, each in inside.items()} if inside else {name: command}
        found |= {words: cast("TyperCommand", each) for words, each in below.items()}
    return found


def usage(name: str, command: TyperCommand) -> str:
    """How a command is called: ``poolferry run RUN_FILE``."""
    parts = ["poolferry", name]
    for param in command.params:
        if isinstance(param, TyperArgument):
            parts.append(f"{param.metavar}" if param.required else f"[{param.metavar}]")
        elif param.required:
            parts.append(f"{param.opts[0]} {str(param.name).upper()}")
    return " ".join(parts)


def _paragraph(text: str | None) -> str:
    """The first paragraph of a help text or docstring, on one line."""
    return " ".join((text or "").split("\n\n", maxsplit=1)[0].split())


def options() -> str:
    """Every argument and option of every command, in the words of ``--help``."""
    rows = [
        (f"`{name}`", *_option(param))
        for name, command in leaf_commands().items()
        for param in command.params
        if isinstance(param, TyperArgument | TyperOption)
    ]
    return table(("command", "argument or option", "default", "meaning"), rows)


def _option(param: TyperArgument | TyperOption) -> tuple[str, str, str]:
    is_flag = isinstance(param, TyperOption) and param.is_flag
    shown = param.opts[0] if is_flag else f"{param.opts[0]} {str(param.name).upper()}"
    default = "" if is_flag or param.default is None else f"`{param.default}`"
    return (
        f"`{param.metavar if isinstance(param, TyperArgument) else shown}`",
        "required" if param.required else default,
        param.help or "",
    )


def run_file() -> str:
    """Every key of a run file, at every level; ``source`` and ``mapping`` have tables of their own."""
    rows = [(f"`{key}`", takes, default, meaning) for key, takes, default, meaning in run_file_keys(RunFile)]
    return table(("key", "takes", "default", "meaning"), rows)


def run_file_keys(model: type, above: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Key, what it takes, default and meaning, depth first."""
    for name, info in _fields_of(model):
        key, part = f"{above}{name}", _part_of(info.annotation)
        meaning = info.description or _paragraph(part.__doc__ if part else None)
        yield key, _takes(info.annotation), _written(info), meaning
        if part:
            yield from run_file_keys(part, f"{key}.")


def _part_of(kind: object) -> type | None:
    """The part of a run file that a key takes, also where it may be left out."""
    return next((one for one in (kind, *get_args(kind)) if _is_part(one)), None)


def _is_part(kind: object) -> TypeGuard[type]:
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind))


def _fields_of(model: type) -> Iterable[tuple[str, FieldInfo]]:
    """The fields of a pydantic model, or those of a dataclass in the form of one."""
    if issubclass(model, BaseModel):
        return list(model.model_fields.items())
    meanings, kinds = described(model), inspect.get_annotations(model, eval_str=True)
    return [
        (name, FieldInfo(annotation=kinds[name], default=field.default, description=meanings[name]))
        for name, field in ((each.name, each) for each in fields(cast("Any", model)))
    ]


def described(documented: type) -> dict[str, str]:
    """Name → meaning, from the list of attributes in a class's docstring."""
    _, _, listed = inspect.cleandoc(documented.__doc__ or "").partition("Attributes:\n")
    items = re.split(r"\n    (?=\w+: )", "\n" + listed.split("\n\n", maxsplit=1)[0])[1:]
    pairs = (item.split(": ", 1) for item in items)
    return {name: _sentence(meaning) for name, meaning in pairs}


def _sentence(text: str) -> str:
    """A docstring's words as a table has them."""
    plain = " ".join(text.split()).replace("``", "`")
    return plain[0].upper() + plain[1:]


def _takes(kind: object) -> str:
    """What a key takes, in words."""
    origin, inside = get_origin(kind), [one for one in get_args(kind) if one not in (NoneType, ...)]
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inside)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_takes(one) for one in inside))
    if origin is tuple:
        return f"list of {_takes(inside[0])}"
    if origin is dict or _is_part(kind):
        return "map"
    words: dict[object, str] = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}
    return words[kind]


def _written(info: FieldInfo) -> str:
    """A default as a run file or a settings file says it."""
    if info.is_required():
        return "required"
    default = info.get_default(call_default_factory=True, validated_data={})
    if default is None or default is PydanticUndefined or default in ({}, "") or _is_part(type(default)):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`[{', '.join(default)}]`" if isinstance(default, tuple) else f"`{default}`"


def sources() -> str:
    """Every kind of source with its settings."""
    rows = [
        (f"`{kind}`", f"`{name}`", _written(info), info.description or "")
        for kind in source_kinds()
        for name, info in source_kind(kind).settings.model_fields.items()
        if name != "kind"
    ]
    return table(("kind", "setting", "default", "meaning"), rows)


def mapping_keys() -> str:
    """What a mapping has rules for."""
    meanings = {"preset": "The name of a preset, whose rules the others replace."} | described(MappingSpec)
    return table(("key", "meaning"), [(f"`{name}`", meaning) for name, meaning in meanings.items()])


def origins() -> str:
    """Where a value comes from."""
    return table(("key", "meaning"), [(f"`{name}`", _meanings(Rule)[name]) for name in ORIGINS])


def rule_keys() -> str:
    """What may stand beside an origin, and in which rules."""
    found: dict[tuple[str, str, str], list[str]] = {}
    models: dict[str, type[BaseModel]] = {"values": Rule, "hashes": HashRule, "lists": ListRule}
    for where, model in models.items():
        for name, meaning in _meanings(model).items():
            if name not in ORIGINS:
                found.setdefault((name, _choices(model, name), meaning), []).append(where)
    rows = [(f"`{name}`", ", ".join(where), takes, said) for (name, takes, said), where in found.items()]
    return table(("key", "in rules for", "one of", "meaning"), rows)


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Key as a mapping writes it → meaning, from the docstrings of the model and those above it."""
    said: dict[str, str] = {}
    for each in reversed(model.__mro__):
        said |= described(each)
    return {info.alias or name: said[name] for name, info in model.model_fields.items()}


def _choices(model: type[BaseModel], key: str) -> str:
    """What a key takes, where that is a closed list."""
    kinds = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
    closed = [one for one in (kinds[key], *get_args(kinds[key])) if get_origin(one) is Literal]
    return _takes(closed[0]) if closed else ""


def lookups() -> str:
    """What ``lookup`` and ``when`` are made of."""
    tests = [info.alias or name for name, info in Condition.model_fields.items() if name != "field"]
    keys = [info.alias or name for name, info in Lookup.model_fields.items()]
    return f"`lookup` has {_listed(keys)}. A condition has `field` and exactly one of {_listed(tests)}."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def verbs() -> str:
    """Every verb of ``then``."""
    return _verbs(VERBS)


def conversions() -> str:
    """Every conversion of ``as``."""
    return _verbs(CONVERSIONS)


def _verbs(known: Mapping[str, Verb[Any]]) -> str:
    rows = [
        (f"`{name}`", verb.help, *(f"`{part}`" for part in (one.call, one.before, one.after)))
        for name, verb in known.items()
        for one in (verb.example,)
    ]
    return table(("name", "what it does", "for example", "makes of", "this"), rows)


def presets() -> str:
    """The mappings that are shipped."""
    return f"Shipped: {_listed(preset_names())}."


def strategies() -> str:
    """The ways into the pool, each in the words of its class."""
    said = {each.name: _paragraph(each.__doc__) for each in (ImportJob, AdminCreateUser, MigrationTrigger)}
    rows = [(f"`{name}`", said[name]) for name in get_args(StrategyName)]
    return table(("strategy", "whom it takes"), rows)


def reasons() -> str:
    """Every reason code: those of their own, then what can be wrong with any attribute."""
    known = (*REASONS.values(), *PROBLEMS.values())
    rows = [(f"`{one.code}`", one.sentence, one.mend, one.fact) for one in known]
    return table(("reason", "what it means", "what to do", "fact"), rows)


def switches() -> str:
    """Every switch of the local Cognito."""
    rows = [
        (f"`{name}`", _written(info), info.description or "")
        for name, info in SandboxSettings.model_fields.items()
    ]
    return table(("switch", "default", "meaning"), rows)


RIGHTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "`check`, `plan` and `run`": ("DescribeUserPool", "GetCSVHeader", "ListUserImportJobs", "ListUsers"),
        "`run` with `import_job`; besides, `iam:PassRole` on the log role (F3.35)": (
            "CreateUserImportJob", "DescribeUserImportJob", "StartUserImportJob", "StopUserImportJob",
            "DescribeLogGroups", "DescribeLogStreams", "GetLogEvents",
        ),
        "`verify-sign-in`; `InitiateAuth` needs no right": (
            "ListUserPoolClients", "DescribeUserPoolClient", "AdminInitiateAuth", "InitiateAuth",
        ),
        "`trigger attach` and `trigger detach`": ("GetUserPoolMfaConfig", "UpdateUserPool"),
        "`run` with `admin_create_user`": ("AdminCreateUser", "AdminSetUserPassword"),
        "the limits in force; without it the defaults are taken (F4.5)": ("GetProvisionedLimit",),
        "`run` where the mapping has `enabled`": ("AdminDisableUser",),
        "`run` where the mapping has `groups`": ("CreateGroup", "AdminAddUserToGroup"),
        "`plan` and `run` where the mapping has `identities`": ("ListIdentityProviders",),
        "`run` where the mapping has `identities`": ("AdminLinkProviderForUser",),
        "`run` where the mapping has `mfa`": ("AdminSetUserMFAPreference",),
        "`run` with `existing: update`; besides, what groups need": ("AdminUpdateUserAttributes",),
        "`plan` and `run` with `existing: update` where the mapping has `groups`": ("ListUsersInGroup",),
        "`rollback --delete`, and `check --try-hashes`": ("AdminDeleteUser",),
        "`check` of the log role": (
            "GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies", "GetPolicy",
            "GetPolicyVersion",
        ),
        "`check --create-role`, once": ("CreateRole", "PutRolePolicy", "DeleteRole"),
    }
)  # fmt: skip
"""What each operation of ``CALLS`` is needed for."""


def rights() -> str:
    """The IAM actions, by what they are needed for."""
    rows = [(why, _listed(action(each) for each in calls)) for why, calls in RIGHTS.items()]
    return table(("needed for", "IAM actions"), rows)


def faults(part: Part) -> str:
    """Faults of one part of the system, as the tests of them declare and try them."""
    rows = [
        (case.fault, f"`{case.sees}`" if case.sees else "nothing", str(case.exit), case.left)
        for case in FAULTS[part]
    ]
    return table(("what goes wrong", "what you see", "exit", "what is left to do"), rows)


def hash_schemes() -> str:
    """Every scheme of password hashes: how it is told, and what becomes of it."""
    rows = [(f"`{e.name}`", e.systems, f"`{e.form}`", e.told_by, str(e.algorithm or "no"), e.why)
            for e in SCHEMES.values()]  # fmt: skip
    return table(("scheme", "written by", "form", "told by", "rewritten as", "to know"), rows)


def hash_wrappers() -> str:
    """What is taken off a hash before its scheme is told."""
    return table(("what", "written by", "form"), ((e.name, e.systems, e.form) for e in WRAPPERS))


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "commands": commands, "options": options, "run-file": run_file, "sources": sources,
        "mapping-keys": mapping_keys, "origins": origins, "rule-keys": rule_keys, "lookups": lookups,
        "verbs": verbs, "conversions": conversions, "presets": presets, "strategies": strategies,
        "hash-schemes": hash_schemes, "hash-wrappers": hash_wrappers, "reasons": reasons,
        "switches": switches, "rights": rights,
        **{f"faults-{part}": partial(faults, part) for part in FAULTS},
    }
)  # fmt: skip
"""Name of a section → what makes it."""

DEMO: Final = "demo-output"
"""The section that holds what the demo prints."""

COLUMNS: Final = "100"


def demo_output(folder: Path = ROOT) -> str:
    """Run the demo in a folder as ``make demo`` does, and give what it prints as its result."""
    command = [sys.executable, "-m", "flows.cli", "demo"]
    environment = {**os.environ, "COLUMNS": COLUMNS}
    ran = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    lines = (line.rstrip() for line in ran.stdout.splitlines())
    return "```text\n" + "\n".join(lines) + "\n```"


def sections(text: str) -> dict[str, str]:
    """Name → body of every section of a page."""
    return {found["name"]: found["body"].strip("\n") for found in _SECTION.finditer(text)}


def rewritten(text: str, made: Mapping[str, Callable[[], str]] = TABLES) -> str:
    """A page with its sections as they are made now; those that nobody makes here stay."""

    def anew(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- {name} -->\n{made[name]()}\n<!-- /{name} -->" if name in made else found[0]

    return _SECTION.sub(anew, text)


def main(arguments: list[str]) -> None:
    """Write every section anew."""
    made = {**TABLES, DEMO: demo_output} if "--demo" in arguments else TABLES
    for page in PAGES:
        page.write_text(rewritten(page.read_text(encoding="utf-8"), made), encoding="utf-8")
        sys.stdout.write(f"{page.relative_to(ROOT)} is written.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
