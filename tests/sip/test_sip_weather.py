"""Many calls, in good weather and bad: nothing is left behind, and every call ends in one word."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byourside_server.sip.call import CallState
from byourside_server.sip.events import Answered, Cancelled, HungUp, InviteReceived, Refused
from byourside_server.sip.incoming import IncomingCall
from byourside_server.sip.message import Request, Response
from byourside_server.sip.outgoing import OutgoingCall
from byourside_server.sip.transaction import ClientTransaction, ServerTransaction
from tests.sip.wire import ANSWER, OFFICE, PHONE, Pair, Weather, Wire

KEPT = (OutgoingCall, IncomingCall, ClientTransaction, ServerTransaction, Request, Response)


def kept_now() -> list[object]:
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, KEPT)]


def test_a_thousand_calls_leave_nothing_behind() -> None:
    others = {id(each) for each in kept_now()}  # of tests that ran before in this process
    pair = Pair(Wire(keep_log=False))
    wire = pair.wire
    most = 0
    for number in range(1_000):
        call = pair.dial()
        incoming = pair.ringing
        if number % 4 == 1:
            incoming.refuse(486, None, wire.now)
        elif number % 4 == 2:
            call.hang_up(wire.now)
        else:
            incoming.answer(ANSWER, wire.now)
            wire.settle()
            (call if number % 4 else incoming).hang_up(wire.now)
        wire.run(1)
        assert len(wire.events[OFFICE]) == (1 if number % 4 in (1, 2) else 2)
        wire.events[OFFICE].clear()
        wire.events[PHONE].clear()
        most = max(most, *pair.office.held().values(), *pair.phone.held().values())
        del call, incoming
    # One call a second, nothing of which lives longer than 32 s; with two transactions and their alarms.
    assert most < 140
    wire.run(65)
    assert set(pair.office.held().values()) | set(pair.phone.held().values()) == {0}
    assert [each for each in kept_now() if id(each) not in others] == []


@pytest.mark.parametrize("seed", range(12))
@settings(max_examples=5, deadline=None)
@given(
    loss=st.floats(0, 0.35),
    duplication=st.floats(0, 0.5),
    delay_s=st.floats(0, 0.2),
    jitter_s=st.floats(0, 1.0),
    refuses=st.booleans(),
    hang_up_at=st.floats(0.0, 20.0),
    hanger=st.sampled_from(["office", "phone"]),
)
def test_every_call_ends_once_on_both_sides_whatever_the_weather(
    seed: int,
    loss: float,
    duplication: float,
    delay_s: float,
    jitter_s: float,
    refuses: bool,
    hang_up_at: float,
    hanger: str,
) -> None:
    """Loss, doubling and reordering; the phone rings after 1 s and answers or refuses after 3 s."""
    wire = Wire(Weather(loss, duplication, delay_s, jitter_s), seed=seed)
    pair = Pair(wire)
    call = pair.dial()
    wire.run_until(1)
    for event in pair.heard_by_phone(InviteReceived):
        if event.call.state is CallState.CALLING:
            event.call.ring(wire.now)
    steps = sorted([(3.0, "decide"), (hang_up_at + 1, "hang up")])
    for moment, what in steps:
        wire.run_until(max(moment, wire.now))
        if what == "hang up" and hanger == "office":
            call.hang_up(wire.now)
        for event in pair.heard_by_phone(InviteReceived):
            if what == "hang up" and hanger == "phone":
                event.call.hang_up(wire.now)
            elif what == "decide" and event.call.state in (CallState.CALLING, CallState.RINGING):
                event.call.refuse(486, None, wire.now) if refuses else event.call.answer(ANSWER, wire.now)
    wire.run(5)
    # Latecomers, where everything was lost until now.
    call.hang_up(wire.now)
    for event in pair.heard_by_phone(InviteReceived):
        event.call.hang_up(wire.now)
    wire.run(200)
    for event in pair.heard_by_phone(InviteReceived):
        event.call.hang_up(wire.now)
    wire.run(200)
    assert len(pair.heard_by_phone(InviteReceived)) <= 1
    office = [
        *pair.heard_by_office(Refused),
        *pair.heard_by_office(Cancelled),
        *pair.heard_by_office(HungUp),
    ]
    assert len(office) == 1
    assert len(pair.heard_by_office(Answered)) == len(pair.heard_by_office(HungUp))
    assert len(pair.heard_by_phone(HungUp)) + len(pair.heard_by_phone(Cancelled)) <= 1
    assert set(pair.office.held().values()) | set(pair.phone.held().values()) == {0}


def everything_said_in_a_call() -> list[bytes]:
    """Every kind of datagram a call knows, as bytes."""
    pair = Pair()
    call = pair.dial()
    pair.ringing.ring(0.0, 183, ANSWER)
    pair.wire.settle()
    pair.ringing.answer(ANSWER, 0.0)
    pair.wire.settle()
    call.send_message(b"hello", "text/plain", 0.0)
    pair.wire.settle()
    call.hang_up(0.0, "over")
    pair.wire.settle()
    cancelled = pair.dial()
    cancelled.hang_up(0.0, "too long")
    pair.wire.settle()
    return [sent.data for sent in pair.wire.log]


PIECES = [b'"', b";", b",", b"<", b">", b":", b"@", b"=", b"\r\n", b"\r", b"%", b"\x00", b"tag", b"99999"]
SAID = everything_said_in_a_call()


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_no_datagram_raises_whatever_it_holds(data: st.DataObject) -> None:
    """A live call on each side, and datagrams of its own kind with bytes struck out, put in or moved."""
    pair = Pair()
    _, incoming = pair.answered()
    incoming.send_info(b"1", "text/plain", 0.0)
    for _ in range(3):
        datagram = bytearray(data.draw(st.sampled_from(SAID)))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(datagram) - 1))
            piece = data.draw(st.binary(max_size=2) | st.sampled_from(PIECES))
            datagram[at : at + data.draw(st.integers(0, 4))] = piece
        for address in (OFFICE, PHONE):
            pair.wire.inject(bytes(datagram), PHONE if address == OFFICE else OFFICE, address)
    pair.wire.run(1)
    # A datagram may well have said to end the call; nobody heard that twice of one call.
    for ended in (pair.heard_by_office(HungUp), pair.heard_by_phone(HungUp)):
        assert len({event.call.sip_call_id for event in ended}) == len(ended)
