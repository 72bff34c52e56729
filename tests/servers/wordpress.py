"""A real WordPress in a MariaDB, with people that its own functions made."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import make_url

from tests.servers.installed import missing

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSWORD: Final = "Sterngucker-42 ä"  # noqa: S105 - nobody's
CODE: Final = Path("/usr/share/wordpress")
PEOPLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "ada": {
        "user_email": "Ada@Example.com", "first_name": "Ada", "last_name": "Example", "nickname": "Addie",
        "display_name": "Ada Example", "user_url": "https://example.com/ada", "locale": "de_DE",
        "role": "administrator",
    },
    "bob": {
        "user_email": "bob@example.com", "role": "editor", "more": {"roles": ["sales_team"], "bcrypt": 10},
    },
    "cyn": {"user_email": "cyn@example.com", "display_name": "Cyn Müßig, 李", "role": ""},
    "dan": {
        "user_email": "dan@example.com", "role": "author",
        "more": {"capabilities": {"export_reports": True, "upload_files": False}},
    },
    "eve@work.example": {"user_email": "eve@example.com", "role": "subscriber", "more": {"bcrypt": 13}},
    "fay planted": {"user_email": "fay@example.com", "role": "subscriber"},
    "gus.planted": {"role": "subscriber", "more": {"email": "no address"}},
}  # fmt: skip
"""Invented people, by login. The planted ones are to be refused."""


def fill(url: str) -> str:
    """Install WordPress into an empty database, put people into it, and give its version.

    Args:
        url: SQLAlchemy's URL of a MariaDB whose user has no password.
    """
    if shutil.which("php") is None or not CODE.is_dir():
        missing("WordPress", "wordpress php-cli php-mysql")
    place = make_url(url)
    told = {
        "code": f"{CODE}/",
        "url": "http://localhost",
        "database": {
            "DB_NAME": place.database, "DB_USER": place.username, "DB_PASSWORD": "",
            "DB_HOST": f"{place.host}:{place.port}",
        },
        "password": PASSWORD,
        "people": PEOPLE,
    }  # fmt: skip
    script = Path(__file__).with_suffix(".php")
    done = subprocess.run(
        ["php", script], input=json.dumps(told), capture_output=True, text=True, check=False
    )
    if done.returncode or not done.stdout[:1].isdigit():
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout
