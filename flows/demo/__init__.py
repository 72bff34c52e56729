"""A migration to try out: invented people with all the usual dirt, a pool for them, and a run file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from connectors import aws
from connectors.cognito.role import create_role

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE: Final = Path(__file__).with_name("run.yaml")
ROLE: Final = "poolferry-demo"


def prepare(folder: Path, environment: Mapping[str, str]) -> Path:
    """Make the demo's pool and role, and lay everything for its run into a folder.

    Args:
        folder: where ``users.csv`` and ``run.yaml`` go; made if need be, older ones are replaced.
        environment: what the local Cognito says of itself (``AWS_DEFAULT_REGION`` and the rest); the
            process's own environment must hold it too, since boto3 reads it there.

    Returns:
        The run file.
    """
    from flows.demo.people import FILE  # noqa: PLC0415 - `python -m flows.demo.people` wants it unimported
    from flows.demo.pool import create_demo_pool  # noqa: PLC0415 - it imports the people

    region = environment["AWS_DEFAULT_REGION"]
    filled = {
        "POOL_ID": create_demo_pool(aws.client("cognito-idp", region=region)),
        "REGION": region,
        "ROLE_ARN": create_role(aws.client("iam", region=region), ROLE),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE.name).write_bytes(FILE.read_bytes())
    run_file = folder / TEMPLATE.name
    run_file.write_text(_fill(TEMPLATE.read_text(encoding="utf-8"), filled), encoding="utf-8")
    return run_file


def _fill(text: str, values: Mapping[str, str]) -> str:
    """Put values where their names stand; text, comments and columns stay as they are."""
    for name, value in values.items():
        text = text.replace(name, value)
    return text
