"""The zip of the migration Lambda: the handler's folder and the few libraries that its hashes need.

The libraries are brought by pip as wheels for Lambda's Linux, whatever this machine is. The same input makes
the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
import ssl
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from connectors.cognito.trigger.handler.live import AUTHORITIES
from connectors.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Architecture = Literal["x86_64", "arm64"]
RUNTIMES: Final = ("python3.12", "python3.13", "python3.14")
PACKAGE: Final = "poolferry_trigger"
"""The handler's folder inside the zip."""
HANDLER: Final = f"{PACKAGE}.main.handler"
SOURCE: Final = Path(__file__).with_name("handler")
REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
MOST_BYTES: Final = 50_000_000
"""What Lambda takes in the request itself."""

_MACHINES: Final[dict[Architecture, str]] = {"x86_64": "x86_64", "arm64": "aarch64"}
_GLIBC: Final = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")
"""Wheels that run on Amazon Linux 2023, whose glibc is 2.34."""
_NOT_NEEDED: Final = ("__pycache__", "tests", "test", "bin")
_LIVE_ONLY: Final = ("ldap3", "pyasn1")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Package:
    """A zip that was built.

    Attributes:
        path: where it is.
        runtime: Lambda's name of the Python that it is for.
        architecture: the processor that it is for.
        sha256: of its bytes, hexadecimal.
        size: bytes.
        unpacked: bytes of all files in it.
    """

    path: Path
    runtime: str
    architecture: Architecture
    sha256: str
    size: int
    unpacked: int

    def refuse_too_large(self) -> None:
        """Refuse a zip that Lambda would not take, before anything is made for it.

        Raises:
            ConfigurationError: it is larger than ``MOST_BYTES``.
        """
        if self.size > MOST_BYTES:
            raise ConfigurationError(
                f"{self.path}: {self.size:,} bytes are more than the {MOST_BYTES:,} that Lambda takes.",
                "Name fewer authorities in trigger.live.ca_file, or take the template, which has it from S3.",
            )


def build(
    path: Path,
    *,
    runtime: str = RUNTIMES[0],
    architecture: Architecture = "x86_64",
    ldap: bool = False,
    authorities: Path | None = None,
    here: bool = False,
) -> Package:
    """Make the zip.

    Args:
        path: where it goes; an older one is replaced.
        runtime: one of ``RUNTIMES``.
        architecture: the function's processor.
        ldap: whether the library that asks a directory comes along.
        authorities: PEM file of the authorities that the old system's certificate is checked with.
        here: True takes the packages that are installed beside Poolferry, for this very Python and machine:
            the local Cognito runs such a zip. Needs no network.

    Raises:
        ConfigurationError: pip cannot bring the packages, one is not installed here, or there is no such PEM
            file.
    """
    wanted = [line for line in _requirements() if ldap or not line.startswith(_LIVE_ONLY)]
    with tempfile.TemporaryDirectory(prefix="poolferry-trigger-") as scratch:
        folder = Path(scratch)
        if here:
            _copy_installed(wanted, folder)
        else:
            _bring(wanted, folder, runtime, architecture)
        shutil.copytree(SOURCE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        if authorities:
            _copy_authorities(authorities, folder)
        unpacked = _zip(folder, path)
    data = path.read_bytes()
    if here:
        runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Package(path, runtime, architecture, hashlib.sha256(data).hexdigest(), len(data), unpacked)


def _requirements() -> list[str]:
    return REQUIREMENTS.read_text(encoding="utf-8").split()


def _bring(wanted: list[str], folder: Path, runtime: str, architecture: Architecture) -> None:
    """Let pip fetch wheels for Lambda; its own words may name an index and a password, so they stay away."""
    platforms = [f"{glibc}_{_MACHINES[architecture]}" for glibc in _GLIBC]
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
        "--no-deps", "--no-compile", "--only-binary=:all:", "--implementation", "cp",
        "--python-version", runtime.removeprefix("python"), "--target", str(folder),
        *(part for platform in platforms for part in ("--platform", platform)), *wanted,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - this very interpreter's pip
    if done.returncode:
        raise ConfigurationError(
            f"pip could not bring the function's packages for {runtime} on {architecture} "
            f"(exit status {done.returncode}): {', '.join(wanted)}.",
            "Give pip a network or an index (`pip config`), or use --here on a machine like Lambda's.",
        )


def _copy_installed(wanted: Iterable[str], folder: Path) -> None:
    for requirement in wanted:
        name = requirement.partition("==")[0]
        try:
            found = distribution(name)
        except PackageNotFoundError:
            raise ConfigurationError(
                f"The package {name} is not installed here.",
                f"Run `pip install {requirement}`, or leave --here.",
            ) from None
        for file in found.files or ():
            source = Path(str(found.locate_file(file)))
            if ".." not in file.parts and source.is_file():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / file)


def _copy_authorities(pem: Path, folder: Path) -> None:
    """Put them where the handler looks; what is no PEM file would only fail at somebody's sign-in."""
    try:
        ssl.create_default_context(cafile=str(pem))
    except OSError:  # ssl.SSLError is one
        raise ConfigurationError(
            f"trigger.live.ca_file: {pem.name} is no file of certificates.",
            "Name a PEM file of certificates.",
        ) from None
    shutil.copyfile(pem, folder / PACKAGE / AUTHORITIES.name)


def _zip(folder: Path, path: Path) -> int:
    total = 0
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for file in _files(folder):
            entry = ZipInfo(str(file.relative_to(folder)), _EPOCH)
            entry.external_attr = 0o755 << 16 if file.suffix == ".so" else 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            data = file.read_bytes()
            archive.writestr(entry, data)
            total += len(data)
    return total


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not any(part in _NOT_NEEDED for part in parts):
            yield file
