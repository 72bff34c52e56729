"""A Python that Lambda has, where this machine has one: the trigger's zip is made for such, not for ours."""

from __future__ import annotations

import sys

from connectors.cognito.sandbox.functions import interpreter
from connectors.cognito.trigger.package import RUNTIMES
from tests.servers.installed import missing

THIS = f"python{sys.version_info.major}.{sys.version_info.minor}"


def lambda_runtime() -> str:
    """The first of ``RUNTIMES`` that starts here; without one the test skips, or fails under CI."""
    for runtime in RUNTIMES:
        if runtime == THIS or interpreter(runtime) != sys.executable:
            return runtime
    return missing("A Python that Lambda has (3.12, 3.13 or 3.14)", "python3.13, where Debian is 13")
