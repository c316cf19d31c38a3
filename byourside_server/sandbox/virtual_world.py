"""Both ends of every call in a thread of their own, at virtual time: lines here, simulated phones there.

The same machines as in real time, SIP and RTP included, on wires of memory and under a clock that is moved
instead of waited for. It moves only while a call is on the line and nobody works for one in real time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from byourside_server.calls.call import Call
from byourside_server.calls.happened import Happening
from byourside_server.conversation.brief import TransferTarget
from byourside_server.conversation.embedded_mind import EmbeddedMind
from byourside_server.conversation.mind import Mind
from byourside_server.lines.equipment import Equipment
from byourside_server.lines.exchange import to_owner
from byourside_server.lines.line import Line
from byourside_server.lines.media_memory import PERIOD_TICKS, InProcessMedia, MemoryWire, Weather
from byourside_server.lines.sip_memory import PORT, MemorySip, SipWire
from byourside_server.lines.sip_traces import SipTraces
from byourside_server.lines.trunk_names import Srv
from byourside_server.lines.trunks import Trunks, sandbox_trunk
from byourside_server.lines.virtual_clock import CallClock, HouseClock
from byourside_server.lines.virtual_loop import VirtualLoop
from byourside_server.lines.virtual_providers import Outside, VirtualEars, VirtualMind, VirtualVoice
from byourside_server.media.rtp import TICK_MS
from byourside_server.providers.base import SpeechToText, TextToSpeech
from byourside_server.providers.kept_speech import KeptSpeech
from byourside_server.sandbox.carrier import SandboxCarrier

OFFICE, NETWORK = "10.0.0.1", "10.0.0.2"
TICK_S = TICK_MS / 1000
_PERIOD_S = PERIOD_TICKS * TICK_S
# The other threads of the process wait so long for their turn while this one computes; Python's own 5 ms
# would have each step of HTTP, store and webhooks wait for half a second of telephone time.
_TURN_S = 0.001
_STOP_TIMEOUT_S = 10.0
# Time goes on so long after the last call: transactions (RFC 3261 §17, 32 s), traces and phones end in it.
_LINGER_S = 64.0
# Calls begin this much after a tick at which everything periodic in the sound is due, so that each goes as
# it would at any other moment; not with the tick, and not on a whole millisecond, which is how they are told.
_BEGIN_AFTER_S = 0.0052

T = TypeVar("T")
Report = Callable[[Happening], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Furniture:
    """What the lines are given: engines that work on the house's loop, and settings."""

    ears: SpeechToText
    voice: TextToSpeech
    make_mind: Callable[[], Mind]
    kept: KeptSpeech
    clock: HouseClock
    recordings_dir: Path
    # None keeps no SIP traces.
    traces_dir: Path | None
    capacity: int
    ring_timeout_s: float
    user_agent: str
    # What was asked for: kept speech is that of the same engines with the same options.
    ears_setting: str = ""
    voice_setting: str = ""
    on_behalf_of: str | None = None
    transfers: tuple[TransferTarget, ...] = ()
    journal: Path | None = None
    # Of the wires between lines and network, SIP and sound alike.
    weather: Weather | None = None


class NoNames:
    """Name servers of a network whose only address is known."""

    async def srv(self, name: str) -> tuple[list[Srv], float]:
        return [], 60.0

    async def addresses(self, name: str) -> tuple[list[str], float]:
        return [], 60.0


class VirtualWorld:
    """A `Dialer` for the store, used on the house's loop; everything behind it runs in the world's thread."""

    def __init__(self, furniture: Furniture) -> None:
        self._furniture = furniture
        self._clock = furniture.clock
        self._loop = VirtualLoop(waits_outside=True)
        # Nobody calls: time stands still.
        self._loop.hold()
        self._live = 0
        self._lingering: asyncio.TimerHandle | None = None
        self._house: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._turn, name="virtual-world", daemon=True)
        self._usual_turn_s = _TURN_S
        self._equipment: Equipment
        self._sound_wire: MemoryWire
        self._near: InProcessMedia
        self._far: InProcessMedia
        self._carrier: SandboxCarrier
        self._first_tick_at = 0.0
        self._ticking: asyncio.Task[None]

    @property
    def trunks(self) -> Trunks:
        """The one way out."""
        return self._equipment.trunks

    async def start(self) -> None:
        """Open the lines and the network; from now on calls may be run."""
        self._house = asyncio.get_running_loop()
        self._usual_turn_s = sys.getswitchinterval()
        sys.setswitchinterval(_TURN_S)
        self._thread.start()
        await self._inside(self._open())

    async def stop(self) -> None:
        """Let go of what still lives, and end the thread."""
        await self._inside(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, _STOP_TIMEOUT_S)
        sys.setswitchinterval(self._usual_turn_s)

    async def admit(self) -> None:
        """At once: time waits for whoever is busy."""

    async def run(self, call: Call, report: Report, cancelled: asyncio.Event) -> None:
        """Dial and hold one call to its end; `report` hears everything, LineEnded last."""
        happened: asyncio.Queue[tuple[float, Happening] | None] = asyncio.Queue()

        def tell(at: float, happening: Happening) -> None:
            self._house.call_soon_threadsafe(happened.put_nowait, (at, happening))

        hang_up = asyncio.Event()
        line = self._live_through(call, self._clock.epoch(), tell, hang_up)
        running = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(line, self._loop))
        running.add_done_callback(lambda _: happened.put_nowait(None))
        watching = asyncio.create_task(self._pass_on(cancelled, hang_up))
        try:
            while (told := await happened.get()) is not None:
                at, happening = told
                self._clock.reach(at)
                await report(happening)
            await running
        finally:
            watching.cancel()
            running.cancel()

    async def _pass_on(self, cancelled: asyncio.Event, hang_up: asyncio.Event) -> None:
        await cancelled.wait()
        self._loop.call_soon_threadsafe(hang_up.set)

    async def _inside(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    # --- in the world's thread ------------------------------------------------------------------------

    def _turn(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _open(self) -> None:
        given, capacity = self._furniture, self._furniture.capacity
        sip_wire, sound_wire = SipWire(given.weather), MemoryWire(given.weather)
        self._sound_wire = sound_wire
        self._near = InProcessMedia(capacity, sound_wire, OFFICE)
        self._far = InProcessMedia(capacity, sound_wire, NETWORK, seed=2)
        self._carrier = SandboxCarrier(self._far, journal=given.journal)
        self._carrier.open_in_memory(sip_wire, NETWORK)
        office = MemorySip(sip_wire, OFFICE, to_owner, user_agent=given.user_agent)
        traces: SipTraces | None = None
        if given.traces_dir is not None:
            traces = SipTraces(given.traces_dir, given.clock, _at_once)
            office.endpoint.tap(partial(traces.tap, (office.host, office.port)))
        trunk = sandbox_trunk(NETWORK, PORT, given.ring_timeout_s)
        outside = Outside(self._loop, self._house)

        def make_mind() -> Mind:
            mind = given.make_mind()
            return mind if isinstance(mind, EmbeddedMind) else VirtualMind(mind, outside)

        self._equipment = Equipment(
            trunks=Trunks([(trunk, office)], NoNames(), self._loop.time, random.Random(1)),
            media=self._near,
            ears=VirtualEars(given.ears, given.kept, outside, given.ears_setting),
            voice=VirtualVoice(given.voice, given.kept, outside, given.voice_setting),
            make_mind=make_mind,
            clock=given.clock,
            recordings_dir=given.recordings_dir,
            media_host=OFFICE,
            today=date.today,
            on_behalf_of=given.on_behalf_of,
            transfers=given.transfers,
            traces=traces,
        )
        self._first_tick_at = self._loop.time() + TICK_S
        self._ticking = asyncio.create_task(self._tick())

    async def _close(self) -> None:
        self._ticking.cancel()
        if self._equipment.traces is not None:
            await self._equipment.traces.stop()
        await self._carrier.close()

    async def _live_through(
        self, call: Call, began_at: float, tell: Callable[[float, Happening], None], hang_up: asyncio.Event
    ) -> None:
        self._wake()
        try:
            await asyncio.sleep(self._next_beginning() - self._loop.time())
            # A whole millisecond, so that rounding what is told does not differ between two runs.
            clock = CallClock(round(began_at, 3), self._loop.time)

            async def report(happening: Happening) -> None:
                tell(clock.epoch(), happening)

            await Line(call, replace(self._equipment, clock=clock), report, hang_up).run()
        finally:
            self._live -= 1
            if not self._live:
                self._lingering = self._loop.call_later(_LINGER_S, self._rest)

    def _next_beginning(self) -> float:
        """The next moment at which a call may begin."""
        passed_s = self._loop.time() - self._first_tick_at - _BEGIN_AFTER_S
        return self._first_tick_at + _BEGIN_AFTER_S + (passed_s // _PERIOD_S + 1) * _PERIOD_S

    def _wake(self) -> None:
        """One call more: time moves."""
        self._live += 1
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        elif self._live == 1:
            self._loop.release()

    def _rest(self) -> None:
        """Nobody has called for a while: time stands still."""
        self._lingering = None
        self._loop.hold()

    async def _tick(self) -> None:
        """Sound at both ends, every 20 ms of the world's time."""
        for number in itertools.count():
            await asyncio.sleep(self._first_tick_at + number * TICK_S - self._loop.time())
            self._sound_wire.pass_time(TICK_S)
            for media in (self._near, self._far):
                if media.is_idle:
                    media.skip()
                else:
                    media.tick()


async def _at_once(work: Callable[..., None], *given: object) -> None:
    """A line appended to a file takes less than the way to another thread."""
    work(*given)
