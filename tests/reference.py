"""The tables of the documentation, made from the code: ``python -m tests.reference`` writes them anew.

A table stands in its page between ``<!-- NAME -->`` and ``<!-- /NAME -->``; ``tests/test_docs.py`` holds
each against what is written here now.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.main import get_command

from connectors.cognito.error_codes import CALLS, action
from connectors.cognito.sandbox import SandboxSettings
from connectors.registry import source_kind, source_kinds
from flows.cli import app
from flows.reports.markdown import table
from flows.settings import RunFile, StrategyName
from flows.strategies.admin_create_user import AdminCreateUser
from flows.strategies.import_job import ImportJob
from flows.strategies.migration_trigger import MigrationTrigger
from mappings.conditions import Condition
from mappings.presets_read import preset_names
from mappings.reasons import PROBLEMS, REASONS
from mappings.rules import RuleOptions
from mappings.spec import ORIGINS, HashRule, ListRule, Lookup, MappingSpec, Origin, Rule
from mappings.verbs import CONVERSIONS, VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mappings.verbs import Verb

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = (ROOT / "README.md", ROOT / "deployments" / "REFERENCE.md")

_SECTION: Final = re.compile(r"<!-- (?P<name>[\w-]+) -->\n(?P<body>.*?)<!-- /(?P=name) -->", re.DOTALL)
_NOT_A_KEY: Final = frozenset({"help", "install_completion", "show_completion"})


def command_line() -> Any:
    """The command as typer builds it."""
    return get_command(app)


def commands() -> str:
    """One line a command."""
    return table(("command", "what it does"), [(f"`{usage(c)}`", _plain(lead(c.help))) for c in _commands()])


def _commands() -> list[Any]:
    return list(command_line().commands.values())


def usage(command: Any) -> str:
    """How a command is called: ``poolferry run RUN_FILE``."""
    names = [p.metavar if p.required else f"[{p.metavar}]" for p in command.params if _is_argument(p)]
    wanted = [f"{p.opts[0]} …" for p in command.params if not _is_argument(p) and p.required]
    return " ".join(("poolferry", command.name, *names, *wanted))


def lead(text: str) -> str:
    """The first paragraph of a help text, on one line."""
    return " ".join(text.split("\n\n")[0].split())


def options() -> str:
    """Every argument and option of every command, in the words of ``--help``."""
    rows = [
        (f"`{command.name}`", f"`{_shown(param)}`", _default(param), _plain(param.help))
        for command in _commands()
        for param in command.params
        if param.name not in _NOT_A_KEY
    ]
    return table(("command", "argument or option", "default", "meaning"), rows)


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _shown(param: Any) -> str:
    if _is_argument(param):
        return str(param.metavar)
    return param.opts[0] if param.is_flag else f"{param.opts[0]} {param.name.upper()}"


def _default(param: Any) -> str:
    if param.required or param.default is None or getattr(param, "is_flag", False):
        return "required" if param.required else ""
    return f"`{param.default}`"


def run_file() -> str:
    """Every key of a run file, at every level; ``source`` and ``mapping`` have tables of their own."""
    rows = [(f"`{key}`", takes, default, meaning) for key, takes, default, meaning in run_file_keys(RunFile)]
    return table(("key", "takes", "default", "meaning"), rows)


def run_file_keys(model: Any, above: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Key, what it takes, default and meaning, depth first."""
    for name, info in _fields_of(model):
        key = f"{above}{name}"
        inner = info.annotation
        yield key, _takes(inner), _written(info), _plain(info.description or "")
        if _is_part(inner):
            yield from run_file_keys(inner, f"{key}.")


def _is_part(kind: Any) -> bool:
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_dataclass(kind))


def _fields_of(model: Any) -> Iterable[tuple[str, FieldInfo]]:
    if not is_dataclass(model):
        return list(model.model_fields.items())
    meanings, kinds = described(model), inspect.get_annotations(model, eval_str=True)
    return [
        (each.name, FieldInfo(annotation=kinds[each.name], default=each.default, description=meanings[each.name]))
        for each in fields(model)
    ]


def described(documented: type) -> dict[str, str]:
    """Name → meaning, from the list of attributes in a class's docstring."""
    _, _, listed = inspect.cleandoc(documented.__doc__ or "").partition("Attributes:\n")
    items = re.split(r"\n    (?=\w+: )", "\n" + listed.split("\n\n")[0].rstrip())[1:]
    pairs = (item.split(": ", 1) for item in items)
    return {name: " ".join(meaning.split()) for name, meaning in pairs}


def _takes(kind: Any) -> str:
    """What a key takes, in words."""
    origin, inside = get_origin(kind), [one for one in get_args(kind) if one not in (NoneType, ...)]
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inside)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_takes(one) for one in inside))
    if origin in (tuple, list):
        return f"list of {_takes(inside[0])}"
    if origin is dict or _is_part(kind):
        return "map"
    if origin is not None:  # Annotated
        return _takes(inside[0])
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[kind]


def _written(info: FieldInfo) -> str:
    """A default as a run file would say it."""
    if info.is_required():
        return "required"
    default = info.get_default(call_default_factory=True, validated_data={})
    if default is None or default is PydanticUndefined or _is_part(type(default)):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple | list):
        return f"`[{', '.join(default)}]`"
    return f"`{default}`" if default != {} else ""


def _plain(text: str) -> str:
    return text.replace("``", "`")


def sources() -> str:
    """Every kind of source with its settings."""
    rows = [
        (f"`{kind}`", f"`{name}`", _written(info) if name != "kind" else f"`{kind}`", info.description or "")
        for kind in source_kinds()
        for name, info in source_kind(kind).settings.model_fields.items()
        if name != "kind"
    ]
    return table(("kind", "setting", "default", "meaning"), rows)


def mapping_keys() -> str:
    """What a mapping has rules for."""
    meanings = described(MappingSpec) | {"preset": "the name of a preset, whose rules the others replace."}
    rows = [(f"`{name}`", _plain(meanings[name])) for name in ("preset", *MappingSpec.model_fields)]
    return table(("key", "meaning"), rows)


def origins() -> str:
    """Where a value comes from."""
    return table(("key", "meaning"), [(f"`{name}`", _plain(_meanings(Rule)[name])) for name in ORIGINS])


def rule_keys() -> str:
    """What may stand beside an origin, and in which rules."""
    rows = [
        (f"`{name}`", ", ".join(where), _plain(meaning))
        for name, (where, meaning) in _beside_origins().items()
    ]
    return table(("key", "in rules for", "meaning"), rows)


def _beside_origins() -> dict[str, tuple[list[str], str]]:
    found: dict[str, tuple[list[str], str]] = {}
    kinds = {"values": Rule, "hashes": HashRule, "lists": ListRule}
    for where, model in kinds.items():
        for name, meaning in _meanings(model).items():
            if name not in ORIGINS:
                found.setdefault(name, ([], meaning))[0].append(where)
    return found


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Key as a mapping writes it → meaning, from the docstrings of the model and those above it."""
    said: dict[str, str] = {}
    for each in reversed(model.__mro__):
        said |= described(each)
    return {info.alias or name: said[name] for name, info in model.model_fields.items()}


def lookups() -> str:
    """What ``lookup`` and ``when`` are made of."""
    tests = [info.alias or name for name, info in Condition.model_fields.items() if name != "field"]
    tables = [info.alias or name for name, info in Lookup.model_fields.items()]
    return (
        f"`lookup` has {_listed(tables)}. A condition of `when` has `field` and exactly one of {_listed(tests)}."
    )


def _listed(names: Iterable[str]) -> str:
    *most, last = (f"`{name}`" for name in names)
    return f"{', '.join(most)} and {last}"


def verbs() -> str:
    """Every verb of ``then``."""
    return _verbs(VERBS)


def conversions() -> str:
    """Every conversion of ``as``."""
    return _verbs(CONVERSIONS)


def _verbs(listed: Mapping[str, Verb[Any]]) -> str:
    rows = [
        (f"`{name}`", verb.help, f"`{verb.example.call}`", f"`{verb.example.before}`", f"`{verb.example.after}`")
        for name, verb in listed.items()
    ]
    return table(("name", "what it does", "for example", "makes of", "this"), rows)


def presets() -> str:
    """The mappings that are shipped."""
    return _listed_or_one(preset_names())


def _listed_or_one(names: tuple[str, ...]) -> str:
    return f"Shipped: {', '.join(f'`{name}`' for name in names)}."


def strategies() -> str:
    """The ways into the pool, each in the words of its class."""
    classes = (ImportJob, AdminCreateUser, MigrationTrigger)
    said = {each.name: " ".join((each.__doc__ or "").split("\n\n")[0].split()) for each in classes}
    return table(("strategy", "whom it takes"), [(f"`{name}`", said[name]) for name in get_args(StrategyName)])


def reasons() -> str:
    """Every reason code: those of their own, then what can be wrong with any attribute."""
    listed = (*REASONS.values(), *PROBLEMS.values())
    rows = [(f"`{one.code}`", one.sentence, one.mend, one.fact) for one in listed]
    return table(("reason", "what it means", "what to do", "fact"), rows)


def rules() -> str:
    """The switches of ``rules`` in a run file with their facts."""
    meanings = described(RuleOptions)
    rows = [
        (f"`{each.name}`", ", ".join(f"`{one}`" for one in _choices(each.name)), f"`{each.default}`",
         _plain(meanings[each.name]), each.metadata["fact"])
        for each in fields(RuleOptions)
    ]  # fmt: skip
    return table(("switch", "choices", "default", "what is open", "fact"), rows)


def _choices(name: str) -> tuple[str, ...]:
    return get_args(inspect.get_annotations(RuleOptions, eval_str=True)[name])


def switches() -> str:
    """Every switch of the local Cognito."""
    rows = [
        (f"`{name}`", _written(info), info.description or "")
        for name, info in SandboxSettings.model_fields.items()
    ]
    return table(("switch", "default", "meaning"), rows)


RIGHTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "`check`, `plan` and `run`: look at the pool": (
            "DescribeUserPool", "GetCSVHeader", "ListUserImportJobs", "ListUsers",
        ),
        "`run` with `import_job`; `iam:PassRole` on the log role besides": (
            "CreateUserImportJob", "DescribeUserImportJob", "StartUserImportJob", "StopUserImportJob",
        ),
        "`run` with `import_job`: read the jobs' logs": (
            "DescribeLogGroups", "DescribeLogStreams", "GetLogEvents",
        ),
        "`run` with `admin_create_user`": ("AdminCreateUser", "AdminSetUserPassword"),
        "`run` where the mapping has `enabled` or `groups`": (
            "AdminDisableUser", "CreateGroup", "AdminAddUserToGroup",
        ),
        "`check`: look at the log role": (
            "GetRole", "ListRolePolicies", "GetRolePolicy", "ListAttachedRolePolicies", "GetPolicy",
            "GetPolicyVersion",
        ),
        "`check --create-role`, once": ("CreateRole", "PutRolePolicy", "DeleteRole"),
    }
)  # fmt: skip
"""What each operation of ``CALLS`` is needed for."""


def rights() -> str:
    """The IAM actions, by what they are needed for."""
    rows = [(why, ", ".join(f"`{action(each)}`" for each in calls)) for why, calls in RIGHTS.items()]
    missing = CALLS.keys() ^ {each for calls in RIGHTS.values() for each in calls}
    if missing:
        raise ValueError(f"RIGHTS and CALLS differ: {sorted(missing)}")
    return table(("needed for", "IAM actions"), rows)


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "commands": commands, "options": options, "run-file": run_file, "sources": sources,
        "mapping-keys": mapping_keys, "origins": origins, "rule-keys": rule_keys, "lookups": lookups,
        "verbs": verbs, "conversions": conversions, "presets": presets, "strategies": strategies,
        "reasons": reasons, "rules": rules, "switches": switches, "rights": rights,
    }
)  # fmt: skip
"""Name of a section → what writes it."""


def sections(text: str) -> dict[str, str]:
    """Name → body of every section of a page."""
    return {found["name"]: found["body"] for found in _SECTION.finditer(text)}


def rewritten(text: str) -> str:
    """A page with its tables as the code has them now; sections that nobody writes here stay."""

    def anew(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- {name} -->\n{TABLES[name]()}\n<!-- /{name} -->" if name in TABLES else found[0]

    return _SECTION.sub(anew, text)


def main() -> None:
    """Write every table anew."""
    for page in PAGES:
        page.write_text(rewritten(page.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{page.relative_to(ROOT)} is written.\n")


if __name__ == "__main__":
    main()
