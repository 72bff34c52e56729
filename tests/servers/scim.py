"""SCIM servers: the published scim2-server, and one that does badly what RFC 7644 lets a client rely on."""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from scim2_models import ScimProvider, ServiceProviderConfig
from scim2_server.memory import InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.service import ScimService
from scim2_server.testserver.application import BearerTokenApplication
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TOKEN = "scim-t0ken-of-a-test"  # noqa: S105 - opens nothing


class ScimServer(ApiServer):
    """scim2-server's own application behind the HTTP server that can plant faults.

    Args:
        cursor: whether it pages by cursor (RFC 9865) beside by index.
    """

    def __init__(self, *, cursor: bool = False) -> None:
        super().__init__()
        logging.getLogger("scim2_server").setLevel(logging.CRITICAL)  # it logs what tests provoke
        self._provider = _provider(cursor=cursor)
        self._service = ScimService(self._provider, secret="secret-of-a-test")  # noqa: S106 - opens nothing
        self.empty()

    def empty(self) -> None:
        """Forget everybody."""
        self.storage = InMemoryStorage()
        self._application = BearerTokenApplication(
            self.storage, self._provider, service=self._service, bearer_tokens=[TOKEN]
        )

    def ids(self) -> list[str]:
        """Ids of all users in the order in which the server lists them."""
        return sorted(str(one.id) for one in self.storage.resources if type(one).__name__.startswith("User"))

    @property
    def base(self) -> str:
        return f"{self.url}/v2"

    def answer(self, request: Request) -> Reply:
        path = self._application.split_path(request.path)
        asked = ScimRequest(
            request.method, self.base, path, request.query, dict(request.headers), request.body
        )
        made = self._application.serve(asked)
        return Reply(made.body, int(made.status), dict(made.headers))

    def add(self, kind: str, **resource: Any) -> str:
        """Post a resource and give its id."""
        body = {"schemas": [f"urn:ietf:params:scim:schemas:core:2.0:{kind}"], **resource}
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
        made = self.answer(Request("POST", f"/v2/{kind}s", {}, headers, json.dumps(body).encode()))
        assert made.status == 201, made.content
        return str(made.content["id"])  # type: ignore[index]  # a resource

    def add_users(self, names: Iterable[str]) -> None:
        """Put many users into the server's storage, without a request for each."""
        kind = self._service.get_resource_type_by_endpoint("Users")
        assert kind is not None
        user = self._service.get_model(kind)
        for name in names:
            self.storage.create(kind, user.model_validate({"userName": name}))


@cache
def _provider(*, cursor: bool) -> ScimProvider:
    config = load_default_service_provider_config().model_dump()
    if cursor:
        config["pagination"] = {"cursor": True, "index": True}
    return ScimProvider.from_discovery(
        load_default_schemas().values(),
        load_default_resource_types().values(),
        config=ServiceProviderConfig.model_validate(config),
    )


class BadScimServer(ApiServer):
    """A server with bad habits, each on or off.

    Args:
        users: whole resources.
        habits: some of ``ignores count``, ``ignores startIndex``, ``caps at 2``, ``no totals``,
            ``counts the page``, ``fails on attributes``, ``refuses behind the end``, ``hides the last``,
            ``no config``, ``no ids``.
    """

    def __init__(self, users: Sequence[dict[str, Any]], *habits: str) -> None:
        super().__init__()
        self.users = list(users)
        self.habits = set(habits)

    def answer(self, request: Request) -> Reply:
        if request.path != "/Users":
            return Reply({"status": "500"}, 500 if "no config" in self.habits else 404)
        if "fails on attributes" in self.habits and "attributes" in request.query:
            return Reply({"status": "500"}, 500)
        start = 1 if "ignores startIndex" in self.habits else int(request.query.get("startIndex", 1))
        if start > len(self.users) and "refuses behind the end" in self.habits:
            return Reply({"status": "400"}, 400)
        return self._list(start, int(request.query.get("count", 100)))

    def _list(self, start: int, count: int) -> Reply:
        count = len(self.users) if "ignores count" in self.habits else count
        count = min(count, 2) if "caps at 2" in self.habits else count
        known = self.users[:-1] if "hides the last" in self.habits else self.users
        shown = known[start - 1 : start - 1 + count]
        if "no ids" in self.habits:
            shown = [{name: value for name, value in one.items() if name != "id"} for one in shown]
        body: dict[str, Any] = {"Resources": shown}
        if "no totals" not in self.habits:
            body["totalResults"] = len(shown) if "counts the page" in self.habits else len(self.users)
        return Reply(body)
