"""The transaction machines of RFC 3261 §17 and RFC 6026, timer by timer, over a wire with a manual clock."""

from __future__ import annotations

import pytest

from byourside_server.sip.events import Answered, HungUp, InviteReceived, Progress, Refused
from byourside_server.sip.machines import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Machine,
    State,
)
from byourside_server.sip.timers import Alarms
from tests.sip.wire import ANSWER, OFFICE, PHONE, Pair, Sent, Wire

NOTHING_HELD = {
    "calls": 0,
    "client transactions": 0,
    "server transactions": 0,
    "invites": 0,
    "alarms": 0,
}


def losing(*labels: str) -> Wire:
    return Wire(lose=lambda sent: sent.label in labels)


def test_timers_a_and_b_double_and_give_up() -> None:
    """§17.1.1.2: INVITE at 0, T1, 3*T1, 7*T1, ... and a time-out at 64*T1."""
    pair = Pair(losing("INVITE"))
    pair.dial()
    pair.wire.run(31.9)
    assert pair.wire.moments(OFFICE, "INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert pair.heard_by_office(Refused) == []
    pair.wire.run(0.2)
    (refused,) = pair.heard_by_office(Refused)
    assert (refused.status, refused.local) == (408, True)
    assert pair.office.held() == NOTHING_HELD


def test_timers_a_and_b_stop_at_the_first_provisional() -> None:
    """Figure 5: ringing may last for minutes."""
    pair = Pair()
    pair.dial()
    pair.wire.run(600)
    assert pair.wire.moments(OFFICE, "INVITE") == [0]
    assert pair.heard_by_office(Refused) == []
    pair.ringing.answer(ANSWER, pair.wire.now)
    pair.wire.settle()
    assert len(pair.heard_by_office(Answered)) == 1


def test_timer_d_acknowledges_every_copy_of_a_refusal_for_32_s() -> None:
    """§17.1.1.2, Completed: the ACK is part of the transaction."""
    pair = Pair(losing("ACK"))
    pair.dial()
    pair.ringing.refuse(486, None, 0.0)
    pair.wire.run(31)
    refusals = pair.wire.moments(PHONE, "486 INVITE")
    assert refusals == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5]
    assert pair.wire.moments(OFFICE, "ACK") == refusals
    assert len(pair.heard_by_office(Refused)) == 1
    assert pair.office.held()["client transactions"] == 1
    pair.wire.run(2)
    assert pair.office.held() == NOTHING_HELD


def test_timers_e_and_f_back_off_to_t2_and_give_up() -> None:
    """§17.1.2.2: 0.5 1 2 4 4 4 ... and a time-out at 64*T1; a lost BYE still ends the call at once."""
    pair = Pair(losing("BYE"))
    call, _ = pair.answered()
    call.hang_up(0.0)
    pair.wire.settle()
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["local"]
    pair.wire.run(40)
    assert pair.wire.moments(OFFICE, "BYE") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert len(pair.heard_by_office(HungUp)) == 1
    assert pair.office.held() == NOTHING_HELD


def test_timer_e_goes_on_at_t2_after_a_provisional() -> None:
    """Figure 6, Proceeding: E is reset to T2 and F is kept."""
    pair = Pair(losing("MESSAGE"))
    call, _ = pair.answered()
    call.send_message(b"hello", "text/plain", 0.0)
    pair.wire.settle()
    sent = pair.wire.last(OFFICE, "MESSAGE")
    lines = [
        f"{name}: {value}" for name, value in sent.headers if name in ("Via", "From", "To", "Call-ID", "CSeq")
    ]
    trying = "\r\n".join(["SIP/2.0 100 Trying", *lines, "", ""]).encode()
    pair.wire.run_until(0.1)
    pair.wire.inject(trying, PHONE, OFFICE)
    pair.wire.run_until(40)
    expected = [0, *(round(0.1 + 4 * n, 6) for n in range(1, 8))]
    assert pair.wire.moments(OFFICE, "MESSAGE") == expected
    assert pair.office.held()["client transactions"] == 0


def test_timers_g_h_and_i_of_a_refusal() -> None:
    """§17.2.1: G repeats the refusal until the ACK; H gives up; I (T4) absorbs late ACKs."""
    pair = Pair()
    pair.dial()
    pair.ringing.refuse(603, None, 0.0)
    pair.wire.settle()
    assert pair.phone.held()["server transactions"] == 1
    pair.wire.run(4.9)
    assert pair.wire.moments(PHONE, "603 INVITE") == [0]
    assert pair.phone.held()["server transactions"] == 1
    pair.wire.run(0.2)
    assert pair.phone.held() == NOTHING_HELD
    deaf = Pair(losing("ACK"))
    deaf.dial()
    deaf.ringing.refuse(603, None, 0.0)
    deaf.wire.run(31.9)
    assert deaf.phone.held()["server transactions"] == 1
    deaf.wire.run(0.2)
    assert deaf.phone.held() == NOTHING_HELD


def test_timer_j_repeats_the_answer_to_a_repeated_bye_for_32_s() -> None:
    """§17.2.2: Completed absorbs retransmissions by sending the same response."""
    pair = Pair(Wire(lose=lambda sent: sent.label == "200 BYE" and sent.at < 47))
    call, _ = pair.answered()
    pair.wire.run(40)
    call.hang_up(40.0)
    pair.wire.run(31.9)
    assert pair.wire.moments(PHONE, "200 BYE") == [40, 40.5, 41.5, 43.5, 47.5]
    assert len(pair.heard_by_phone(HungUp)) == 1
    assert pair.phone.held()["server transactions"] == 1
    pair.wire.run(0.2)
    assert pair.phone.held() == NOTHING_HELD


def test_timer_k_absorbs_late_responses_for_t4() -> None:
    pair = Pair()
    call, _ = pair.answered()
    pair.wire.run(40)
    call.send_message(b"x", "text/plain", pair.wire.now)
    pair.wire.run(4.9)
    assert pair.office.held()["client transactions"] == 1
    pair.wire.run(0.2)
    assert pair.office.held()["client transactions"] == 0


def test_timer_l_keeps_an_accepted_invite_from_being_a_second_call() -> None:
    """RFC 6026 §7.1: a late copy of the INVITE after the 200 is absorbed."""
    pair = Pair()
    pair.answered()
    invite = pair.wire.log[0].data
    pair.wire.run(31)
    pair.wire.inject(invite, OFFICE, PHONE)
    assert len(pair.heard_by_phone(InviteReceived)) == 1
    pair.wire.run(2)
    assert pair.phone.held()["server transactions"] == 0


def test_timer_m_lets_forked_answers_through_for_64_t1() -> None:
    """RFC 6026 §7.2."""
    pair = Pair()
    pair.answered()
    pair.wire.run(31.9)
    assert pair.office.held()["client transactions"] == 1
    pair.wire.run(0.2)
    assert pair.office.held()["client transactions"] == 0


def test_a_200_is_repeated_until_acknowledged_and_then_given_up_with_a_bye() -> None:
    """§13.3.1.4: T1 doubling to T2, for 64*T1."""
    pair = Pair(losing("ACK"))
    pair.answered()
    pair.wire.run(40)
    assert pair.wire.moments(PHONE, "200 INVITE") == [
        0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5,
    ]  # fmt: skip
    # §13.2.2.4: every copy was acknowledged.
    assert len(pair.wire.moments(OFFICE, "ACK")) == 11
    assert len(pair.heard_by_office(Answered)) == 1
    assert pair.wire.moments(PHONE, "BYE") == [32]
    assert [event.by for event in pair.heard_by_office(HungUp)] == ["remote"]
    assert [event.by for event in pair.heard_by_phone(HungUp)] == ["local"]
    pair.wire.run(40)
    assert pair.phone.held() == pair.office.held() == NOTHING_HELD


def test_a_lost_200_is_made_good_by_the_next() -> None:
    pair = Pair(Wire(lose=lambda sent: sent.label == "200 INVITE" and sent.at < 3))
    pair.answered()
    pair.wire.run(10)
    assert pair.wire.moments(PHONE, "200 INVITE") == [0, 0.5, 1.5, 3.5]
    assert pair.wire.moments(OFFICE, "ACK") == [3.5]


def test_ringing_is_repeated_every_minute() -> None:
    """§13.3.1.1, last paragraph."""
    pair = Pair()
    pair.dial()
    pair.ringing.ring(0.0)
    pair.wire.run(150)
    assert pair.wire.moments(PHONE, "180 INVITE") == [0, 60, 120]
    pair.ringing.refuse(480, None, pair.wire.now)
    pair.wire.run(150)
    assert len(pair.wire.moments(PHONE, "180 INVITE")) == 3


def test_a_repeated_invite_hears_the_last_provisional_again() -> None:
    """Figure 7, Proceeding."""
    pair = Pair(Wire(lose=lambda sent: sent.source == PHONE and sent.at < 1))
    pair.dial()
    pair.ringing.ring(0.0)
    pair.wire.run(2)
    assert pair.wire.moments(PHONE, "180 INVITE") == [0, 0.5, 1.5]
    assert [event.status for event in pair.heard_by_office(Progress)] == [180]


def test_a_dead_network_fails_what_waits_for_it() -> None:
    """§17.1.4: an ICMP error under an unanswered INVITE is a 503 of our own."""
    pair = Pair(losing("INVITE"))
    pair.dial()
    pair.office.receive_transport_error(("10.9.9.9", 5060), 0.1)
    assert pair.heard_by_office(Refused) == []
    pair.office.receive_transport_error(PHONE, 0.1)
    pair.wire.settle()
    (refused,) = pair.heard_by_office(Refused)
    assert (refused.status, refused.local) == (503, True)
    assert pair.office.held() == NOTHING_HELD


@pytest.mark.parametrize("machine", [INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER])
def test_every_state_can_be_reached_and_left(machine: Machine) -> None:
    reached = {machine.initial}
    while True:
        more = {after for (before, _), (after, _) in machine.steps.items() if before in reached} - reached
        if not more:
            break
        reached |= more
    assert {before for before, _ in machine.steps} | {State.TERMINATED} == reached
    # No state but the owner's own waiting may last for ever: each has a timer that leads on.
    waiting = {State.PROCEEDING, State.TRYING} if machine in (INVITE_SERVER, NON_INVITE_SERVER) else set()
    waiting |= {State.PROCEEDING} if machine is INVITE_CLIENT else set()
    for state in reached - waiting - {State.TERMINATED}:
        leads_on = {
            timer.letter
            for timer in machine.timers.get(state, ())
            if machine.steps[state, timer.happening][0] is not state
        }
        assert leads_on | machine.kept.get(state, frozenset()), state


def test_alarms_ring_in_order_and_cancelled_ones_do_not() -> None:
    alarms = Alarms()
    rung: list[str] = []
    alarms.set(2.0, lambda now: rung.append("b"))
    cancelled = alarms.set(1.5, lambda now: rung.append("x"))
    alarms.set(1.0, lambda now: rung.append("a"))
    alarms.set(2.0, lambda now: rung.append("c"))
    alarms.cancel(cancelled)
    alarms.cancel(cancelled)
    assert (alarms.next_at(), len(alarms)) == (1.0, 3)
    alarms.ring(2.0)
    assert (rung, alarms.next_at(), len(alarms)) == (["a", "b", "c"], None, 0)


def test_cancelled_alarms_take_no_room() -> None:
    alarms = Alarms()
    for _ in range(50_000):
        alarms.cancel(alarms.set(1e9, lambda now: None))
    assert len(alarms._heap) < 5_000
    assert len(alarms) == 0


def test_the_log_tells_lost_datagrams_from_delivered_ones() -> None:
    wire = losing("INVITE")
    pair = Pair(wire)
    pair.dial()
    assert [(sent.label, sent.lost) for sent in wire.log] == [("INVITE", True)]
    assert isinstance(wire.log[0], Sent)
