"""Secret blocks of the Prefect API; the one place below the flows that asks Prefect for anything."""

from __future__ import annotations

from typing import Any, cast

import httpx
from prefect.blocks.system import Secret
from prefect.exceptions import PrefectHTTPStatusError

from connectors.errors import ConfigurationError, RetryError


def read_secret(name: str) -> object:
    """Read the value of a Secret block just as it was saved.

    ``Secret.get`` would turn texts such as ``1e5`` into numbers, so the value itself is taken.

    Args:
        name: the block's name.

    Raises:
        ConfigurationError: there is no such block, or the API refuses.
        RetryError: the API does not answer.
    """
    try:
        block = cast("Secret[Any]", Secret.load(name, _sync=True))  # type: ignore[call-arg]  # Prefect's switch
    except ValueError:  # how Prefect tells that there is none; its text may hold more than the name
        raise ConfigurationError(
            "Prefect has no Secret block of that name.", "`prefect block ls` lists them."
        ) from None
    except PrefectHTTPStatusError as refused:
        raise ConfigurationError(
            f"The Prefect API answered {refused.response.status_code}.", "Check PREFECT_API_KEY and the URL."
        ) from None
    except (httpx.HTTPError, RuntimeError) as error:
        raise RetryError(
            f"The Prefect API does not answer: {type(error).__name__}.", "Check PREFECT_API_URL."
        ) from None
    return block.value.get_secret_value()
