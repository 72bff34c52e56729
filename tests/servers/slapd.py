"""A real OpenLDAP (slapd) on a free port of loopback, filled from LDIF, ended by its own process id."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import ldap3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ldap3.core.exceptions import LDAPException

from tests.servers.installed import free_port, missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

SUFFIX: Final = "dc=example,dc=com"
PEOPLE_DN: Final = f"ou=people,{SUFFIX}"
READER, SECRET = f"cn=reader,{SUFFIX}", "reader-secret"
NOBODY: Final = f"cn=blind,{SUFFIX}"
"""May log in and read nothing."""

_CONFIG: Final = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME 'id' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.32473.1.2 NAME 'plan' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.32473.1.3 NAME 'note' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.32473.1.4 NAME 'blob' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.32473.2.1 NAME 'specimen' AUXILIARY MAY ( id $ name $ plan $ note $ blob ) )
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
{tls}
database mdb
maxsize 268435456
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw admin-secret
directory {folder}/db
{limits}
dbnosync
index objectClass,entryUUID,uid,member eq
overlay memberof
overlay ppolicy
access to *
  by dn.exact="cn=reader,dc=example,dc=com" read
  by dn.exact="cn=blind,dc=example,dc=com" none
  by * auth
"""

_TOP: Final = (
    f"dn: {SUFFIX}\nobjectClass: domain\ndc: example\n",
    f"dn: {PEOPLE_DN}\nobjectClass: organizationalUnit\nou: people\n",
    f"dn: ou=groups,{SUFFIX}\nobjectClass: organizationalUnit\nou: groups\n",
    *(
        f"dn: {dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
        f"userPassword: {SECRET}\n"
        for dn in (READER, NOBODY)
    ),
)


@dataclass(frozen=True)
class Slapd:
    """A running server.

    Attributes:
        port: where it listens without, and on request with, TLS.
        tls_port: where it listens with TLS from the start; 0 where it has no certificate.
        log: what it says of every operation.
        config: its ``slapd.conf``.
        process: itself, while it runs.
    """

    port: int
    tls_port: int
    log: Path
    config: Path
    process: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ldap://localhost:{self.port}"

    def start(self) -> None:
        """Run, and wait until it answers."""
        urls = f"ldap://127.0.0.1:{self.port}"
        urls += f" ldaps://127.0.0.1:{self.tls_port}" if self.tls_port else ""
        command = ["slapd", "-d", "stats", "-f", str(self.config), "-h", urls]
        with self.log.open("ab") as said:
            self.process.append(subprocess.Popen(command, stdout=said, stderr=said))
        _wait_for(self)

    def stop(self) -> None:
        """End it, if it runs."""
        while self.process:
            child = self.process.pop()
            child.terminate()
            child.wait(30)

    def admin(self) -> ldap3.Connection:
        """A connection that may write; the caller unbinds it."""
        server = ldap3.Server("127.0.0.1", self.port, get_info=ldap3.NONE)
        admin = f"cn=admin,{SUFFIX}"
        return ldap3.Connection(server, admin, "admin-secret", auto_bind=True, raise_exceptions=True)


def start_slapd(
    folder: Path, entries: Iterable[str] = (), *, limits: str = "", tls: Sequence[Path] = ()
) -> Slapd:
    """Load LDIF and start a server.

    Args:
        folder: an empty folder for its files.
        entries: LDIF of each entry; unchecked, as in servers that were loaded long ago.
        limits: lines of ``slapd.conf`` for the database.
        tls: files of the certificate and its key.
    """
    if shutil.which("slapd") is None:
        missing("OpenLDAP", "slapd slapd-contrib ldap-utils")
    (folder / "db").mkdir(parents=True)
    config, data, log = folder / "slapd.conf", folder / "data.ldif", folder / "log"
    tls_lines = f"TLSCertificateFile {tls[0]}\nTLSCertificateKeyFile {tls[1]}" if tls else ""
    config.write_text(_CONFIG.format(folder=folder, tls=tls_lines, limits=limits))
    data.write_text("\n".join([*_TOP, *entries]))
    subprocess.run(["slapadd", "-q", "-f", config, "-l", data], check=True, capture_output=True)
    port, tls_port = free_port(), free_port() if tls else 0
    server = Slapd(port, tls_port, log, config)
    server.start()
    return server


def _wait_for(server: Slapd) -> None:
    for _ in range(200):
        with socket.socket() as probe:  # ldap3 forgets to close one that cannot connect
            if probe.connect_ex(("127.0.0.1", server.port)) != 0:
                time.sleep(0.05)
                continue
        try:
            server.admin().unbind()
        except LDAPException:
            time.sleep(0.05)
        else:
            return
    server.stop()
    raise RuntimeError(server.log.read_text())


def person(uid: str, attributes: Mapping[str, str | bytes | Sequence[str] | None]) -> str:
    """LDIF of one person; every value is in base64, so that any text may stand there."""
    lines = [f"dn: uid={uid},{PEOPLE_DN}", "objectClass: inetOrgPerson", "objectClass: specimen"]
    for name, given in {"uid": uid, "cn": uid, "sn": uid, **attributes}.items():
        values = [given] if isinstance(given, str | bytes) else given or ()
        for value in values:
            raw = value if isinstance(value, bytes) else value.encode()
            lines.append(f"{name}:: {base64.b64encode(raw).decode()}")
    return "\n".join(lines) + "\n"


def certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """Files of a certificate that signs itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{host}.pem", folder / f"{host}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files
