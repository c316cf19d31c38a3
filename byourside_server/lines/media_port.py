"""The door to the media engine, as the other rooms of `lines` see it.

Knows what can be asked and what is told (`media.messages`). Does not know whether the engine runs in
another process, or in this one under a manual clock.

    port = await media.open("call_1", on_event)      # UDP port for the SDP
    media.connect("call_1", host, port, "PCMU", 101)  # again at re-INVITE, or after early media
    media.start_recording("call_1", "/data/call_1.wav")  # at the answer: millisecond 0
    media.play("call_1", 1, ulaw)
    media.close("call_1")                             # on_event gets Closed, last

Times are milliseconds on the line's clock: position in the WAV, or since the first `connect` where
`early=True`. After `Closed`, `OpenFailed` or `Lost` a line hears nothing more. Commands for a line that is
not open do nothing: the call may have ended a moment ago.
"""

from collections.abc import Callable
from typing import Protocol

from byourside_server.media.messages import (
    PLAIN,
    ClipEnded,
    ClipStarted,
    Closed,
    Codec,
    DigitHeard,
    EngineStats,
    FirstPacket,
    LineEvent,
    Lost,
    Opened,
    OpenFailed,
    RowStats,
    SpeechPiece,
    SpeechStarted,
    SpeechStopped,
    Srtp,
    StageCpu,
    ToneHeard,
)

__all__ = [
    "PLAIN",
    "ClipEnded",
    "ClipStarted",
    "Closed",
    "Codec",
    "DigitHeard",
    "EngineStats",
    "FirstPacket",
    "LineEvent",
    "Lost",
    "MediaPort",
    "MediaUnavailable",
    "OnEvent",
    "OpenFailed",
    "Opened",
    "RowStats",
    "SpeechPiece",
    "SpeechStarted",
    "SpeechStopped",
    "Srtp",
    "StageCpu",
    "ToneHeard",
]

OnEvent = Callable[[LineEvent], None]


class MediaUnavailable(Exception):
    """No row, no UDP port, or no engine: the call cannot be placed now."""


class MediaPort(Protocol):
    async def open(self, line_id: str, on_event: OnEvent) -> int:
        """Reserve a row and a UDP port for a line; raises `MediaUnavailable`."""

    def has_room(self) -> bool:
        """Whether one more line would leave the sound of the others as it is."""

    def expect(self) -> None:
        """A line was let in and will be opened shortly: `has_room` counts it from now on."""

    def connect(
        self,
        line_id: str,
        host: str,
        port: int,
        codec: str = "PCMU",
        dtmf_payload_type: int | None = None,
        *,
        rtcp_port: int = 0,
        srtp: Srtp = PLAIN,
        sends: bool = True,
    ) -> None:
        """Send to this address from now on, silence included; until the first packet shows a better one.

        Again at every change: what is left out goes back to its default. `rtcp_port` 0 sends no reports,
        `srtp` carries the keys of both directions, `sends=False` keeps quiet (hold) until told otherwise.
        """

    def start_recording(self, line_id: str, path: str) -> None:
        """Millisecond 0 of the line is now; an empty path starts the clock without a file."""

    def play(self, line_id: str, clip_id: int, ulaw: bytes, *, last: bool = True) -> None:
        """Say this after what is queued; pieces of one clip share its id, all but the final `last=False`.

        Ids are 0 or more.
        """

    def clear(self, line_id: str) -> None:
        """Stop speaking now and forget what is queued."""

    def barge_in(self, line_id: str, enabled: bool, after_ms: int = 0, hold_after_ms: int = 0) -> None:
        """Let the far side's speech, once it lasts `after_ms` during a clip, clear the line in that tick.

        With `hold_after_ms` the clip stands still from then on until it is clear whether that is speech.
        """

    def listen_along(self, line_id: str, enabled: bool) -> None:
        """Tell the far side's speech in `SpeechPiece`s while it goes on, and its pauses; costs a message each
        100 ms."""

    def send_dtmf(self, line_id: str, digits: str) -> None:
        """Press keys `0-9 * # A-D`; a comma waits half a second."""

    def close(self, line_id: str) -> None:
        """Stop, finish the WAV, free the port; `Closed` follows."""
