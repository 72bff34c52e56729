"""Microsoft Graph's users and groups and the token endpoint, as Microsoft's pages describe them: "List
users", "user: delta", "Use delta query to track changes", "List group members", "Paging", "Known issues" and
"OAuth 2.0 client credentials flow".
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from tests.servers.api_server import ApiServer, Reply, Request

TENANT = "example.onmicrosoft.com"
CLIENT = "11111111-2222-3333-4444-555555555555"
SECRET = "graph-s3cret-of-a-test"  # noqa: S105 - opens nothing
USUAL = (
    "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName",
)  # fmt: skip
"""Properties of a user where none is selected."""

DELTA_PAGE = 2


class GraphServer(ApiServer):
    """Some users, groups with their members, and who changed in which order.

    Attributes:
        changes: entries of the change log: an id, and whether the user was removed.
        oldest: delta tokens below are gone.
    """

    def __init__(self, users: list[Any]) -> None:
        super().__init__()
        self.users = users
        self.groups: dict[str, tuple[str, list[dict[str, str]]]] = {}
        self.changes: list[tuple[str, bool]] = []
        self.oldest = 0
        self.tokens = 0

    @property
    def graph(self) -> str:
        return f"{self.url}/v1.0"

    def add_group(self, name: str, users: list[str], groups: list[str] | None = None) -> str:
        key = f"g{len(self.groups)}"
        members = [{"@odata.type": "#microsoft.graph.user", "id": one} for one in users]
        members += [{"@odata.type": "#microsoft.graph.group", "id": one} for one in groups or []]
        self.groups[key] = (name, members)
        return key

    def answer(self, request: Request) -> Reply:
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            return self._token(request.form())
        if request.headers.get("Authorization") != f"Bearer graph-{self.tokens}":
            return _error(401, "InvalidAuthenticationToken")
        path = request.path.removeprefix("/v1.0")
        if path == "/users/delta":
            return self._delta(request)
        if path == "/users":
            return self._users(request)
        return self._groups(request, path)

    def _groups(self, request: Request, path: str) -> Reply:
        if path == "/groups":
            shown = [{"id": key, "displayName": name} for key, (name, _) in self.groups.items()]
            return self._page(request, shown)
        found = re.fullmatch(r"/groups/(\w+)(/members)?", path)
        if not found or found[1] not in self.groups:
            return _error(404, "Request_ResourceNotFound")
        return self._page(request, self.groups[found[1]][1]) if found[2] else Reply({"id": found[1]})

    def _token(self, form: dict[str, str]) -> Reply:
        wanted = {
            "grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
            "scope": f"{self.url}/.default",
        }  # fmt: skip
        if form != wanted:
            return Reply({"error": "invalid_client", "error_description": "AADSTS7000215"}, 401)
        self.tokens += 1
        return Reply({"token_type": "Bearer", "expires_in": 3599, "access_token": f"graph-{self.tokens}"})

    def _users(self, request: Request) -> Reply:
        told = request.query.get("$filter", "")
        listed = re.search(r"id in \(([^)]*)\)", told)
        ids = re.findall(r"'([^']*)'", listed[1]) if listed else None
        if ids is not None and len(ids) > 15:
            return _error(400, "Request_UnsupportedQuery")
        users = [one for one in self.users if ids is None or (isinstance(one, dict) and one["id"] in ids)]
        if "accountEnabled eq true" in told:
            users = [one for one in users if one["accountEnabled"]]
        names = request.query["$select"].split(",") if "$select" in request.query else USUAL
        return self._page(request, [_selected(one, names) for one in users])

    def _page(self, request: Request, everything: list[Any]) -> Reply:
        top, start = int(request.query.get("$top", 100)), int(request.query.get("$skiptoken", 0))
        if not 1 <= top <= 999:
            return _error(400, "Request_UnsupportedQuery")
        body: dict[str, Any] = {"value": everything[start : start + top]}
        if start + top < len(everything):
            query = urlencode({**request.query, "$skiptoken": start + top})
            body["@odata.nextLink"] = f"{self.url}{request.path}?{query}"
        return Reply(body)

    def _delta(self, request: Request) -> Reply:
        """Changes since a token; pages by ``$skiptoken``, the last with a new token."""
        told = request.query.get("$deltatoken", "")
        here, now = f"{self.graph}/users/delta", len(self.changes)
        if told == "latest":
            return Reply({"value": [], "@odata.deltaLink": f"{here}?$deltatoken={now}"})
        start = int(request.query.get("$skiptoken", told or 0))
        if start < self.oldest:
            return _error(410, "SyncStateNotFound")
        shown = self.changes[start : start + DELTA_PAGE]
        body: dict[str, Any] = {
            "value": [
                {"id": key, **({"@removed": {"reason": "changed"}} if gone else {})} for key, gone in shown
            ]
        }
        more = start + DELTA_PAGE < now
        name, at = ("$skiptoken", start + DELTA_PAGE) if more else ("$deltatoken", now)
        body["@odata.nextLink" if more else "@odata.deltaLink"] = f"{here}?{name}={at}"
        return Reply(body)


def _selected(user: Any, names: Any) -> Any:
    if not isinstance(user, dict):
        return user
    return {"@odata.id": f"users/{user['id']}"} | {name: user.get(name) for name in names}


def _error(status: int, code: str) -> Reply:
    return Reply({"error": {"code": code, "message": code, "innerError": {"request-id": "0"}}}, status)
