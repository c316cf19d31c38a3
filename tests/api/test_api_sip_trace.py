"""The SIP trace over HTTP: text or capture file, for the call's owner only."""

from __future__ import annotations

import pytest

from byourside_server.sip.trace import Passage
from tests.api.conftest import NOW, STRANGER_KEY, Browser, FakeDesk, error_of

OURS, THEIRS = ("10.0.0.1", 5060), ("10.0.0.2", 5060)
INVITE = "INVITE sip:+14155550123@carrier.example SIP/2.0\r\nCall-ID: one\r\n\r\n"
ODD = "SIP/2.0 180 Klingelt \udcfc\r\nCall-ID: one\r\n\r\n"


@pytest.fixture
def url(desk: FakeDesk, placed: str) -> str:
    desk.traces[placed] = [
        Passage(NOW, "sent", "UDP", OURS, THEIRS, INVITE),
        Passage(NOW + 1, "received", "UDP", OURS, THEIRS, ODD),
    ]
    return f"/v1/agent/calls/{placed}/sip-trace"


def test_the_text_shows_every_message_even_one_that_is_no_utf_8(api: Browser, url: str) -> None:
    answer = api.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "--> 10.0.0.2:5060  INVITE sip:+14155550123@carrier.example SIP/2.0" in answer.text
    assert "SIP/2.0 180 Klingelt \\udcfc" in answer.text


def test_the_capture_file_begins_as_libpcap_files_do(api: Browser, url: str) -> None:
    answer = api.get(f"{url}?format=pcap")
    assert answer.headers["content-type"] == "application/vnd.tcpdump.pcap"
    assert answer.content[:4] == bytes.fromhex("d4c3b2a1")
    assert INVITE.encode() in answer.content
    assert b"Klingelt \xfc" in answer.content


def test_numbers_are_hidden_on_demand(api: Browser, url: str) -> None:
    for form in ("text", "pcap"):
        body = api.get(f"{url}?numbers=hidden&format={form}").content
        assert b"sip:+xxxxxxxxx23@" in body
        assert b"415555" not in body


def test_a_strangers_trace_is_not_found(api: Browser, url: str) -> None:
    api.headers["Authorization"] = f"Bearer {STRANGER_KEY}"
    answer = api.get(url)
    assert (answer.status_code, error_of(answer)) == (404, "not_found")


def test_a_call_of_which_nothing_was_kept_has_none(api: Browser, placed: str) -> None:
    answer = api.get(f"/v1/agent/calls/{placed}/sip-trace")
    assert (answer.status_code, error_of(answer)) == (404, "not_found")
