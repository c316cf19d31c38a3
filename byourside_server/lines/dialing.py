"""From INVITE to an answer or a reason: the first chapter of a line.

Facts gathered while dialling become `SipFacts`; how the attempt ended becomes an `Unanswered`,
or None when somebody picked up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from byourside_server.calls import outcomes
from byourside_server.calls.call import DialAttempt, SipFacts
from byourside_server.calls.happened import EndedBy


@dataclass(frozen=True)
class Unanswered:
    """Why nobody was spoken to: the state to go to and the words for it."""

    state: str
    ended_by: EndedBy
    end_reason: str
    error: str | None = None


RING_TIMEOUT = Unanswered("no_answer", "agent", "no_answer")
CANCELED = Unanswered("canceled", "api", "canceled", "canceled")
MEDIA_LOST = Unanswered("failed", "server", "media_lost", "media_lost")
NO_COMMON_CODEC = Unanswered("failed", "server", "no_common_codec", "placement_failed")
SRTP_REQUIRED = Unanswered("failed", "server", "srtp_required", "placement_failed")
"""The trunk asks for SRTP and the answer came without."""
SRTP_MISMATCH = Unanswered("failed", "server", "srtp_mismatch", "placement_failed")
"""The answer's keys are none, or not those of the offer (RFC 4568 §5.1.3)."""
TRUNK_DOWN = Unanswered("failed", "network", "placement_failed", "placement_failed")


_UNUSABLE = {each.end_reason: each for each in (NO_COMMON_CODEC, SRTP_REQUIRED, SRTP_MISMATCH)}


def unusable(token: str) -> Unanswered:
    """An answer that no sound can be sent to, by the reason `Leg.why_unusable` names."""
    return _UNUSABLE[token]


def refused(sip_status: int, *, local: bool) -> Unanswered:
    """What a final refusal of the INVITE means for the caller."""
    outcome = outcomes.of_refusal(sip_status, local=local)
    ended_by: EndedBy = "contact" if outcome.state == "declined" else "network"
    return Unanswered(outcome.state, ended_by, outcome.end_reason, outcome.error)


def of_early_sound(kind: str) -> Unanswered:
    """What a tone before the answer means for the caller, where no status follows it."""
    outcome = outcomes.OUTCOME_OF_EARLY_SOUND[kind]
    return Unanswered(outcome.state, "network", outcome.end_reason, outcome.error)


@dataclass
class DialFacts:
    """What the line said so far; monotonic seconds in, SipFacts out."""

    status: int | None = None
    reason: str | None = None
    q850_cause: int | None = None
    early_media: bool = False
    trunk: str | None = None
    attempts: tuple[DialAttempt, ...] = ()
    _target: str | None = field(default=None)
    _ringing_at: float | None = field(default=None)
    _ring_ended_at: float | None = field(default=None)

    @property
    def has_rung(self) -> bool:
        """Somebody may have heard it: this call is never dialled again."""
        return self._ringing_at is not None

    @property
    def is_dialling(self) -> bool:
        """Whether an INVITE is out that has not been finally answered."""
        return self._target is not None

    def dialled(self, trunk: str, target: str) -> None:
        """Note an INVITE."""
        self.trunk, self._target = trunk, target

    def ringing(self, now: float, *, early_media: bool) -> bool:
        """Note a 180 or 183; True the first time."""
        first = self._ringing_at is None
        if first:
            self._ringing_at = now
        self.early_media = self.early_media or early_media
        return first

    def final(
        self,
        now: float,
        status: int,
        reason: str | None,
        q850_cause: int | None = None,
        *,
        local: bool = False,
    ) -> None:
        """Note how the INVITE ended; `local` is a status that nobody sent."""
        self.status, self.reason, self.q850_cause = status, reason, q850_cause
        self._ring_ended_at = now
        if self.trunk is not None and self._target is not None:
            said = DialAttempt(self.trunk, self._target, None if local else status, reason)
            self.attempts = (*self.attempts, said)
        self._target = None

    def nowhere(self, why: str) -> None:
        """Note that no trunk would take the call; after attempts, what the last one said stays."""
        if not self.attempts:
            self.reason = why

    @property
    def facts(self) -> SipFacts:
        ring_s = None
        if self._ringing_at is not None and self._ring_ended_at is not None:
            ring_s = round(self._ring_ended_at - self._ringing_at, 3)
        return SipFacts(
            self.status, self.reason, self.q850_cause, ring_s, self.early_media, self.trunk, self.attempts
        )
