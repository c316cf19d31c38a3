"""A whole line in virtual time: real SIP, real sound and a real conversation, on wires of memory.

Only the world outside is scripted: the phone that is called, the engines that hear and speak, the mind.
The loop's clock jumps to whatever is due next, so a call of half a minute takes a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from byourside_server.calls.call import Call, CallRequest
from byourside_server.calls.happened import Happening, LineEnded, TurnHeard
from byourside_server.clock import ManualClock
from byourside_server.conversation.brief import Brief, TransferTarget
from byourside_server.conversation.mind import Decision, Situation, Speak
from byourside_server.lines.equipment import Equipment
from byourside_server.lines.exchange import to_owner
from byourside_server.lines.line import Line
from byourside_server.lines.media_memory import InProcessMedia, MemoryWire
from byourside_server.lines.media_port import MediaUnavailable, OnEvent
from byourside_server.lines.sip_memory import MemorySip, SipWire
from byourside_server.lines.sip_traces import SipTraces
from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_names import Srv
from byourside_server.lines.trunks import Trunks
from byourside_server.lines.virtual_loop import VirtualLoop
from byourside_server.media.messages import ClipStarted, Command, LineEvent, Lost
from byourside_server.providers.base import Expectation, Recognition, TextToSpeech, Usage, total
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from byourside_server.sip.sdp_crypto import SrtpPolicy
from tests.media.bank_kit import speech, tone

T = TypeVar("T")
OFFICE, PHONE = "10.0.0.1", "10.0.0.2"
TICK_S = 0.02
# Long enough that a voice is heard in it, and spoken by the agent so that nothing is recognised from it.
AGENT_SOUND = tone(1.5, 300, 800)
LONG_SOUND = tone(20, 300, 800)
WORDS = speech()
WORDS_S = len(WORDS) / 8000


def play(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a story in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())


@dataclass
class Zone:
    """The DNS as the test has it; `away` is name servers that do not answer."""

    services: dict[str, list[Srv]] = field(default_factory=dict)
    hosts: dict[str, list[str]] = field(default_factory=dict)
    ttl_s: float = 60.0
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def srv(self, name: str) -> tuple[list[Srv], float]:
        return self._answer(name, self.services.get(name, []))

    async def addresses(self, name: str) -> tuple[list[str], float]:
        return self._answer(name, self.hosts.get(name.rstrip("."), []))

    def _answer(self, name: str, found: list[T]) -> tuple[list[T], float]:
        self.asked.append(name)
        if self.away:
            raise OSError("timed out")
        return found, self.ttl_s


class MortalMedia(InProcessMedia):
    """An engine that can be killed, and remembers what it was asked and has told its lines."""

    def __init__(self, wire: MemoryWire, host: str) -> None:
        super().__init__(2, wire, host)
        self.wire = wire
        self.told: list[LineEvent] = []
        self.asked: list[Command] = []
        self.dead = False

    async def open(self, line_id: str, on_event: OnEvent) -> int:
        if self.dead:
            raise MediaUnavailable("the engine is gone")

        def tell(event: LineEvent) -> None:
            self.told.append(event)
            on_event(event)

        return await super().open(line_id, tell)

    def die(self) -> None:
        self.dead = True
        listeners, self._listeners = self._listeners, {}
        for line_id, on_event in listeners.items():
            on_event(Lost(line_id, "killed"))

    def _do(self, command: Command) -> None:
        self.asked.append(command)
        if not self.dead:
            super()._do(command)


@dataclass
class Ears:
    """Recognises what the script says, each after its own time; an exception is raised."""

    script: list[tuple[float, str | Exception]] = field(default_factory=list)
    name: str = "scripted"
    asked: int = 0
    taken_back: int = 0

    async def prepare(self, expect: Expectation) -> None: ...

    async def transcribe(self, ulaw: bytes, expect: Expectation, *, language: str = "en-US") -> Recognition:
        self.asked += 1
        after_s, words = self.script.pop(0) if self.script else (0.05, "yes")
        try:
            await asyncio.sleep(after_s)
        except asyncio.CancelledError:
            self.taken_back += 1
            raise
        if isinstance(words, Exception):
            raise words
        return Recognition(words, 0.9 if words else 0.0)

    async def close(self) -> None: ...


@dataclass
class AlongStream:
    """Listens along; what it makes of each stretch is the script of its ears."""

    ears: EarsAlong
    unfinished: bytes = b""
    is_closed: bool = False

    def push(self, ulaw: bytes) -> None:
        self.unfinished += ulaw

    async def finish(self, expect: Expectation) -> Recognition:
        self.ears.expected.append(expect)
        stretch, self.unfinished = self.unfinished, b""
        self.ears.stretches.append(stretch)
        after_s, words = self.ears.along.pop(0)
        await asyncio.sleep(after_s)
        if isinstance(words, Exception):
            raise words
        return Recognition(words, 0.9 if words else 0.0)

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class EarsAlong(Ears):
    """Ears that listen along as well; `opening` is how long a stream takes to open, or why it does not."""

    along: list[tuple[float, str | Exception]] = field(default_factory=list)
    opening: float | Exception = 0.1
    streams: list[AlongStream] = field(default_factory=list)
    stretches: list[bytes] = field(default_factory=list)
    expected: list[Expectation] = field(default_factory=list)

    async def open_stream(self, *, language: str = "en-US") -> AlongStream:
        if isinstance(self.opening, Exception):
            raise self.opening
        await asyncio.sleep(self.opening)
        self.streams.append(AlongStream(self))
        return self.streams[-1]


@dataclass
class Voice:
    """Says everything with the same sound; an exception is raised."""

    takes_s: float = 0.05
    fails: Exception | None = None
    name: str = "scripted"

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        yield await self.synthesize(text, language=language)

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        await asyncio.sleep(self.takes_s)
        if self.fails is not None:
            raise self.fails
        return AGENT_SOUND

    async def close(self) -> None: ...


@dataclass
class PiecewiseVoice:
    """Says everything in pieces: (seconds before it, seconds of it); an exception breaks off."""

    script: list[tuple[float, float] | Exception]
    name: str = "scripted"
    asked: list[str] = field(default_factory=list)
    called_off: list[str] = field(default_factory=list)

    async def stream(self, text: str, *, language: str = "en-US") -> AsyncIterator[bytes]:
        self.asked.append(text)
        at = 0
        try:
            for step in self.script:
                if isinstance(step, Exception):
                    raise step
                await asyncio.sleep(step[0])
                length = round(step[1] * 8000)
                yield LONG_SOUND[at : at + length]
                at += length
        except (asyncio.CancelledError, GeneratorExit):
            self.called_off.append(text)
            raise

    async def synthesize(self, text: str, *, language: str = "en-US") -> bytes:
        return b"".join([piece async for piece in self.stream(text, language=language)])

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Aloud:
    """A reply made bit by bit: sentences, each after its seconds, then the decision or what went wrong."""

    sentences: tuple[tuple[float, str], ...]
    then: Decision | Exception
    after_s: float = 0.0


@dataclass
class Mind:
    """Decides by the script, then hangs up; an exception is raised."""

    script: list[Decision | Exception | Aloud]
    name: str = "scripted"
    situations: list[Situation] = field(default_factory=list)
    called_off: int = 0
    thinking: int = 0
    usage: Usage = field(default_factory=Usage)
    first_words: str | None = None

    async def reply(self, situation: Situation, speak: Speak) -> Decision:
        self.situations.append(situation)
        self.usage = total([self.usage, Usage(requests=1, models=(self.name,))])
        decision = self.script.pop(0) if self.script else Decision("Goodbye.", then="hang_up")
        if isinstance(decision, Aloud):
            self.thinking += 1
            try:
                decision = await self._say_aloud(decision, speak)
            finally:
                self.thinking -= 1
        if isinstance(decision, Exception):
            raise decision
        return decision

    async def _say_aloud(self, reply: Aloud, speak: Speak) -> Decision | Exception:
        try:
            for after_s, sentence in reply.sentences:
                await asyncio.sleep(after_s)
                speak(sentence)
            await asyncio.sleep(reply.after_s)
        except asyncio.CancelledError:
            self.called_off += 1
            raise
        return reply.then

    async def prepare(self, brief: Brief) -> str | None:
        return self.first_words


@dataclass
class Rehearsal:
    """The stage: our side, the phone, and what was reported."""

    line: Line
    cancelled: asyncio.Event
    office: MemorySip
    phone: MemorySip
    near: MortalMedia
    far: InProcessMedia
    ears: Ears
    mind: Mind
    phone_events: list[sip.SipEvent] = field(default_factory=list)
    phone_heard: list[LineEvent] = field(default_factory=list)
    reported: list[Happening] = field(default_factory=list)
    phone_port: int = 0
    phone_file: Path = Path()

    @property
    def incoming(self) -> sip.InviteReceived:
        invite: sip.InviteReceived = self.heard_by_phone(sip.InviteReceived)[0]
        return invite

    @property
    def ended(self) -> LineEnded:
        ended = self.reported[-1]
        assert isinstance(ended, LineEnded)
        assert [type(each) for each in self.reported].count(LineEnded) == 1
        return ended

    @property
    def transcript(self) -> list[str]:
        return [
            f"{each.turn.role}: {each.turn.text}" for each in self.reported if isinstance(each, TurnHeard)
        ]

    @property
    def clips_begun(self) -> list[int]:
        """Numbers of the utterances of which sound went out."""
        return [event.clip_id for event in self.near.told if isinstance(event, ClipStarted)]

    def close_phone(self) -> bytes:
        """What the phone heard since it was picked up, as µ-law."""
        self.far.close("phone")
        return self.phone_file.read_bytes()[58:][0::2]

    def heard_by_phone(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.phone_events if isinstance(event, kind)]

    async def ring(self) -> None:
        """Wait for the INVITE, and ring."""
        await until(lambda: bool(self.heard_by_phone(sip.InviteReceived)))
        self.phone.do(lambda now: self.incoming.call.ring(now))
        await asyncio.sleep(0.1)

    async def pick_up(self) -> None:
        """Ring a moment, and answer."""
        await self.ring()
        self.phone_port = await self.far.open("phone", self.phone_heard.append)
        offer = sdp.parse(self.incoming.sdp)
        far = sdp.chosen(offer)
        self.far.connect("phone", far.host, far.port)
        self.far.start_recording("phone", str(self.phone_file))
        answer = sdp.answer(offer, PHONE, self.phone_port).encode()
        self.phone.do(lambda now: self.incoming.call.answer(answer, now))

    def say(self) -> None:
        """The contact says two sentences; what is made of them is the ears' script."""
        self.far.play("phone", len(self.phone_heard), WORDS)

    def hang_up(self) -> None:
        self.phone.do(lambda now: self.incoming.call.hang_up(now))


async def until(arrived: Callable[[], bool], patience_s: float = 60.0) -> None:
    give_up_at = asyncio.get_running_loop().time() + patience_s
    while not arrived():
        assert asyncio.get_running_loop().time() < give_up_at, "never came to that"
        await asyncio.sleep(TICK_S)


@contextlib.asynccontextmanager
async def rehearsal(
    tmp_path: Path,
    *,
    decisions: Sequence[Decision | Exception | Aloud] = (),
    ears: Ears | None = None,
    voice: TextToSpeech | None = None,
    ring_timeout_s: float = 20.0,
    transfers: tuple[TransferTarget, ...] = (),
    traces: SipTraces | None = None,
    name: str = "call-1",
    srtp: SrtpPolicy = "off",
    mind: Mind | None = None,
) -> AsyncIterator[Rehearsal]:
    """One line to be run, and a phone that does what the test makes it do."""
    sip_wire, sound_wire = SipWire(), MemoryWire()
    near, far = MortalMedia(sound_wire, OFFICE), InProcessMedia(2, sound_wire, PHONE, seed=2)
    phone_events: list[sip.SipEvent] = []
    office, phone = MemorySip(sip_wire, OFFICE, to_owner), MemorySip(sip_wire, PHONE, phone_events.append)
    ears, mind = ears or Ears(), mind or Mind(list(decisions))
    only = Trunk("carrier", PHONE, 5060, domain=PHONE, ring_timeout_s=ring_timeout_s, srtp=srtp)
    book = Trunks([(only, office)], Zone(), asyncio.get_running_loop().time, random.Random(1))
    equipment = Equipment(
        trunks=book,
        media=near,
        ears=ears,
        voice=voice or Voice(),
        make_mind=lambda: mind,
        clock=ManualClock(),
        recordings_dir=tmp_path,
        media_host=OFFICE,
        today=lambda: date(2026, 3, 2),
        transfers=transfers,
        traces=traces,
    )
    call = Call(
        id=name,
        account_id="account-1",
        key_id=None,
        request=CallRequest("+14155550123", "Confirm the appointment."),
        caller_id="+14155550100",
        state="dialing",
        created_at=0.0,
    )
    cancelled = asyncio.Event()
    reported: list[Happening] = []

    async def report(happening: Happening) -> None:
        reported.append(happening)

    line = Line(call, equipment, report, cancelled)
    stage = Rehearsal(line, cancelled, office, phone, near, far, ears, mind, phone_events, reported=reported)
    stage.phone_file = tmp_path / f"{name}-phone.wav"

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if not near.dead:
                near.tick()
            far.tick()

    ticking = asyncio.create_task(tick())
    try:
        yield stage
    finally:
        ticking.cancel()
