"""What every flow does around its work: harmless errors, a JSON log where asked for, a state in S3 let go."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefect import runtime

from connectors.errors import PoolferryError
from flows.ledger.copies import copies_kept
from flows.logs import is_json, log_of_environment, working
from flows.tasks import harmless_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)


@contextmanager
def flow_body() -> Iterator[None]:
    """Let only harmless errors leave a flow, and write the log that ``POOLFERRY_LOG_FORMAT`` asks for.

    A state in S3 is up to date there, and free, before the flow ends.

    Prefect's own lines stay as they are. What stops the flow is a record too: whoever reads the log alone
    would not learn of it.
    """
    with harmless_errors(), log_of_environment(), working(flow_run_id=runtime.flow_run.id):
        try:
            with harmless_errors(), copies_kept():
                yield
        except PoolferryError as error:
            if is_json():
                _log.error("error: %s", error)
            raise
