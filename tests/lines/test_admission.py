"""A call that would hurt the others waits: admission by how late the engine's ticks are."""

from __future__ import annotations

import asyncio
import subprocess
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from byourside_server.lines.equipment import Equipment
from byourside_server.lines.exchange import Exchange
from byourside_server.lines.media_engine import Punctuality
from byourside_server.lines.media_memory import InProcessMedia, MemoryRows, MemoryWire
from byourside_server.lines.media_pool import MediaPool
from byourside_server.lines.media_process import (
    LATE_SHARE,
    MOST_NEWCOMERS,
    SILENT_LOOKS,
    WORK_SHARE,
    ProcessMediaPort,
)
from byourside_server.lines.media_room import MediaRoom
from byourside_server.measures.book import Book
from byourside_server.media.messages import EngineStats, SpeechStarted
from byourside_server.media.rtp import TICK_MS
from byourside_server.media.wire import encode
from tests.lines.rehearsal import play


class BusyMedia(InProcessMedia):
    """Late until `calm_at` on the loop's clock, and then room for one line at a time."""

    calm_at = 0.0

    def has_room(self) -> bool:
        return asyncio.get_running_loop().time() >= self.calm_at


def test_calls_wait_while_ticks_are_late_and_go_in_the_order_they_came() -> None:
    admitted: list[tuple[str, float]] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        media = BusyMedia(1, MemoryWire())
        media.calm_at = loop.time() + 3
        exchange = Exchange(cast(Equipment, SimpleNamespace(media=media, book=Book())))

        async def call(name: str) -> None:
            await exchange.admit()
            admitted.append((name, loop.time() - media.calm_at))

        await asyncio.gather(*(call(name) for name in "abc"))

    play(story)
    assert [name for name, _ in admitted] == ["a", "b", "c"]
    assert all(0 <= after_s < 0.5 for _, after_s in admitted)


def test_a_crowd_let_in_at_once_is_counted_before_its_lines_are_open() -> None:
    """A line is opened only after it is on record, and until then the engine knows nothing of it."""
    admitted: list[int] = []

    async def story() -> None:
        port = ProcessMediaPort(1000)  # not started: what it would measure does not matter here
        media = MediaPool([port])
        exchange = Exchange(cast(Equipment, SimpleNamespace(media=media, book=Book())))

        async def call(number: int) -> None:
            await exchange.admit()
            admitted.append(number)

        calls = [asyncio.create_task(call(number)) for number in range(3 * MOST_NEWCOMERS)]
        await asyncio.sleep(1)
        before = len(admitted)
        await port._look_once()
        await asyncio.sleep(1)
        assert (before, len(admitted)) == (MOST_NEWCOMERS, 2 * MOST_NEWCOMERS)
        await port._look_once()
        await asyncio.gather(*calls)

    play(story)
    assert admitted == list(range(3 * MOST_NEWCOMERS))


def test_an_engine_that_speaks_while_its_figures_are_late_is_not_taken_for_silent() -> None:
    """The server is behind with reading what the engine tells: ending it would end every call."""
    ended: list[str] = []

    async def story() -> tuple[bool, list[str], list[str]]:
        port, reader = ProcessMediaPort(1), asyncio.StreamReader()
        port._listeners["a"] = lambda event: None
        port._writer = cast(
            asyncio.StreamWriter, SimpleNamespace(write=lambda data: None, is_closing=lambda: False)
        )
        child = SimpleNamespace(kill=lambda: ended.append("killed"), wait=lambda: 0, pid=7)
        port._child = cast("subprocess.Popen[bytes]", child)
        reading = asyncio.create_task(port._read(reader, port._child))
        for _ in range(2 * SILENT_LOOKS):
            look = asyncio.create_task(port._look_once())
            await asyncio.sleep(0.5)
            reader.feed_data(encode(SpeechStarted("a", 1000, False)))
            await look
        spoke = list(ended)
        for _ in range(SILENT_LOOKS):
            await port._look_once()
        reading.cancel()
        return port.has_room(), spoke, list(ended)

    told: list[tuple[bool, list[str], list[str]]] = []

    async def tell() -> None:
        told.append(await story())

    play(tell)
    assert told == [(False, [], ["killed"])]


def stats_of(late_s: list[float], work_s: list[float]) -> EngineStats:
    punctuality = Punctuality()
    for number, (late, work) in enumerate(zip(late_s, work_s, strict=True)):
        punctuality.note(number * 0.02, late)
        punctuality.worked(work)
    # The tick in which the question is answered has only begun.
    punctuality.note(len(late_s) * 0.02, 9.0)
    packets = MemoryRows(MemoryWire(), "10.0.0.1")
    return punctuality.stats(MediaRoom(1, packets, np.random.default_rng(1), lambda: 0.0, lambda: 0.0))


def test_only_the_last_two_seconds_decide() -> None:
    """Lateness long ago stays in the totals and keeps nobody out."""
    stats = stats_of([0.05] * 200 + [0.0] * 100, [0.018] * 200 + [0.004] * 100)
    assert stats.sums.late_ticks == 201
    assert stats.lately_late_share == 0
    assert stats.lately_work_ms == pytest.approx(4)


def test_three_late_ticks_in_a_hundred_or_ticks_nearly_full_are_too_many() -> None:
    stats = stats_of([0.0] * 97 + [0.006] * 3, [0.004] * 80 + [0.018] * 20)
    assert stats.lately_late_share > LATE_SHARE
    assert stats.lately_work_ms > WORK_SHARE * TICK_MS
