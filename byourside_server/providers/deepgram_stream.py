"""One line's sound on its way to Deepgram: a socket for the whole call, opened anew where it breaks.

What is pushed between two `finish`es is a stretch. Results name the seconds of sound they speak of, so a
late one is never taken for the next stretch's. Knows the messages of the listen socket; not how it is opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.heard_words import BYTES_PER_SECOND, SHORTEST_SPEECH, house_spelling

log = logging.getLogger(__name__)

FINALIZE = '{"type": "Finalize"}'
KEEP_ALIVE = '{"type": "KeepAlive"}'
CLOSE_STREAM = '{"type": "CloseStream"}'
KEEP_ALIVE_S = 5.0  # the vendor hangs up after 10 s without a message
LONGEST_MESSAGE = 8000  # a second of µ-law
# Final results that reach so close to the end have it all: no word is shorter.
COVERED = 800
# A pause is told behind 64 ms of quiet, which hold no word; of a guess, which words to come may correct, less
# of the voice before may be missing.
PAUSE_QUIET = 512
GUESSED = 640
ROUNDING = 80  # 10 ms: `start` and `duration` are rounded
QUIET_TAIL = 2400  # bytes behind a pause that brought no other: 300 ms in which nobody spoke
LOSSES = 1  # of the socket that one stretch is carried over


@dataclass(frozen=True)
class Heard:
    """One "Results" message; `begin` and `end` are bytes of µ-law since the socket was opened."""

    begin: int
    end: int
    text: str
    confidence: float
    is_final: bool
    from_finalize: bool


def read_message(message: str | bytes) -> Heard | None:
    """What a message says was heard; None for Metadata and the like. Raises ProviderError."""
    try:
        said = json.loads(message)
        kind = said["type"]
        if kind == "Error":
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, "deepgram gave up the stream")
        if kind != "Results":
            return None
        best = said["channel"]["alternatives"][0]
        begin = float(said["start"])
        return Heard(
            begin=round(begin * BYTES_PER_SECOND),
            end=round((begin + float(said["duration"])) * BYTES_PER_SECOND),
            text=str(best["transcript"]),
            confidence=float(best.get("confidence", 0.0)),
            is_final=bool(said.get("is_final")),
            from_finalize=bool(said.get("from_finalize")),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as broken:
        what = f"deepgram sent a message that is no result ({type(broken).__name__})"
        raise ProviderError(ProviderErrorKind.BAD_ANSWER, what) from broken


def is_summary(message: str | bytes) -> bool:
    """Whether the vendor says with this that no more results come."""
    said = json.loads(message)
    return isinstance(said, dict) and said.get("type") == "Metadata"


def recognition_of(finals: Sequence[Heard]) -> Recognition:
    """All that was heard; its confidence is the words' mean."""
    texts = [house_spelling(each.text) for each in finals]
    counts = [len(text.split()) for text in texts]
    if not sum(counts):
        return Recognition("", 0.0)
    weighed = sum(each.confidence * count for each, count in zip(finals, counts, strict=True))
    return Recognition(" ".join(filter(None, texts)), min(1.0, max(0.0, weighed / sum(counts))))


@dataclass
class _Stretch:
    """What was pushed between two `finish`es, and what came back for it on the present socket."""

    audio: bytearray = field(default_factory=bytearray)
    begins: int | None = None
    sent: int = 0
    covered: int = 0
    finals: list[Heard] = field(default_factory=list)
    interim: Heard | None = None
    is_whole: bool = False
    is_finalized: bool = False
    paused_at: int = 0
    """Bytes of it up to the last pause, in which its words were asked for."""
    asked_at: int = 0
    losses: int = 0
    error: ProviderError | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def waits(self) -> bool:
        """Whether there is sound whose words are still wanted."""
        return bool(self.audio) and not self.done.is_set()

    @property
    def is_known(self) -> bool:
        """Whether final words reach to the last pause."""
        return bool(self.finals) and self.covered >= self.paused_at - COVERED

    @property
    def is_guessed(self) -> bool:
        """Whether words of whatever kind do."""
        to = max((each.end for each in self.heard), default=None)
        return to is not None and to - (self.begins or 0) >= self.paused_at - PAUSE_QUIET - GUESSED

    def take(self, heard: Heard) -> None:
        self.changed.set()
        if not heard.is_final:
            # one that reaches back before the stretch holds words that were answered already
            self.interim = heard if heard.begin >= (self.begins or 0) - ROUNDING else None
            return
        self.finals.append(heard)
        self.interim = None
        self.covered = heard.end - (self.begins or 0)
        self.settle(heard.from_finalize)

    def settle(self, has_all: bool = False) -> None:
        """Done where nothing more is to come: little sound left may bring no answer to Finalize."""
        is_covered = bool(self.finals) and self.covered >= len(self.audio) - COVERED
        ends_in_pause = self.is_known and 0 < len(self.audio) - self.paused_at <= QUIET_TAIL
        is_covered |= bool(self.paused_at) and ends_in_pause
        if self.paused_at and self.covered <= self.paused_at + ROUNDING:
            has_all = False  # it may answer the Finalize of the pause, and come after the last was sent
        if self.is_finalized and (has_all or is_covered):
            self.done.set()

    def fail(self, error: ProviderError) -> None:
        self.error = error
        self.changed.set()
        self.done.set()

    def rewind(self) -> None:
        """Nothing of it has been sent: the socket is new."""
        self.begins, self.sent, self.covered, self.is_finalized = None, 0, 0, False
        self.asked_at = 0
        self.finals, self.interim = [], None

    @property
    def heard(self) -> list[Heard]:
        return self.finals + ([self.interim] if self.interim is not None else [])


class DeepgramStream:
    """A `SpeechStream` over the listen socket."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[ClientConnection]],
        *,
        answer_s: float,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        self._connect = connect
        self._answer_s = answer_s
        self._keep_alive_s = keep_alive_s
        self._socket: ClientConnection | None = None
        self._sent = 0
        self._stretches = [_Stretch()]
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    async def open(self) -> None:
        """Raises ProviderError."""
        self._socket = await self._connect()
        self._running = asyncio.create_task(self._run())

    def push(self, ulaw: bytes) -> None:
        """The next piece of speech. Never blocks, never raises."""
        stretch = self._stretches[-1]
        if not self._is_closed and stretch.error is None and ulaw:
            stretch.audio += ulaw
            self._wake.set()

    async def settle(self, expect: Expectation) -> AsyncGenerator[Recognition, None]:
        """The words of the stretch so far, in a pause. Raises ProviderError."""
        stretch = self._stretches[-1]
        stretch.paused_at = len(stretch.audio)
        self._wake.set()
        told: Recognition | None = None
        while stretch.paused_at and not self._is_closed and not stretch.is_whole:
            if stretch.error is not None:
                raise stretch.error
            if stretch.is_guessed and (words := recognition_of(stretch.heard)) != told:
                told = words
                yield words
            if stretch.is_known:
                return
            stretch.changed.clear()
            await stretch.changed.wait()

    async def finish(self, expect: Expectation) -> Recognition:
        """The words of everything pushed since the last `finish`. Raises ProviderError.

        What is expected comes too late for the vendor: it takes phrases when the socket is opened.
        """
        if self._is_closed:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, "deepgram is closed")
        stretch = self._stretches[-1]
        self._stretches.append(_Stretch())
        if not stretch.audio:
            self._stretches.remove(stretch)
            return Recognition("", 0.0)
        stretch.is_whole = True
        stretch.changed.set()
        self._wake.set()
        if len(stretch.audio) < SHORTEST_SPEECH and stretch.error is None:
            stretch.done.set()  # a click; the vendor may have no answer to it
            return Recognition("", 0.0)
        try:
            async with asyncio.timeout(self._answer_s):
                await stretch.done.wait()
        except TimeoutError:
            if not stretch.heard:
                late = f"deepgram gave no words in {self._answer_s:g} s"
                raise ProviderError(ProviderErrorKind.TIMED_OUT, late) from None
        finally:
            stretch.done.set()
            self._wake.set()
        if stretch.error is not None:
            raise stretch.error
        return recognition_of(stretch.heard)

    async def close(self) -> None:
        """A second close does nothing; a `finish` under way fails."""
        if self._is_closed:
            return
        self._is_closed = True
        self._fail(ProviderError(ProviderErrorKind.UNAVAILABLE, "deepgram is closed"))
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._socket is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(CLOSE_STREAM)
            await self._socket.close()

    async def _run(self) -> None:
        """Serve one socket after the other; a new one is opened when there is something to send."""
        while True:
            if self._socket is None:
                await self._until_needed()
                try:
                    self._socket = await self._connect()
                except ProviderError as error:
                    self._fail(error)
                    continue
                self._rewind()
            lost = await self._serve(self._socket)
            log.info("speech stream lost", extra={"vendor": "deepgram", "why": str(lost)})
            self._socket.transport.abort()
            self._socket = None
            self._count_loss(lost)

    async def _until_needed(self) -> None:
        while not any(stretch.waits for stretch in self._stretches):
            self._wake.clear()
            await self._wake.wait()

    async def _serve(self, socket: ClientConnection) -> ProviderError:
        """Send and receive until the socket is lost; why it was."""
        sending = asyncio.create_task(self._send_all(socket))
        try:
            async for message in socket:
                heard = read_message(message)
                if heard is not None:
                    self._take(heard)
        except ConnectionClosed:
            pass
        except ProviderError as error:
            return error
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return ProviderError(ProviderErrorKind.UNAVAILABLE, "deepgram: the stream was cut off")

    async def _send_all(self, socket: ClientConnection) -> None:
        while True:
            self._wake.clear()
            for stretch in tuple(self._stretches):
                await self._send(socket, stretch)
            while len(self._stretches) > 1 and self._stretches[0].done.is_set():
                self._stretches.pop(0)
            try:
                async with asyncio.timeout(self._keep_alive_s):
                    await self._wake.wait()
            except TimeoutError:
                await socket.send(KEEP_ALIVE)

    async def _send(self, socket: ClientConnection, stretch: _Stretch) -> None:
        if stretch.begins is None:
            stretch.begins = self._sent
        while stretch.sent < len(stretch.audio):
            piece = bytes(stretch.audio[stretch.sent : stretch.sent + LONGEST_MESSAGE])
            stretch.sent += len(piece)
            self._sent += len(piece)
            await socket.send(piece)
        if stretch.asked_at < stretch.paused_at and not stretch.is_whole:
            await socket.send(FINALIZE)
            stretch.asked_at = stretch.paused_at
        if stretch.is_whole and not stretch.is_finalized:
            await socket.send(FINALIZE)
            stretch.is_finalized = True
            stretch.settle()

    def _take(self, heard: Heard) -> None:
        """Give a result to the stretch whose sound it speaks of; that of a finished one is stale."""
        for stretch in self._stretches:
            begins = stretch.begins if stretch.begins is not None else self._sent
            ends = begins + len(stretch.audio)
            if begins + ROUNDING < heard.end and (heard.end <= ends + ROUNDING or not stretch.is_whole):
                stretch.take(heard)
                return

    def _rewind(self) -> None:
        self._sent = 0
        *earlier, latest = self._stretches
        self._stretches = [*(each for each in earlier if not each.done.is_set()), latest]
        for stretch in self._stretches:
            stretch.rewind()

    def _count_loss(self, error: ProviderError) -> None:
        for stretch in self._stretches:
            if stretch.waits:
                stretch.losses += 1
                if stretch.losses > LOSSES:
                    stretch.fail(error)

    def _fail(self, error: ProviderError) -> None:
        for stretch in self._stretches:
            if stretch.waits:
                stretch.fail(error)
