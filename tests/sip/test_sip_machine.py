"""Two user agents, every order of what people and carriers do, on a wire that loses, doubles and reorders.

A hypothesis state machine on virtual time. `SIP_SOAK=1` (script/soak) runs it for far longer.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from byourside_server.sip.call import CallState, SipCall
from byourside_server.sip.errors import LocalProtocolError
from byourside_server.sip.events import Answered, Cancelled, HungUp, InviteReceived, Refused
from byourside_server.sip.incoming import IncomingCall
from byourside_server.sip.message import Request, Response
from byourside_server.sip.outgoing import OutgoingCall
from byourside_server.sip.timers import GIVE_UP_S
from tests.sip.wire import ANSWER, OFFICE, PHONE, Address, Pair, Weather, Wire

SOAK = bool(os.environ.get("SIP_SOAK"))
ENDS = (Refused, Cancelled, HungUp)
REFUSALS = st.sampled_from([302, 404, 480, 486, 500, 603])
calls = st.integers(0, 3)
# Long enough for every transaction, resent 2xx and unanswered farewell to be over.
AFTERMATH_S = 5 * GIVE_UP_S


class TwoPhones(RuleBasedStateMachine):
    """The office dials; either side may do whatever it likes, whenever it is allowed to."""

    @initialize(
        seed=st.integers(0, 2**16),
        loss=st.sampled_from([0.0, 0.0, 0.1, 0.3]),
        duplication=st.sampled_from([0.0, 0.3]),
        jitter_s=st.sampled_from([0.0, 0.05, 0.8]),
    )
    def begin(self, seed: int, loss: float, duplication: float, jitter_s: float) -> None:
        self.pair = Pair(Wire(Weather(loss, duplication, 0.01, jitter_s), seed=seed))
        self.wire = self.pair.wire
        self.placed: list[OutgoingCall] = []

    # --- what people do -----------------------------------------------------------------------------

    @rule()
    def dial(self) -> None:
        if len(self.placed) < 4:
            self.placed.append(self.pair.dial())

    @rule(which=calls, status=st.sampled_from([180, 183]))
    def ring(self, which: int, status: int) -> None:
        call = self.reached(which)
        if call is not None and call.state in (CallState.CALLING, CallState.RINGING):
            call.ring(self.wire.now, status, ANSWER if status == 183 else b"")

    @rule(which=calls)
    def answer(self, which: int) -> None:
        call = self.reached(which)
        if call is not None and call.state in (CallState.CALLING, CallState.RINGING):
            call.answer(ANSWER, self.wire.now)

    @rule(which=calls, status=REFUSALS)
    def refuse(self, which: int, status: int) -> None:
        call = self.reached(which)
        if call is not None and call.state in (CallState.CALLING, CallState.RINGING):
            call.refuse(status, None, self.wire.now)

    @rule(which=calls, at_office=st.booleans(), reason=st.sampled_from([None, "enough"]))
    def hang_up(self, which: int, at_office: bool, reason: str | None) -> None:
        """A CANCEL, a BYE or a 480, as the moment has it; hanging up twice is no harm."""
        call = self.one(which, at_office)
        if call is not None:
            call.hang_up(self.wire.now, reason)

    @rule(which=calls, at_office=st.booleans(), keys=st.booleans())
    def speak_inside(self, which: int, at_office: bool, keys: bool) -> None:
        call = self.one(which, at_office)
        if call is None or call.state not in (CallState.ANSWERED, CallState.ENDED):
            return
        send = call.send_info if keys else call.send_message
        assert send(b"5", "text/plain", self.wire.now) == (call.state is CallState.ANSWERED)

    @rule(which=calls, at_office=st.booleans())
    def hand_over(self, which: int, at_office: bool) -> None:
        call = self.one(which, at_office)
        if call is not None and call.state is CallState.ANSWERED:
            # Once at a time; whether one is under way is the call's to know.
            with suppress(LocalProtocolError):
                call.refer("sip:somebody@example.com", self.wire.now)

    @rule(seconds=st.sampled_from([0.02, 0.6, 3.0, 20.0, 70.0]))
    def wait(self, seconds: float) -> None:
        self.wire.run(seconds)

    # --- what must be true --------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "pair"):
            return
        for call in (*self.placed, *self.arrived()):
            call.hang_up(self.wire.now)
        self.wire.run(AFTERMATH_S)
        for call in self.arrived():
            call.hang_up(self.wire.now)
        self.wire.run(AFTERMATH_S)
        self.every_call_ends_once()
        self.both_sides_agree_in_fair_weather()
        self.every_2xx_is_acknowledged()
        self.numbers_rise_and_nothing_follows_a_bye()
        kept = {**self.pair.office.held(), **self.pair.phone.held()}
        assert not any(kept.values()), kept

    def every_call_ends_once(self) -> None:
        for address, ours in ((OFFICE, self.placed), (PHONE, self.arrived())):
            for call in ours:
                told = [event for event in self.wire.events[address] if event.call is call]
                ends = [event for event in told if isinstance(event, ENDS)]
                answered = any(isinstance(event, Answered) for event in told)
                if address == OFFICE:
                    assert len(ends) == 1, told
                    assert isinstance(ends[0], HungUp) == answered, told
                assert len(ends) <= 1, told
                assert not ends or told[-1] is ends[0], "something was told after the end"
                assert call.state is CallState.ENDED

    def both_sides_agree_in_fair_weather(self) -> None:
        if self.wire.weather.loss:
            return
        office = Counter(type(e) for e in self.wire.events[OFFICE] if isinstance(e, HungUp))
        phone = Counter(type(e) for e in self.wire.events[PHONE] if isinstance(e, HungUp))
        # A call that was answered while the CANCEL was on its way is a call to the phone only.
        assert office[HungUp] <= phone[HungUp]
        assert len(self.arrived()) == len(self.placed)

    def every_2xx_is_acknowledged(self) -> None:
        acknowledged = {
            (sent.message.call_id, sent.message.cseq[0])
            for sent in self.wire.log
            if isinstance(sent.message, Request) and sent.message.method == "ACK"
        }
        for sent in self.wire.log:
            if not sent.lost and sent.label == "200 INVITE":
                assert (sent.message.call_id, sent.message.cseq[0]) in acknowledged

    def numbers_rise_and_nothing_follows_a_bye(self) -> None:
        last: dict[tuple[Address, str], tuple[int, str]] = {}
        seen: set[bytes] = set()
        for sent in self.wire.log:
            message = sent.message
            if isinstance(message, Response) or message.method in ("ACK", "CANCEL") or sent.data in seen:
                continue
            seen.add(sent.data)  # the same bytes again are a retransmission
            place = sent.source, message.call_id
            number, method = last.get(place, (0, ""))
            assert message.cseq[0] > number, f"{message.method} does not count on"
            assert method != "BYE", f"{message.method} after BYE"
            last[place] = message.cseq[0], message.method

    # --- whom rules speak of ------------------------------------------------------------------------

    def arrived(self) -> list[IncomingCall]:
        return [event.call for event in self.pair.heard_by_phone(InviteReceived)]

    def reached(self, which: int) -> IncomingCall | None:
        arrived = self.arrived()
        return arrived[which] if which < len(arrived) else None

    def one(self, which: int, at_office: bool) -> SipCall | None:
        ours: list[OutgoingCall] | list[IncomingCall] = self.placed if at_office else self.arrived()
        return ours[which] if which < len(ours) else None


TwoPhones.TestCase.settings = settings(
    max_examples=3000 if SOAK else 40,
    stateful_step_count=60 if SOAK else 25,
    derandomize=not SOAK,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestTwoPhones = TwoPhones.TestCase
