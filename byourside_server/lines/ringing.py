"""Dialling until somebody picks up, or until it is clear that nobody will: one way after the other.

Knows the leg, the facts of the attempt and what early sound says; knows no conversation. Where a trunk
refuses before anything rang, the next way is tried; what rang is never dialled again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from byourside_server.lines import dialing
from byourside_server.lines.dialing import DialFacts, Unanswered
from byourside_server.lines.early import EarlyEars
from byourside_server.lines.inbound import CancelRequested, Inbound, WayFound
from byourside_server.lines.leg import Leg
from byourside_server.lines.route import NoWay, Way
from byourside_server.media import messages as sound
from byourside_server.sip import events as sip

# How long the BYE or CANCEL of our own may take to be confirmed before the line is closed all the same.
GOODBYE_TIMEOUT_S = 4.0

log = logging.getLogger(__name__)


class Next(Protocol):
    """The next thing that happened on the line, or None at `deadline` (loop time)."""

    def __call__(self, deadline: float | None, /) -> Awaitable[Inbound | None]: ...


class Ringing:
    """One attempt to reach the other phone."""

    def __init__(
        self, call_id: str, leg: Leg, ring_timeout_s: float, tell_ringing: Callable[[bool], Awaitable[None]]
    ) -> None:
        self.facts = DialFacts()
        self.early = EarlyEars()
        self.media_lost = False
        self._call_id = call_id
        self._leg = leg
        self._ring_timeout_s = ring_timeout_s
        self._tell_ringing = tell_ringing
        self._loop = asyncio.get_running_loop()
        self._give_up_at: float | None = None
        self._giving_up: Unanswered | None = None
        # What the way before came to, should there be no other.
        self._last: Unanswered | None = None

    async def run(self, next_event: Next) -> sip.Answered | Unanswered:
        """Ring the phone: the answer, or why there is none."""
        self._leg.seek()
        while True:
            event = await next_event(self._deadline)
            outcome = await self._receive(event, self._loop.time())
            if outcome is not None:
                return outcome

    @property
    def _deadline(self) -> float | None:
        """When nothing better will come; a hang-up of ours under way waits for its own end alone."""
        early = None if self._giving_up else self.early.give_up_at
        return min((moment for moment in (self._give_up_at, early) if moment is not None), default=None)

    async def _receive(self, event: Inbound | None, now: float) -> sip.Answered | Unanswered | None:
        match event:
            case None | CancelRequested() | sound.Lost():
                return self._put_down(event, now)
            case WayFound(Way() as way):
                self.facts.dialled(way.trunk.name, way.shown)
                self._leg.dial(way)
                self._give_up_at = now + self._ring_timeout_s
            case WayFound(NoWay() as nobody):
                log.warning("no way left", extra={"call_id": self._call_id, "why": nobody.why})
                self.facts.nowhere(nobody.why)
                return self._last or dialing.TRUNK_DOWN
            case sound.SpeechStarted() | sound.SpeechStopped() | sound.ToneHeard():
                self.early.hear(event, now)
            case sip.Progress():
                await self._on_progress(event, now)
            case sip.Reinvited():
                self._leg.reconnect(event.sdp)
            case sip.Refused():
                return self._on_refused(event, now)
            case sip.Cancelled() | sip.HungUp():
                return self._giving_up or dialing.TRUNK_DOWN
            case sip.Answered() if self._giving_up is None:
                self._leg.route.carried()
                self.facts.final(now, 200, "OK")
                return event
            case _:
                pass
        return None

    def _put_down(self, event: CancelRequested | sound.Lost | None, now: float) -> Unanswered | None:
        """Time is up, somebody called it off, or the sound is gone."""
        if event is None and self._giving_up is not None:
            return self._giving_up  # neither CANCEL nor INVITE was ever answered
        if event is None and not self._leg.is_heard:
            # No ringing that went on too long: a trunk that is not there. Timer B ends it (32 s).
            self._give_up_at = None
            return None
        self.media_lost = self.media_lost or isinstance(event, sound.Lost)
        if self._giving_up is not None:
            return None
        why = self._why(event)
        if not self.facts.is_dialling:
            return why
        self._giving_up = why
        self.facts.final(now, 487, None)
        self._leg.hang_up()
        self._give_up_at = now + GOODBYE_TIMEOUT_S
        return None

    def _why(self, event: CancelRequested | sound.Lost | None) -> Unanswered:
        if isinstance(event, CancelRequested):
            return dialing.CANCELED
        if isinstance(event, sound.Lost):
            return dialing.MEDIA_LOST
        return self.early.verdict or dialing.RING_TIMEOUT

    async def _on_progress(self, event: sip.Progress, now: float) -> None:
        self._leg.route.carried()
        early_media = bool(event.sdp)
        if early_media:
            self._leg.connect(event.sdp)
        if self.facts.ringing(now, early_media=early_media):
            await self._tell_ringing(early_media)

    def _on_refused(self, refused: sip.Refused, now: float) -> Unanswered | None:
        """Final, unless nothing rang and another trunk or server may be dialled for it."""
        if self._giving_up is not None:
            return self._giving_up
        self._last = dialing.refused(refused.status, local=refused.local)
        self.facts.final(now, refused.status, refused.reason, refused.q850_cause, local=refused.local)
        if self.facts.has_rung or self._leg.route.refused(refused) == "final":
            return self._last
        self._give_up_at = None
        self._leg.seek()
        return None
