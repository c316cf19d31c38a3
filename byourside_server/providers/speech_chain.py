"""Several speech engines behind one door: the next is asked where one fails or is late.

A voice that is late is given up; ears that are late are joined by the next, and the first answer counts.
Waiting is bounded over the whole chain; the last engine gets all the time that it gives itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence

from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    ProviderErrorKind,
    Recognition,
    SpeechToText,
    TextToSpeech,
)
from byourside_server.providers.engine_rest import Budget, EngineRests

log = logging.getLogger(__name__)

FIRST_AUDIO_S = 1.0
ANSWER_S = 1.0
BUDGET_S = 1.6  # over all engines but the last: a person on the phone takes more for a lost line
LEAST_PATIENCE_S = 0.1  # what no engine does in less need not be begun


def loop_time() -> float:
    """Seconds on the clock that the waits are measured with."""
    return asyncio.get_running_loop().time()


class TextToSpeechChain:
    """A `TextToSpeech` over several. A voice that breaks off midway raises; it rests when asked again."""

    def __init__(
        self,
        engines: Sequence[TextToSpeech],
        *,
        first_audio_s: float = FIRST_AUDIO_S,
        budget_s: float = BUDGET_S,
        monotonic: Callable[[], float] = loop_time,
    ) -> None:
        assert engines, "a chain has a link"
        self.name = ", ".join(engine.name for engine in engines)
        self._engines = tuple(engines)
        self._rests = EngineRests(len(engines), monotonic)
        self._first_audio_s, self._budget_s, self._monotonic = first_audio_s, budget_s, monotonic
        self._is_closed = False
        # Told the name of an engine that was given too little time, or beaten by another.
        self.on_late: Callable[[str], None] = lambda name: None

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        """The pieces of the first engine whose first is there in time. Raises ProviderError, also midway."""
        _refuse_if(self._is_closed, self.name)
        budget = Budget(self._first_audio_s, self._budget_s, self._monotonic)
        failures: list[ProviderError] = []
        to_ask = self._rests.to_ask()
        for place in to_ask:
            patience_s = None if place == to_ask[-1] else budget.next_patience()
            if patience_s is not None and patience_s < LEAST_PATIENCE_S:
                continue
            async with contextlib.aclosing(_pieces(self._engines[place], text, language)) as pieces:
                try:
                    first = await self._first_piece(place, pieces, patience_s)
                except ProviderError as error:
                    failures.append(error)
                    continue
                if first is None:
                    return
                try:
                    yield first
                    async for piece in pieces:
                        yield piece
                except ProviderError as error:
                    self._note(place, error)
                    self._rests.was_late(place)
                    raise
                return
        raise _all_failed(failures)

    async def _first_piece(
        self, place: int, pieces: AsyncIterator[bytes], patience_s: float | None
    ) -> bytes | None:
        """None where there is nothing to say. Raises ProviderError, and has the engine rest."""
        name = self._engines[place].name
        try:
            async with asyncio.timeout(patience_s):
                return await anext(pieces, None)
        except TimeoutError:
            assert patience_s is not None
            if patience_s >= self._first_audio_s:
                self._rests.was_late(place)
            late = ProviderError(ProviderErrorKind.TIMED_OUT, f"{name} made no sound in {patience_s:.1f} s")
            _log_failure(name, late)
            self.on_late(name)
            raise late from None
        except ProviderError as error:
            self._note(place, error)
            raise

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        """The same, whole: what breaks off midway is begun anew with the next. Raises ProviderError."""
        for attempts_left in reversed(range(len(self._engines))):
            said = bytearray()
            try:
                async for piece in self.stream(text, language=language):
                    said += piece
                return bytes(said)
            except ProviderError:
                if not said or not attempts_left:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Closes every engine; a second close does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        for engine in self._engines:
            await engine.close()

    def _note(self, place: int, error: ProviderError) -> None:
        self._rests.failed(place, error)
        _log_failure(self._engines[place].name, error)


class SpeechToTextChain:
    """A `SpeechToText` over several: a late engine is joined by the next, and the first answer counts."""

    def __init__(
        self,
        engines: Sequence[SpeechToText],
        *,
        answer_s: float = ANSWER_S,
        budget_s: float = BUDGET_S,
        monotonic: Callable[[], float] = loop_time,
    ) -> None:
        assert engines, "a chain has a link"
        self.name = ", ".join(engine.name for engine in engines)
        self._engines = tuple(engines)
        self._rests = EngineRests(len(engines), monotonic)
        self._answer_s, self._budget_s, self._monotonic = answer_s, budget_s, monotonic
        self._is_closed = False
        # Told the name of an engine that another was quicker than, and that should have been there.
        self.on_late: Callable[[str], None] = lambda name: None

    async def prepare(self, expect: Expectation) -> None:
        """Every engine is made ready; raises ProviderError only where none is."""
        prepared = await asyncio.gather(
            *(engine.prepare(expect) for engine in self._engines), return_exceptions=True
        )
        failures = [each for each in prepared if isinstance(each, BaseException)]
        for failure in failures:
            if not isinstance(failure, ProviderError) or len(failures) == len(self._engines):
                raise failure

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        """Words of one stretch of speech. Raises ProviderError."""

        def ask(place: int) -> Awaitable[Recognition]:
            return self._engines[place].transcribe(ulaw, expect, language=language)

        return await self._first_answer(self._rests.to_ask(), ask)

    async def _first_answer(
        self, places: Sequence[int], ask: Callable[[int], Awaitable[Recognition]]
    ) -> Recognition:
        """Ask one after the other as they fail or are late; the first answer of any of them."""
        _refuse_if(self._is_closed, self.name)
        budget = Budget(self._answer_s, self._budget_s, self._monotonic)
        asked: dict[asyncio.Future[Recognition], int] = {}
        overdue: set[int] = set()
        failures: list[ProviderError] = []
        to_ask = list(places)
        try:
            while to_ask or asked:
                patience_s = None
                if to_ask:
                    place = to_ask.pop(0)
                    patience_s = budget.next_patience() if to_ask else None
                    if patience_s is not None and patience_s < LEAST_PATIENCE_S:
                        continue
                    asked[asyncio.ensure_future(ask(place))] = place
                done, _ = await asyncio.wait(asked, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
                if not done and patience_s is not None and patience_s >= self._answer_s:
                    overdue.add(place)
                for future in done:
                    place = asked.pop(future)
                    try:
                        recognition = future.result()
                    except ProviderError as error:
                        failures.append(error)
                        self._note(place, error)
                    else:
                        self._note_late(overdue & set(asked.values()))
                        return recognition
        finally:
            for future in asked:
                future.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        raise _all_failed(failures)

    def _note(self, place: int, error: ProviderError) -> None:
        self._rests.failed(place, error)
        _log_failure(self._engines[place].name, error)

    def _note_late(self, places: set[int]) -> None:
        """Another engine, asked later, was there first."""
        for place in places:
            self._rests.was_late(place)
            log.warning("speech engine late", extra={"engine": self._engines[place].name})
            self.on_late(self._engines[place].name)

    async def close(self) -> None:
        """Closes every engine; a second close does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        for engine in self._engines:
            await engine.close()


async def _pieces(engine: TextToSpeech, text: str, language: str) -> AsyncGenerator[bytes, None]:
    """An engine's pieces; no sound for text with words is a failure like others."""
    pieces = engine.stream(text, language=language)
    is_silent = True
    try:
        async for piece in pieces:
            is_silent = is_silent and not piece
            if piece:
                yield piece
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
    if is_silent and any(character.isalnum() for character in text):
        raise ProviderError(ProviderErrorKind.BAD_ANSWER, f"{engine.name} made no sound")


def _refuse_if(is_closed: bool, name: str) -> None:
    if is_closed:
        raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{name}: the chain is closed")


def _log_failure(engine: str, error: ProviderError) -> None:
    log.warning("speech engine failed", extra={"engine": engine, "kind": error.kind.value, "why": str(error)})


def _all_failed(failures: Sequence[ProviderError]) -> ProviderError:
    """One error for all; its kind is the last engine's."""
    last = failures[-1]
    if len(failures) == 1:
        return last
    return ProviderError(last.kind, "; ".join(map(str, failures)), retry_after_s=last.retry_after_s)
