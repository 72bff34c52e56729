"""Auth0's Management API as "Auth0 Management API v2" has it: tokens, user search, users export jobs.

A search shows 1,000 users of a query at most, 100 a page. A job exports the fields that it is asked for, as
gzip with one JSON object a line, behind a link to another host that takes no token. Each look at a job gives
a new link, which S3 refuses with 403 once it has expired.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.servers.api_server import ApiServer, Reply, Request

CLIENT, SECRET, TOKEN = "poolferry", "s3cret-of-a-test", "t0ken-of-a-test"
LINK = "signature-of-a-test"
_SHOWN, _PAGE, _FIELDS = 1000, 100, 30


class Auth0Server(ApiServer):
    """One tenant; a job needs ``slow`` looks at it before it is done.

    Attributes:
        link_uses: how often a link is good; it expires behind that.
        file_faults: how many requests for a file meet a fault of the store.
        failing: how many jobs fail.
    """

    def __init__(self, users: list[Any], slow: int = 0) -> None:
        super().__init__()
        self.users, self.slow = users, slow
        self.jobs: list[dict[str, Any]] = []
        self.link_uses, self.file_faults, self.failing = 1000, 0, 0
        self.links: list[int] = []

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth/token":
            return self._token(request)
        if request.path.startswith("/exports/"):
            return self._file(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _refused(401, "Unauthorized")
        if request.path == "/api/v2/users":
            return self._search(request.query)
        if request.path == "/api/v2/jobs/users-exports":
            return self._job_made(request.json())
        return self._job_told(request.path.rpartition("/")[2])

    def _token(self, request: Request) -> Reply:
        asked = request.form()
        if (asked["client_id"], asked["client_secret"]) != (CLIENT, SECRET):
            return Reply({"error": "access_denied", "error_description": "Unauthorized"}, 401)
        assert asked["grant_type"] == "client_credentials"
        assert asked["audience"] == f"{self.url}/api/v2/"
        return Reply(
            {"access_token": TOKEN, "scope": "read:users", "expires_in": 86400, "token_type": "Bearer"}
        )

    def _search(self, query: dict[str, str]) -> Reply:
        page, size = int(query.get("page", 0)), int(query.get("per_page", 50))
        if size > _PAGE or (page + 1) * size > _SHOWN:
            return _refused(400, "Query validation error")
        shown = self.users[page * size : (page + 1) * size]
        totals = {"start": page * size, "limit": size, "length": len(shown), "total": len(self.users)}
        return Reply({**totals, "users": shown} if query.get("include_totals") == "true" else shown)

    def _job_made(self, asked: dict[str, Any]) -> Reply:
        assert asked["format"] == "json"
        assert all(set(field) <= {"name", "export_as"} for field in asked["fields"])
        if len(asked["fields"]) > _FIELDS:
            return _refused(400, "Payload validation error")
        job = {"type": "users_export", "status": "pending", **asked, "id": f"job_{len(self.jobs):016d}"}
        self.jobs.append({**job, "looks": 0})
        return Reply(job)

    def _job_told(self, name: str) -> Reply:
        found = [job for job in self.jobs if job["id"] == name]
        if not found:
            return _refused(404, "The job does not exist")
        found[0]["looks"] += 1
        told = {key: value for key, value in found[0].items() if key != "looks"}
        if found[0]["looks"] <= self.slow:
            return Reply({**told, "status": "processing", "percentage_done": 10})
        elsewhere = self.url.replace("127.0.0.1", "localhost")
        if self.failing:
            self.failing -= 1
            return Reply({**told, "status": "failed"})
        self.links.append(0)
        link = f"{elsewhere}/exports/{name}.json.gz?X-Amz-Signature={LINK}-{len(self.links)}"
        return Reply({**told, "status": "completed", "percentage_done": 100, "location": link})

    def _file(self, request: Request) -> Reply:
        assert "Authorization" not in request.headers
        signed, _, number = request.query["X-Amz-Signature"].rpartition("-")
        assert signed == LINK
        self.links[int(number) - 1] += 1
        if self.links[int(number) - 1] > self.link_uses:
            return Reply(b"<Error><Message>Request has expired</Message></Error>", 403)
        if self.file_faults:
            self.file_faults -= 1
            return Reply(b"<Error><Code>InternalError</Code></Error>", 500)
        job = next(job for job in self.jobs if job["id"] in request.path)
        names = [field["name"] for field in job["fields"]]
        lines = (json.dumps(_cut(user, names), ensure_ascii=False) for user in self.users)
        body = gzip.compress("".join(f"{line}\n" for line in lines).encode())
        return Reply(body, 200, {"Content-Type": "application/gzip"})


def _cut(user: Any, names: list[str]) -> Any:
    return {name: user[name] for name in names if name in user} if isinstance(user, dict) else user


def _refused(status: int, said: str) -> Reply:
    return Reply({"statusCode": status, "error": said, "message": said}, status)
