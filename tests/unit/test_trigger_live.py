"""An old system is asked instead of a hash: a real token endpoint, a real directory where there is one."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs

import pytest
from ldap3.core.exceptions import LDAPException

from connectors.cognito.trigger.handler import live
from connectors.cognito.trigger.handler.live import HashChecker, HttpGrant, checker
from connectors.cognito.trigger.handler.live_ldap import LdapBind
from connectors.cognito.trigger.handler.store import Person
from tests.servers.slapd import PEOPLE_DN, certificate, person, start_slapd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.slapd import Slapd

PASSWORD = "Old-word-1"  # noqa: S105 - an invented one
VERA = Person("k", "vera", {}, "", 0)


class TokenEndpoint(BaseHTTPRequestHandler):
    """Grants tokens to one person."""

    status: ClassVar[int] = 200
    error: ClassVar[str] = "invalid_grant"
    asked: ClassVar[list[dict[str, list[str]]]] = []

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.asked.append(form)
        good = form["username"] == ["vera"] and form["password"] == [PASSWORD]
        body = json.dumps({"access_token": "t"} if good else {"error": self.error}).encode()
        self.send_response(self.status if self.status != 200 else 200 if good else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def _as_ever() -> None:
    TokenEndpoint.status, TokenEndpoint.error, TokenEndpoint.asked[:] = 200, "invalid_grant", []


@pytest.fixture
def endpoint() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), TokenEndpoint) as server, _serving(server):
        yield f"http://127.0.0.1:{server.server_port}/token"


@contextmanager
def _serving(server: HTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def test_a_token_endpoint_says_whose_password_it_is(endpoint: str) -> None:
    settings = {"kind": "http", "url": endpoint, "client_id": "app"}
    check = checker(settings, {"client_secret": "hush"}, HashChecker({}, ""))
    assert check.fits(VERA, "Vera", PASSWORD)
    assert not check.fits(VERA, "Vera", "wrong")
    assert not check.fits(None, "vera", PASSWORD)  # the table does not know them
    assert TokenEndpoint.asked[0] == {
        "grant_type": ["password"], "username": ["vera"], "password": [PASSWORD],
        "client_id": ["app"], "client_secret": ["hush"],
    }  # fmt: skip


def test_a_broken_endpoint_is_no_wrong_password(endpoint: str) -> None:
    TokenEndpoint.status = 503
    with pytest.raises(HTTPError):
        HttpGrant(endpoint).fits(VERA, "vera", PASSWORD)


@pytest.mark.parametrize("error", sorted(live.MISTAKES))
def test_a_client_that_is_not_let_in_is_no_wrong_password(endpoint: str, error: str) -> None:
    """Everybody would be told so, and nobody of the operators."""
    TokenEndpoint.status, TokenEndpoint.error = 401, error
    with pytest.raises(HTTPError):
        HttpGrant(endpoint).fits(VERA, "vera", "wrong")


def test_without_an_old_system_the_hash_decides() -> None:
    hashed = HashChecker({}, "")
    assert checker(None, {}, hashed) is hashed
    assert not hashed.fits(None, "vera", PASSWORD)


@pytest.fixture(scope="module")
def signed(server_folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that no system knows, and its key."""
    folder = server_folder / "live"
    folder.mkdir()
    return certificate(folder)


@pytest.fixture
def trusted(signed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The zip with that certificate in it."""
    monkeypatch.setattr(live, "AUTHORITIES", tmp_path / "authorities.pem")
    return Path(shutil.copyfile(signed[0], tmp_path / "authorities.pem"))


def test_a_token_endpoint_is_known_by_its_certificate(signed: tuple[Path, Path], trusted: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*signed)
    with HTTPServer(("127.0.0.1", 0), TokenEndpoint) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://localhost:{server.server_port}/token"
        with _serving(server):
            assert HttpGrant(url).fits(VERA, "vera", PASSWORD)
            trusted.unlink()
            asked = len(TokenEndpoint.asked)
            with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
                HttpGrant(url).fits(VERA, "vera", PASSWORD)
    assert len(TokenEndpoint.asked) == asked


BIND = f"uid={{}},{PEOPLE_DN}"


@pytest.fixture(scope="module")
def directory(signed: tuple[Path, Path], server_folder: Path) -> Iterator[Slapd]:
    people = [person("vera", {"userPassword": PASSWORD}), person("without", {})]
    started = start_slapd(server_folder / "live" / "server", people, tls=signed)
    yield started
    started.stop()


@pytest.mark.system
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("way", ["StartTLS", "LDAPS"])
def test_a_directory_says_whose_password_it_is(directory: Slapd, way: str) -> None:
    url = directory.url if way == "StartTLS" else f"ldaps://localhost:{directory.tls_port}"
    bind = checker({"kind": "ldap", "url": url, "bind": BIND}, {}, HashChecker({}, ""))
    assert bind.fits(VERA, "vera", PASSWORD)
    assert not bind.fits(VERA, "vera", "wrong")
    assert not bind.fits(VERA, "vera", "")
    assert not bind.fits(None, "vera", PASSWORD)
    assert not bind.fits(None, "without", PASSWORD)
    assert not bind.fits(Person("k", "vera,dc=example", {}, "", 0), "x", PASSWORD)
    assert " BIND " not in _in_clear(directory)


@pytest.mark.system
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("url", ["ldap://127.0.0.1:{0.port}", "ldaps://127.0.0.1:{0.tls_port}"])
def test_a_directory_that_is_another_gets_no_password(directory: Slapd, url: str) -> None:
    _gets_no_password(directory, url)


@pytest.mark.system
@pytest.mark.parametrize("url", ["ldap://localhost:{0.port}", "ldaps://localhost:{0.tls_port}"])
def test_a_directory_that_nobody_vouches_for_gets_no_password(directory: Slapd, url: str) -> None:
    _gets_no_password(directory, url)


@pytest.mark.system
def test_a_directory_without_encryption_gets_no_password(server_folder: Path) -> None:
    plain = start_slapd(server_folder / "live-plain", [person("vera", {"userPassword": PASSWORD})])
    try:
        _gets_no_password(plain, "ldap://localhost:{0.port}")
    finally:
        plain.stop()


def _gets_no_password(server: Slapd, url: str) -> None:
    """It is an error, no wrong password."""
    binds = server.log.read_text().count(" BIND ")
    with pytest.raises(LDAPException):
        LdapBind(url.format(server), BIND).fits(VERA, "vera", PASSWORD)
    assert server.log.read_text().count(" BIND ") == binds


def _in_clear(server: Slapd) -> str:
    """What the log says of people's connections before they were encrypted."""
    text = server.log.read_text()
    encrypted: set[str] = set()
    lines = []
    for line in text.splitlines():
        (number,) = re.findall(r"conn=(\d+)", line) or [""]
        if "TLS established" in line:
            encrypted.add(number)
        elif number not in encrypted and "cn=admin" not in line:
            lines.append(line)
    return "\n".join(lines)
