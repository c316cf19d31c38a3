"""Session timers: calls whose far side has gone away end by themselves (RFC 4028)."""

from __future__ import annotations

import pytest

from byourside_server.sip import session_timer
from byourside_server.sip.call import CallState
from byourside_server.sip.events import HungUp, InviteReceived, Refused
from byourside_server.sip.outgoing import OutgoingCall
from tests.sip.test_sip_calls import Deaf, request_to_office, sent_request
from tests.sip.test_sip_hold import the_call, theirs
from tests.sip.wire import ANSWER, OFFICE, PHONE, Pair, Weather, Wire

CONTACT = "Contact: <sip:far@10.0.0.2>"
UPDATES = "Allow: INVITE, ACK, BYE, UPDATE"


def answered(*headers: str) -> Deaf:
    """A call whose hand-made 200 says that."""
    pair = Deaf()
    pair.dial()
    pair.reply("INVITE", "200 OK", headers=[CONTACT, *headers], body=ANSWER)
    return pair


def terms(pair: Pair, label: str, source: tuple[str, int] = OFFICE) -> str | None:
    return pair.wire.last(source, label).headers.get("Session-Expires")


# --- the calling side ---------------------------------------------------------------------------------


def test_an_invite_asks_for_half_an_hour() -> None:
    """§4 and §7.1: no refresher named, the other side chooses."""
    pair = Deaf()
    pair.dial()
    assert terms(pair, "INVITE") == "1800"
    assert "timer" in sent_request(pair, "INVITE").headers.tokens("Supported")


def test_we_refresh_by_update_at_half_the_interval() -> None:
    """§7.2, §7.4 and §10: without an offer, naming us again."""
    pair = answered("Session-Expires: 600;refresher=uac", "Require: timer", UPDATES)
    pair.wire.run(299)
    assert "UPDATE" not in pair.wire.labels(OFFICE)
    pair.wire.run(2)
    update = sent_request(pair, "UPDATE")
    assert (update.headers.get("Session-Expires"), update.body) == ("600;refresher=uac", b"")
    pair.reply("UPDATE", "200 OK", headers=[CONTACT, "Session-Expires: 600;refresher=uac"])
    pair.wire.run(290)
    assert len({sent.message.cseq for sent in pair.wire.log if sent.label == "UPDATE"}) == 1
    pair.wire.run(15)
    assert len({sent.message.cseq for sent in pair.wire.log if sent.label == "UPDATE"}) == 2
    assert pair.heard_by_office(HungUp) == []


def test_without_update_we_refresh_by_a_reinvite_that_repeats_the_description() -> None:
    """§7.4."""
    pair = answered("Session-Expires: 600;refresher=uac")
    before = the_call(pair).local_sdp
    pair.wire.run(301)
    invite = sent_request(pair, "INVITE")
    assert (invite.cseq[0], invite.body) == (2, before)
    pair.reply("INVITE", "200 OK", headers=[CONTACT, "Session-Expires: 600;refresher=uac"], body=ANSWER)
    assert pair.wire.labels(OFFICE)[-1] == "ACK"
    assert pair.story(OFFICE) == ["Answered"], "nobody is told: nothing has changed"


def test_an_update_that_is_not_known_after_all_becomes_a_reinvite() -> None:
    pair = answered("Session-Expires: 600;refresher=uac", UPDATES)
    pair.wire.run(301)
    pair.reply("UPDATE", "405 Method Not Allowed")
    assert pair.wire.labels(OFFICE)[-1] == "INVITE"


@pytest.mark.parametrize("refusal", ["481 x", "408 x"])
def test_a_refresh_that_finds_no_call_ends_it(refusal: str) -> None:
    """§10."""
    pair = answered("Session-Expires: 600;refresher=uac", UPDATES)
    pair.wire.run(301)
    pair.reply("UPDATE", refusal)
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["network"]
    assert pair.wire.labels(OFFICE)[-1] == "BYE"


def test_a_refresh_that_fails_for_now_is_tried_again_and_the_call_ends_in_time() -> None:
    """§10: any other failure leaves the session until it expires."""
    pair = answered("Session-Expires: 600;refresher=uac", UPDATES)
    for _ in range(570):
        pair.wire.run(1)
        if pair.wire.labels(OFFICE)[-1] == "UPDATE":
            pair.reply("UPDATE", "503 x")
    (ended,) = pair.heard_by_office(HungUp)
    assert (ended.by, ended.reason) == ("network", "session expired")
    assert pair.wire.moments(OFFICE, "BYE")[0] == 600 - 32
    assert 5 < len({sent.message.cseq for sent in pair.wire.log if sent.label == "UPDATE"}) < 30


def test_where_they_refresh_and_do_not_we_end_the_call() -> None:
    """§10: the lesser of 32 s and a third of the interval before it runs out."""
    pair = answered("Session-Expires: 90;refresher=uas")
    pair.wire.run(59.9)
    assert pair.heard_by_office(HungUp) == []
    pair.wire.run(0.2)
    (ended,) = pair.heard_by_office(HungUp)
    assert (ended.by, ended.reason) == ("network", "session expired")
    assert "session expired" in (sent_request(pair, "BYE").headers.get("Reason") or "")


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_where_they_refresh_the_call_goes_on(method: str) -> None:
    pair = answered("Session-Expires: 90;refresher=uas")
    call = the_call(pair)
    tag = sent_request(pair, "INVITE").from_.tag or ""
    body = theirs() if method == "INVITE" else b""
    for number in range(1, 6):
        pair.wire.run(45)
        request_to_office(
            pair,
            method,
            call.sip_call_id,
            tag,
            number=number,
            branch=str(number),
            body=body,
            headers=[
                CONTACT,
                "Supported: timer",
                "Session-Expires: 90;refresher=uac",
                *(["Content-Type: application/sdp"] if body else []),
            ],
        )
        assert terms(pair, f"200 {method}") == "90;refresher=uac"
        assert pair.wire.last(OFFICE, f"200 {method}").headers.get("Require") == "timer"
        if body:
            request_to_office(pair, "ACK", call.sip_call_id, tag, number=number, branch=f"a{number}")
    assert pair.heard_by_office(HungUp) == []
    pair.wire.run(61)
    assert len(pair.heard_by_office(HungUp)) == 1


def test_a_200_without_the_field_switches_the_timer_off() -> None:
    """§7.2."""
    pair = answered()
    pair.wire.run(10_000)
    assert pair.story(OFFICE) == ["Answered"]
    assert pair.wire.labels(OFFICE) == ["INVITE", "ACK"]


@pytest.mark.parametrize("value", ["1", "0", "x", "99999999999", "-5", "60;refresher=uac"])
def test_a_senseless_interval_makes_no_storm_of_refreshes(value: str) -> None:
    pair = answered(f"Session-Expires: {value}", UPDATES)
    pair.wire.run(44)
    assert "UPDATE" not in pair.wire.labels(OFFICE)
    assert pair.story(OFFICE) == ["Answered"]


def test_an_interval_that_is_too_small_for_somebody_is_raised() -> None:
    """§7.3: 422 with Min-SE; same Call-ID, next CSeq, and Min-SE in what follows."""
    pair = Deaf()
    pair.dial()
    first = sent_request(pair, "INVITE")
    pair.reply("INVITE", "422 Session Interval Too Small", headers=["Min-SE: 3600"])
    second = sent_request(pair, "INVITE")
    assert (second.call_id, second.cseq) == (first.call_id, (2, "INVITE"))
    assert second.headers.get("Session-Expires") == second.headers.get("Min-SE") == "3600"
    pair.reply("INVITE", "422 x", headers=["Min-SE: 7200"])
    assert terms(pair, "INVITE") == "7200"


@pytest.mark.parametrize("headers", [[], ["Min-SE: 90"], ["Min-SE: 1800"], ["Min-SE: x"]])
def test_a_422_that_raises_nothing_is_a_refusal(headers: list[str]) -> None:
    pair = Deaf()
    pair.dial()
    pair.reply("INVITE", "422 x", headers=headers)
    assert [event.status for event in pair.heard_by_office(Refused)] == [422]


def test_422s_do_not_go_on_for_ever() -> None:
    pair = Deaf()
    pair.dial()
    for round_ in range(1, 10):
        if not pair.heard_by_office(Refused):
            pair.reply("INVITE", "422 x", headers=[f"Min-SE: {1800 + round_}"])
    assert sent_request(pair, "INVITE").cseq[0] == 1 + session_timer.MOST_RAISES
    assert len(pair.heard_by_office(Refused)) == 1


# --- the called side ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "supported", "answer"),
    [
        ("600", True, "600;refresher=uac"),
        ("600;refresher=uac", True, "600;refresher=uac"),
        ("600;refresher=uas", True, "600;refresher=uas"),
        ("600", False, "600;refresher=uas"),
        ("60", False, "90;refresher=uas"),
        (None, True, None),
    ],
)
def test_the_answer_says_who_refreshes(asked: str | None, supported: bool, answer: str | None) -> None:
    """§9, table 2; a client that knows no timers is refreshed by us."""
    pair = Deaf()
    headers = [CONTACT, *([f"Session-Expires: {asked}"] if asked else [])]
    headers += ["Supported: timer"] if supported else []
    request_to_office(pair, "INVITE", "c", "", headers=headers)
    pair.heard_by_office(InviteReceived)[0].call.answer(ANSWER, 0.0)
    pair.wire.settle()
    response = pair.wire.last(OFFICE, "200 INVITE")
    assert response.headers.get("Session-Expires") == answer
    assert (response.headers.get("Require") == "timer") == ("uac" in (answer or ""))


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_an_interval_too_small_for_us_is_422(method: str) -> None:
    """§5 and §9: 90 s at least."""
    pair = answered()
    call_id, tag = ("new", "")
    if method == "UPDATE":
        call_id, tag = the_call(pair).sip_call_id, sent_request(pair, "INVITE").from_.tag or ""
    request_to_office(
        pair, method, call_id, tag, headers=[CONTACT, "Supported: timer", "Session-Expires: 89"]
    )
    response = pair.wire.last(OFFICE, f"422 {method}")
    assert response.headers.get("Min-SE") == "90"


def test_a_reinvite_that_forgets_the_timer_does_not_stop_it() -> None:
    """§9: the answerer may put it in; the roles stay."""
    pair = answered("Session-Expires: 90;refresher=uas")
    call = the_call(pair)
    tag = sent_request(pair, "INVITE").from_.tag or ""
    request_to_office(pair, "UPDATE", call.sip_call_id, tag, headers=[CONTACT, "Supported: timer"])
    assert terms(pair, "200 UPDATE") == "90;refresher=uac"


# --- both ---------------------------------------------------------------------------------------------


def long_call(weather: Weather, seed: int, seconds: float) -> tuple[Pair, OutgoingCall]:
    pair = Pair(Wire(weather, seed=seed))
    call = pair.dial()
    pair.wire.run(10)
    pair.ringing.answer(ANSWER, pair.wire.now)
    pair.wire.run(seconds)
    return pair, call


def test_two_of_us_keep_a_call_alive_for_hours() -> None:
    pair, call = long_call(Weather(delay_s=0.05), 1, 4 * 3600)
    assert call.state is pair.ringing.state is CallState.ANSWERED
    assert pair.wire.labels(OFFICE).count("UPDATE") == 15
    assert "INVITE" not in pair.wire.labels(OFFICE, since=1)


@pytest.mark.parametrize("seed", range(6))
def test_refreshes_come_through_a_wire_that_loses(seed: int) -> None:
    pair, call = long_call(Weather(loss=0.3, delay_s=0.05, jitter_s=0.2), seed, 7200)
    assert call.state is CallState.ANSWERED
    call.hang_up(pair.wire.now)
    pair.wire.run(120)
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}


def test_when_the_wire_is_cut_both_sides_end_the_call() -> None:
    pair, call = long_call(Weather(), 1, 60)
    pair.wire.lose = lambda sent: True
    pair.wire.run(2000)
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["network"]
    assert [event.by for event in pair.heard_by_phone(HungUp)] == ["network"]
    assert call.state is CallState.ENDED
    assert set(pair.office.held().values()) == set(pair.phone.held().values()) == {0}
    assert pair.wire.moments(PHONE, "BYE")[0] <= 1810
