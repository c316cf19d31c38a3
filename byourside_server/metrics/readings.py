"""What is read at the moment somebody asks: the queue, the lines, the media engines, the trunks.

Every part is asked with little patience and by itself: one that hangs costs its own figures, not the scrape.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from byourside_server import __version__
from byourside_server.clock import Clock
from byourside_server.lines.media_figures import MediaFigures
from byourside_server.lines.trunk_health import TargetHealth
from byourside_server.lines.trunks import Door, Trunks
from byourside_server.measures import table
from byourside_server.measures.book import Book, Labels, Measure, Tally
from byourside_server.metrics.beginnings import attempts_of, beginnings
from byourside_server.store.backlog import Backlog
from byourside_server.store.database import StoreUnavailable

STORE_PATIENCE_S = 1.0
MEDIA_PATIENCE_S = 0.25


class Desk(Protocol):
    """As much of the switchboard as is read here."""

    @property
    def clock(self) -> Clock: ...

    @property
    def live_calls(self) -> int: ...

    async def backlog(self) -> Backlog: ...


@dataclass
class Sheet:
    """Numbers of one moment, ready to be written out."""

    values: dict[Measure, dict[Labels, float]] = field(default_factory=dict)
    tallies: dict[Measure, dict[Labels, Tally]] = field(default_factory=dict)

    def put(self, measure: Measure, value: float, *labels: str) -> None:
        self.values.setdefault(measure, {})[labels] = value


@dataclass(frozen=True)
class Readings:
    """Where the numbers come from. `media_figures` is None where the sound moves without engines."""

    book: Book
    desk: Desk
    trunks: Trunks
    max_live_calls: int
    media_figures: Callable[[float], Awaitable[MediaFigures]] | None = None

    async def take(self) -> Sheet:
        """Everything as it is now."""
        sheet = Sheet()
        for measure in table.MEASURES:
            nothing = beginnings(measure)
            if measure.kind == "counter":
                sheet.values[measure] = dict.fromkeys(nothing, 0.0) | self.book.counts(measure)
            elif measure.kind == "histogram":
                none = {labels: Tally([0] * (len(measure.buckets) + 1)) for labels in nothing}
                sheet.tallies[measure] = none | self.book.tallies(measure)
        sheet.put(table.BUILD, 1.0, __version__, platform.python_version())
        sheet.put(table.LIVE_CALLS, self.desk.live_calls)
        sheet.put(table.LIVE_LIMIT, self.max_live_calls)
        for door in self.trunks.doors:
            read_trunk(sheet, self.trunks, door)
        await asyncio.gather(self._read_store(sheet), self._read_media(sheet))
        return sheet

    async def _read_store(self, sheet: Sheet) -> None:
        sheet.put(table.SCRAPE_PARTS, 0.0, "store")
        try:
            async with asyncio.timeout(STORE_PATIENCE_S):
                waiting = await self.desk.backlog()
        except (StoreUnavailable, TimeoutError):
            return
        sheet.put(table.SCRAPE_PARTS, 1.0, "store")
        for state, number in waiting.calls.items():
            sheet.put(table.OPEN_CALLS, number, state)
        oldest = waiting.oldest_run_at
        age_s = 0.0 if oldest is None else max(0.0, self.desk.clock.epoch() - oldest)
        sheet.put(table.OLDEST_DUE, age_s)
        sheet.put(table.WEBHOOKS_WAITING, waiting.webhooks)

    async def _read_media(self, sheet: Sheet) -> None:
        if self.media_figures is None:
            return
        figures = await self.media_figures(MEDIA_PATIENCE_S)
        states, sums = figures.states, figures.sums
        sheet.put(table.SCRAPE_PARTS, float(not states.get("silent", 0)), "media")
        for state in ("running", "silent", "stopped"):
            sheet.put(table.ENGINES, states.get(state, 0), state)
        sheet.put(table.ROWS, figures.rows)
        sheet.put(table.TICKS_LATE, sums.late_ticks)
        sheet.put(table.TICKS_OVER, sums.over_ticks)
        sheet.put(table.MEDIA_CPU, sums.cpu_s)
        sheet.put(table.PACKETS_RECEIVED, sums.packets_received)
        sheet.put(table.PACKETS_SENT, sums.packets_sent)
        sheet.put(table.PACKETS_LOST, sums.packets_lost)
        sheet.put(table.PACKETS_LATE, sums.packets_late)
        if sums.late_counts:
            sheet.tallies[table.TICKS] = {(): Tally(list(sums.late_counts), sums.late_sum_s)}


def read_trunk(sheet: Sheet, trunks: Trunks, door: Door) -> None:
    """One trunk, by the operator's own name for it."""
    name, now = door.trunk.name, trunks.now()
    attempts = sheet.values.setdefault(table.ATTEMPTS, {})
    for labels in attempts_of(name):
        attempts.setdefault(labels, 0.0)
    sheet.put(table.TRUNK_UP, float(not trunks.door_is_down(door)), name)
    sheet.put(table.TRUNK_CALLS, door.live_calls, name)
    if door.trunk.register:
        is_registered = door.registration is not None and door.registration.startswith("registered")
        sheet.put(table.TRUNK_REGISTERED, float(is_registered and not door.registration_failed), name)
    servers = list(door.health.values())
    states = [breaker_of(each, now) for each in servers]
    for breaker in ("closed", "open", "half_open", "silent"):
        sheet.put(table.TRUNK_SERVERS, states.count(breaker), name, breaker)
    trips = [each.round_trip_s for each in servers if each.round_trip_s is not None]
    if trips:
        sheet.put(table.TRUNK_ROUND_TRIP, min(trips), name)


def breaker_of(health: TargetHealth, now: float) -> str:
    """closed, open, half_open or silent."""
    if health.is_silent:
        return "silent"
    if health.is_closed:
        return "closed"
    return "open" if health.is_open(now) else "half_open"
