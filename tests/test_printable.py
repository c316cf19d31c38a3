"""What of a web address may be printed."""

from __future__ import annotations

import pytest

from byourside_server.printable import printable, printable_address


@pytest.mark.parametrize(
    ("address", "printed"),
    [
        ("https://phone.example.com:8443/a/b", "https://phone.example.com:8443/a/b"),
        ("http://me:secret@collector:4318/v1/traces", "http://***@collector:4318/v1/traces"),
        ("https://secret@collector", "https://***@collector"),
        ("https://:secret@collector", "https://***@collector"),
        ("https://me:se/cr?et#@@collector/x", "https://***@collector/x"),
        ("postgresql+asyncpg://me:secret@db/name?password=secret", "postgresql+asyncpg://***@db/name?password=***"),
        ("https://h/x?token=secret&b=secret;secret#secret", "https://h/x?token=***&b=***;***#***"),
        ("https://h/x?secret", "https://h/x?***"),
        ("'https://h/x?a=secret'", "'https://h/x?a=***'"),
        ("http://me:sec ret@h", "http://***@h"),
        ("me:secret@collector:4318", "***@collector:4318"),
    ],
)  # fmt: skip
def test_user_and_query_are_kept_back(address: str, printed: str) -> None:
    """RFC 3986 §3.2.1: a password in an address is not to be rendered; a user alone may be a token."""
    assert printable_address(address) == printed


def test_addresses_are_found_in_running_text() -> None:
    text = "http://me:secret@h/v1 gives no answer (see https://h/?key=secret), as said by me@example.com"
    assert (
        printable(text)
        == "http://***@h/v1 gives no answer (see https://h/?key=***), as said by me@example.com"
    )


@pytest.mark.parametrize(
    "text", ["openai?model=x, embedded", "sip:+14155550123@carrier", "a://", "http:// a@b"]
)
def test_what_is_no_web_address_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
