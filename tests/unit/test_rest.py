"""What an API's answers mean for the next try, against a server on loopback."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from connectors.errors import RetryError, SourceError
from connectors.http import origin
from connectors.rest import RestApi
from connectors.rest_auth import ClientCredentials, Header, bearer
from tests.servers.api_server import ApiServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterator


class Echo(ApiServer):
    """Answers with what it was told to, and hands out tokens that are good for one call."""

    replies: list[Reply]
    no_tokens: list[Reply]
    tokens = 0

    def answer(self, request: Request) -> Reply:
        if self.is_token_call(request) and self.no_tokens:
            return self.no_tokens.pop(0)
        if self.is_token_call(request):
            self.tokens += 1
            return Reply({"access_token": f"token-{self.tokens}", "expires_in": 600})
        return self.replies.pop(0) if self.replies else Reply({"n": 1.10})


@pytest.fixture
def server() -> Iterator[Echo]:
    with Echo() as made:
        made.replies, made.no_tokens = [], []
        yield made


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def api(server: Echo, pauses: list[float]) -> RestApi:
    return RestApi(server.url, bearer("s3cret"), sleep=pauses.append, clock=lambda: 1_700_000_000.0)


def test_numbers_stay_as_they_are_written(api: RestApi, server: Echo) -> None:
    server.replies = [Reply(b'{"id": 1.10}')]
    assert api.get_json("/users")[0] == {"id": "1.10"}


@pytest.mark.parametrize(
    ("status", "headers", "least"),
    [
        (429, {"Retry-After": "40"}, 40),
        (429, {"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60),
        (429, {"X-Rate-Limit-Reset": "1700000050"}, 50),
        (429, {"RateLimit-Reset": "30"}, 30),
        (503, {"Retry-After": "35"}, 35),
    ],
)
def test_a_server_is_left_alone_as_long_as_it_asks(
    api: RestApi, server: Echo, pauses: list[float], status: int, headers: dict[str, str], least: float
) -> None:
    server.replies = [Reply({}, status, headers)]
    api.get("/users")
    assert least <= pauses[0] <= least + 61


@pytest.mark.parametrize("reset", ["1700000599", "1700003000"])
def test_a_fault_is_no_used_up_allowance_whatever_the_answer_tells_of_the_limit(
    api: RestApi, server: Echo, pauses: list[float], reset: str
) -> None:
    """Many servers tell with every answer what is left and when the limit resets."""
    server.replies = [Reply({}, 500, {"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": reset})]
    assert api.get("/users").status == 200
    assert [pause for pause in pauses if pause > 30] == []


def test_a_fault_after_which_nothing_is_left_is_asked_again_once_the_limit_has_reset(
    api: RestApi, server: Echo, pauses: list[float]
) -> None:
    server.replies = [Reply({}, 500, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000050"})]
    assert api.get("/users").status == 200
    assert pauses[-1] == 50.0


def test_a_server_that_asks_for_too_long_a_pause_stops_the_run(api: RestApi, server: Echo) -> None:
    server.replies = [Reply({}, 429, {"Retry-After": "3600"})]
    with pytest.raises(SourceError, match="3,600 s"):
        api.get("/users")


def test_an_allowance_that_is_used_up_is_waited_for_before_the_next_call(
    api: RestApi, server: Echo, pauses: list[float]
) -> None:
    used_up = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000012"}
    server.replies = [Reply({}, 200, used_up)]
    api.get("/users")
    assert pauses == []
    api.get("/users")
    assert pauses == [12.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_stops_at_once_and_shows_no_query(api: RestApi, server: Echo, status: int) -> None:
    server.replies = [Reply({"message": "ann@example.com"}, status)]
    with pytest.raises(SourceError, match=f"GET /users answered {status}") as caught:
        api.get("/users", params={"filter": "ann@example.com"})
    assert "ann" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["broken", "cut"])
def test_a_fault_is_tried_again_until_it_passes_or_the_tries_end(
    api: RestApi, server: Echo, kind: str
) -> None:
    server.fail(kind, 2)  # type: ignore[arg-type]  # one of its kinds
    assert api.get("/users").status == 200
    server.fail(kind, 1000)  # type: ignore[arg-type]  # same
    with pytest.raises(RetryError, match="gave up after 8 tries"):
        api.get("/users")


def test_what_is_no_json_is_asked_for_again(api: RestApi, server: Echo) -> None:
    server.fail("malformed")
    assert api.get_json("/users")[0] == {"n": "1.1"}


def test_a_token_that_is_refused_is_renewed_once(server: Echo, pauses: list[float]) -> None:
    auth = ClientCredentials(f"{server.url}/token", {"client_id": "c", "client_secret": "s"})
    api = RestApi(server.url, auth, sleep=pauses.append)
    server.replies = [Reply({}, 401)]
    assert api.get("/users").status == 200
    assert server.tokens == 2
    assert server.requests[0].form()["grant_type"] == "client_credentials"
    assert server.requests[-1].headers["Authorization"] == "Bearer token-2"


def test_a_token_endpoint_is_left_alone_as_long_as_it_asks(server: Echo, pauses: list[float]) -> None:
    auth = ClientCredentials(f"{server.url}/token", {"client_id": "c", "client_secret": "s"})
    server.no_tokens = [Reply({}, 429, {"Retry-After": "120"})]
    assert RestApi(server.url, auth, sleep=pauses.append).get("/users").status == 200
    assert pauses == [120.0]
    server.replies, server.no_tokens = [Reply({}, 401)], [Reply({}, 503, {"Retry-After": "3600"})]
    with pytest.raises(SourceError, match=r"token endpoint answered 503\. It asks to wait 3,600 s"):
        RestApi(server.url, auth).get("/users")


def test_a_token_endpoint_that_refuses_stops(server: Echo) -> None:
    auth = ClientCredentials(f"{server.url}/nowhere", {"client_id": "c", "client_secret": "hush"})
    server.replies = [Reply({"error": "invalid_client"}, 401)]
    with pytest.raises(SourceError, match="no token") as caught:
        RestApi(server.url, auth).get("/users")
    assert "hush" not in str(caught.value)


def test_the_credential_is_not_sent_to_another_server(api: RestApi, server: Echo) -> None:
    with Echo() as other:
        other.replies = []
        api.get(f"{other.url}/next")
        assert "Authorization" not in other.requests[0].headers
    api.get(f"{server.url}/next")
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"


def test_headers_go_to_their_own_server_alone(server: Echo) -> None:
    api = RestApi(server.url, headers={"X-Tenant": "hush"})
    with Echo() as other:
        other.replies = []
        api.get(f"{other.url}/next")
        assert "X-Tenant" not in other.requests[0].headers
    api.get("/users", headers={"X-More": "1"})
    assert (server.requests[0].headers["X-Tenant"], server.requests[0].headers["X-More"]) == ("hush", "1")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_server_is_an_error_that_names_it(server: Echo, status: int) -> None:
    api = RestApi(server.url, Header("X-Api-Key", "hush"), headers={"X-Tenant": "hush"})
    with Echo() as other:
        away = Reply({}, status, {"Location": f"{other.url}/users?of=ann"})
        for call in (lambda: api.get("/users"), lambda: api.download(server.url, io.BytesIO(), "the file")):
            server.replies = [away]
            with pytest.raises(SourceError, match=f"another server, {other.url},") as caught:
                call()
            assert "ann" not in str(caught.value)
    assert other.requests == []


def test_a_redirect_within_the_server_is_followed_with_the_credential(server: Echo) -> None:
    server.replies = [Reply({}, 302, {"Location": "/users/"})]
    RestApi(server.url, Header("X-Api-Key", "k"), headers={"X-Tenant": "t"}).get("/users")
    assert [each.headers["X-Api-Key"] + each.headers["X-Tenant"] for each in server.requests] == ["kt", "kt"]
    assert server.requests[-1].path == "/users/"


@pytest.mark.parametrize("status", [302, 307])
def test_a_secret_does_not_follow_a_redirect_of_the_token_endpoint(server: Echo, status: int) -> None:
    auth = ClientCredentials(f"{server.url}/moved", {"client_id": "c", "client_secret": "hush"})
    with Echo() as other:
        server.replies = [Reply({}, status, {"Location": f"{other.url}/token"})]
        with pytest.raises(SourceError, match="is redirected") as caught:
            RestApi(server.url, auth).get("/users")
    assert other.requests == []
    assert "hush" not in str(caught.value)


def test_a_server_is_the_same_in_capitals_and_with_its_port(server: Echo) -> None:
    local = server.url.replace("127.0.0.1", "localhost")
    RestApi(local.upper().replace("HTTP", "http"), bearer("s3cret")).get(f"{local}/next")
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert origin("https://API.example.com") == origin("HTTPS://api.example.com:443/users")
    assert origin("http://api.example.com") != origin("https://api.example.com")


def test_links_are_read(api: RestApi, server: Echo) -> None:
    link = '<https://a.example.com/users?after=x>; rel="next", <https://a.example.com/users>; rel="self"'
    server.replies = [Reply([], 200, {"Link": link})]
    assert api.get("/users").links()["next"] == "https://a.example.com/users?after=x"


def test_an_address_that_is_none_is_an_error_of_the_source() -> None:
    with pytest.raises(SourceError, match="Check the URL"):
        RestApi("htp:/nothing").get("/users")


class CutsOff(ApiServer):
    """Ends the first answer in its middle."""

    def answer(self, request: Request) -> Reply:
        headers = {"Content-Length": "8", "Connection": "close"}
        return Reply(b"whole it" if len(self.requests) > 1 else b"who", 200, headers)


def test_a_download_that_is_cut_off_is_begun_anew() -> None:
    into, pauses = io.BytesIO(), list[float]()
    with CutsOff() as server:
        RestApi(server.url, sleep=pauses.append).download(f"{server.url}/file", into, "the file")
    assert into.getvalue() == b"whole it"
    assert len(pauses) == 1
