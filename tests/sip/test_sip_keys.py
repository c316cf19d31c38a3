"""Telephone keys by INFO: written, read, and pressed in order."""

from __future__ import annotations

import pytest

from byourside_server.sip.call import CallState
from byourside_server.sip.events import InfoReceived
from byourside_server.sip.keys import key_of, relay
from tests.sip.test_sip_calls import Deaf, answered_by_hand
from tests.sip.test_sip_hold import the_call
from tests.sip.wire import ANSWER as SDP_ANSWER
from tests.sip.wire import OFFICE, Pair, Weather, Wire


@pytest.mark.parametrize("key", "0123456789*#ABCD")
def test_what_we_write_is_what_we_read(key: str) -> None:
    assert key_of(relay(key), "application/dtmf-relay") == key


@pytest.mark.parametrize(
    ("body", "kind", "key"),
    [
        (b"Signal= 5\r\nDuration= 160\r\n", "application/dtmf-relay", "5"),
        (b"Signal=*", "Application/DTMF-Relay; charset=x", "*"),
        (b"Duration=250\nsignal=#\n", "application/dtmf-relay", "#"),
        (b"Signal=10\r\n", "application/dtmf-relay", "*"),
        (b"Signal=11\r\n", "application/dtmf-relay", "#"),
        (b"d", "application/dtmf", "D"),
        (b" 7 \r\n", "application/dtmf", "7"),
        (b"Signal=7\r\n", "application/dtmf", "7"),
        (b"Signal=16\r\n", "application/dtmf-relay", None),
        (b"Signal=\r\n", "application/dtmf-relay", None),
        (b"Duration=100\r\n", "application/dtmf-relay", None),
        (b"5", "application/dtmf-relay", None),
        (b"12", "application/dtmf", "A"),
        (b"", "application/dtmf", None),
        (b"5", "text/plain", None),
        (b"\xff\xfe", "application/dtmf", None),
        (b"Signal=5\r\n" + b"x" * 2000, "application/dtmf-relay", None),
        ("Signal=٥".encode(), "application/dtmf-relay", None),
    ],
)
def test_what_gateways_write(body: bytes, kind: str, key: str | None) -> None:
    assert key_of(body, kind) == key


def pressed(pair: Pair) -> str:
    keys = [key_of(event.body, event.content_type) for event in pair.heard_by_phone(InfoReceived)]
    return "".join(key or "?" for key in keys)


@pytest.mark.parametrize("seed", range(6))
def test_keys_arrive_in_order_over_a_wire_that_reorders(seed: int) -> None:
    weather = Weather(loss=0.2, duplication=0.2, delay_s=0.05, jitter_s=0.5)
    pair = Pair(Wire(weather, seed=seed))
    call = pair.dial()
    pair.wire.run(8)
    pair.ringing.answer(SDP_ANSWER, pair.wire.now)
    pair.wire.run(20)
    call.press("4071,9#", pair.wire.now)
    call.press("x*", pair.wire.now)
    pair.wire.run(120)
    assert pressed(pair) == "40719#*"


def test_a_comma_waits_half_a_second() -> None:
    pair = Pair()
    call, _ = pair.answered()
    call.press("1,2", 0.0)
    pair.wire.run(2)
    assert pair.wire.moments(OFFICE, "INFO") == [0.0, 0.5]
    call.press("3", pair.wire.now)
    pair.wire.settle()
    assert pressed(pair) == "123"


def test_a_key_that_is_refused_does_not_keep_the_next_back() -> None:
    pair = Deaf()
    answered_by_hand(pair)
    the_call(pair).press("12", 0.0)
    pair.wire.settle()
    pair.reply("INFO", "415 Unsupported Media Type")
    assert pair.wire.labels(OFFICE).count("INFO") == 2
    assert the_call(pair).state is CallState.ANSWERED


def test_keys_are_not_pressed_on_a_call_that_is_over() -> None:
    pair = Pair()
    call, _ = pair.answered()
    call.press("1,2", 0.0)
    call.hang_up(0.0)
    call.press("3", 0.0)
    pair.wire.run(60)
    assert pressed(pair) == "1"
    assert set(pair.office.held().values()) == {0}


def test_whether_they_take_infos_is_in_their_allow() -> None:
    pair = Pair()
    call, incoming = pair.answered()
    assert call.allows("INFO")
    assert incoming.allows("UPDATE")
    deaf = Deaf()
    answered_by_hand(deaf)
    assert not the_call(deaf).allows("INFO")
