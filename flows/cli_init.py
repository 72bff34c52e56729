"""The command `init`: from an address to a run file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli_shared import JsonOption, show

HELP = """Write a run file with a suggested mapping, from a sample of the source and the pool's schema.

SOURCE is recognised by what it looks like:

- a file, a pattern or `s3://…`: `users.csv`, `users-*.jsonl.gz`, an export of Keycloak, Auth0 or Firebase
- a database, whose users' table is guessed: `postgresql://reader:${DB_PASSWORD}@db/app`, `app.sqlite3`
- a directory, which tells base, filter and key: `ldaps://ldap.example.com`
- Auth0, Okta, Entra: `https://example.eu.auth0.com`, `https://example.okta.com`, `example.onmicrosoft.com`
- Keycloak, SCIM: `https://sso.example.com/realms/NAME`, `https://id.example.com/scim/v2`
- Firebase, another pool, DynamoDB: `example.firebaseapp.com`, `eu-west-1_Example01`, `dynamodb:TABLE`

Anything else is named with `--kind`. What a kind needs besides is given with `--set`, or asked for in a
terminal. Secrets are never written out: set an environment variable and write `${NAME}` within single
quotes; `KIND_SETTING`, such as `OKTA_TOKEN`, is taken by itself where it is set.

`poolferry init https://example.okta.com --pool eu-west-1_Example01 --set 'token=${OKTA_TOKEN}'`

`poolferry init 'mysql://reader:${DB_PASSWORD}@db/app' --pool eu-west-1_Example01 --set table=members`

Prints how full each field is, what it looks like and what is taken from it, and which names stand twice;
never a value. Nothing is sent, and an existing file is never overwritten.
"""


def init(  # noqa: PLR0913 - each is an option of the command
    source: Annotated[
        str,
        typer.Argument(
            help="The source: a path, a URL, a pool's id, in one of the forms listed.", metavar="SOURCE"
        ),
    ],
    *,
    pool: Annotated[str, typer.Option(prompt="User pool id", help="The pool's id.")],
    kind: Annotated[
        str | None, typer.Option(help="Kind of the source, where its address does not tell it.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A setting of the source as NAME=VALUE, `auth.bearer=…` for an inner one; repeatable.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    region: Annotated[str | None, typer.Option(help="AWS Region.")] = None,
    role: Annotated[str | None, typer.Option(help="ARN of the import role (F3.34).")] = None,
    name: Annotated[str, typer.Option(help="Name of the runs.")] = "migration",
    out: Annotated[Path, typer.Option(help="Where the run file goes.")] = Path("run.yaml"),
    as_json: JsonOption = False,
) -> None:
    """Write a run file; the help text is ``HELP``."""
    from flows.steps.beginning import Wish, write_draft  # noqa: PLC0415 - keeps `--help` quick

    wish = Wish(source, out, pool, kind, tuple(settings or ()), region, role, name)
    begun = write_draft(wish, _ask if sys.stdin.isatty() and not as_json else None)
    show(
        as_json,
        begun.to_json(),
        *begun.tables(),
        f"{out} is written. Read it, then: poolferry check {out} · poolferry plan {out}",
    )


def _ask(setting: str, meaning: str, is_secret: bool) -> str:  # noqa: FBT001 - the shape of ``Ask``
    """Ask for a setting; of a secret only the name of its environment variable."""
    if not is_secret:
        return str(typer.prompt(f"{setting} ({meaning})", err=True))
    variable = typer.prompt(
        f"{setting}: name of the environment variable that holds it ({meaning})", err=True
    )
    return f"${{{str(variable).strip('${} ')}}}"
