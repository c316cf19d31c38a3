"""Several media engines as one port: each a process on a core of its own, with nothing shared between them.

Knows which engine holds which line, and gives a new line to the one with the fewest. A line stays where it
was opened; an engine that dies takes its own lines along and no others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from byourside_server.lines.media_figures import EngineFigures, MediaFigures, figures_of
from byourside_server.lines.media_port import MediaUnavailable, OnEvent
from byourside_server.lines.media_process import ProcessMediaPort
from byourside_server.media.messages import PLAIN, Closed, LineEvent, Lost, Srtp


class MediaPool:
    """`MediaPort` over several engines."""

    def __init__(self, engines: Sequence[ProcessMediaPort]) -> None:
        assert engines, "a pool needs an engine"
        self._engines = list(engines)
        self._engine_of: dict[str, int] = {}
        self._figures = [EngineFigures(engine) for engine in self._engines]

    async def figures(self, patience_s: float) -> MediaFigures:
        """All engines in sum; of one that does not answer in time, what it last said."""
        return await figures_of(self._figures, patience_s)

    async def start(self) -> None:
        """Start every engine, and wait until all answer."""
        await asyncio.gather(*(engine.start() for engine in self._engines))

    async def stop(self) -> None:
        await asyncio.gather(*(engine.stop() for engine in self._engines))

    def has_room(self) -> bool:
        """Whether some engine could take one more line without being late for those it has."""
        return any(engine.has_room() for engine in self._engines)

    def expect(self) -> None:
        next((engine for engine in self._engines if engine.has_room()), self._engines[0]).expect()

    async def open(self, line_id: str, on_event: OnEvent) -> int:
        if line_id in self._engine_of:
            raise MediaUnavailable(f"line {line_id} is open already")
        held = Counter(self._engine_of.values())
        number = min(
            range(len(self._engines)), key=lambda each: (not self._engines[each].has_room(), held[each])
        )
        self._engine_of[line_id] = number

        def hear(event: LineEvent) -> None:
            if isinstance(event, Closed | Lost):
                self._engine_of.pop(line_id, None)
            on_event(event)

        try:
            return await self._engines[number].open(line_id, hear)
        except BaseException:
            self._engine_of.pop(line_id, None)
            raise

    def connect(
        self,
        line_id: str,
        host: str,
        port: int,
        codec: str = "PCMU",
        dtmf_payload_type: int | None = None,
        *,
        rtcp_port: int = 0,
        srtp: Srtp = PLAIN,
        sends: bool = True,
    ) -> None:
        if engine := self._of(line_id):
            there = (line_id, host, port, codec, dtmf_payload_type)
            engine.connect(*there, rtcp_port=rtcp_port, srtp=srtp, sends=sends)

    def start_recording(self, line_id: str, path: str) -> None:
        if engine := self._of(line_id):
            engine.start_recording(line_id, path)

    def play(self, line_id: str, clip_id: int, ulaw: bytes, *, last: bool = True) -> None:
        if engine := self._of(line_id):
            engine.play(line_id, clip_id, ulaw, last=last)

    def clear(self, line_id: str) -> None:
        if engine := self._of(line_id):
            engine.clear(line_id)

    def barge_in(self, line_id: str, enabled: bool, after_ms: int = 0, hold_after_ms: int = 0) -> None:
        if engine := self._of(line_id):
            engine.barge_in(line_id, enabled, after_ms, hold_after_ms)

    def listen_along(self, line_id: str, enabled: bool) -> None:
        if engine := self._of(line_id):
            engine.listen_along(line_id, enabled)

    def send_dtmf(self, line_id: str, digits: str) -> None:
        if engine := self._of(line_id):
            engine.send_dtmf(line_id, digits)

    def close(self, line_id: str) -> None:
        if engine := self._of(line_id):
            engine.close(line_id)

    def _of(self, line_id: str) -> ProcessMediaPort | None:
        number = self._engine_of.get(line_id)
        return None if number is None else self._engines[number]
