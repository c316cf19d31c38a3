"""One INVITE, several phones; and messages that cross on the wire. RFC 3261 §9, §13 and §15, RFC 6228."""

from __future__ import annotations

import pytest

from byourside_server.sip import sdp
from byourside_server.sip.call import CallState
from byourside_server.sip.events import Answered, Cancelled, HungUp, Progress, Refused, RequestFailed
from tests.sip.test_sip_calls import Deaf, answered_by_hand, request_to_office, sent_request
from tests.sip.test_sip_hold import the_call
from tests.sip.wire import ANSWER, OFFICE, PHONE, Pair, Weather, Wire

OTHER = sdp.offer("10.0.0.9", 4010, (sdp.PCMA,)).encode()


def contact(tag: str) -> str:
    return f"Contact: <sip:{tag}@10.0.0.2>"


def ring(pair: Deaf, tag: str, status: str = "183 Session Progress", body: bytes = b"") -> None:
    pair.reply("INVITE", status, to_tag=tag, headers=[contact(tag)], body=body)


def pick_up(pair: Deaf, tag: str, body: bytes = b"") -> None:
    pair.reply("INVITE", "200 OK", to_tag=tag, headers=[contact(tag)], body=body)


# --- forks --------------------------------------------------------------------------------------------


def test_the_fork_that_began_to_sound_last_is_listened_to() -> None:
    """Each fork's description is told once, when it comes; a copy does not take the ear back."""
    pair = Deaf()
    call = pair.dial()
    ring(pair, "a", body=ANSWER)
    ring(pair, "b", body=OTHER)
    ring(pair, "a", body=ANSWER)
    assert [event.sdp for event in pair.heard_by_office(Progress)] == [ANSWER, OTHER, b""]
    assert call.remote_sdp == OTHER


def test_a_fork_that_ended_gives_the_ear_back() -> None:
    """RFC 6228: 199 ends one early dialog; it is no ringing of its own."""
    pair = Deaf()
    call = pair.dial()
    ring(pair, "a", body=ANSWER)
    ring(pair, "b", body=OTHER)
    ring(pair, "b", "199 Early Dialog Terminated")
    assert [event.sdp for event in pair.heard_by_office(Progress)] == [ANSWER, OTHER, ANSWER]
    assert call.remote_sdp == ANSWER
    ring(pair, "stranger", "199 Early Dialog Terminated")
    assert len(pair.heard_by_office(Progress)) == 3
    assert call.state is CallState.RINGING


def test_of_two_that_pick_up_the_first_is_talked_to_and_the_other_hung_up() -> None:
    """§13.2.2.4: both are acknowledged, each at its own Contact."""
    pair = Deaf()
    call = pair.dial()
    ring(pair, "a", body=ANSWER)
    ring(pair, "b", body=OTHER)
    pick_up(pair, "b", OTHER)
    pick_up(pair, "a", ANSWER)
    sent = [message for item in pair.wire.log if item.source == OFFICE for message in [item.message]]
    assert [(getattr(each, "method", ""), each.to.tag) for each in sent[1:]] == [
        ("ACK", "b"),
        ("ACK", "a"),
        ("BYE", "a"),
    ]
    assert sent_request(pair, "BYE").uri == "sip:a@10.0.0.2"
    assert [event.sdp for event in pair.heard_by_office(Answered)] == [OTHER]
    assert (call.state, call.remote_sdp) == (CallState.ANSWERED, OTHER)
    request_to_office(
        pair, "BYE", call.sip_call_id, sent_request(pair, "INVITE").from_.tag or "", from_tag="a"
    )
    assert call.state is CallState.ANSWERED, "the loser's goodbye is not ours"


def test_a_second_phone_that_picks_up_after_the_call_is_hung_up_too() -> None:
    pair = Deaf()
    call = pair.dial()
    pick_up(pair, "a", ANSWER)
    call.hang_up(0.0)
    pair.wire.settle()
    pick_up(pair, "b", OTHER)
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK", "BYE", "ACK", "BYE"]
    assert sent_request(pair, "BYE").to.tag == "b"
    assert pair.story(OFFICE) == ["Answered", "HungUp"]


# --- CANCEL crossings ---------------------------------------------------------------------------------


def cancelled() -> Deaf:
    """A call given up while it rings; the CANCEL has gone out."""
    pair = Deaf()
    call = pair.dial()
    ring(pair, "a", "180 Ringing")
    call.hang_up(0.0)
    pair.wire.settle()
    assert pair.wire.labels(OFFICE)[-1] == "CANCEL"
    return pair


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() -> None:
    """§9.1: the CANCEL came too late."""
    pair = cancelled()
    pick_up(pair, "a", ANSWER)
    pair.reply("CANCEL", "200 OK")
    assert pair.wire.labels(OFFICE)[-2:] == ["ACK", "BYE"]
    assert pair.story(OFFICE) == ["Progress", "Cancelled"]
    pair.reply("BYE", "200 OK")
    pair.wire.run(100)
    assert set(pair.office.held().values()) == {0}


@pytest.mark.parametrize("status", ["486 Busy Here", "603 Decline", "500 x"])
def test_a_refusal_that_crosses_the_cancel_ends_it_all_the_same(status: str) -> None:
    pair = cancelled()
    pair.reply("INVITE", status, to_tag="a")
    pair.reply("CANCEL", "481 x")
    assert pair.wire.labels(OFFICE)[-1] == "ACK"
    assert pair.story(OFFICE) == ["Progress", "Cancelled"]
    pair.wire.run(100)
    assert set(pair.office.held().values()) == {0}


def test_a_487_that_never_comes_is_not_waited_for_longer_than_64_t1() -> None:
    """§9.1."""
    pair = cancelled()
    pair.reply("CANCEL", "200 OK")
    pair.wire.run(31.9)
    assert pair.heard_by_office(Cancelled) == []
    pair.wire.run(0.2)
    assert len(pair.heard_by_office(Cancelled)) == 1
    pair.wire.run(100)
    assert set(pair.office.held().values()) == {0}


def test_two_phones_that_crossed_the_cancel_are_both_hung_up() -> None:
    pair = cancelled()
    pick_up(pair, "a", ANSWER)
    pick_up(pair, "b", OTHER)
    assert pair.wire.labels(OFFICE)[-4:] == ["ACK", "BYE", "ACK", "BYE"]
    assert pair.story(OFFICE) == ["Progress", "Cancelled"]


@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("lead_s", [-0.3, -0.06, 0.0, 0.06, 0.3])
def test_whoever_is_first_both_sides_agree_in_the_end(delay_s: float, lead_s: float) -> None:
    """The answer goes out `lead_s` after the CANCEL did."""
    pair = Pair(Wire(Weather(delay_s=delay_s)))
    call = pair.dial()
    pair.wire.run(3)
    incoming = pair.ringing
    incoming.ring(pair.wire.now)
    pair.wire.run(3)
    began = pair.wire.now
    for at, deed in sorted([(began + 0.5, "cancel"), (began + 0.5 + lead_s, "answer")]):
        pair.wire.run_until(at)
        if deed == "cancel":
            call.hang_up(at)
        elif incoming.state is CallState.RINGING:
            incoming.answer(ANSWER, at)
    pair.wire.run(120)
    assert call.state is incoming.state is CallState.ENDED
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}
    assert pair.story(OFFICE)[-1] in ("Cancelled", "HungUp")


# --- in the call --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["INFO", "MESSAGE"])
def test_a_481_to_any_request_ends_the_call(method: str) -> None:
    """RFC 3261 §12.2.1.2, RFC 5057 §5.1."""
    pair = Deaf()
    answered_by_hand(pair)
    call = the_call(pair)
    verb = call.send_info if method == "INFO" else call.send_message
    verb(b"x", "text/plain", 0.0)
    pair.wire.settle()
    pair.reply(method, "481 Call/Transaction Does Not Exist")
    assert len(pair.heard_by_office(RequestFailed)) == 1
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["network"]
    assert pair.wire.labels(OFFICE)[-1] == "BYE"


def test_an_info_that_nobody_answers_ends_the_call() -> None:
    pair = Deaf()
    answered_by_hand(pair)
    the_call(pair).send_info(b"x", "text/plain", 0.0)
    pair.wire.run(33)
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["network"]


@pytest.mark.parametrize("status", ["403 x", "415 x", "500 x", "501 x"])
def test_other_refusals_are_their_own_affair(status: str) -> None:
    pair = Deaf()
    answered_by_hand(pair)
    the_call(pair).send_info(b"x", "text/plain", 0.0)
    pair.wire.settle()
    pair.reply("INFO", status)
    assert pair.heard_by_office(HungUp) == []
    assert the_call(pair).state is CallState.ANSWERED


def test_byes_that_cross_on_a_slow_wire_are_both_answered() -> None:
    """§15.1.2."""
    pair = Pair(Wire(Weather(delay_s=0.1)))
    call = pair.dial()
    pair.wire.run(1)
    pair.ringing.answer(ANSWER, pair.wire.now)
    pair.wire.run(1)
    call.hang_up(pair.wire.now)
    pair.ringing.hang_up(pair.wire.now)
    pair.wire.run(60)
    assert pair.wire.labels(OFFICE)[-1] == pair.wire.labels(PHONE)[-1] == "200 BYE"
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["local"]
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}


def test_a_call_refused_by_one_fork_after_another_rang_is_refused_once() -> None:
    pair = Deaf()
    pair.dial()
    ring(pair, "a", body=ANSWER)
    pair.reply("INVITE", "486 Busy Here", to_tag="b")
    assert [event.status for event in pair.heard_by_office(Refused)] == [486]
    pick_up(pair, "a", ANSWER)
    assert pair.heard_by_office(Answered) == []
