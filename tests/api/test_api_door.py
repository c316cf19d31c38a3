"""Who is let in, on which path, by which method; and that nothing but our own error shape comes out."""

from __future__ import annotations

import logging

import pytest
from starlette.types import Receive, Scope, Send

from byourside_server.api.application import create_api
from byourside_server.api.desk import ApiSettings
from byourside_server.errors import Refusal
from byourside_server.measures.route import ROUTE
from tests.api.conftest import KEY, Browser, FakeDesk, error_of

PATHS_UNDER_KEY = [
    ("GET", "/v1/agent/calls"),
    ("POST", "/v1/agent/calls"),
    ("POST", "/v1/agent/calls/validate"),
    ("GET", "/v1/agent/calls/call-0"),
    ("POST", "/v1/agent/calls/call-0/cancel"),
    ("GET", "/v1/agent/calls/call-0/recording"),
    ("GET", "/v1/agent/calls/call-0/events"),
    ("GET", "/v1/agent/events"),
    ("GET", "/v1/nothing/here"),
    ("DELETE", "/v1/agent/calls"),
    ("OPTIONS", "/v1/agent/calls"),
    ("GET", "/v1"),
]


@pytest.mark.parametrize(("method", "path"), PATHS_UNDER_KEY)
def test_under_v1_a_key_is_asked_for_before_anything_else(api: Browser, method: str, path: str) -> None:
    answer = api.request(method, path, headers={"Authorization": ""}, content=b"{not json")
    assert (answer.status_code, error_of(answer)) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {KEY}",
        KEY,
        f"Bearer {KEY} {KEY}",
        f"Bearer {KEY},",
        f"Bearer\t{KEY}",
        f'Bearer "{KEY}"',
        "Bearer ключ".encode().decode("latin-1"),
        "Bearer " + "x" * 5000,
    ],
)
def test_what_is_no_known_key_is_unauthorized(api: Browser, header: str) -> None:
    answer = api.get("/v1/agent/calls", headers={b"Authorization": header.encode("latin-1")})
    assert (answer.status_code, error_of(answer)) == (401, "unauthorized")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_read_in_any_case(api: Browser, scheme: str) -> None:
    """RFC 9110 §11.1: the scheme is case-insensitive."""
    assert api.get("/v1/agent/calls", headers={"Authorization": f"{scheme}  {KEY}"}).status_code == 200


def test_two_authorization_headers_are_no_authorization(api: Browser) -> None:
    twice = [("Authorization", f"Bearer {KEY}"), ("Authorization", f"Bearer {KEY}")]
    api.headers.pop("Authorization")
    answer = api.get("/v1/agent/calls", headers=twice)
    assert error_of(answer) == "unauthorized"


def test_a_challenge_names_an_error_only_to_who_showed_a_key(api: Browser) -> None:
    """RFC 6750 §3."""
    shown = api.get("/v1/agent/calls", headers={"Authorization": "Bearer wrong"})
    assert 'error="invalid_token"' in shown.headers["www-authenticate"]
    api.headers.pop("Authorization")
    assert "error=" not in api.get("/v1/agent/calls").headers["www-authenticate"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/agent",
        "/v1/agent/calls/",
        "/v1/agent/calls/call-0/",
        "/v1/agent/calls/call-0/recording/",
        "/v1/agent/calls/call-0/transfer",
        "//v1/agent/calls",
        "/V1/agent/calls",
        "/healthz/",
        "/docs/",
        "/redoc",
        "/v1/agent/calls%0A",
        "/%00",
        "/v2/agent/calls",
    ],
)
def test_an_unknown_path_is_not_found_and_never_a_redirect(api: Browser, placed: str, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, error_of(answer)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/agent/calls", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/agent/calls/call-0", "GET, HEAD, OPTIONS"),
        ("PATCH", "/v1/agent/calls/call-0", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/agent/calls/validate", "OPTIONS, POST"),
        ("HEAD", "/v1/agent/calls/call-0/cancel", "OPTIONS, POST"),
        ("POST", "/v1/agent/events", "GET, HEAD, OPTIONS"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("BREW", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_told_which_are_right(api: Browser, method: str, path: str, allow: str) -> None:
    """RFC 9110 §15.5.6: a 405 carries Allow."""
    answer = api.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow
    if method != "HEAD":
        assert error_of(answer) == "method_not_allowed"


def test_options_tells_the_methods(api: Browser) -> None:
    answer = api.request("OPTIONS", "/v1/agent/calls")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (
        204,
        "GET, HEAD, OPTIONS, POST",
        b"",
    )


@pytest.mark.parametrize("path", ["/healthz", "/v1/agent/calls", "/openapi.json", "/v1/agent/calls/nobody"])
def test_head_has_the_headers_of_get_and_no_body(api: Browser, path: str) -> None:
    """RFC 9110 §9.3.2."""
    got, head = api.get(path), api.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/v1/agent/calls", "/v1/agent/calls/x", "/nowhere"])
def test_every_answer_bears_a_request_id_of_its_own(api: Browser, path: str) -> None:
    first, second = (api.get(path).headers["x-request-id"] for _ in range(2))
    assert first.startswith("req_")
    assert first != second


def test_a_fault_of_our_own_is_internal_error_and_only_the_log_knows_more(
    api: Browser, desk: FakeDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.fault = RuntimeError("the secret inside")
    with caplog.at_level(logging.ERROR):
        answer = api.get("/v1/agent/calls")
    assert (answer.status_code, error_of(answer)) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    [entry] = [record for record in caplog.records if record.getMessage() == "request failed"]
    assert entry.__dict__["request_id"] == answer.headers["x-request-id"]
    assert entry.exc_info is not None


@pytest.mark.parametrize(
    ("refusal", "retry_after"),
    [
        (Refusal("rate_limited", retry_after_s=2.1), "3"),
        (Refusal("rate_limited", retry_after_s=0.0), "1"),
        (Refusal("rate_limited"), "30"),
        (Refusal("over_minute_cap"), None),
        (Refusal("over_minute_cap", retry_after_s=86_400.0), "86400"),
        (Refusal("store_error"), "5"),
        (Refusal("idempotency_in_flight", retry_after_s=1.0), "1"),
        (Refusal("placement_failed"), None),
        (Refusal("destination_blocked"), None),
    ],
)
def test_who_should_wait_is_told_how_long_in_whole_seconds(
    api: Browser, desk: FakeDesk, refusal: Refusal, retry_after: str | None
) -> None:
    """RFC 9110 §10.2.3: delay-seconds is a whole number."""
    desk.fault = refusal
    answer = api.post("/v1/agent/calls", json={"to": "+14155550123", "objective": "Hello."})
    assert (answer.status_code, error_of(answer)) == (refusal.status, refusal.token)
    assert answer.headers.get("retry-after") == retry_after


def test_health_says_whether_calls_can_be_given_to_each_trunk(desk: FakeDesk) -> None:
    settings = ApiSettings("0.1.0", trunks=lambda: {"main": True, "spare": False})
    anyone = Browser(create_api(desk, settings=settings))
    try:
        assert anyone.get("/healthz").json()["trunks"] == {"main": "up", "spare": "down"}
    finally:
        anyone.close()


def test_health_needs_no_key(api: Browser) -> None:
    api.headers.pop("Authorization")
    assert api.get("/healthz").json() == {"status": "ok", "version": "0.1.0"}


def test_who_is_refused_without_a_key_counts_on_the_path_that_was_asked_for(desk: FakeDesk) -> None:
    """docs/metrics.md: the route `other` is whatever has no place here."""
    api, routes = create_api(desk, settings=ApiSettings("0.1.0")), []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        await api(scope, receive, send)
        routes.append(scope.get(ROUTE))

    stranger = Browser(watched)
    try:
        paths = ("/v1/agent/calls/call-0", "/v1/nothing/here")
        assert [stranger.get(path).status_code for path in paths] == [401, 401]
    finally:
        stranger.close()
    assert routes == ["/v1/agent/calls/{call_id}", None]
