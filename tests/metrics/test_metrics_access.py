"""Who may read the numbers: this machine, whoever shows a token, everybody, or nobody."""

from __future__ import annotations

from typing import Any

import pytest

from byourside_server.metrics.access import MARKS_OF_A_PROXY, Access, is_loopback

TOKEN = "a-token-of-sixteen-and-more"


def scope(client: str | None = "127.0.0.1", version: str = "1.1", **headers: str) -> dict[str, Any]:
    given = {"host": "127.0.0.1:8080", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {
        "type": "http",
        "client": None if client is None else (client, 40_000),
        "http_version": version,
        "headers": [(name.encode(), value.encode()) for name, value in given.items() if value],
    }


def status(access: Access, asked: dict[str, Any]) -> int:
    denied = access.check(asked)
    return 200 if denied is None else denied.status


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_reads(client: str) -> None:
    assert status(Access("local"), scope(client)) == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST:1"])
def test_it_is_asked_by_a_name_of_this_machine(host: str) -> None:
    assert status(Access("local"), scope(host=host)) == 200


@pytest.mark.parametrize(
    "client", ["10.0.0.2", "192.168.1.4", "203.0.113.9", "fe80::1", "::ffff:10.0.0.2", None]
)
def test_nobody_else_does(client: str | None) -> None:
    assert status(Access("local"), scope(client)) == 403


@pytest.mark.parametrize("mark", MARKS_OF_A_PROXY)
@pytest.mark.parametrize("value", ["203.0.113.9", "127.0.0.1", "for=127.0.0.1"])
def test_a_proxy_on_this_machine_opens_it_to_nobody(mark: str, value: str) -> None:
    """Whatever the header says: who set it is not known."""
    assert status(Access("local"), scope(**{mark.replace("-", "_"): value})) == 403


def test_nor_does_one_that_adds_nothing_but_speaks_http_1_0() -> None:
    """nginx's `proxy_pass` without further settings: HTTP/1.0, and the Host of the upstream."""
    assert status(Access("local"), scope(version="1.0", connection="close")) == 403


@pytest.mark.parametrize(
    "host",
    [
        "phone.example.com",
        "evil.example:8080",
        "10.0.0.5",
        "",
        "127.0.0.1.evil.example",
        "[::1",
        "[127.0.0.1]",
        "[localhost]",
    ],
)
def test_nor_does_a_page_in_a_browser_that_made_its_name_lead_here(host: str) -> None:
    """DNS rebinding: the connection comes from this machine, the Host is the page's."""
    assert status(Access("local"), scope(host=host)) == 403


def test_a_token_is_asked_of_everybody() -> None:
    access = Access("token", TOKEN)
    assert status(access, scope()) == 401
    assert status(access, scope("203.0.113.9", authorization=f"Bearer {TOKEN}")) == 200
    assert status(access, scope(x_forwarded_for="203.0.113.9", authorization=f"bearer {TOKEN}")) == 200
    almost = (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer ", "Bearer ünsafe")
    for wrong in almost:
        assert status(access, scope(authorization=wrong)) == 401


def test_two_tokens_are_none() -> None:
    asked = scope(authorization=f"Bearer {TOKEN}")
    asked["headers"].append((b"authorization", f"Bearer {TOKEN}".encode()))
    assert status(Access("token", TOKEN), asked) == 401


def test_no_token_is_nobodys() -> None:
    assert status(Access("token", ""), scope(authorization="Bearer x")) == 401
    assert TOKEN not in repr(Access("token", TOKEN))


def test_open_is_open() -> None:
    assert status(Access("open"), scope("203.0.113.9", x_forwarded_for="1.2.3.4")) == 200


@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.1:80", "0.0.0.0", "::", "128.0.0.1"])
def test_what_is_no_loopback_address(text: str) -> None:
    assert not is_loopback(text)
