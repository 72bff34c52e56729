"""``kind: sql`` on real servers: every page size, parallel stretches, lists, changes, refusals."""

from __future__ import annotations

import json
import os
import socket
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from connectors.errors import RetryError, SourceError
from connectors.sources import sql_source, sql_waiting
from connectors.sources.sql_source import SqlSettings, SqlSource

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

pytestmark = pytest.mark.system

PEOPLE = 1_000


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest) -> str:
    """A database with 1,000 people, every third in a group, with a column of each usual type."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    engine = create_engine(found)
    many = request.param == "postgresql"
    key = "uuid PRIMARY KEY" if many else "char(36) PRIMARY KEY"
    stamp = "timestamptz" if many else "datetime"
    _run(
        engine,
        "DROP TABLE IF EXISTS people", "DROP TABLE IF EXISTS members",
        f"CREATE TABLE people (id {key}, nr integer UNIQUE NOT NULL, email varchar(200), active boolean, "
        f"born date, balance decimal(30,10), moved {stamp})",
        "CREATE TABLE members (person integer, name varchar(50))",
    )  # fmt: skip
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO people VALUES (:id, :nr, :email, :active, '1990-02-03', :balance, :moved)"),
            [_person(number) for number in range(PEOPLE)],
        )
        connection.execute(
            text("INSERT INTO members VALUES (:nr, :name)"),
            [{"nr": nr, "name": name} for nr in range(0, PEOPLE, 3) for name in ("staff", 'a "b", c')],
        )
    engine.dispose()
    return found


def _person(number: int) -> dict[str, Any]:
    return {
        "id": f"{(number * 7919) % PEOPLE:08d}-0000-4000-8000-000000000000",
        "nr": number,
        "email": f"u{number}@example.com" if number % 2 else None,
        "active": bool(number % 2),
        "balance": Decimal("0.0000000001"),
        "moved": f"2026-01-{1 + number % 28:02d} 00:00:00",
    }


def _run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def source(url: str, folder: Path, **more: object) -> SqlSource:
    given = {"url": url, **({} if "query" in more else {"table": "people"}), "page_rows": 150, **more}
    return SqlSource(SqlSettings.model_validate(given), folder, sleep=lambda _: None)


def read(one: SqlSource, *fields: str) -> list[tuple[Any, ...]]:
    return [row[2:] for page in one.pages(fields) for row in page.rows.iter_rows()]


@pytest.mark.parametrize("parallel", [1, 4])
def test_stopping_after_any_page_loses_nobody_and_repeats_nobody(
    url: str, tmp_path: Path, parallel: int
) -> None:
    one = source(url, tmp_path, parallel=parallel)
    pages = list(one.pages(["id"]))
    everybody = sorted(row for page in pages for row in page.rows["id"])
    assert everybody == sorted(_person(number)["id"] for number in range(PEOPLE))
    assert len(pages) >= 7
    for stop in (1, len(pages) // 2, len(pages)):
        cursor = json.loads(json.dumps(pages[stop - 1].cursor))
        rest = [
            row
            for page in source(url, tmp_path, parallel=parallel).pages(["id"], cursor)
            for row in page.rows["id"]
        ]
        before = [row for page in pages[:stop] for row in page.rows["id"]]
        assert sorted(before + rest) == everybody


def test_values_of_every_type_arrive_as_text(url: str, tmp_path: Path) -> None:
    rows = read(source(url, tmp_path, key="nr"), "nr", "email", "active", "born", "balance")
    true = "true" if url.startswith("postgresql") else "1"
    assert rows[1] == ("1", "u1@example.com", true, "1990-02-03", "0.0000000001")
    assert rows[2][1] is None


def test_groups_come_by_a_query_of_their_own(url: str, tmp_path: Path) -> None:
    lists = {"groups": {"query": "SELECT person, name FROM members", "user": "person", "value": "name"}}
    rows = read(source(url, tmp_path, key="nr", lists=lists), "groups", "nr")
    assert [json.loads(groups) for groups, _ in rows[:4]] == [
        ['a "b", c', "staff"],
        [],
        [],
        ['a "b", c', "staff"],
    ]
    assert len(rows) == PEOPLE


def test_a_query_stands_for_a_table(url: str, tmp_path: Path) -> None:
    one = source(url, tmp_path, query="SELECT nr AS id, email FROM people WHERE nr < 10;", key="id")
    assert one.count() == 10
    assert one.fields() == ["id", "email"]
    assert [row[0] for row in read(one, "id")] == [str(number) for number in range(10)]


def test_only_what_changed_since_a_watermark_is_read(url: str, tmp_path: Path) -> None:
    one = source(url, tmp_path, key="nr", updated_at="moved")
    mark = json.loads(json.dumps(one.watermark()))
    assert [page.rows.height for page in one.changed(["nr"], mark)] == [PEOPLE // 28]
    engine = create_engine(url)
    _run(engine, "UPDATE people SET moved = '2026-02-01 00:00:00' WHERE nr IN (5, 6)")
    found = [row for page in one.changed(["nr"], one.watermark() or {}) for row in page.rows["nr"]]
    _run(engine, "UPDATE people SET moved = '2026-01-06 00:00:00' WHERE nr IN (5, 6)")
    engine.dispose()
    assert found == ["5", "6"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"table": "poeple"}, "names in source.table"),
        ({"key": "email"}, "does not name every user"),
        ({"key": "emial"}, "Did you mean 'email'"),
        ({"query": "SELEC 1", "table": None, "key": "a"}, "names in source.table"),
    ],
)
def test_a_wrong_name_is_told_without_a_value(
    url: str, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        source(url, tmp_path, **{key: value for key, value in more.items() if value}).check()
    assert "@example.com" not in str(caught.value)


def test_a_database_that_is_away_is_asked_again_and_a_login_that_is_refused_is_not(
    url: str, tmp_path: Path
) -> None:
    here = make_url(url)
    away = here.set(port=1).render_as_string(hide_password=False)
    with pytest.raises(RetryError, match="gave up after 8 tries"):
        source(away, tmp_path).check()
    nobody = here.set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(SourceError, match="Check user, password and database"):
        source(nobody, tmp_path).check()


ODD_TIMES = "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'12026-01-01'"


def test_times_that_python_has_no_value_for_arrive_as_the_database_writes_them(
    postgresql_url: str, tmp_path: Path
) -> None:
    told = ", ".join(f"({nr}, {odd}, {odd}, {odd})" for nr, odd in enumerate((*ODD_TIMES, "'2026-01-02'")))
    types = "nr integer PRIMARY KEY, day date, moment timestamp, moved timestamptz"
    engine = create_engine(postgresql_url)
    rows = f"INSERT INTO odd VALUES {told}"  # noqa: S608 - texts of this file
    _run(engine, "DROP TABLE IF EXISTS odd", f"CREATE TABLE odd ({types})", rows)
    engine.dispose()
    one = source(postgresql_url, tmp_path, table="odd", updated_at="moved", page_rows=2)
    found = read(one, "day", "moment", "moved")
    assert [row[0] for row in found] == [
        "infinity",
        "-infinity",
        "0044-03-15 BC",
        "12026-01-01",
        "2026-01-02",
    ]
    assert [row[1] for row in found][2:] == [
        "0044-03-15 00:00:00 BC",
        "12026-01-01 00:00:00",
        "2026-01-02T00:00:00",
    ]
    assert found[0][2] == "infinity"
    assert found[4][2].startswith("2026-01-02T00:00:00")


def test_without_that_one_such_time_would_hide_everybody(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_source, "lenient", lambda engine: engine)
    query = "SELECT 1 AS nr, timestamptz 'infinity' AS moved UNION ALL SELECT 2, now()"
    with pytest.raises(SourceError):
        read(source(postgresql_url, tmp_path, query=query, key="nr"), "moved")


@pytest.mark.parametrize("told", ["infinity", "12026-01-01"])
def test_nobody_is_passed_over_for_a_last_change_without_end(
    postgresql_url: str, tmp_path: Path, told: str
) -> None:
    """Behind such a watermark no later delta run would find anybody."""
    engine = create_engine(postgresql_url)
    _run(
        engine,
        "DROP TABLE IF EXISTS endless",
        "CREATE TABLE endless (nr integer PRIMARY KEY, moved timestamp)",
        f"INSERT INTO endless VALUES (1, '{told}')",  # noqa: S608 - same
    )
    engine.dispose()
    with pytest.raises(SourceError, match=r"source\.updated_at") as caught:
        source(postgresql_url, tmp_path, table="endless", updated_at="moved").watermark()
    assert told not in str(caught.value)


def test_days_that_are_none_arrive_as_mariadb_writes_them(mariadb_url: str, tmp_path: Path) -> None:
    """The default of WordPress's `user_registered`."""
    engine = create_engine(mariadb_url)
    _run(
        engine,
        "SET sql_mode = ''",
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd (nr integer PRIMARY KEY, moment datetime, day date)",
        "INSERT INTO odd VALUES (1, '0000-00-00 00:00:00', '2026-00-00'), (2, '2026-01-02 03:04:05', NULL)",
    )
    engine.dispose()
    assert read(source(mariadb_url, tmp_path, table="odd"), "moment", "day") == [
        ("0000-00-00 00:00:00", "2026-00-00"),
        ("2026-01-02T03:04:05", None),
    ]


@pytest.mark.parametrize("key", ["nr", "bits", "uid"])
def test_bits_of_mariadb_are_numbers_and_its_binary_uuids_are_uuids(
    mariadb_url: str, tmp_path: Path, key: str
) -> None:
    """The one would be control characters, and the others would hide everybody."""
    engine = create_engine(mariadb_url)
    uuids = [f"{nr:02x}414243-4445-4647-8041-42434445464{nr % 10}" for nr in range(250, 256)]
    rows = ", ".join(
        f"({nr}, b'{nr % 2}', {300 + nr}, unhex('{uid.replace('-', '')}'), 'x', 'y')"
        for nr, uid in enumerate(uuids)
    )
    _run(
        engine,
        "DROP TABLE IF EXISTS odd",
        "CREATE TABLE odd (nr integer PRIMARY KEY, active bit(1), bits bit(12) UNIQUE NOT NULL, "
        "uid binary(16) UNIQUE NOT NULL, code char(16) CHARACTER SET latin1, plain varbinary(16))",
        f"INSERT INTO odd VALUES {rows}",  # noqa: S608 - texts of this file
    )
    engine.dispose()
    expected = [(str(nr % 2), str(300 + nr), uid, "x", "y") for nr, uid in enumerate(uuids)]
    for more in ({"table": "odd"}, {"query": "SELECT * FROM odd", "parallel": 2}):
        one = source(mariadb_url, tmp_path, key=key, page_rows=2, **more)
        assert sorted(read(one, "active", "bits", "uid", "code", "plain"), key=lambda row: row[1]) == expected


def test_a_query_that_is_cut_off_by_a_limit_of_time_is_told_as_that(url: str, tmp_path: Path) -> None:
    many = url.startswith("postgresql")
    limit = "?options=-cstatement_timeout%3D50" if many else "&init_command=SET max_statement_time%3D0.05"
    query = f"SELECT 1 AS nr, {'CAST(pg_sleep(1) AS text)' if many else 'sleep(1)'} AS slept"
    with pytest.raises(RetryError, match="raise the limit of time") as caught:
        read(source(f"{url}{limit}", tmp_path, query=query, key="nr"), "slept")
    assert "Check the names" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nr, email FROM people -- everybody",
        "SELECT nr, email, ' :x :nr 12:30' AS said FROM people WHERE email <> ':u'",
    ],
)
def test_comments_and_colons_in_a_query_are_left_to_the_database(
    url: str, tmp_path: Path, query: str
) -> None:
    one = source(url, tmp_path, query=query, key="nr")
    one.check()
    assert len(read(one, *one.fields())) in (PEOPLE, PEOPLE // 2)
    if "said" in query:
        assert {row[0] for row in read(one, "said")} == {" :x :nr 12:30"}


def test_numbers_in_json_arrive_as_the_database_writes_them(postgresql_url: str, tmp_path: Path) -> None:
    told = '{"a": 1.10, "b": 12345678901234567890.12345678901, "c": [1e400, true, null, "é"]}'
    query = (
        f"SELECT 1 AS nr, json '{told}' AS plain, jsonb '{{\"a\": 1.10}}' AS packed, jsonb '0.50' AS number, "
        f"json 'null' AS nothing, jsonb '\"a\"' AS said, ARRAY[json '{{\"a\": 1.10}}', NULL] AS several, "
        f"ARRAY[1, NULL, 2] AS whole, ARRAY[0.5, 2.0]::float[] AS rough, ARRAY[1.50] AS exact, "
        "ARRAY[true] AS yes"
    )
    (found,) = read(
        source(postgresql_url, tmp_path, query=query, key="nr"),
        "plain", "packed", "number", "nothing", "said", "several", "whole", "rough", "exact", "yes",
    )  # fmt: skip
    assert found == (
        '{"a":1.10,"b":12345678901234567890.12345678901,"c":[1e400,true,null,"é"]}', '{"a":1.10}', "0.50",
        None, "a", '[{"a":1.10},null]', "[1,null,2]", "[0.5,2.0]", '["1.50"]', "[true]",
    )  # fmt: skip


def test_a_network_that_is_gone_is_noticed_and_a_slow_query_is_waited_for(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_waiting, "CONNECTING", 2)
    many = url.startswith("postgresql")
    slept = "CAST(pg_sleep(3) AS text)" if many else "sleep(3)"
    one = source(url, tmp_path, query=f"SELECT 1 AS nr, {slept} AS slept", key="nr")
    assert len(read(one, "slept")) == 1
    with one.engine.connect() as connection:
        own: Any = connection.connection.driver_connection
        if not many:
            assert own._read_timeout == sql_waiting.ANSWERING
            return
        with socket.socket(fileno=os.dup(own.fileno())) as opened:
            assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
            assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


def test_bounds_that_a_url_names_are_kept() -> None:
    told = make_url("postgresql+psycopg://db/app?connect_timeout=5&tcp_user_timeout=9000")
    assert dict(sql_waiting.bounded(told).query) == {
        "connect_timeout": "5", "tcp_user_timeout": "9000", "keepalives_idle": "60",
        "keepalives_interval": "15", "keepalives_count": "4",
    }  # fmt: skip
