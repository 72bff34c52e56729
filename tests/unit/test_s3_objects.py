"""Objects below a prefix: every call waits for S3 by the one policy, and a listing goes on to its end."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from connectors.errors import StopError
from connectors.s3_objects import Objects

if TYPE_CHECKING:
    from pathlib import Path

READ_LOCALLY = """
import sys
from pathlib import Path
from connectors.sources.csv_files import CsvSettings, CsvSource
list(CsvSource(CsvSettings(path="u.csv"), Path(sys.argv[1])).pages(["id"]))
print(sorted({"smart_open", "boto3"} & set(sys.modules)))
"""


class Scripted:
    """An S3 client whose calls answer as they are told; an answer that is an error is raised."""

    def __init__(self, *answers: Exception | dict[str, Any]) -> None:
        self.answers, self.asked = list(answers), list[dict[str, Any]]()

    def _answer(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    get_object = put_object = list_objects_v2 = delete_objects = get_bucket_encryption = _answer


class Broken(io.BytesIO):
    """A body whose download breaks off in the middle."""

    def read(self, _size: int | None = -1) -> bytes:
        if self.tell():
            raise ReadTimeoutError(endpoint_url="x")
        return super().read(3)


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "secret"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r"},
    }
    return ClientError(answer, "GetObject")


def objects(client: Scripted) -> tuple[Objects, list[float]]:
    pauses: list[float] = []
    return Objects(client, "b", "runs", pauses.append), pauses  # type: ignore[arg-type]


def test_a_listing_goes_on_to_its_last_page() -> None:
    pages = [
        {"Contents": [{"Key": "runs/a", "ETag": "1"}], "IsTruncated": True, "NextContinuationToken": "t"},
        refusal("SlowDown", 503),
        {"IsTruncated": True, "NextContinuationToken": "u"},
        {"Contents": [{"Key": "runs/x/b", "ETag": "2"}]},
    ]
    client = Scripted(*pages)
    found, pauses = objects(client)
    assert found.listed() == {"a": "1", "x/b": "2"}
    assert [asked.get("ContinuationToken") for asked in client.asked] == [None, "t", "t", "u"]
    assert len(pauses) == 1


def test_a_download_that_broke_off_begins_anew() -> None:
    found, pauses = objects(
        Scripted({"Body": Broken(b"half of it"), "ETag": "1"}, {"Body": io.BytesIO(b"whole"), "ETag": "2"})
    )
    target = io.BytesIO()
    assert found.fetch("a", target) == "2"
    assert target.getvalue() == b"whole"
    assert len(pauses) == 1


def test_what_is_not_there_is_nothing_to_read_or_fetch() -> None:
    found, _ = objects(Scripted(refusal("NoSuchKey", 404), refusal("NoSuchKey", 404)))
    assert found.read("a") is None
    assert found.fetch("a", io.BytesIO()) is None


def test_a_condition_that_was_not_looked_at_is_tried_again() -> None:
    """409 says that another write was under way, and nothing of the condition."""
    conflict = refusal("ConditionalRequestConflict", 409)
    found, pauses = objects(Scripted(refusal("AccessDenied", 403), conflict, {"ETag": "2"}))
    assert found.put_if("a", b"content", "1") == "2"
    assert len(pauses) == 1
    unmet, _ = objects(Scripted(refusal("AccessDenied", 403), refusal("PreconditionFailed", 412)))
    assert unmet.put_if("a", b"content", "1") is None


def test_faults_that_do_not_pass_stop_the_work_and_say_where() -> None:
    found, pauses = objects(Scripted(*[refusal("SlowDown", 503)] * 8))
    with pytest.raises(StopError, match=r"GetObject below s3://b/runs/: gave up after 8 tries"):
        found.read("a")
    assert len(pauses) == 7


def test_a_reply_that_never_came_says_what_to_do() -> None:
    found, _ = objects(Scripted(*[refusal("InternalError", 500)] * 8))
    with pytest.raises(StopError, match=r"Run the same command again\.") as caught:
        found.read("a")
    assert "secret" not in str(caught.value)


def test_files_of_a_folder_are_read_without_the_libraries_of_s3(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("id\n1\n")
    asked = subprocess.run(
        [sys.executable, "-c", READ_LOCALLY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == "[]"
