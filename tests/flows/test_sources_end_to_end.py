"""The same people in every kind of file end the same way, with the same attributes in the pool."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import polars as pl
import pytest
import zstandard

from connectors.errors import ConfigurationError
from tests.flows.journeys import (
    CREATED,
    DEFERRED,
    IMPORTED,
    QUICK,
    Journey,
    hold,
    lead_to,
    make_pool,
    rejected,
    text_attribute,
    travel,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from connectors.cognito.sandbox import Sandbox
    from tests.flows.conftest import Pool

Record = dict[str, Any]

BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
MAPPING: dict[str, Any] = {
    "username": {"from": "id"},
    "attributes": {
        "email": {"from": "emails[0].value", "then": ["trim", "lower"]},
        "email_verified": {"from": "emails[0].verified", "as": "boolean", "default": False},
        "name": {"template": "{name.first} {name.last}"},
        "birthdate": {"from": "born", "as": {"date": "iso"}},
        "custom:plan": {"from": "app_metadata.plan"},
    },
    "password_hash": {"from": "pw"},
    "groups": {"from": "roles"},
    "enabled": {"from": "active", "as": "boolean", "default": True},
}


def record(number: int, **changes: Any) -> Record:
    """One invented user as a nested record; number and all of it are the same in every format."""
    return {
        "id": f"00{number:03d}",
        "emails": [{"value": f" User{number}@example.com", "verified": True}],
        "name": {"first": "Zoë", "last": f"Müßig, {number}"},
        "born": "1990-02-03",
        "app_metadata": {"plan": "gold" if number % 2 else None},
        "pw": None,
        "roles": [],
        "active": True,
    } | changes


SPECIAL: dict[int, tuple[Record, tuple[str, str | None]]] = {
    5: ({"emails": [{"value": "no address", "verified": True}]}, rejected("email_invalid")),
    9: ({"emails": [{"value": "nine@example.com", "verified": False}]}, CREATED),
    13: ({"pw": BCRYPT}, IMPORTED),
    17: ({"pw": "{SSHA}c29t"}, DEFERRED),
    21: ({"id": "00020"}, rejected("duplicate_username")),
    25: ({"name": {"first": 'The "quoted"', "last": "of\ntwo; lines"}}, CREATED),
    29: ({"active": False, "pw": BCRYPT}, IMPORTED),
    33: ({"roles": ["admin", "staff"]}, IMPORTED),
    37: ({"id": None}, rejected("username_missing")),
}
PEOPLE = [record(n, **SPECIAL[n][0]) if n in SPECIAL else record(n) for n in range(40)]
ENDS = [SPECIAL[n][1] if n in SPECIAL else IMPORTED for n in range(40)]


def flat(person: Record) -> dict[str, str]:
    """A record as a line of a table: the columns are called like the paths."""
    (email,) = person["emails"]
    values = {
        "id": person["id"],
        "emails[0].value": email["value"],
        "emails[0].verified": email["verified"],
        "name.first": person["name"]["first"],
        "name.last": person["name"]["last"],
        "born": person["born"],
        "app_metadata.plan": person["app_metadata"]["plan"],
        "pw": person["pw"],
        "roles": json.dumps(person["roles"]),
        "active": person["active"],
    }
    return {name: "" if value is None else str(value) for name, value in values.items()}


def as_csv(people: Sequence[Record], **dialect: Any) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(flat(PEOPLE[0])), lineterminator="\n", **dialect)
    writer.writeheader()
    writer.writerows(flat(person) for person in people)
    return text.getvalue().encode()


def as_jsonl(people: Sequence[Record]) -> bytes:
    return "".join(json.dumps(person, ensure_ascii=False) + "\n" for person in people).encode()


def as_json(people: Sequence[Record]) -> bytes:
    return json.dumps(list(people), indent=1).encode()


def as_json_under_a_key(people: Sequence[Record]) -> bytes:
    return json.dumps({"total": len(people), "result": {"users": list(people)}}).encode()


def as_parquet(people: Sequence[Record]) -> bytes:
    file = io.BytesIO()
    frame = pl.DataFrame(list(people), infer_schema_length=None)
    frame.with_columns(pl.col("born").str.to_date()).write_parquet(file)
    return file.getvalue()


FORMATS: dict[str, tuple[Callable[[Sequence[Record]], bytes], dict[str, str]]] = {
    "csv": (as_csv, {"kind": "csv"}),
    "jsonl": (as_jsonl, {"kind": "jsonl"}),
    "json": (as_json, {"kind": "json"}),
    "json under a key": (as_json_under_a_key, {"kind": "json", "records": "result.users"}),
    "parquet": (as_parquet, {"kind": "parquet"}),
}


def put_in_s3(name: str, content: bytes, folder: Path) -> str:
    """Lay a file into a bucket of the local Cognito's own S3; returns what ``path`` says."""
    del folder
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="exports")
    s3.put_object(Bucket="exports", Key=f"today/{name}", Body=content)
    return f"s3://exports/today/{name}"


def lay(name: str, content: bytes, folder: Path) -> str:
    """Lay a file beside the run file."""
    (folder / name).write_bytes(content)
    return name


PLACES: dict[str, Callable[[str, bytes, Path], str]] = {
    "plain": lay,
    "gz": lambda name, content, folder: lay(f"{name}.gz", gzip.compress(content), folder),
    "zst": lambda name, content, folder: lay(f"{name}.zst", zstandard.compress(content), folder),
    "s3": put_in_s3,
    "gz in s3": lambda name, content, folder: put_in_s3(f"{name}.gz", gzip.compress(content), folder),
}


@pytest.fixture
def pool(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    lead_to(sandbox, monkeypatch)
    return make_pool(sandbox, tmp_path, Schema=[text_attribute("plan")])


def carry(pool: Pool, source: dict[str, Any], **changes: Any) -> Journey:
    """Migrate what a source holds, and hold the run to its promises."""
    journey = travel(pool.run_file([], source=source, mapping=MAPPING, jobs=QUICK, **changes))
    hold(journey, pool)
    return journey


def check_people(pool: Pool, journey: Journey) -> None:
    """Verdicts and attributes of ``PEOPLE`` are what they must be."""
    assert journey.ends() == ENDS
    assert journey.verdicts["source_id"].to_list() == [person["id"] for person in PEOPLE]
    found = {
        name: {each["Name"]: each["Value"] for each in user["Attributes"] if each["Name"] != "sub"}
        for name, user in pool.users().items()
    }
    wanted = {
        person["id"]: attributes_of(person)
        for person, end in zip(PEOPLE, ENDS, strict=True)
        if end in (IMPORTED, CREATED)
    }
    assert found == wanted
    assert {name for name, user in pool.users().items() if not user["Enabled"]} == {"00029"}
    members = pool.client.list_users_in_group(UserPoolId=pool.pool_id, GroupName="staff")["Users"]
    assert [user["Username"] for user in members] == ["00033"]


def attributes_of(person: Record) -> dict[str, str]:
    """What the pool must hold of a record, written without any of the code under test."""
    (email,) = person["emails"]
    name = " ".join(f"{person['name']['first']} {person['name']['last']}".split())
    by_hand = ENDS[PEOPLE.index(person)] == CREATED
    plan = person["app_metadata"]["plan"]
    return {
        "email": email["value"].strip().lower(),
        "email_verified": str(email["verified"]).lower(),
        "name": name,
        "birthdate": "1990-02-03" if by_hand else "02/03/1990",
    } | ({"custom:plan": plan} if plan else {})


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(("write", "source"), FORMATS.values(), ids=FORMATS)
def test_every_format_in_every_place(
    pool: Pool,
    write: Callable[[Sequence[Record]], bytes],
    source: dict[str, str],
    place: Callable[[str, bytes, Path], str],
) -> None:
    path = place(f"people.{source['kind']}", write(PEOPLE), pool.folder)
    check_people(pool, carry(pool, {**source, "path": path}))


@pytest.mark.parametrize(("write", "source"), FORMATS.values(), ids=FORMATS)
def test_three_files_by_a_pattern(
    pool: Pool, write: Callable[[Sequence[Record]], bytes], source: dict[str, str]
) -> None:
    """Files are read in the order of their names, compressed or not, and lines are counted in each."""
    parts = [PEOPLE[:14], PEOPLE[14:15], PEOPLE[15:]]
    for number, part in enumerate(parts):
        place = PLACES["gz" if number == 1 else "plain"]
        place(f"part-{number}.{source['kind']}", write(part), pool.folder)
    journey = carry(pool, {**source, "path": f"part-*.{source['kind']}*"})
    check_people(pool, journey)
    if source["kind"] != "csv":
        lines = [number for part in parts for number in range(1, len(part) + 1)]
        assert journey.verdicts["line"].to_list() == lines


def test_another_encoding(pool: Pool) -> None:
    """Nobody guesses an 8-bit encoding; told which one it is, every letter arrives."""
    path = lay("people.csv", as_csv(PEOPLE).decode().encode("cp1252"), pool.folder)
    with pytest.raises(ConfigurationError, match="line 2 has other bytes") as told:
        carry(pool, {"kind": "csv", "path": path})
    assert "cp1252" in told.value.mend
    check_people(pool, carry(pool, {"kind": "csv", "path": path, "encoding": "cp1252"}))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_that_tell_themselves(pool: Pool, encoding: str) -> None:
    path = lay("people.csv", as_csv(PEOPLE).decode().encode(encoding), pool.folder)
    check_people(pool, carry(pool, {"kind": "csv", "path": path}))


@pytest.mark.parametrize(
    ("dialect", "settings"),
    [
        ({"delimiter": ";", "quoting": csv.QUOTE_ALL}, {}),
        ({"delimiter": ";"}, {"delimiter": ";"}),
        ({"delimiter": "\t"}, {"delimiter": "tab"}),
        ({"delimiter": ";", "quotechar": "'"}, {"quote": "'"}),
    ],
    ids=["all quoted", "semicolon", "tab", "apostrophes"],
)
def test_other_dialects(pool: Pool, dialect: dict[str, Any], settings: dict[str, str]) -> None:
    """Quoted quotes, delimiters and line ends are values like all others."""
    path = lay("people.csv", as_csv(PEOPLE, **dialect), pool.folder)
    check_people(pool, carry(pool, {"kind": "csv", "path": path, **settings}))


def lines_of(journey: Journey) -> dict[int, str]:
    """Line → reason of everybody who was rejected."""
    told = journey.verdicts.filter(pl.col("verdict") == "rejected")
    return dict(told.select("line", "reason").iter_rows())


def test_lines_that_are_no_rows_keep_their_line_numbers(pool: Pool) -> None:
    """A quoted line end counts as the line that it is, and each bad line is one rejected user."""
    people = as_csv([record(1, name={"first": "of\ntwo", "last": "lines"}), *PEOPLE[2:5], *PEOPLE[38:]])
    head, first, second, good, *others = people.splitlines(keepends=True)
    undecodable = good.replace("ü".encode(), b"\xfc")
    lines = [
        head,
        first,
        second,
        b"only,three,fields\n",
        good,
        undecodable,
        good.rstrip() + b",more\n",
        *others,
    ]
    path = lay("people.csv", b"".join(lines), pool.folder)
    journey = carry(pool, {"kind": "csv", "path": path})
    assert lines_of(journey) == {4: "line_ragged", 6: "line_undecodable", 7: "line_ragged"}
    assert journey.counts() == {"imported": 6, "rejected": 3}
    assert journey.of("00003")["line"] == 8


def test_a_record_with_a_key_twice_is_rejected_with_its_line(pool: Pool) -> None:
    first, second, *others = as_jsonl(PEOPLE[:5]).splitlines(keepends=True)
    doubled = second.replace(b"{", b'{"id": "00099", ', 1)
    path = lay("people.jsonl", b"".join([first, doubled, *others]), pool.folder)
    journey = carry(pool, {"kind": "jsonl", "path": path})
    assert lines_of(journey) == {2: "line_key_twice"}
    assert journey.counts() == {"imported": 4, "rejected": 1}


def test_lines_that_are_no_objects_keep_their_line_numbers(pool: Pool) -> None:
    good, other, third, *others = as_jsonl(PEOPLE[:5] + PEOPLE[38:]).splitlines(keepends=True)
    lines = [good, b'{"id": \n', b"\n", other, b"[1]\n", third.replace("ë".encode(), b"\xeb"), *others]
    path = lay("people.jsonl", b"".join(lines), pool.folder)
    journey = carry(pool, {"kind": "jsonl", "path": path})
    assert lines_of(journey) == {2: "line_malformed", 5: "line_malformed", 6: "line_undecodable"}
    assert journey.of("00001")["line"] == 4


EMPTY = {
    "csv": (as_csv([]), FORMATS["csv"][1]),
    "jsonl": (b"", FORMATS["jsonl"][1]),
    "json": (b"[]", FORMATS["json"][1]),
    "json under a key": (as_json_under_a_key([]), FORMATS["json under a key"][1]),
    "parquet": (as_parquet(PEOPLE), FORMATS["parquet"][1]),
}


@pytest.mark.parametrize(("content", "source"), EMPTY.values(), ids=EMPTY)
def test_a_source_without_users(pool: Pool, content: bytes, source: dict[str, str]) -> None:
    """An export of nobody is a run that ends well."""
    if source["kind"] == "parquet":
        file = io.BytesIO()
        pl.read_parquet(content).clear().write_parquet(file)
        content = file.getvalue()
    journey = carry(pool, {**source, "path": lay("people", content, pool.folder)})
    assert journey.ends() == []
