"""What the media engines did, in sum over all of them and over their restarts.

Each engine is asked by itself, all at once, and nobody waits for one that hangs: then its last word stands.
Sums never fall, since an engine that was lost leaves what it last said.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from byourside_server.lines.media_port import MediaUnavailable
from byourside_server.media.messages import EngineStats, EngineSums


class AskedEngine(Protocol):
    """As much of an engine as is asked here."""

    @property
    def is_running(self) -> bool: ...

    @property
    def pid(self) -> int | None: ...

    async def stats(self) -> EngineStats: ...


@dataclass(frozen=True)
class MediaFigures:
    """All engines together. `states` counts them as running, silent or stopped."""

    states: Mapping[str, int]
    rows: int
    sums: EngineSums


class EngineFigures:
    """One engine's figures, over all processes it has had."""

    def __init__(self, engine: AskedEngine) -> None:
        self._engine = engine
        self._before = EngineSums()
        """Of processes that are gone."""
        self._last: EngineStats | None = None
        self._pid: int | None = None
        self._asked: asyncio.Task[None] | None = None

    @property
    def sums(self) -> EngineSums:
        return self._before if self._last is None else self._before + self._last.sums

    @property
    def rows(self) -> int:
        return self._last.rows_open if self._last is not None and self._engine.is_running else 0

    @property
    def state(self) -> str:
        if not self._engine.is_running:
            return "stopped"
        return "silent" if self._asked is not None else "running"

    def ask(self) -> asyncio.Task[None] | None:
        """The question, put once until it is answered; None where nobody is there."""
        if self._asked is None and self._engine.is_running:
            self._asked = asyncio.create_task(self._ask())
        return self._asked

    async def _ask(self) -> None:
        pid = self._engine.pid
        try:
            stats = await self._engine.stats()
        except MediaUnavailable:
            return
        finally:
            self._asked = None
        if pid != self._pid:
            self._before, self._pid = self.sums, pid
        self._last = stats


async def figures_of(engines: Sequence[EngineFigures], patience_s: float) -> MediaFigures:
    """Ask all engines at once and wait for their answers no longer than `patience_s`."""
    asked = [task for engine in engines if (task := engine.ask()) is not None]
    if asked:
        await asyncio.wait(asked, timeout=patience_s)
    total = EngineSums()
    for engine in engines:
        total = total + engine.sums
    states = Counter(engine.state for engine in engines)
    return MediaFigures(states, sum(engine.rows for engine in engines), total)
