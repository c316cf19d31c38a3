"""One call of the bench at virtual time: the caller, our whole line, and the stub vendors in this process.

Everything of ours is real but sockets, clock and the vendors' HTTP: SIP, RTP, jitter buffer, network, turns,
the language model's mind, Deepgram's stream. What is late here is late by what we decide, not by a machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from bench.turns.ear import Ear
from bench.turns.phone import Caller, Log
from bench.turns.played import Played
from bench.turns.sayings import Sayings
from bench.turns.script import Step
from bench.turns.talk import FIRST_AUDIO_S, FIRST_TOKEN_S, STT_S, StubMind, Voice
from bench.turns.vendors import CONFIDENCE, message_of
from byourside_server.calls.happened import LineEnded
from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.lines.media_memory import Address, MemoryWire
from byourside_server.providers.base import Completion, Expectation, Generation, Recognition, TextDelta, Usage
from byourside_server.providers.deepgram_stream import DeepgramStream
from byourside_server.sip import sdp
from tests.lines.rehearsal import PHONE, play, rehearsal

PORT = 50_000
SSRC = 0x0B5E55
PIECE = 20
"""Characters of a stub token."""


class _Socket:
    """Deepgram's listen socket, with the shared stub ear behind it."""

    def __init__(self, sayings: Sayings) -> None:
        self.transport = self
        self._ear, self._more = Ear(sayings, STT_S), asyncio.Event()

    async def send(self, message: bytes | str) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(message, bytes):
            self._ear.hear(message, now)
        elif json.loads(message)["type"] == "Finalize":
            self._ear.ask(now)
        self._more.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._ear.next_due()):
                    await self._more.wait()
            self._more.clear()
            for result in self._ear.take(asyncio.get_running_loop().time()):
                yield json.dumps(message_of(result))

    def abort(self) -> None: ...

    async def close(self) -> None: ...


@dataclass
class Ears:
    """The stub recogniser, listening along."""

    sayings: Sayings
    name: str = "stub"

    async def prepare(self, expect: Expectation) -> None: ...

    async def open_stream(self, *, language: str = "en-US") -> DeepgramStream:
        async def connect() -> Any:
            return _Socket(self.sayings)

        stream = DeepgramStream(connect, answer_s=1.5)
        await stream.open()
        return stream

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        ear = Ear(self.sayings, 0.0)
        ear.hear(ulaw, 0.0)
        ear.ask(0.0)
        await asyncio.sleep(STT_S)
        words = " ".join(result.text for result in ear.take(0.0) if result.is_final and result.text)
        return Recognition(words, CONFIDENCE if words else 0.0)

    async def close(self) -> None: ...


@dataclass
class Model:
    """The stub mind as a language model: the first token in its time, the rest at once."""

    name: str = "stub"
    mind: StubMind = field(default_factory=StubMind)

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        said = [message.text for message in request.messages if message.role == "user"]
        text = self.mind.reply_to(said[-1] if said else "")
        await asyncio.sleep(FIRST_TOKEN_S)
        for at in range(0, len(text), PIECE):
            yield TextDelta(text[at : at + PIECE])
        yield Completion(usage=Usage(requests=1, models=(self.name,)))

    async def close(self) -> None: ...


@dataclass
class Mouth:
    """The stub voice."""

    voice: Voice
    name: str = "stub"

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        yield await self.synthesize(text)

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        await asyncio.sleep(FIRST_AUDIO_S)
        return self.voice.say(text)

    async def close(self) -> None: ...


class Rtp:
    """The caller's end of the sound."""

    def __init__(self, wire: MemoryWire, target: Address) -> None:
        self.played = Played()
        self._wire, self._target, self._count = wire, target, 0
        wire.listen((PHONE, PORT), self._receive)

    async def send(self, ulaw: bytes) -> None:
        stamp = self._count * len(ulaw) & 0xFFFFFFFF
        head = struct.pack("!BBHII", 0x80, 0x80 * (not self._count), self._count & 0xFFFF, stamp, SSRC)
        self._count += 1
        self._wire.send(head + ulaw, (PHONE, PORT), self._target)

    def _receive(self, data: bytes, _: Address) -> None:
        if len(data) > 12 and data[1] & 0x7F == 0:
            self.played.take(data[12:], asyncio.get_running_loop().time())


def replay(number: int, steps: Sequence[Step], sayings: Sayings, folder: Path) -> tuple[Log, LineEnded]:
    """The call of the caller with that number: what it heard, and what our side has of it."""
    found: list[tuple[Log, LineEnded]] = []

    async def story() -> None:
        found.append(await _call(number, steps, sayings, folder))

    play(story)
    return found[0]


async def _call(number: int, steps: Sequence[Step], sayings: Sayings, folder: Path) -> tuple[Log, LineEnded]:
    mind, mouth = cast(Any, LlmMind(Model())), Mouth(Voice(folder))
    with tempfile.TemporaryDirectory() as made:
        async with rehearsal(
            Path(made), ears=cast(Any, Ears(sayings)), mind=mind, voice=mouth, name=f"call-{number}"
        ) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.ring()
            offer = sdp.parse(stage.incoming.sdp)
            far = sdp.chosen(offer)
            wire = Rtp(stage.near.wire, (far.host, far.port))
            answer = sdp.answer(offer, PHONE, PORT).encode()
            stage.phone.do(lambda now: stage.incoming.call.answer(answer, now))
            log = await Caller(number, steps, sayings, wire).run()
            stage.hang_up()
            await running
            return log, stage.ended
