"""Read everybody from a system in one of two ways, and write down how many there were.

    python -m tests.benchmarks.readers WAY SETTINGS FILE

``poolferry`` reads page by page, as a run does. ``naive`` is what a script does that was written in five
minutes: one query, one search or one loop, into a list of whole people.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Settings = dict[str, Any]
People = list[Any]
WANTED: Final = {
    "sql": ("id", "email", "given_name", "family_name", "phone_number"),
    "ldap": ("uid", "mail", "givenName", "sn", "telephoneNumber"),
    "scim": ("id", "userName"),
    "dynamodb": ("id", "email", "given_name", "family_name", "phone_number"),
    "cognito": ("Username", "email", "given_name", "family_name", "phone_number"),
}
"""By kind of source, what a mapping would ask for."""


def poolferry(settings: Settings) -> int:
    """Read with the connector."""
    from connectors.registry import source_kind  # noqa: PLC0415 - a way imports only what it needs

    kind = source_kind(settings["kind"])
    source = kind.make(kind.settings.model_validate(settings), Path())
    wanted = [name for name in WANTED[settings["kind"]] if name in source.fields()]
    return sum(page.rows.height for page in source.pages(wanted))


def naive(settings: Settings) -> int:
    """Read into a list."""
    return len(NAIVE[settings["kind"]](settings))


def _sql(settings: Settings) -> People:
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - same

    engine = create_engine(settings["url"])
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT * FROM {settings['table']}"))  # noqa: S608 - the bench's own
        people = [dict(row) for row in found.mappings().fetchall()]
    engine.dispose()
    return people


def _ldap(settings: Settings) -> People:
    import ldap3  # noqa: PLC0415 - same

    tls = ldap3.Tls(ca_certs_file=settings["ca_file"]) if "ca_file" in settings else None
    server = ldap3.Server(settings["url"], tls=tls)
    connection = ldap3.Connection(server, settings["bind_dn"], settings["password"], auto_bind=True)
    connection.search(settings["base"], "(objectClass=person)", attributes=ldap3.ALL_ATTRIBUTES)
    people = [entry.entry_attributes_as_dict for entry in connection.entries]
    connection.unbind()
    return people


def _scim(settings: Settings) -> People:
    import requests  # noqa: PLC0415 - same

    headers = {"Authorization": f"Bearer {settings['token']}"}
    found = requests.get(f"{settings['url']}/Users", {"count": 1_000_000}, headers=headers, timeout=600)
    return list(found.json()["Resources"])


def _dynamodb(settings: Settings) -> People:
    import boto3  # noqa: PLC0415 - same

    pages = boto3.client("dynamodb", region_name=settings["region"]).get_paginator("scan")
    return [item for page in pages.paginate(TableName=settings["table"]) for item in page["Items"]]


def _cognito(settings: Settings) -> People:
    import boto3  # noqa: PLC0415 - same

    pages = boto3.client("cognito-idp", region_name="eu-west-1").get_paginator("list_users")
    return [user for page in pages.paginate(UserPoolId=settings["user_pool_id"]) for user in page["Users"]]


NAIVE: Final[Mapping[str, Callable[[Settings], People]]] = {
    "sql": _sql,
    "ldap": _ldap,
    "scim": _scim,
    "dynamodb": _dynamodb,
    "cognito": _cognito,
}
WAYS: Final[Mapping[str, Callable[[Settings], int]]] = {"Poolferry": poolferry, "naive": naive}


def main() -> None:
    """Read, and write down the number."""
    way, settings, file = sys.argv[1:]
    Path(file).write_text(str(WAYS[way](json.loads(settings))), encoding="utf-8")


if __name__ == "__main__":
    main()
