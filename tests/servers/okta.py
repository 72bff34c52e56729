"""Okta's Users and Groups APIs and its token endpoint, as its pages "Users API", "Groups API", "Rate limits",
"Filter" and "Implement OAuth for Okta with a service app" describe them.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.errors import JoseError

from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

TOKEN = "00-okta-t0ken-of-a-test"  # noqa: S105 - opens nothing
CLIENT = "0oa-client-of-a-test"


class OktaServer(ApiServer):
    """Some users, groups and the ids of their members.

    Attributes:
        key: the public key of the app ``CLIENT``, if there is one.
        allowance: requests that are left until the limit resets; None: any.
    """

    def __init__(self, users: list[Any]) -> None:
        super().__init__()
        self.users = users
        self.groups: dict[str, tuple[str, str, list[str]]] = {}
        self.key: RSAKey | None = None
        self.allowance: int | None = None
        self.resets_at = 0
        self.limit = 2
        self._issued: set[str] = set()

    def add_group(self, name: str, members: list[str], kind: str = "OKTA_GROUP") -> None:
        self.groups[f"00g{len(self.groups)}"] = (name, kind, members)

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth2/v1/token":
            return self._token(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not (scheme == "SSWS" and token == TOKEN) and not (scheme == "Bearer" and token in self._issued):
            return _error(401, "E0000011", "Invalid token provided")
        limited = self._limits()
        if self.allowance is not None and self.allowance < 0:
            return Reply(_body("E0000047", "API call exceeded rate limit"), 429, limited)
        reply = self._read(request)
        return Reply(reply.content, reply.status, {**reply.headers, **limited})

    def _limits(self) -> dict[str, str]:
        if self.allowance is None:
            return {}
        if time.time() >= self.resets_at:
            self.allowance, self.resets_at = self.limit, int(time.time()) + 60
        self.allowance -= 1
        return {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(max(0, self.allowance)),
            "X-Rate-Limit-Reset": str(self.resets_at),
        }

    def _read(self, request: Request) -> Reply:
        if request.path == "/api/v1/users":
            told = request.query.get("filter")
            return self._page(request, [one for one in self.users if _matches(one, told)])
        if request.path == "/api/v1/groups":
            kinds = re.findall(r'type eq "(\w+)"', request.query["filter"])
            shown = [
                {"id": key, "type": kind, "profile": {"name": name}}
                for key, (name, kind, _) in self.groups.items()
                if kind in kinds
            ]
            return self._page(request, shown)
        found = re.fullmatch(r"/api/v1/groups/(\w+)(/users)?", request.path)
        if not found or found[1] not in self.groups:
            return _error(404, "E0000007", "Not found: Resource not found")
        if not found[2]:
            return Reply({"id": found[1]})
        members = self.groups[found[1]][2]
        users = (one for one in self.users if isinstance(one, dict))
        return self._page(request, [one for one in users if one["id"] in members])

    def _page(self, request: Request, everything: list[Any]) -> Reply:
        limit = int(request.query.get("limit", 200))
        if limit > 200:
            return _error(400, "E0000001", "Api validation failed: limit")
        start = int(request.query.get("after", "c0")[1:])
        asked = request.headers.get("Content-Type", "")
        shown = [_spared(one, asked) for one in everything[start : start + limit]]
        links = [f'<{self.url}{request.path}?{urlencode(request.query)}>; rel="self"']
        if start + limit < len(everything):
            query = urlencode({**request.query, "after": f"c{start + limit}"})
            links.append(f'<{self.url}{request.path}?{query}>; rel="next"')
        return Reply(shown, 200, {"Link": ", ".join(links)})

    def _token(self, request: Request) -> Reply:
        form = request.form()
        try:
            claims = jwt.decode(form["client_assertion"], self.key or "").claims
        except (KeyError, ValueError, JoseError):
            return Reply({"error": "invalid_client"}, 401)
        if (claims["iss"], claims["sub"], claims["aud"]) != (CLIENT, CLIENT, f"{self.url}{request.path}"):
            return Reply({"error": "invalid_client"}, 401)
        issued = f"token-{len(self._issued)}"
        self._issued.add(issued)
        told = {"token_type": "Bearer", "expires_in": 3600, "access_token": issued}
        return Reply({**told, "scope": form["scope"]})


def _matches(user: Any, told: str | None) -> bool:
    """``status eq`` and ``lastUpdated gt``; without a filter all but DEPROVISIONED."""
    if not isinstance(user, dict):
        return True
    if told is None:
        return bool(user.get("status") != "DEPROVISIONED")
    statuses = re.findall(r'status eq "(\w+)"', told)
    since = re.findall(r'lastUpdated gt "([^"]+)"', told)
    return user.get("status") in statuses and all(user["lastUpdated"] > one for one in since)


def _spared(user: Any, content_type: str) -> Any:
    if not isinstance(user, dict) or "omitCredentials," not in content_type:
        return user
    return {name: value for name, value in user.items() if name != "credentials"}


def _body(code: str, summary: str) -> dict[str, Any]:
    told = {"errorCode": code, "errorSummary": summary, "errorLink": code}
    return {**told, "errorId": "oae0", "errorCauses": []}


def _error(status: int, code: str, summary: str) -> Reply:
    return Reply(_body(code, summary), status)
