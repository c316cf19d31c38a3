"""A chain of ears whose first engine listens along: where its stream fails, the next hears the whole turn.

The sound of the stretch in progress is kept for that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable

from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    ProviderErrorKind,
    Recognition,
    SettlingStream,
    SpeechStream,
    SpeechToText,
    StreamingSpeechToText,
)
from byourside_server.providers.speech_chain import SpeechToTextChain

_FIRST = 0


class StreamingSpeechToTextChain(SpeechToTextChain):
    """A `StreamingSpeechToText` over several engines of which the first is one."""

    async def open_stream(self, *, language: str = "en-US") -> ChainStream:
        """A stream for one line; where the first engine's cannot be opened, turns are heard whole."""
        stream = ChainStream(self, language)
        await stream.open()
        return stream

    async def open_first(self, language: str) -> SpeechStream | None:
        """The first engine's stream, or None where it fails, is late, or rests."""
        if self._rests.rests(_FIRST):
            return None
        engine = self._engines[_FIRST]
        assert isinstance(engine, StreamingSpeechToText)
        try:
            async with asyncio.timeout(self._answer_s):
                return await engine.open_stream(language=language)
        except TimeoutError:
            self._note_late({_FIRST})
        except ProviderError as error:
            self._note(_FIRST, error)
        return None

    async def conclude(
        self, stream: SpeechStream, ulaw: bytes, expect: Expectation, language: str
    ) -> Recognition:
        """What the stream heard, or where it fails or is late, what the others make of the sound."""
        places = [place for place in self._rests.to_ask() if place != _FIRST]
        if not self.skips_first:
            places.insert(0, _FIRST)

        def ask(place: int) -> Awaitable[Recognition]:
            if place == _FIRST:
                return stream.finish(expect)
            return self._engines[place].transcribe(ulaw, expect, language=language)

        return await self._first_answer(places, ask)

    @property
    def skips_first(self) -> bool:
        """Whether the first engine rests now, and another can be asked."""
        return len(self._engines) > 1 and self._rests.rests(_FIRST)


class ChainStream:
    """A `SpeechStream` that outlives the first engine's."""

    def __init__(self, chain: StreamingSpeechToTextChain, language: str) -> None:
        self._chain = chain
        self._language = language
        self._stream: SpeechStream | None = None
        self._stretch = bytearray()
        self._opening: asyncio.Task[None] | None = None
        self._beside: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def open(self) -> None:
        """Open the first engine's stream, or do without; never raises."""
        stream = await self._chain.open_first(self._language)
        if stream is None:
            return
        if self._is_closed:
            await stream.close()
            return
        if self._stretch:
            stream.push(bytes(self._stretch))
        self._stream = stream

    def push(self, ulaw: bytes) -> None:
        """The next piece of speech. Never blocks, never raises."""
        self._stretch += ulaw
        if self._stream is not None:
            self._stream.push(ulaw)

    async def settle(self, expect: Expectation) -> AsyncGenerator[Recognition, None]:
        """The first engine's words so far; none where it can tell none. Raises ProviderError."""
        stream = self._stream
        if isinstance(stream, SettlingStream) and not self._chain.skips_first:
            async with contextlib.aclosing(stream.settle(expect)) as guesses:
                async for guess in guesses:
                    yield guess

    async def finish(self, expect: Expectation) -> Recognition:
        """The words of everything pushed since the last `finish`. Raises ProviderError."""
        if self._is_closed:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self._chain.name}: the stream is closed")
        ulaw, self._stretch = bytes(self._stretch), bytearray()
        if not ulaw:
            return Recognition("", 0.0)
        stream = self._stream
        if stream is None:
            self._open_again()
            return await self._chain.transcribe(ulaw, expect, language=self._language)
        if self._chain.skips_first:
            self._spawn(_ended(stream, expect))  # the next stretch must not begin with this one's words
        return await self._chain.conclude(stream, ulaw, expect, self._language)

    async def close(self) -> None:
        """A second close does nothing."""
        self._is_closed = True
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    def _open_again(self) -> None:
        if self._opening is None or self._opening.done():
            self._opening = self._spawn(self.open())

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
        return task


async def _ended(stream: SpeechStream, expect: Expectation) -> None:
    with contextlib.suppress(ProviderError):
        await stream.finish(expect)


def chain_of_ears(engines: list[SpeechToText]) -> SpeechToTextChain:
    """A chain that streams where its first engine does."""
    if isinstance(engines[0], StreamingSpeechToText):
        return StreamingSpeechToTextChain(engines)
    return SpeechToTextChain(engines)
