"""The audit of dependencies finds what is known, and fails for that alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.audit import PINNED, audit
from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from pathlib import Path


class Advisories(ApiServer):
    """Knows one vulnerability, of one version of one package; answers as OSV's `/v1/query` does."""

    def answer(self, request: Request) -> Reply:
        asked = request.json()
        if (asked["package"]["name"], asked["version"]) != ("old-one", "1.0"):
            return Reply({})
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]
        affected = [{"package": {"ecosystem": "PyPI", "name": "old-one"}, "ranges": ranges}]
        known = {"id": "OSV-0000-1", "summary": "It breaks.", "modified": "2026-01-01T00:00:00Z"}
        return Reply({"vulns": [known | {"affected": affected}]})


def asked(folder: Path, url: str, *pinned: str) -> tuple[bool, str]:
    listed = folder / "constraints.txt"
    listed.write_text("\n".join(pinned) + "\n")
    return audit(listed, "--osv-url", f"{url}/v1/query", "--cache-dir", str(folder / "cache"))


def test_a_known_vulnerability_fails_and_says_what_mends_it(tmp_path: Path) -> None:
    with Advisories() as known:
        good, told = asked(tmp_path, known.url, "old-one==1.0", "new-one==1.0")
    assert not good
    assert "old-one 1.0: OSV-0000-1; mended in 1.1" in told
    assert "new-one" not in told


def test_packages_of_which_nothing_is_known_are_fine(tmp_path: Path) -> None:
    with Advisories() as known:
        assert asked(tmp_path, known.url, "old-one==1.1", "new-one==1.0") == (
            True, "Vulnerabilities: none is known of 2 packages."
        )  # fmt: skip


def test_a_database_that_cannot_be_reached_is_told_and_no_failure(tmp_path: Path) -> None:
    good, told = asked(tmp_path, "http://127.0.0.1:9", "new-one==1.0")
    assert good
    assert "cannot be reached" in told


def test_a_list_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    with Advisories() as known:
        good, told = asked(tmp_path, known.url, "new-one>=1.0")
    assert not good
    assert "pip-audit failed" in told


def test_every_line_of_the_constraints_is_a_package_with_one_version() -> None:
    lines = PINNED.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!+-]+", line)] == []
    assert lines == sorted(set(lines), key=str.lower)
