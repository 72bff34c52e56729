"""One specimen for each kind of source: the same people, in that kind's form."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import openpyxl
import polars as pl

from connectors.sources.csv_files import CsvSettings, CsvSource
from connectors.sources.json_files import JsonLinesSettings, JsonLinesSource, JsonSettings, JsonSource
from connectors.sources.parquet_files import ParquetSettings, ParquetSource
from connectors.sources.xlsx_files import XlsxSettings, XlsxSource
from tests.contracts.auth0_specimen import auth0_export_specimen, auth0_specimen
from tests.contracts.cognito_specimen import cognito_specimen
from tests.contracts.dynamodb_specimen import dynamodb_specimen
from tests.contracts.entra_specimen import entra_specimen
from tests.contracts.firebase_specimen import firebase_export_specimen, firebase_specimen
from tests.contracts.keycloak_specimen import keycloak_export_specimen, keycloak_specimen
from tests.contracts.ldap_specimen import ldap_specimen
from tests.contracts.okta_specimen import okta_specimen
from tests.contracts.rest_specimen import rest_specimen
from tests.contracts.scim_specimen import scim_specimen
from tests.contracts.source_suite import FIELDS, PEOPLE, Specimen
from tests.contracts.sql_specimen import sql_specimen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from connectors.sources.base import Source

Person = dict[str, str | None]
Placed = list[tuple[int, int, Person]]

HALF = len(PEOPLE) // 2
SPLIT = (PEOPLE[:HALF], PEOPLE[HALF:])


def grown_people(size: int) -> list[Person]:
    return [{"id": f"u{number:05d}", "name": "n", "plan": "p", "note": ""} for number in range(size)]


def append(path: Path, more: bytes) -> Callable[[], None]:
    def change() -> None:
        path.write_bytes(path.read_bytes() + more)

    return change


def csv_line(values: Sequence[str | None]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def csv_specimen(folder: Path) -> Specimen:
    """Two files with their columns in different order, blank and broken lines between the people."""
    people: Placed = []
    unreadable = []
    for file, (group, names) in enumerate(zip(SPLIT, (FIELDS, FIELDS[::-1]), strict=True)):
        text = csv_line(names)
        for person in group:
            written = {name: value or "" for name, value in person.items()}
            people.append((1 + text.count("\n"), file, written))
            text += csv_line([person[name] for name in names]) + "\n"
        end = 1 + text.count("\n")
        broken = b'too,short\na,b,"open,d\na,b,\xff,d\n'
        (folder / f"users-{file}.csv").write_bytes(text.encode() + broken)
        reasons = ("line_ragged", "line_malformed", "line_undecodable")
        unreadable += [(end + more, file, reason) for more, reason in enumerate(reasons)]

    def source(path: str = "users-*.csv", block: int = 64, encoding: str | None = "utf-8") -> Source:
        return CsvSource(CsvSettings(path=path, encoding=encoding), folder, block_bytes=block)

    def grown(size: int) -> Source:
        rows = [list(person.values()) for person in grown_people(size)]
        (folder / "grown.csv").write_text("".join(map(csv_line, [FIELDS, *rows])))
        return source("grown.csv", 512)

    (folder / "latin.csv").write_bytes("id,name\n00123,Zoë Beispiel\n".encode("cp1252"))
    (folder / "cut.csv.gz").write_bytes(b"\x1f\x8b\x08\x00Ann Example")
    (folder / "empty.csv").write_bytes(b"")
    return Specimen(
        source,
        people,
        unreadable=unreadable,
        change=append(folder / "users-1.csv", b"x"),
        failing=[
            lambda: source("nobody.csv").check(),
            lambda: source("latin.csv", encoding=None).check(),
            lambda: source("cut.csv.gz").check(),
            lambda: source("empty.csv").check(),
            lambda: list(source().pages(["nmae"])),
        ],
        grown=grown,
    )


def as_json(person: Person) -> dict[str, object]:
    """The person with what is not there left out."""
    return {name: value for name, value in person.items() if value is not None}


def jsonl_specimen(folder: Path) -> Specimen:
    people: Placed = []
    for file, group in enumerate(SPLIT):
        lines = [
            "",
            *(json.dumps(as_json(person), ensure_ascii=file == 0) for person in group),
            "{broken",
            "[1]",
        ]
        people += [(2 + number, file, person) for number, person in enumerate(group)]
        (folder / f"users-{file}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    unreadable = [(HALF + 2 + more, file, "line_malformed") for file in (0, 1) for more in (0, 1)]

    def source(path: str = "users-*.jsonl", block: int = 64) -> Source:
        return JsonLinesSource(JsonLinesSettings(path=path), folder, block_bytes=block)

    def grown(size: int) -> Source:
        (folder / "grown.jsonl").write_text("\n".join(map(json.dumps, grown_people(size))))
        return source("grown.jsonl", 1024)

    (folder / "list.jsonl").write_text(json.dumps([as_json(person) for person in PEOPLE]))
    return Specimen(
        source,
        people,
        unreadable=unreadable,
        change=append(folder / "users-1.jsonl", b"{}"),
        failing=[lambda: source("nobody.jsonl").check(), lambda: source("list.jsonl").check()],
        grown=grown,
        schema=False,
    )


def json_specimen(folder: Path) -> Specimen:
    """Two files that hold the list under a key, behind other things; one is pretty-printed."""
    people: Placed = []
    for file, group in enumerate(SPLIT):
        values = [*map(as_json, group), 7]
        around = {"exported": {"users": ["no"], "at": "2020"}, "users": values, "end": [1]}
        (folder / f"users-{file}.json").write_text(json.dumps(around, indent=file or None), encoding="utf-8")
        people += [(1 + number, file, person) for number, person in enumerate(group)]
    unreadable = [(HALF + 1, file, "line_malformed") for file in (0, 1)]

    def source(path: str = "users-*.json", block: int = 64, records: str | None = "users") -> Source:
        return JsonSource(JsonSettings(path=path, records=records), folder, block_bytes=block)

    def grown(size: int) -> Source:
        (folder / "grown.json").write_text(json.dumps(grown_people(size)))
        return source("grown.json", 1024, None)

    whole = (folder / "users-0.json").read_text()
    (folder / "cut.json").write_text(whole[: whole.index("Beispiel") + 3])
    return Specimen(
        source,
        people,
        unreadable=unreadable,
        change=append(folder / "users-1.json", b" "),
        failing=[
            lambda: source("nobody.json").check(),
            lambda: list(source("cut.json").pages(["id"])),
            lambda: source(records=None).check(),
            lambda: source(records="user").check(),
        ],
        grown=grown,
        schema=False,
    )


def parquet_specimen(folder: Path) -> Specimen:
    people: Placed = []
    for file, group in enumerate(SPLIT):
        written = [{**person, "note": person["note"] or ""} for person in group]
        people += [(1 + number, file, person) for number, person in enumerate(written)]
        rows = [{**person, "note": str(person["note"]).encode()} for person in written]
        rows.append({**rows[0], "id": "bad", "note": b"\xff"})
        frame = pl.DataFrame(rows, schema_overrides={"note": pl.Binary})
        frame.write_parquet(folder / f"users-{file}.parquet", row_group_size=3)
    unreadable = [(HALF + 1, file, "line_undecodable") for file in (0, 1)]

    def source(path: str = "users-*.parquet", rows: int = 3) -> Source:
        return ParquetSource(ParquetSettings(path=path), folder, page_rows=rows)

    def grown(size: int) -> Source:
        pl.DataFrame(grown_people(size)).write_parquet(folder / "grown.parquet")
        return source("grown.parquet", 50)

    whole = (folder / "users-0.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    return Specimen(
        source,
        people,
        unreadable=unreadable,
        change=lambda: pl.DataFrame(PEOPLE[:3]).write_parquet(folder / "users-1.parquet"),
        failing=[
            lambda: source("nobody.parquet").check(),
            lambda: source("cut.parquet").check(),
            lambda: list(source().pages(["nmae"])),
        ],
        grown=grown,
    )


def xlsx_specimen(folder: Path) -> Specimen:
    """Two files whose second sheet holds the people, an empty row and one with a cell too many."""
    people: Placed = []
    for file, group in enumerate(SPLIT):
        book = openpyxl.Workbook()
        sheet = book.create_sheet("people")
        sheet.append(FIELDS)
        for line, person in enumerate(group, 2):
            for at, name in enumerate(FIELDS, 1):
                cell = sheet.cell(line, at, person[name] or None)
                cell.data_type = "s" if person[name] else "n"  # also where it looks like a formula
        for at, cell in enumerate(("a", "b", "c", "d", "too much"), 1):
            sheet.cell(HALF + 3, at, cell)
        people += [
            (2 + number, file, {k: v or None for k, v in one.items()}) for number, one in enumerate(group)
        ]
        book.save(folder / f"users-{file}.xlsx")
    unreadable = [(HALF + 3, file, "line_ragged") for file in (0, 1)]

    def source(path: str = "users-*.xlsx", rows: int = 2, sheet: str | None = "people") -> Source:
        return XlsxSource(XlsxSettings(path=path, sheet=sheet), folder, page_rows=rows)

    def grown(size: int) -> Source:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("people")
        for row in (FIELDS, *(person.values() for person in grown_people(size))):
            sheet.append(tuple(row))
        book.save(folder / "grown.xlsx")
        return source("grown.xlsx", 50)

    whole = (folder / "users-0.xlsx").read_bytes()
    (folder / "cut.xlsx").write_bytes(whole[: len(whole) // 2])
    return Specimen(
        source,
        people,
        unreadable=unreadable,
        change=append(folder / "users-1.xlsx", b"x"),
        failing=[
            lambda: source("nobody.xlsx").check(),
            lambda: source("cut.xlsx").check(),
            lambda: source(sheet="peoples").check(),
            lambda: source(sheet=None).check(),
            lambda: list(source().pages(["nmae"])),
        ],
        grown=grown,
    )


SPECIMENS: dict[str, Callable[[Path], Specimen]] = {
    "auth0": auth0_specimen,
    "auth0_export": auth0_export_specimen,
    "cognito": cognito_specimen,
    "csv": csv_specimen,
    "dynamodb": dynamodb_specimen,
    "entra": entra_specimen,
    "firebase": firebase_specimen,
    "firebase_export": firebase_export_specimen,
    "json": json_specimen,
    "jsonl": jsonl_specimen,
    "ldap": ldap_specimen,
    "okta": okta_specimen,
    "keycloak": keycloak_specimen,
    "keycloak_export": keycloak_export_specimen,
    "parquet": parquet_specimen,
    "rest": rest_specimen,
    "scim": scim_specimen,
    "sql": sql_specimen,
    "xlsx": xlsx_specimen,
}
"""A specimen for each registered kind; a kind without one fails ``test_sources.py``."""
