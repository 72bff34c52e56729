"""Files in S3, against a server on loopback."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from connectors.aws import client
from connectors.errors import ConfigurationError, SourceError
from connectors.sources.csv_files import CsvSettings, CsvSource
from connectors.sources.files import find_files, fingerprint
from connectors.sources.parquet_files import ParquetSettings, ParquetSource
from connectors.sources.s3_files import PatientS3
from connectors.sources.streams import Bytes
from tests.servers.moto import MotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from connectors.records import Page


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = MotoServer()
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    made = client("s3")
    made.create_bucket(Bucket="export", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield made
    for item in made.list_objects_v2(Bucket="export").get("Contents", []):
        made.delete_object(Bucket="export", Key=item["Key"])
    made.delete_bucket(Bucket="export")


def put(s3: S3Client, **objects: bytes) -> None:
    for name, content in objects.items():
        s3.put_object(Bucket="export", Key=name.replace("__", "/").replace("_", "."), Body=content)


def people(first: int, last: int) -> bytes:
    return b"id,name\n" + b"".join(b"%d,user%d\n" % (number, number) for number in range(first, last))


def ids(pages: Sequence[Page]) -> list[str]:
    return [text for page in pages for text in page.rows["id"]]


def csv(path: str, folder: Path, block: int = 1000) -> CsvSource:
    return CsvSource(CsvSettings(path=path), folder, block_bytes=block)


def test_a_pattern_reads_objects_by_name_and_goes_on_from_any_page(s3: S3Client, tmp_path: Path) -> None:
    put(
        s3,
        p__b_csv_gz=gzip.compress(people(300, 500)),
        p__a_csv=people(0, 300),
        p__x__c_csv=people(0, 9),
        p__n_txt=b"",
    )
    made = csv("s3://export/p/*.csv*", tmp_path)
    assert [file.name for file in made.files()] == ["s3://export/p/a.csv", "s3://export/p/b.csv.gz"]
    pages = list(made.pages(["id"]))
    assert ids(pages) == [str(number) for number in range(500)]
    assert pages[-1].done == 1.0
    for at in (0, 2, len(pages) - 2):
        assert ids(pages[: at + 1] + list(made.pages(["id"], pages[at].cursor))) == ids(pages)


def test_two_stars_cross_folders(s3: S3Client, tmp_path: Path) -> None:
    put(s3, p__a_csv=b"", p__x__y__c_csv=b"")
    assert len(find_files("s3://export/p/**.csv", tmp_path)) == 2


def test_more_objects_than_one_listing_holds_are_all_found(s3: S3Client) -> None:
    put(s3, **{f"k{number:03d}_csv": b"" for number in range(25)})

    class Stingy(PatientS3):
        def list_objects_v2(self, **request: str) -> dict[str, Any]:
            return self._ask("ListObjectsV2", lambda **more: s3.list_objects_v2(**more, MaxKeys=10), request)

    from connectors.sources.s3_files import find_objects  # noqa: PLC0415 - only here

    assert len(list(find_objects("s3://export/k*", Stingy(s3)))) == 25


def test_going_on_asks_only_for_the_rest(s3: S3Client, tmp_path: Path) -> None:
    put(s3, u_csv=people(0, 20_000))
    made = csv("s3://export/u.csv", tmp_path, block=100_000)
    pages = list(made.pages(["id"]))
    (file,) = made.files()
    place = pages[-2].cursor["offset"]
    with Bytes(file) as stream:
        stream.peek(100)
        stream.skip(int(place))
        assert len(stream.read(1 << 30)) == file.size - int(place)


def test_an_empty_object_is_an_empty_file(s3: S3Client, tmp_path: Path) -> None:
    put(s3, u_csv=b"")
    with pytest.raises(SourceError, match=r"s3://export/u\.csv is empty"):
        csv("s3://export/u.csv", tmp_path).check()


def test_a_fingerprint_sees_a_new_object(s3: S3Client, tmp_path: Path) -> None:
    put(s3, u_csv=people(0, 9))
    before = fingerprint(find_files("s3://export/u.csv", tmp_path))
    assert fingerprint(find_files("s3://export/u.csv", tmp_path)) == before
    put(s3, u_csv=people(1, 10))
    assert fingerprint(find_files("s3://export/u.csv", tmp_path)) != before


def test_parquet_in_s3_is_read_and_leaves_no_file_behind(
    s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    frame = io.BytesIO()
    pl.DataFrame({"id": range(100)}).write_parquet(frame)
    put(s3, u_parquet=frame.getvalue())
    made = ParquetSource(ParquetSettings(path="s3://export/u.parquet"), tmp_path, page_rows=30)
    assert made.count() == 100
    pages = list(made.pages(["id"]))
    assert ids(pages) == [str(number) for number in range(100)]
    assert list(tmp_path.iterdir()) == []


def test_what_parquet_in_s3_holds_is_told_by_its_end_alone(
    s3: S3Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many large files it would take hours to fetch them whole."""
    frame = io.BytesIO()
    pl.DataFrame({"id": range(100)}).write_parquet(frame)
    put(s3, a_parquet=frame.getvalue(), b_parquet=b"no", c_parquet=b"no Parquet file of any kind")
    monkeypatch.setattr("connectors.sources.streams.Bytes", None)  # copies a file whole
    made = ParquetSource(ParquetSettings(path="s3://export/a.parquet"), tmp_path)
    assert (made.fields(), made.count()) == (["id"], 100)
    made.check_fields(["id"])
    for name in "bc":
        with pytest.raises(SourceError, match=f"{name}.parquet is no Parquet file"):
            ParquetSource(ParquetSettings(path=f"s3://export/{name}.parquet"), tmp_path).check()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("s3://export/nobody.csv", r"s3://export/nobody\.csv does not exist"),
        ("s3://export/nobody*", r"No file matches 's3://export/nobody\*'"),
        ("s3://nowhere/x*", "is in a bucket that does not exist"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_what_is_not_there_is_named(url: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=complaint):
        find_files(url, tmp_path)


@pytest.mark.parametrize("url", ["s3://", "s3://bucket", "s3://bucket/", "s3:///key"])
def test_an_address_without_bucket_or_key_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no address of an object"):
        find_files(url, tmp_path)


def test_an_object_that_changes_while_it_is_read_is_noticed(s3: S3Client, tmp_path: Path) -> None:
    """Half of the old and half of the new export would be a third one that nobody wrote."""
    put(s3, u_csv=people(0, 9))
    (file,) = find_files("s3://export/u.csv", tmp_path)
    put(s3, u_csv=people(5, 14))
    with Bytes(file) as stream, pytest.raises(SourceError, match="changed while it was being read"):
        stream.read(10)


class Scripted:
    """An S3 client whose calls answer as they are told."""

    def __init__(self, *answers: Exception | dict[str, Any]) -> None:
        self.answers = list(answers)

    def head_object(self, **_: str) -> dict[str, Any]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "secret"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r"},
    }
    return ClientError(answer, "HeadObject")


def ask(*answers: Exception | dict[str, Any]) -> tuple[dict[str, Any], list[float]]:
    pauses: list[float] = []
    patient = PatientS3(Scripted(*answers), pauses.append)  # type: ignore[arg-type]
    return patient.head_object(Bucket="b", Key="k"), pauses


def test_passing_faults_are_waited_out_by_the_one_policy() -> None:
    connect = EndpointConnectionError(endpoint_url="x")
    timed_out = ReadTimeoutError(endpoint_url="x")
    answer, pauses = ask(
        refusal("SlowDown", 503), connect, timed_out, refusal("InternalError", 500), {"ETag": "1"}
    )
    assert answer == {"ETag": "1"}
    assert len(pauses) == 4


def test_faults_that_do_not_pass_stop_the_source() -> None:
    with pytest.raises(SourceError, match="HeadObject of s3://b/k: gave up after 8 tries"):
        ask(*[refusal("SlowDown", 503)] * 8)


def test_a_refusal_stops_at_once_and_says_what_to_mend() -> None:
    with pytest.raises(
        SourceError, match=r"failed with AccessDenied \(request r\)\. Allow it in the IAM"
    ) as caught:
        ask(refusal("AccessDenied", 403))
    assert "secret" not in str(caught.value)
