"""What a file turns out to be by its beginning, whatever its name says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connectors.errors import SourceError
from connectors.registry import make_source
from connectors.sources.file_scout import scout

if TYPE_CHECKING:
    from collections.abc import Mapping

FIXTURES = Path(__file__).parent.parent / "contracts" / "presets"
USERS = [{"id": "1", "name": 'a "quoted" [{ name'}, {"id": "2", "tags": [{"of": "nobody"}]}]


def found(folder: Path, name: str, content: bytes | str, **told: str) -> Mapping[str, object]:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    kind = "csv" if ".csv" in name else "json"
    return scout({"kind": kind, "path": name, **told}, folder).settings


@pytest.mark.parametrize(
    ("document", "records"),
    [
        ({"users": USERS}, "users"),
        ({"total": 2, "tags": [{"name": "t"}], "data": {"people": USERS}}, "data.people"),
        ({"list": [1, 2], "odd": [[{"a": 1}]], "stuff": USERS}, "stuff"),
        ({"a]b": {"x": 'say "["'}, "Resources": USERS}, "Resources"),
    ],
)
def test_the_list_of_users_in_a_document_is_found_and_can_be_read(
    document: object, records: str, tmp_path: Path
) -> None:
    for text in (json.dumps(document), json.dumps(document, indent=2)):
        settings = found(tmp_path, "a.json", text)
        assert settings == {"records": records}
        source = make_source({"kind": "json", "path": "a.json", **settings}, tmp_path)
        assert [row for page in source.pages(["id"]) for row in page.rows["id"]] == ["1", "2"]


def test_a_list_and_a_table_are_left_as_they_are(tmp_path: Path) -> None:
    assert found(tmp_path, "a.json", json.dumps(USERS)) == {}
    assert found(tmp_path, "a.csv", "id,name\n1,a\n") == {}
    assert found(tmp_path, "b.csv", "") == {}


def test_one_object_a_line_is_told_from_a_document(tmp_path: Path) -> None:
    lines = "".join(f"{json.dumps(user)}\n" for user in USERS)
    assert found(tmp_path, "a.json", lines) == {"kind": "jsonl"}
    assert found(tmp_path, "a.json.gz", gzip.compress(lines.encode())) == {"kind": "jsonl"}


@pytest.mark.parametrize(
    ("fixture", "kind"),
    [
        ("keycloak.json", "keycloak_export"),
        ("firebase.json", "firebase_export"),
        ("firebase.csv", "firebase_export"),
        ("auth0.jsonl", "auth0_export"),
    ],
)
def test_exports_are_known_by_what_is_in_them(fixture: str, kind: str, tmp_path: Path) -> None:
    name = "a.csv" if fixture.endswith(".csv") else "a.json"
    assert found(tmp_path, name, (FIXTURES / fixture).read_bytes()) == {"kind": kind}


def test_a_document_without_users_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no list of objects.*--set records=KEY"):
        found(tmp_path, "a.json", '{"users": {"1": {"name": "a"}}}')
    assert found(tmp_path, "a.json", '{"users": {"1": {"name": "a"}}}', records="users") == {
        "records": "users"
    }


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nobody\.json cannot be read"):
        scout({"kind": "json", "path": "nobody.json"}, tmp_path)
