"""The telephone exchange of the house: gives every admitted call a line, and SIP events their owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from byourside_server.calls.call import Call
from byourside_server.calls.happened import Happening
from byourside_server.lines.equipment import Equipment
from byourside_server.lines.line import Line
from byourside_server.lines.loop_watch import LoopWatch
from byourside_server.lines.media_port import MediaPort
from byourside_server.lines.trunks import Trunks
from byourside_server.measures.table import ADMISSION_REFUSED, ADMISSIONS
from byourside_server.sip import events as sip

ADMIT_EVERY_S = 0.1


class Exchange:
    """Dials calls with one set of equipment; how many at once is not its question."""

    def __init__(self, equipment: Equipment, loop_watch: LoopWatch | None = None) -> None:
        self._equipment = equipment
        self._loop_watch = loop_watch
        self._admitting = asyncio.Lock()

    async def admit(self) -> None:
        """Return once one more call would leave the sound and the answers of those under way as they are."""
        now, book, media = asyncio.get_running_loop().time, self._equipment.book, self._equipment.media
        asked_at = now()
        if self._admitting.locked() or not self._has_room():
            book.count(ADMISSION_REFUSED)
        async with self._admitting:  # in the order they came
            # Nobody tells: how an engine or a loop does is a measurement that is taken now and then.
            while not self._has_room():  # noqa: ASYNC110
                await asyncio.sleep(ADMIT_EVERY_S)
            # Its line is opened only after it is on record: until then the next one would see the same room.
            media.expect()
            if self._loop_watch is not None:
                self._loop_watch.expect()
        book.observe(ADMISSIONS, now() - asked_at)

    def _has_room(self) -> bool:
        loop_watch = self._loop_watch
        return self._equipment.media.has_room() and (loop_watch is None or loop_watch.has_room())

    @property
    def trunks(self) -> Trunks:
        """The ways out, and how they are."""
        return self._equipment.trunks

    @property
    def media(self) -> MediaPort:
        """What moves the sound."""
        return self._equipment.media

    async def run(
        self, call: Call, report: Callable[[Happening], Awaitable[None]], cancelled: asyncio.Event
    ) -> None:
        """Dial and hold one call to its end; `report` hears everything, LineEnded last."""
        await Line(call, self._equipment, report, cancelled).run()


def to_owner(event: sip.SipEvent) -> None:
    """Hand a SIP event to whoever owns its call.

    A call that nobody owns any more (its line is over) has nothing left to say; one that comes in is
    refused: this house only dials out.
    """
    handle = event.call.handle
    if callable(handle):
        handle(event)
