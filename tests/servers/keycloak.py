"""Keycloak's Admin REST API as "Keycloak Admin REST API" (OpenAPI description of 26.5) has it: users alone.

A list of users lacks their groups, roles, federated identities and credentials; ``max`` is 100 where it is
not given; users are in the order of their names; service accounts are neither listed nor counted.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from tests.servers.api_server import ApiServer, Reply, Request

CLIENT, SECRET, TOKEN = "poolferry", "s3cret-of-a-test", "t0ken-of-a-test"
_ELSEWHERE = ("groups", "realmRoles", "clientRoles", "federatedIdentities", "credentials")
_BRIEF = ("id", "username", "firstName", "lastName", "email", "emailVerified", "enabled", "createdTimestamp")


class KeycloakServer(ApiServer):
    """One realm; ``users`` are as an export has them."""

    def __init__(self, users: list[Any], realm: str = "example") -> None:
        super().__init__()
        self.users, self.realm = users, realm

    def answer(self, request: Request) -> Reply:
        if request.path == f"/realms/{self.realm}/protocol/openid-connect/token":
            return self._token(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Reply({"error": "HTTP 401 Unauthorized"}, 401)
        place = f"/admin/realms/{self.realm}/users"
        if not request.path.startswith(place):
            return Reply({"error": "Realm not found."}, 404)
        return self._users(request.path.removeprefix(place).strip("/").split("/"), request.query)

    def _token(self, request: Request) -> Reply:
        asked = request.form()
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT, SECRET):
            said = "Invalid client or Invalid client credentials"
            return Reply({"error": "unauthorized_client", "error_description": said}, 401)
        assert asked["grant_type"] == "client_credentials"
        return Reply({"access_token": TOKEN, "expires_in": 60, "token_type": "Bearer"})

    def _users(self, parts: list[str], query: dict[str, str]) -> Reply:
        people = [each for each in self.users if not _is_service(each)]
        if parts == ["count"]:
            return Reply(len(people))
        if parts == [""]:
            first, size = int(query.get("first", 0)), int(query.get("max", 100))
            return Reply([_listed(each, query) for each in people[first : first + size]])
        found = [each for each in people if isinstance(each, dict) and each["id"] == unquote(parts[0])]
        if not found:
            return Reply({"error": "User not found"}, 404)
        return Reply(_part(found[0], parts[1]))


def _is_service(user: Any) -> bool:
    return isinstance(user, dict) and "serviceAccountClientId" in user


def _listed(user: Any, query: dict[str, str]) -> Any:
    if not isinstance(user, dict):
        return user
    if query.get("briefRepresentation") == "true":
        return {name: user[name] for name in _BRIEF if name in user}
    kinds = {each.get("type") for each in user.get("credentials", [])}
    shown = {name: value for name, value in user.items() if name not in _ELSEWHERE}
    return {**shown, "totp": "otp" in kinds, "access": {"view": True}}


def _part(user: dict[str, Any], part: str) -> Any:
    if part == "groups":
        return [{"id": path, "name": path.rpartition("/")[2], "path": path} for path in user["groups"]]
    if part == "federated-identity":
        return user.get("federatedIdentities", [])
    assert part == "role-mappings"
    clients = {
        name: {"id": name, "client": name, "mappings": [{"id": role, "name": role} for role in roles]}
        for name, roles in user.get("clientRoles", {}).items()
    }
    return {"realmMappings": [{"name": role} for role in user["realmRoles"]], "clientMappings": clients}
