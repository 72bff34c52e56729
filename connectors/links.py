"""The ``Link`` header of an HTTP answer (RFC 8288)."""

from __future__ import annotations

import re
from typing import Final

_PARAMETER: Final = r'([^\s=;,"<>]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?'
_ONE: Final = re.compile(rf"<([^<>]*)>((?:\s*;\s*(?:{_PARAMETER})?)*)")
_EACH: Final = re.compile(rf";\s*{_PARAMETER}")


def links_in(header: str) -> dict[str, str]:
    """Addresses by relation, in lower case; of several with one relation, the first.

    A link may have several relations in one ``rel``; only the first ``rel`` of a link counts (section 3.3).
    """
    found: dict[str, str] = {}
    for link in _ONE.finditer(header):
        for relation in _relations(link[2]):
            found.setdefault(relation, link[1].strip())
    return found


def _relations(parameters: str) -> list[str]:
    for each in _EACH.finditer(parameters):
        if each[1].lower() == "rel":
            return (each[2] or "").strip('"').lower().split()
    return []
