"""One HTML file of a template, a style sheet, scripts and data; it asks the network for nothing.

The browser is told to run and to load what is named here by its hash, and nothing else (Content Security
Policy), so that even markup that slipped through would stay dead text.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPTS: Final = ("vendor/chart.umd.min.js", "vendor/dataTables.min.js", "page.js")
"""Run in this order; `vendor/NOTICE` says where the libraries come from."""

STYLE: Final = "page.css"

_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:"
_SOURCE_MAP: Final = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`]+)`")


def rendered(values: Mapping[str, Any]) -> str:
    """Fill the page's template; ``values`` are escaped wherever they stand."""
    scripts, style = [_asset(name) for name in SCRIPTS], _asset(STYLE)
    template = _environment().get_template("page.html")
    return template.render(values, scripts=scripts, style=style, policy=_policy(scripts, style))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "number": lambda number: f"{number:,}",
        "capital": lambda text: text[:1].upper() + text[1:],
        "code": _with_code,
    }
    return made


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _asset(name: str) -> Markup:
    """A file of this package as in the page: without a map, which browsers ask the network for."""
    return Markup(_SOURCE_MAP.sub("", _text(name)))  # noqa: S704 - a file of this package, no data


def _policy(scripts: list[Markup], style: Markup) -> str:
    return f"{_POLICY}; script-src {' '.join(map(_hash, scripts))}; style-src {_hash(style)}"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _with_code(text: str) -> Markup:
    """Set what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped right here
