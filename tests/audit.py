"""Known vulnerabilities of the pinned packages: ``python -m tests.audit``, as ``make check`` does.

``pip-audit`` asks OSV, a public database of advisories, about every package of ``constraints.txt`` by name
and version. Where the database cannot be reached, as on a machine without the internet, that is said and is
no failure; a vulnerability that is known and not listed in ``ACCEPTED`` is one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PINNED: Final = Path(__file__).parent.parent / "constraints.txt"
SECONDS: Final = 75
"""How long all of it may take; `make check` is to be done in two minutes."""
ACCEPTED: Final[Mapping[str, str]] = MappingProxyType({})
"""Id of a vulnerability → why it does no harm here."""


def audit(pinned: Path = PINNED, *options: str) -> tuple[bool, str]:
    """Ask about every pinned package.

    Args:
        pinned: a list of packages with exact versions.
        options: more options of ``pip-audit``.

    Returns:
        Whether all is well or nobody could be asked, and what to tell.
    """
    accepted = [word for each in ACCEPTED for word in ("--ignore-vuln", each)]
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(pinned), "--no-deps", "--disable-pip",
        "--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off", "--timeout", "10",
        *accepted, *options,
    ]  # fmt: skip
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return True, f"Vulnerabilities: not looked for, the database did not answer within {SECONDS} s."
    if any(word in ran.stderr for word in ("onnectionError", "Could not connect", "ReadTimeout")):
        return True, "Vulnerabilities: not looked for, the database cannot be reached from here."
    try:
        asked: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        return False, f"pip-audit failed:\n{ran.stderr}"
    return _judged(asked)


def _judged(asked: list[dict[str, Any]]) -> tuple[bool, str]:
    found = [
        f"  {each['name']} {each['version']}: {known['id']}; mended in {_versions(known['fix_versions'])}"
        for each in asked
        for known in each.get("vulns", ())
    ]
    if not found:
        return True, f"Vulnerabilities: none is known of {len(asked)} packages."
    return False, "\n".join(["Vulnerabilities are known:", *found, "Raise the versions in constraints.txt."])


def _versions(known: list[str]) -> str:
    return ", ".join(known) or "no version"


def main() -> None:
    """Tell, and end with status 1 where something is to be mended."""
    good, told = audit()
    sys.stdout.write(f"{told}\n")
    sys.exit(not good)


if __name__ == "__main__":
    main()
