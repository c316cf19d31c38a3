"""What is asked of the media engine and what it tells: the vocabulary on both sides of the port.

Plain values only. Times are whole milliseconds on the row's own clock: since `StartRecording`, that is
the position in the WAV. Before that (`early=True`, early media) they count from the first `Connect`.
A line that began in early media and goes on after the answer may show a small negative start.
Sound is µ-law, 8 kHz, one byte a sample.
"""

from dataclasses import dataclass, field, fields
from itertools import zip_longest
from typing import Literal, TypeVar, dataclass_transform

Codec = Literal["PCMU", "PCMA"]
ToneKind = Literal[
    "beep", "ringback", "busy", "dial_tone", "sit", "fax_cng", "fax_ced", "music", "music_ended"
]
"""`music` is told after some 3 s of it, `music_ended` 1.2 s after its last sound, with its whole length; both
begin where the music began, and have no frequency."""

KindT = TypeVar("KindT")


@dataclass_transform(frozen_default=True)
def message(kind: type[KindT]) -> type[KindT]:
    """A frozen dataclass to whoever checks the types, and a bare one at run time.

    Fields that are set past a lock cost 0.7 µs a message, on either side, and a thousand calls tell a hundred
    pieces of speech in every tick.
    """
    return dataclass(slots=True, unsafe_hash=True)(kind)


# --- commands -------------------------------------------------------------------------------------


@message
class Open:
    line_id: str


@dataclass(frozen=True)
class Srtp:
    """Keys of one row, each with its salt (RFC 3711, RFC 4568)."""

    suite: str
    """As in SDP; empty: no SRTP."""
    send_key: bytes = field(repr=False)
    receive_key: bytes = field(repr=False)
    receive_mki: bytes = b""
    """Number of the key that each received packet carries; empty where it carries none."""


PLAIN = Srtp("", b"", b"")


@message
class Connect:
    line_id: str
    host: str
    port: int
    codec: str
    dtmf_payload_type: int | None
    rtcp_port: int = 0
    """Where reports go, on the same host; the same as `port` where they share it; 0: none are sent."""
    srtp: Srtp = PLAIN
    sends: bool = True
    """False while the far side does not want to hear us (hold): no RTP is sent, the clips' time runs on."""


@message
class StartRecording:
    line_id: str
    path: str
    """Absolute: the engine runs in another process. Empty: the clock starts, no file is written."""


@message
class Play:
    line_id: str
    clip_id: int
    ulaw: bytes
    last: bool
    """False while further pieces of the same clip follow."""


@message
class Clear:
    line_id: str


@message
class BargeIn:
    line_id: str
    enabled: bool
    after_ms: int
    """Of speech over a clip: it is stopped."""
    hold_after_ms: int = 0
    """Of what may be speech: the clip stands still until that is clear, and then goes on. 0: it does not."""


@message
class ListenAlong:
    line_id: str
    enabled: bool
    """True: speech is told in `SpeechPiece`s as it goes, besides whole in `SpeechStopped`."""


@message
class SendDtmf:
    line_id: str
    digits: str


@message
class Close:
    line_id: str


@message
class AskStats:
    pass


Command = Open | Connect | StartRecording | Play | Clear | BargeIn | ListenAlong | SendDtmf | Close | AskStats


# --- events ---------------------------------------------------------------------------------------


@message
class Opened:
    line_id: str
    port: int


@message
class OpenFailed:
    line_id: str
    why: str


@message
class FirstPacket:
    line_id: str
    at_ms: int
    early: bool


@message
class SpeechStarted:
    line_id: str
    at_ms: int
    """Where speech began, not when that was decided (about 0.1 s later)."""
    early: bool


@message
class SpeechPiece:
    """The next tenth of a second of speech under way; together they are the sound of `SpeechStopped`."""

    line_id: str
    at_ms: int
    """Position of the first byte; the first piece begins 200 ms before the onset."""
    ulaw: bytes
    early: bool


@message
class SpeechPaused:
    """Told to those who listen along, soon after a voice falls still and long before `SpeechStopped`; all
    pieces so far have been told. `SpeechResumed` follows where it goes on, `SpeechStopped` where not."""

    line_id: str
    at_ms: int
    """The last voiced moment."""
    early: bool


@message
class SpeechResumed:
    line_id: str
    at_ms: int
    """When that was clear (some 60 ms after the voice went on)."""
    early: bool


@message
class SpeechStopped:
    line_id: str
    start_ms: int
    end_ms: int
    audio_at_ms: int
    """Position of the first byte of `ulaw`: 200 ms before `start_ms`, where there is that much."""
    ulaw: bytes
    early: bool


@message
class ClipStarted:
    line_id: str
    clip_id: int
    at_ms: int
    early: bool


@message
class ClipEnded:
    line_id: str
    clip_id: int
    at_ms: int
    played_ms: int
    complete: bool
    """False: cleared or interrupted after `played_ms`; 0 where it never began."""
    early: bool


@message
class ToneHeard:
    line_id: str
    kind: str
    frequency_hz: int
    at_ms: int
    duration_ms: int
    early: bool


@message
class DigitHeard:
    line_id: str
    digit: str
    at_ms: int
    early: bool


@dataclass(frozen=True)
class RowStats:
    duration_ms: int
    """Length of the recording."""
    packets_received: int
    packets_lost: int
    packets_late: int
    packets_duplicate: int
    packets_skipped: int
    """Dropped by us, because the far clock runs fast or a burst made the delay too long."""
    packets_sent: int
    jitter_ms: float
    """RFC 3550 §6.4.1, with arrivals measured in ticks of 20 ms."""
    concealed_ms: int = 0
    """Sound made up where packets were missing."""
    buffer_ms: int = 0
    """How long the jitter buffer held packets back in the end."""
    codec: str = ""
    srtp: str = ""
    """The suite; empty where the sound was not encrypted."""
    packets_rejected: int = 0
    """Not authentic, or replayed (SRTP)."""
    round_trip_ms: float | None = None
    """Mean by their receiver reports; None where none came."""
    their_loss_percent: float | None = None
    """Of our packets, as they reported it last."""
    their_jitter_ms: float | None = None


@message
class Closed:
    line_id: str
    stats: RowStats


@message
class Lost:
    """The engine itself is gone, and the line's sound with it."""

    line_id: str
    why: str


@dataclass(frozen=True)
class StageCpu:
    """CPU seconds since the start, by stage of the tick."""

    commands: float
    encode: float
    send: float
    receive: float
    jitter: float
    decode: float
    vad: float
    turn: float
    tones: float
    record: float


@dataclass(frozen=True)
class EngineSums:
    """What only grows while an engine runs."""

    late_counts: tuple[int, ...] = ()
    """Ticks by how late they began, between the bounds `measures.table.TICK`; each tick once."""
    late_sum_s: float = 0.0
    late_ticks: int = 0
    """Ticks that began more than 5 ms after their moment; every one was still run."""
    over_ticks: int = 0
    """Ticks whose work took longer than a tick."""
    cpu_s: float = 0.0
    packets_received: int = 0
    """Of all lines since the start, open or closed; so are the next three."""
    packets_sent: int = 0
    packets_lost: int = 0
    packets_late: int = 0

    def __add__(self, other: "EngineSums") -> "EngineSums":
        """Both engines together; one that has not ticked yet has no counts."""
        pairs = zip_longest(self.late_counts, other.late_counts, fillvalue=0)
        return EngineSums(
            tuple(ours + theirs for ours, theirs in pairs),
            *(getattr(self, name) + getattr(other, name) for name in _NUMBERS),
        )


_NUMBERS = tuple(field.name for field in fields(EngineSums))[1:]


@dataclass(frozen=True)
class EngineStats:
    ticks: int
    rows_open: int
    mean_late_ms: float
    worst_late_ms: float
    lately_late_share: float
    """Of the last two seconds' ticks, those that began more than 5 ms late."""
    lately_work_ms: float
    """Of the last two seconds' ticks, nine in ten took no longer."""
    stages: StageCpu
    sums: EngineSums = EngineSums()


LineEvent = (
    Opened
    | OpenFailed
    | FirstPacket
    | SpeechStarted
    | SpeechPiece
    | SpeechPaused
    | SpeechResumed
    | SpeechStopped
    | ClipStarted
    | ClipEnded
    | ToneHeard
    | DigitHeard
    | Closed
    | Lost
)
Event = LineEvent | EngineStats
