"""The slow parts of a talk, run beside it: recognition, synthesis, thinking.

Each is a task whose result comes back as something inbound, in whatever order they finish; what is out of
date by then is the receiver's to ignore. A task that breaks says so too: a line that waits for an answer
which never comes would hold the phone for as long as calls may last.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.disclosure import disclosure
from byourside_server.conversation.events import Say, Think
from byourside_server.conversation.mind import Mind
from byourside_server.lines.equipment import Equipment
from byourside_server.lines.inbound import Inbound, MindFailed, Replied, Spoke, Synthesized, Transcribed
from byourside_server.providers.base import Expectation, ProviderError, Recognition

log = logging.getLogger(__name__)


class Voices:
    """Ears, voice and mind of one call."""

    def __init__(
        self, call_id: str, language: str, equipment: Equipment, receive: Callable[[Inbound], None]
    ) -> None:
        self.mind: Mind = equipment.make_mind()
        self._call_id = call_id
        self._language = language
        self._ears = equipment.ears
        self._voice = equipment.voice
        self._receive = receive
        self._tasks: set[asyncio.Task[None]] = set()
        self._transcription: asyncio.Task[None] | None = None
        self._number = 0
        self._answered = 0

    def prepare(self, brief: Brief, expect: Expectation) -> None:
        """Load what the first words heard will need, and have the first to be said synthesised.

        Done while the phone rings: the ears keep the grammar, the voice remembers the sound.
        """
        self._spawn(self._quietly(self._ears.prepare(expect)))
        self._spawn(self._quietly(self._prepare_first_words(brief)))

    async def _prepare_first_words(self, brief: Brief) -> None:
        words = await self.mind.prepare(brief)
        if words:
            await self._voice.synthesize(f"{disclosure(brief)} {words}", language=self._language)

    @property
    def is_recognising(self) -> bool:
        """True while words of the latest sound are still to come."""
        return self._answered < self._number

    def transcribe(self, ulaw: bytes, expect: Expectation) -> None:
        """Have the turn so far recognised; supersedes what was asked before.

        What is superseded is taken back.
        """
        self.take_back_transcription()
        self._number += 1
        self._transcription = self._spawn(self._transcribe(self._number, ulaw, expect))

    def take_back_transcription(self) -> None:
        """Recognition queues: others wait behind words that nobody needs any more.

        Measured with 30 calls begun at once on 2 cores, which is more than embedded recognition carries: 24
        understood what they asked for, against 4 where stale requests stay in the queue.
        """
        if self._transcription is not None:
            self._transcription.cancel()
            self._transcription = None
        self._answered = self._number

    def is_latest(self, transcribed: Transcribed) -> bool:
        """Whether this is of the newest sound; remembers that it came."""
        self._answered = max(self._answered, transcribed.number)
        return transcribed.number == self._number

    def synthesize(self, wish: Say) -> None:
        self._spawn(self._synthesize(wish))

    def think(self, wish: Think) -> None:
        self._spawn(self._think(wish))

    def close(self) -> None:
        """Let nothing more come back."""
        for task in self._tasks:
            task.cancel()

    async def _transcribe(self, number: int, ulaw: bytes, expect: Expectation) -> None:
        recognition: Recognition | None = None
        try:
            recognition = await self._ears.transcribe(ulaw, expect, language=self._language)
        except ProviderError as error:
            log.error("speech-to-text failed", extra={"call_id": self._call_id, "why": str(error)})
        except Exception:
            log.exception("speech-to-text broke", extra={"call_id": self._call_id})
        self._receive(Transcribed(number, recognition))

    async def _quietly(self, preparation: Awaitable[object]) -> None:
        with contextlib.suppress(ProviderError):  # met again, and told, when it is needed
            await preparation

    async def _synthesize(self, wish: Say) -> None:
        ulaw: bytes | None = None
        try:
            ulaw = await self._voice.synthesize(wish.text, language=self._language)
        except ProviderError as error:
            log.error("text-to-speech failed", extra={"call_id": self._call_id, "why": str(error)})
        except Exception:
            log.exception("text-to-speech broke", extra={"call_id": self._call_id})
        self._receive(Synthesized(wish.utterance_id, ulaw, wish.barge_in))

    async def _think(self, wish: Think) -> None:
        try:
            decision = await self.mind.reply(
                wish.situation, lambda text: self._receive(Spoke(wish.request_id, text))
            )
        except Exception as error:
            self._receive(MindFailed(error))
        else:
            self._receive(Replied(wish.request_id, decision))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
