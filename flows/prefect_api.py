"""Whether a Prefect API is configured, found out without importing Prefect, which takes seconds."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

API_URL = "PREFECT_API_URL"


def has_prefect_api() -> bool:
    """Tell whether flows run from here would be recorded by a real Prefect server.

    ``PREFECT_API_URL`` decides where it is set, also when it is empty, as it does in Prefect;
    otherwise the active profile does. A temporary server of Prefect's own counts as none.
    """
    if API_URL in os.environ:
        return bool(os.environ[API_URL])
    return bool(_active_profile(_profiles_file()).get(API_URL))


def _profiles_file() -> Path:
    named = os.environ.get("PREFECT_PROFILES_PATH")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("PREFECT_HOME")
    return (Path(home).expanduser() if home else Path.home() / ".prefect") / "profiles.toml"


def _active_profile(path: Path) -> dict[str, Any]:
    """The settings of the active profile; none where the file is missing, broken or names no such one."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    name = os.environ.get("PREFECT_PROFILE") or content.get("active", "")
    profile = content.get("profiles", {}).get(name, {})
    return profile if isinstance(profile, dict) else {}
