"""How long the agent kept a contact waiting, turn by turn, and by which part of the way from ear to mouth.

Plain frozen values. Knows no call and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class TurnLatency:
    """One answer to the contact's words, as moments in ms after the last voiced moment of those.

    A moment is None where the stage was not gone through (a farewell asks no mind), and may be earlier than
    the one before it: a mind asked ahead of the end of the turn is the point of asking it ahead. What a stage
    took by itself is told by the `…_took_ms`, each counted from its own beginning; as stages overlap, these
    do not add up to the total.
    """

    first_packet_ms: int
    """The first sound of the answer went out: what the contact waited in all."""
    turn: int | None = None
    """Index of the agent's turn; None where it was cut before its first whole word."""
    quiet_ms: int | None = None
    """A silence was noticed, and the recogniser was asked for the words: by the first short one where it
    listens along, else by one that voice activity is sure of."""
    words_ms: int | None = None
    """The recogniser's last word on the turn."""
    decided_ms: int | None = None
    """The contact's turn was taken for over."""
    mind_asked_ms: int | None = None
    first_token_ms: int | None = None
    """The first sentence of the reply, or all of it: nothing shorter is ever said."""
    voice_asked_ms: int | None = None
    """The sound was ordered, possibly ahead of `said_ms`."""
    said_ms: int | None = None
    """The words were wanted on the line."""
    first_audio_ms: int | None = None
    """The first piece of their sound was handed to the line."""

    @property
    def total_ms(self) -> int:
        return max(0, self.first_packet_ms)

    @property
    def endpoint_took_ms(self) -> int | None:
        """The silence it took to believe that they had finished."""
        return _span(0, self.decided_ms)

    @property
    def stt_took_ms(self) -> int | None:
        return _span(self.quiet_ms, self.words_ms)

    @property
    def first_token_took_ms(self) -> int | None:
        return _span(self.mind_asked_ms, self.first_token_ms)

    @property
    def first_audio_took_ms(self) -> int | None:
        """How long words to be said waited for their sound; ordered ahead, next to nothing."""
        return _span(self.said_ms, self.first_audio_ms)

    @property
    def first_packet_took_ms(self) -> int | None:
        return _span(self.first_audio_ms, self.first_packet_ms)


@dataclass(frozen=True)
class Silence:
    """Nobody spoke, and it was for the agent to; in ms of the recording.

    `cause` is what took the most of it: recognition, mind or voice.
    """

    start_ms: int
    end_ms: int
    cause: str


@dataclass(frozen=True)
class LatencyFacts:
    """Response times of the agent's turns, milliseconds from the contact's last word to first sound."""

    turns_ms: tuple[int, ...] = ()
    turns: tuple[TurnLatency, ...] = ()
    """The same in stages; empty in records of older editions."""
    silences: tuple[Silence, ...] = ()
    """Those of more than 2 s."""

    @property
    def p50_ms(self) -> int | None:
        return quantile(self.turns_ms, 0.50)

    @property
    def p95_ms(self) -> int | None:
        return quantile(self.turns_ms, 0.95)


def stages(turn: TurnLatency) -> dict[str, int | None]:
    """What the waiting was made of, by the names that metrics and traces use."""
    return {
        "endpoint": turn.endpoint_took_ms,
        "stt": turn.stt_took_ms,
        "first_token": turn.first_token_took_ms,
        "first_audio": turn.first_audio_took_ms,
        "first_packet": turn.first_packet_took_ms,
        "total": turn.total_ms,
    }


def quantile(times_ms: Iterable[int], q: float) -> int | None:
    ranked = sorted(times_ms)
    return ranked[min(len(ranked) - 1, int(q * len(ranked)))] if ranked else None


def _span(begin: int | None, end: int | None) -> int | None:
    return None if begin is None or end is None else max(0, end - begin)
