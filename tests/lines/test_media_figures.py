"""All engines in sum: over restarts, and without waiting for one that hangs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from byourside_server.lines.media_engine import Punctuality
from byourside_server.lines.media_figures import EngineFigures, MediaFigures, figures_of
from byourside_server.lines.media_memory import MemoryRows, MemoryWire
from byourside_server.lines.media_port import MediaUnavailable
from byourside_server.lines.media_room import MediaRoom
from byourside_server.measures.table import TICK
from byourside_server.media.messages import Close, Connect, EngineStats, EngineSums, Open, StageCpu
from byourside_server.media.wire import MessageReader, encode

NOTHING = EngineStats(0, 0, 0.0, 0.0, 0.0, 0.0, StageCpu(*[0.0] * 10))


class FakeEngine:
    """Answers what it is given, or not at all."""

    def __init__(self, stats: EngineStats) -> None:
        self.answer: EngineStats | None = stats
        self.pid: int | None = 100
        self.asked = 0
        self.lost = asyncio.Event()

    @property
    def is_running(self) -> bool:
        return self.pid is not None

    async def stats(self) -> EngineStats:
        self.asked += 1
        if self.answer is None:
            await self.lost.wait()
            raise MediaUnavailable("the engine is gone")
        return self.answer


def stats(ticks: int, packets: int, rows: int = 1) -> EngineStats:
    sums = EngineSums(late_counts=(ticks, 1), packets_received=packets)
    return replace(NOTHING, ticks=ticks, rows_open=rows, sums=sums)


def test_engines_add_up() -> None:
    async def story() -> MediaFigures:
        return await figures_of([EngineFigures(FakeEngine(stats(100, n))) for n in (3, 4, 5)], 1.0)

    found = asyncio.run(story())
    assert (found.rows, found.sums.packets_received, found.sums.late_counts) == (3, 12, (300, 3))
    assert found.states == {"running": 3}


def test_sums_do_not_fall_when_an_engine_is_lost_and_another_takes_its_place() -> None:
    """A counter that falls is a restart to Prometheus, which would count everything of the others anew."""

    async def story() -> list[tuple[int, int, dict[str, int]]]:
        engine = FakeEngine(stats(100, 50))
        figures = [EngineFigures(engine), EngineFigures(FakeEngine(stats(100, 7)))]
        told = []
        for pid, answer in ((100, stats(100, 50)), (None, NOTHING), (101, stats(5, 2)), (101, stats(10, 6))):
            engine.pid, engine.answer = pid, answer
            found = await figures_of(figures, 1.0)
            told.append((found.sums.packets_received, found.rows, dict(found.states)))
        return told

    assert asyncio.run(story()) == [
        (57, 2, {"running": 2}),
        (57, 1, {"running": 1, "stopped": 1}),
        (59, 2, {"running": 2}),
        (63, 2, {"running": 2}),
    ]


def test_an_engine_that_hangs_is_asked_once_and_its_last_word_stands() -> None:
    async def story() -> tuple[list[MediaFigures], int]:
        engine = FakeEngine(stats(100, 50))
        figures = [EngineFigures(engine), EngineFigures(FakeEngine(stats(100, 7)))]
        told = [await figures_of(figures, 1.0)]
        engine.answer = None
        told += [await figures_of(figures, 0.0) for _ in range(3)]
        asked, engine.answer = engine.asked, stats(300, 90)
        engine.lost.set()
        await asyncio.sleep(0)
        told.append(await figures_of(figures, 1.0))
        return told, asked

    told, asked = asyncio.run(story())
    assert [each.sums.packets_received for each in told] == [57, 57, 57, 57, 97]
    assert [each.states.get("silent", 0) for each in told] == [0, 1, 1, 1, 0]
    assert asked == 2, "questions do not pile up before an engine that hangs"


def test_ticks_are_counted_by_lateness_and_work() -> None:
    punctuality = Punctuality()
    for late_s, work_s in ((0.0, 0.004), (0.0005, 0.019), (0.0051, 0.021), (3.0, 0.5)):
        punctuality.note(0.0, late_s)
        punctuality.worked(work_s)
    room = MediaRoom(1, MemoryRows(MemoryWire(), "a"), np.random.default_rng(1), lambda: 0.0, lambda: 0.0)
    told = punctuality.stats(room)
    sums = told.sums
    counted = dict(zip([*TICK, "more"], sums.late_counts, strict=True))
    assert {bound: count for bound, count in counted.items() if count} == {0.0005: 2, 0.01: 1, "more": 1}
    assert (sums.over_ticks, sums.late_ticks, sums.late_sum_s) == (2, 2, 3.0056)
    assert list(MessageReader().receive(encode(told))) == [told]


def test_packets_of_closed_lines_still_count() -> None:
    """What two rooms sent each other, while the lines are open and after they are closed."""
    wire = MemoryWire()
    rooms = [
        MediaRoom(2, MemoryRows(wire, host), np.random.default_rng(1), lambda: 0.0, lambda: 0.0)
        for host in ("a", "b")
    ]
    ports = []
    for room in rooms:
        room.handle(Open("line"))
        [opened] = room.events()
        ports.append(opened.port)  # type: ignore[union-attr]
    for room, host, port in zip(rooms, "ba", reversed(ports), strict=True):
        room.handle(Connect("line", host, port, "PCMU", None))
    for _ in range(100):
        for room in rooms:
            room.tick()
    live = rooms[0].traffic()
    assert (live.sent, live.lost, live.late) == (100, 0, 0)
    assert live.received >= 98
    rooms[0].handle(Close("line"))
    assert rooms[0].traffic() == live
