"""What became of one row's sound, as its line is told at the end."""

from byourside_server.media.jitter import JitterRing
from byourside_server.media.messages import RowStats
from byourside_server.media.rows import Row
from byourside_server.media.rtp import TICK_MS


def stats_of(row: Row, tick: int, jitter: JitterRing, concealed: int) -> RowStats:
    """The row's figures before this tick, `concealed` frames made up; without encryption and reports."""
    number = row.number
    return RowStats(
        duration_ms=(tick - row.zero_tick) * TICK_MS if row.recording else 0,
        packets_received=int(jitter.received[number]),
        packets_lost=int(jitter.lost[number]),
        packets_late=int(jitter.late[number]),
        packets_duplicate=int(jitter.duplicate[number]),
        packets_skipped=int(jitter.skipped[number]),
        packets_sent=row.sent(tick),
        jitter_ms=jitter.jitter_ms(number),
        concealed_ms=concealed * TICK_MS,
        buffer_ms=int(jitter.delays.wanted[number]) * TICK_MS,
        codec=("PCMA" if row.alaw else "PCMU") if row.connected else "",
    )
