"""A caller on the phone: says what its script says, frame by frame, and notes what was said and heard when.

The same for all contenders; `Wire` is RTP for ours and the websocket of hosted telephony for the others. A
packet's first sample counts as said when the packet is sent, and as heard when it comes: so do both ways of
all wires.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from bench.turns.judged import Said
from bench.turns.played import Played, Stretch
from bench.turns.sayings import Saying, Sayings
from bench.turns.script import Step
from bench.turns.talk import LONG_S
from bench.turns.voicing import FRAME, FRAME_S, RATE_HZ, companded

SILENT_S = (0.4, 0.55)
"""Of the agent's silence before the next step."""
AFTER_QUESTION_S = (0.25, 0.35)
PATIENCE_S = 7.0
"""How long an answer is waited for."""
AFTER_INTERJECTION_S = 1.4
"""Of silence: an agent that only pauses goes on by then."""
NOISE_LEVEL = 10 ** (-65 / 20) * 32768
FIRST_WORD_S = 0.4


def now() -> float:
    """The loop's clock: the machine's monotonic one, unless the calls are replayed at virtual time."""
    return asyncio.get_running_loop().time()


class Wire(Protocol):
    """Takes the caller's sound away; brings the agent's into `played`."""

    played: Played

    async def send(self, ulaw: bytes) -> None: ...


@dataclass
class Log:
    """One call, told afterwards."""

    said: list[Said] = field(default_factory=list)
    unanswered: int = 0
    sounds: list[Stretch] = field(default_factory=list)
    latest_tick_s: float = 0.0
    """How late the phone itself was, at worst."""


class Caller:
    """Goes through its steps."""

    def __init__(self, number: int, steps: Sequence[Step], sayings: Sayings, wire: Wire) -> None:
        self._steps, self._sayings, self._wire = steps, sayings, wire
        self._chance = random.Random(number + 1)
        noise = np.random.default_rng(number).standard_normal(FRAME * 50) * NOISE_LEVEL
        self._noise = companded(np.rint(noise).astype(np.int32))
        self._tick = 0
        self._start = 0.0
        self.log = Log()

    async def run(self) -> Log:
        """To the end of the script."""
        self._start = now() + self._chance.random() * FRAME_S
        await self._listen(FIRST_WORD_S)
        for step in self._steps:
            await self._take(step)
        await self._until_silent(SILENT_S, now())
        self.log.sounds = self._wire.played.sounds
        return self.log

    async def _take(self, step: Step) -> None:
        before = self.log.said[-1] if self.log.said else None
        if step.over_s is None:
            said = await self._say(step)
        else:
            began = await self._answer_to(before)
            if began is None:
                return
            await self._listen(began + step.over_s - now())
            said = await self._say(step, LONG_S, began)
        if step.kind in ("backchannel", "noise"):
            silent = (AFTER_INTERJECTION_S, AFTER_INTERJECTION_S)
            await self._until_silent(silent, said.end + AFTER_INTERJECTION_S)
        elif step.kind != "tell" and await self._answer_to(said) is not None:
            await self._until_silent(AFTER_QUESTION_S if step.kind == "cue" else SILENT_S, said.end)

    async def _say(self, step: Step, reply_s: float = 0.0, reply_begin: float | None = None) -> Said:
        saying: Saying = self._sayings.by_id[step.saying]
        sound = self._sayings.sound_of(step.saying)
        begin = end = 0.0
        for at in range(0, len(sound), FRAME):
            sent_at = await self._send(sound[at : at + FRAME])
            if at <= saying.first_voiced < at + FRAME:
                begin = sent_at + (saying.first_voiced - at) / RATE_HZ
            if at <= saying.last_voiced < at + FRAME:
                end = sent_at + (saying.last_voiced + 1 - at) / RATE_HZ
        said = Said(step.kind, step.saying, begin, end, reply_s, reply_begin)
        self.log.said.append(said)
        return said

    async def _answer_to(self, said: Said | None) -> float | None:
        """When the agent's answer begins, or has begun; None where none comes."""
        if said is None:
            return None
        while now() - said.end < PATIENCE_S:
            begun = [begin for begin, end in self._wire.played.sounds if end > said.end]
            if begun:
                return begun[0]
            await self._quiet_frame()
        self.log.unanswered += 1
        return None

    async def _until_silent(self, between_s: tuple[float, float], not_before: float) -> None:
        silent_s = self._chance.uniform(*between_s)
        while (at := now()) < not_before or at - self._wire.played.until < silent_s:
            await self._quiet_frame()

    async def _listen(self, seconds: float) -> None:
        until = now() + seconds
        while now() < until:
            await self._quiet_frame()

    async def _quiet_frame(self) -> None:
        at = self._tick % 50 * FRAME
        await self._send(self._noise[at : at + FRAME])

    async def _send(self, frame: bytes) -> float:
        """The next 20 ms, at its moment; when that was."""
        due = self._start + self._tick * FRAME_S
        self._tick += 1
        wait_s = due - now()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        sent_at = now()
        self.log.latest_tick_s = max(self.log.latest_tick_s, sent_at - due)
        await self._wire.send(frame)
        return sent_at
