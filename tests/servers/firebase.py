"""``accounts:batchGet`` as "Identity Toolkit API v1" has it, with Google's parameter ``fields``, and tokens.

Answers hold no list of users behind the last one, and a token even there where the last page was full.
"""

from __future__ import annotations

import re
from typing import Any

from tests.servers.api_server import ApiServer, Reply, Request

TOKEN = "t0ken-of-a-test"  # noqa: S105 - opens nothing
_KIND = "identitytoolkit#DownloadAccountResponse"


class FirebaseServer(ApiServer):
    """One project; ``users`` are as the API gives them. ``Bearer owner`` is the emulator's credential."""

    def __init__(self, users: list[Any], project: str = "demo-example", *, hides: bool = False) -> None:
        super().__init__()
        self.users, self.project, self.hides = users, project, hides

    def answer(self, request: Request) -> Reply:
        if self.is_token_call(request):
            assert request.form()["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            return Reply({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})
        if request.headers.get("Authorization") not in (f"Bearer {TOKEN}", "Bearer owner"):
            return _refused(401, "UNAUTHENTICATED")
        if request.path != f"/v1/projects/{self.project}/accounts:batchGet":
            return _refused(404, "NOT_FOUND")
        return self._page(request.query)

    def _page(self, query: dict[str, str]) -> Reply:
        size, start = int(query.get("maxResults", 20)), int(query.get("nextPageToken", 0))
        if not 1 <= size <= 1000:
            return _refused(400, "INVALID_ARGUMENT")
        shown = [self._shown(user, query.get("fields", "")) for user in self.users[start : start + size]]
        body: dict[str, Any] = {"kind": _KIND, **({"users": shown} if shown else {})}
        if len(shown) == size:
            body["nextPageToken"] = str(start + size)
        return Reply(body)

    def _shown(self, user: Any, fields: str) -> Any:
        if not isinstance(user, dict):
            return user
        told = {**user, "passwordHash": "UkVEQUNURUQ="} if self.hides and "passwordHash" in user else user
        names = re.search(r"users\(([^)]*)\)", fields)
        return {name: told[name] for name in names[1].split(",") if name in told} if names else told


def _refused(status: int, said: str) -> Reply:
    return Reply({"error": {"code": status, "message": said, "status": said}}, status)
