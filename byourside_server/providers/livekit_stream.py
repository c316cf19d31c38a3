"""One line's sound on its way to a streaming plugin of LiveKit Agents, and the words that come back.

What is pushed between two `finish`es is a stretch. The interface has no answer to a flush, so a stretch is
over when its words reach to its end, or when nothing more comes for a while. Knows events; no vendor.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.heard_words import BYTES_PER_SECOND, house_spelling
from byourside_server.providers.openai_speech import UNPROVEN_CONFIDENCE
from byourside_server.providers.telephone_band import LINE_RATE_HZ, decode_ulaw, to_int16

if TYPE_CHECKING:
    from livekit.agents import stt
    from livekit.rtc import AudioFrame

# Words that end this close to the end of a stretch are its last: no word is shorter.
REACHES_END_S = 0.25
# A vendor's times are rounded, and its filter holds some samples back.
ROUNDING_S = 0.1
LOSSES = 1  # of the stream that one stretch is carried over


@dataclass(frozen=True)
class Heard:
    """Words of one event. `end_s` counts from the stream's begin; it is 0 where the plugin names no times."""

    text: str
    confidence: float
    end_s: float
    is_final: bool

    @property
    def has_times(self) -> bool:
        return self.end_s > 0.0


def frame_of(ulaw: bytes) -> AudioFrame:
    """µ-law as a frame of 16-bit samples at 8 kHz."""
    from livekit.rtc import AudioFrame

    return AudioFrame(
        data=to_int16(decode_ulaw(ulaw)),
        sample_rate=LINE_RATE_HZ,
        num_channels=1,
        samples_per_channel=len(ulaw),
    )


def heard_in(event: stt.SpeechEvent) -> Heard | None:
    """The words of an interim or final transcript; None for any other event."""
    kind = str(event.type.value)
    if kind not in ("interim_transcript", "final_transcript") or not event.alternatives:
        return None
    best = event.alternatives[0]
    text = house_spelling(best.text)
    confidence = min(1.0, max(0.0, best.confidence)) or UNPROVEN_CONFIDENCE
    return Heard(text, confidence, best.end_time, kind == "final_transcript")


def recognition_of(heard: Sequence[Heard]) -> Recognition:
    """All that was heard; its confidence is the words' mean."""
    counts = [len(each.text.split()) for each in heard]
    if not sum(counts):
        return Recognition("", 0.0)
    weighed = sum(each.confidence * count for each, count in zip(heard, counts, strict=True))
    return Recognition(" ".join(each.text for each in heard if each.text), weighed / sum(counts))


@dataclass
class _Stretch:
    """What was pushed between two `finish`es, and what came back for it. Seconds are the stream's."""

    begins_s: float
    audio: bytearray = field(default_factory=bytearray)
    finals: list[Heard] = field(default_factory=list)
    interim: Heard | None = None
    is_whole: bool = False
    losses: int = 0
    error: ProviderError | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ends_s(self) -> float:
        return self.begins_s + len(self.audio) / BYTES_PER_SECOND

    @property
    def is_said_to_its_end(self) -> bool:
        last = self.finals[-1] if self.finals else None
        return (
            self.interim is None
            and last is not None
            and last.has_times
            and last.end_s >= self.ends_s - REACHES_END_S
        )

    @property
    def heard(self) -> list[Heard]:
        return self.finals + ([self.interim] if self.interim is not None else [])

    def take(self, heard: Heard) -> None:
        if heard.is_final:
            self.finals.append(heard)
            self.interim = None
        else:
            self.interim = heard if heard.text else None
        self.changed.set()

    def fail(self, error: ProviderError) -> None:
        self.error = error
        self.changed.set()

    def begin(self, begins_s: float) -> None:
        """From here on the stream has its sound; what came for it before is not of it."""
        self.begins_s, self.finals, self.interim = begins_s, [], None


class LiveKitSpeechStream:
    """A `SpeechStream` over a plugin's; a plugin's stream that breaks is replaced by a new one."""

    def __init__(
        self,
        name: str,
        open_stream: Callable[[], stt.RecognizeStream],
        translate: Callable[[Exception], ProviderError],
        *,
        answer_s: float,
        settle_s: float,
    ) -> None:
        """`settle_s`: final words after which nothing comes for so long are taken for all."""
        self._name = name
        self._open_stream = open_stream
        self._translate = translate
        self._answer_s, self._settle_s = answer_s, settle_s
        self._stream: stt.RecognizeStream | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._pushed = 0
        self._stretches = [_Stretch(0.0)]
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def open(self) -> None:
        """Raises what the plugin raises."""
        self._stream = self._open_stream()
        self._pushed = 0
        self._reading = asyncio.create_task(self._read(self._stream))

    def push(self, ulaw: bytes) -> None:
        """The next piece of speech. Never blocks, never raises."""
        stretch = self._stretches[-1]
        if self._is_closed or stretch.error is not None or not ulaw:
            return
        if self._stream is None and not self._reopen():
            return
        if not stretch.audio:
            stretch.begin(self._pushed / BYTES_PER_SECOND)
        stretch.audio += ulaw
        self._send(ulaw)

    async def finish(self, expect: Expectation) -> Recognition:
        """The words of everything pushed since the last `finish`. Raises ProviderError.

        The interface takes nothing that is expected.
        """
        if self._is_closed:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self._name} is closed")
        stretch = self._stretches[-1]
        if stretch.error is None and not stretch.audio:
            return Recognition("", 0.0)
        self._stretches.append(_Stretch(self._pushed / BYTES_PER_SECOND))
        stretch.is_whole = True
        self._flush()
        try:
            async with asyncio.timeout(self._answer_s):
                await self._until_said(stretch)
        except TimeoutError:
            self._replace(stretch)
            if not stretch.heard:
                late = f"{self._name} gave no words in {self._answer_s:g} s"
                raise ProviderError(ProviderErrorKind.TIMED_OUT, late) from None
        finally:
            self._stretches.remove(stretch)
        if stretch.error is not None:
            raise stretch.error
        return recognition_of(stretch.heard)

    async def close(self) -> None:
        """A second close does nothing; a `finish` under way fails."""
        if self._is_closed:
            return
        self._is_closed = True
        closed = ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self._name} is closed")
        for stretch in self._stretches:
            stretch.fail(closed)
        self._drop()
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _until_said(self, stretch: _Stretch) -> None:
        while stretch.error is None and not stretch.is_said_to_its_end:
            stretch.changed.clear()
            may_be_all = bool(stretch.finals) and stretch.interim is None
            try:
                async with asyncio.timeout(self._settle_s if may_be_all else None):
                    await stretch.changed.wait()
            except TimeoutError:
                return

    async def _read(self, stream: stt.RecognizeStream) -> None:
        """Events of one stream, up to its end."""
        error = ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self._name} ended the stream")
        try:
            async for event in stream:
                heard = heard_in(event)
                if heard is not None and stream is self._stream:
                    self._place(heard)
        except Exception as broken:  # foreign code at the edge of a task: this stream ends, not the call
            error = self._translate(broken)
        if stream is self._stream:
            self._lost(error)

    def _place(self, heard: Heard) -> None:
        """Words belong to the stretch in whose seconds they lie, else to the one that has waited longest."""
        if heard.has_times and heard.end_s <= self._stretches[0].begins_s + ROUNDING_S:
            return
        for stretch in self._stretches:
            if not stretch.is_whole or not heard.has_times or heard.end_s <= stretch.ends_s + ROUNDING_S:
                stretch.take(heard)
                return

    def _lost(self, error: ProviderError) -> None:
        """Carry the sound over to a new stream; what was carried over before, or cannot be, fails."""
        self._drop()
        waiting = self._unsaid()
        lost = [stretch for stretch in waiting if stretch.losses >= LOSSES or error.kind.is_permanent]
        for stretch in lost:
            stretch.fail(error)
        self._carry_over([stretch for stretch in waiting if stretch not in lost])

    def _replace(self, late: _Stretch) -> None:
        """Words that come after all are not to be taken for the next stretch's: that has a new stream."""
        self._drop()
        self._carry_over([stretch for stretch in self._unsaid() if stretch is not late])

    def _unsaid(self) -> list[_Stretch]:
        return [stretch for stretch in self._stretches if stretch.audio and stretch.error is None]

    def _carry_over(self, stretches: Sequence[_Stretch]) -> None:
        if not stretches or not self._reopen():
            return
        for stretch in stretches:
            stretch.losses += 1
            stretch.begin(self._pushed / BYTES_PER_SECOND)
            self._send(bytes(stretch.audio))
            if stretch.is_whole:
                self._flush()

    def _reopen(self) -> bool:
        try:
            self.open()
        except Exception as broken:  # foreign code, as above
            error = self._translate(broken)
            for stretch in self._stretches:
                stretch.fail(error)
            return False
        return True

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        reading, self._reading = self._reading, None
        if stream is not None:
            ending = asyncio.create_task(self._end(stream, reading))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _end(self, stream: stt.RecognizeStream, reading: asyncio.Task[None] | None) -> None:
        with contextlib.suppress(Exception):  # nobody waits for a stream that is given up
            await stream.aclose()
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def _send(self, ulaw: bytes) -> None:
        self._pushed += len(ulaw)
        if self._stream is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended: reading it tells why
                self._stream.push_frame(frame_of(ulaw))

    def _flush(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(RuntimeError):
                self._stream.flush()
