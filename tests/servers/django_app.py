"""A Django application with users, in a process of its own: Django keeps one configuration a process.

``python -m tests.servers.django_app URL`` runs Django's own migrations and makes the people with its own API.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.engine import make_url

from tests.test_layout import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSWORD: Final = "Sterngucker-42 ä"  # noqa: S105 - nobody's
ADA: Final = {"first_name": "Ada", "last_name": "Example", "email": "Ada@Example.com"}
PEOPLE: Final[Mapping[str, Mapping[str, Any]]] = {
    "ada": {**ADA, "hasher": "pbkdf2 of 4.2", "groups": ["Sales Europe", "editors"]},
    "bob": {"email": "bob@example.com", "hasher": "default", "last_name": "Müßig, 李", "is_staff": True},
    "cyn": {"email": "cyn@example.com", "hasher": "argon2"},
    "dan@work": {"email": "dan@example.com", "hasher": "bcrypt_sha256", "is_active": False},
    "eve": {"email": "eve@example.com", "hasher": "bcrypt"},
    "fay": {"email": "fay@example.com", "hasher": None},
    "gus": {"first_name": "Gus", "hasher": "pbkdf2 of 4.2"},
    "hal.planted": {"email": "no address", "hasher": None},
}
"""Invented people, by username; no hasher: a user without a password. The last one is planted."""


def fill(url: str) -> None:
    """Make a Django application's tables in an empty database, and people in them.

    Args:
        url: SQLAlchemy's URL of a PostgreSQL, without a password.
    """
    subprocess.run([sys.executable, "-m", __name__, url], check=True, cwd=ROOT)


def _configure(url: str) -> None:
    import django  # noqa: PLC0415 - this process has not asked for Django, a child's has
    from django.conf import settings  # noqa: PLC0415

    place = make_url(url)
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql", "NAME": place.database, "USER": place.username,
                "HOST": place.host, "PORT": place.port,
            }
        },
        USE_TZ=True,
    )  # fmt: skip
    django.setup()


def _hashed(hasher: str | None) -> str:
    """What Django's hasher writes; "pbkdf2 of 4.2" has the iterations of that version."""
    from django.contrib.auth import hashers  # noqa: PLC0415

    old = hashers.PBKDF2PasswordHasher()
    old.iterations = 600_000
    known: dict[str | None, Any] = {
        None: None, "pbkdf2 of 4.2": old, "default": hashers.PBKDF2PasswordHasher(),
        "argon2": hashers.Argon2PasswordHasher(), "bcrypt": hashers.BCryptPasswordHasher(),
        "bcrypt_sha256": hashers.BCryptSHA256PasswordHasher(),
    }  # fmt: skip
    return hashers.make_password(PASSWORD if hasher else None, hasher=known[hasher] or "default")


def main(url: str) -> None:
    """Migrate, and make everybody."""
    _configure(url)
    from django.contrib.auth.models import Group, User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    for username, told in PEOPLE.items():
        fields = {name: value for name, value in told.items() if name not in ("hasher", "groups")}
        user = User(username=username, password=_hashed(told["hasher"]), **fields)
        user.save()
        user.groups.set([Group.objects.get_or_create(name=name)[0] for name in told.get("groups", ())])


if __name__ == "__main__":
    main(sys.argv[1])
