"""A real Active Directory domain controller (Samba), on the ports it cannot change, ended by its own id."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import ldap3

from tests.servers.installed import missing, unavailable
from tests.servers.slapd import certificate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DOMAIN_DN: Final = "DC=ad,DC=example,DC=com"
USERS_DN: Final = f"OU=people,{DOMAIN_DN}"
READER, SECRET = "reader@ad.example.com", "Reader-secret-1"
_ADMIN, _ADMIN_SECRET = "AD\\Administrator", "Adm1n-secret"
_PORTS: Final = (389, 636)
_PACKAGES: Final = "samba samba-ad-dc samba-ad-provision winbind samba-dsdb-modules python3-samba"


@dataclass(frozen=True)
class Samba:
    """A running domain controller.

    Attributes:
        folder: its files; ``localhost.pem`` is its certificate.
        process: itself.
    """

    folder: Path
    process: subprocess.Popen[bytes]

    def admin(self) -> ldap3.Connection:
        """A connection that may write; the caller unbinds it."""
        tls = ldap3.Tls(validate=ssl.CERT_NONE)
        server = ldap3.Server("ldaps://localhost:636", tls=tls, get_info=ldap3.NONE)
        return ldap3.Connection(server, _ADMIN, _ADMIN_SECRET, auto_bind=True, raise_exceptions=True)

    def stop(self) -> None:
        """End it and what it has started."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_samba(folder: Path) -> Samba:
    """Make a domain with a reader and an empty unit for people, and start it; some 15 seconds.

    Args:
        folder: an empty folder for its files.
    """
    if shutil.which("samba") is None or shutil.which("samba-tool") is None:
        missing("Samba AD DC", _PACKAGES)
    if os.geteuid() != 0:
        unavailable("Samba needs root for the ports 389 and 636")
    if any(map(_answers, _PORTS)):
        unavailable("another directory has the ports 389 and 636 of loopback")
    certificate(folder)
    config = _provisioned(folder)
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            ["samba", "-F", "-s", config, "--model=single", "--debug-stdout"], stdout=log, stderr=log
        )
    server = Samba(folder, child)
    try:
        _wait_for(server)
        _prepare(server)
    except BaseException:
        server.stop()
        raise
    return server


def _provisioned(folder: Path) -> Path:
    options = {
        "bind interfaces only": "yes",
        "interfaces": "lo",
        "server services": "ldap",
        "log file": folder / "smb.log",
        "pid directory": folder,
        "ncalrpc dir": folder / "ncalrpc",
        "winbindd socket directory": folder / "winbindd",
        "tls certfile": folder / "localhost.pem",
        "tls keyfile": folder / "localhost.key",
        "tls cafile": "",
    }
    (folder / "localhost.key").chmod(0o600)
    command = [
        "samba-tool", "domain", "provision", "--realm=AD.EXAMPLE.COM", "--domain=AD", "--server-role=dc",
        "--dns-backend=NONE", f"--adminpass={_ADMIN_SECRET}", f"--targetdir={folder}", "--host-name=dc",
    ]  # fmt: skip
    subprocess.run(
        [*command, *(f"--option={name}={value}" for name, value in options.items())],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "etc" / "smb.conf"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for(server: Samba) -> None:
    for _ in range(600):
        if all(map(_answers, _PORTS)):
            return
        if server.process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError((server.folder / "log").read_text(errors="replace"))


def _prepare(server: Samba) -> None:
    admin = server.admin()
    admin.add(USERS_DN, ["organizationalUnit"])
    password = f'"{SECRET}"'.encode("utf-16-le")
    account = {"sAMAccountName": "reader", "userPrincipalName": READER, "userAccountControl": "512"}
    admin.add(f"CN=reader,CN=Users,{DOMAIN_DN}", ["user"], {**account, "unicodePwd": password})
    admin.unbind()


def add_users(admin: ldap3.Connection, people: Mapping[str, Mapping[str, object]]) -> None:
    """Add users by their ``sAMAccountName``; enabled, without a password."""
    for name, told in people.items():
        account = {"sAMAccountName": name, "userAccountControl": "544", **told}
        admin.add(f"CN={name},{USERS_DN}", ["user"], account)
