"""An old system is asked instead of a hash: a real token endpoint, a real directory where there is one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.error import HTTPError
from urllib.parse import parse_qs

import pytest

from connectors.cognito.trigger.handler.live import HashChecker, HttpGrant, LdapBind, checker
from connectors.cognito.trigger.handler.store import Person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "Old-word-1"  # noqa: S105 - an invented one
VERA = Person("k", "vera", {}, "", 0)


class TokenEndpoint(BaseHTTPRequestHandler):
    """Grants tokens to one person."""

    status: ClassVar[int] = 200
    asked: ClassVar[list[dict[str, list[str]]]] = []

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.asked.append(form)
        good = form["username"] == ["vera"] and form["password"] == [PASSWORD]
        body = json.dumps({"access_token": "t"} if good else {"error": "invalid_grant"}).encode()
        self.send_response(self.status if self.status != 200 else 200 if good else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    TokenEndpoint.status, TokenEndpoint.asked[:] = 200, []
    with HTTPServer(("127.0.0.1", 0), TokenEndpoint) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token"
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


def test_without_an_old_system_the_hash_decides() -> None:
    hashed = HashChecker({}, "")
    assert checker(None, {}, hashed) is hashed
    assert not hashed.fits(None, "vera", PASSWORD)


SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {0}/pid
database mdb
directory {0}
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
access to attrs=userPassword by anonymous auth
"""
LDIF = f"""dn: dc=example,dc=com
objectClass: domain
dc: example

dn: uid=vera,dc=example,dc=com
objectClass: inetOrgPerson
uid: vera
cn: Vera
sn: Muster
userPassword: {PASSWORD}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[str]:
    if not os.access(SLAPD, os.X_OK):
        message = "slapd is not installed: apt-get install slapd"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    conf, ldif = tmp_path / "slapd.conf", tmp_path / "people.ldif"
    conf.write_text(CONF.format(tmp_path))
    ldif.write_text(LDIF)
    subprocess.run([SLAPD, "-T", "add", "-f", conf, "-l", ldif], check=True, capture_output=True)
    url = f"ldapi://{str(tmp_path / 'socket').replace('/', '%2F')}"
    port = _free_port()
    server = subprocess.Popen([SLAPD, "-d", "0", "-f", conf, "-h", f"ldap://127.0.0.1:{port} {url}"])
    yield f"ldap://127.0.0.1:{port}"
    server.terminate()
    server.wait()


def _free_port() -> int:
    with HTTPServer(("127.0.0.1", 0), TokenEndpoint) as server:
        return int(server.server_port)


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # ldap3 uses pyasn1's older names
@pytest.mark.system
def test_a_directory_says_whose_password_it_is(directory: str) -> None:
    bind = LdapBind(directory, "uid={},dc=example,dc=com")
    assert _patiently(lambda: bind.fits(VERA, "vera", PASSWORD))
    assert not bind.fits(VERA, "vera", "wrong")
    assert not bind.fits(VERA, "vera", "")
    assert not bind.fits(None, "vera", PASSWORD)
    assert not bind.fits(Person("k", "vera,dc=example", {}, "", 0), "x", PASSWORD)


def _patiently(ask: Any) -> Any:
    """The directory takes a moment to listen."""
    for _ in range(50):
        try:
            return ask()
        except Exception as error:
            if type(error).__name__ != "LDAPSocketOpenError":
                raise
            time.sleep(0.1)
    return ask()
