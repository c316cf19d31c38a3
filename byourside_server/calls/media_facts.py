"""How the sound of a call travelled: packets, delays, what was made up, and how good it should have been."""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.media.messages import RowStats
from byourside_server.media.mos import mos, r_factor


@dataclass(frozen=True)
class MediaFacts:
    """`their_…` is what the far side reported of our sound (RTCP); None where it never did."""

    codec: str
    # The suite; None where the sound was not encrypted.
    srtp: str | None
    packets_sent: int
    packets_received: int
    # Not there when they were to be heard: never came, or came too late.
    packets_lost: int
    packets_late: int
    packets_duplicate: int
    # Not authentic, or replayed.
    packets_rejected: int
    concealed_ms: int
    jitter_ms: float
    buffer_ms: int
    round_trip_ms: float | None = None
    their_loss_percent: float | None = None
    their_jitter_ms: float | None = None

    @property
    def loss_percent(self) -> float:
        """Of what the contact said, as it could be heard here."""
        return 100 * self.packets_lost / max(1, self.packets_received + self.packets_lost)

    @property
    def mos(self) -> float | None:
        """Of what was heard here; None where nothing came."""
        if not self.packets_received:
            return None
        return mos(r_factor(self._one_way_ms + self.buffer_ms, self.loss_percent, concealed=True))

    @property
    def their_mos(self) -> float | None:
        """Of what the contact heard, by his own report. His buffer is taken at twice the jitter."""
        if self.their_loss_percent is None:
            return None
        buffer_ms = 2 * (self.their_jitter_ms or 0.0)
        return mos(r_factor(self._one_way_ms + buffer_ms, self.their_loss_percent, concealed=True))

    @property
    def _one_way_ms(self) -> float:
        return (self.round_trip_ms or 0.0) / 2


def media_facts(stats: RowStats) -> MediaFacts | None:
    """None where the row was never pointed anywhere."""
    if not stats.codec:
        return None
    return MediaFacts(
        codec=stats.codec,
        srtp=stats.srtp or None,
        packets_sent=stats.packets_sent,
        packets_received=stats.packets_received,
        packets_lost=stats.packets_lost,
        packets_late=stats.packets_late,
        packets_duplicate=stats.packets_duplicate,
        packets_rejected=stats.packets_rejected,
        concealed_ms=stats.concealed_ms,
        jitter_ms=stats.jitter_ms,
        buffer_ms=stats.buffer_ms,
        round_trip_ms=stats.round_trip_ms,
        their_loss_percent=stats.their_loss_percent,
        their_jitter_ms=stats.their_jitter_ms,
    )
