"""The tables of the documentation, made from the code: ``python -m tests.reference`` writes them anew.

A table stands in its page between ``<!-- NAME -->`` and ``<!-- /NAME -->``; ``tests/test_docs.py`` holds
each against what is made here now. ``--demo`` runs the demo as well and writes down what it prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast, get_args

from typer.core import TyperArgument, TyperOption
from typer.main import get_command

from connectors.cognito.error_codes import action
from connectors.cognito.sandbox import SandboxSettings
from connectors.recognising import FORMS
from flows.cli import app
from flows.reports.markdown import table
from flows.settings import StrategyName
from flows.strategies.admin_create_user import AdminCreateUser
from flows.strategies.import_job import ImportJob
from flows.strategies.migration_trigger import MigrationTrigger
from mappings.hash_schemes.listed import SCHEMES
from mappings.hash_schemes.wrapped import WRAPPERS
from mappings.reasons import PROBLEMS, REASONS
from tests.faults.table import TABLE as FAULTS
from tests.reference_keys import (
    claims,
    conversions,
    listed,
    lookups,
    mapping_keys,
    origins,
    paragraph,
    presets,
    rule_keys,
    run_file,
    sources,
    traits,
    verbs,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typer.core import TyperCommand, TyperGroup

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
    rows = [(f"`{usage(name, each)}`", paragraph(each.help)) for name, each in leaf_commands().items()]
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


def recognised_forms() -> str:
    """What the source of ``init`` may look like."""
    return table(("SOURCE", "recognised as"), [(f"`{form}`", what) for form, what in FORMS])


def options() -> str:
    """Every argument and option of every command, in the words of ``--help``."""
    own = {"before the command": own_options()}
    every = own | {f"`{name}`": command.params for name, command in leaf_commands().items()}
    rows = [
        (name, *_option(param))
        for name, params in every.items()
        for param in params
        if isinstance(param, TyperArgument | TyperOption)
    ]
    return table(("command", "argument or option", "default", "meaning"), rows)


def own_options() -> list[TyperOption]:
    """Options of every command, before its name; those for completion are typer's."""
    params = [param for param in command_line().params if isinstance(param, TyperOption)]
    return [param for param in params if not str(param.name).endswith("_completion")]


def _option(param: TyperArgument | TyperOption) -> tuple[str, str, str]:
    is_flag = isinstance(param, TyperOption) and param.is_flag
    shown = "`, `".join(param.opts) if is_flag else f"{param.opts[0]} {str(param.name).upper()}"
    default = "" if is_flag or param.default is None else f"`{param.default}`"
    return (
        f"`{param.metavar if isinstance(param, TyperArgument) else shown}`",
        "required" if param.required else default,
        param.help or "",
    )


def strategies() -> str:
    """The ways into the pool, each in the words of its class."""
    said = {each.name: paragraph(each.__doc__) for each in (ImportJob, AdminCreateUser, MigrationTrigger)}
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
        (f"`{name}`", written(info), info.description or "")
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
        "mapping with `groups`: `plan` and `run` with `existing: update`, and `reconcile --with-groups`": (
            "ListUsersInGroup",
        ),
        "`check --create-attributes`, once": ("AddCustomAttributes",),
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
    rows = [(why, listed(action(each) for each in calls)) for why, calls in RIGHTS.items()]
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
        "commands": commands, "options": options, "init-forms": recognised_forms,
        "run-file": run_file, "claims": claims, "sources": sources, "traits": traits,
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
