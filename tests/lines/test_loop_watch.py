"""Nobody is let in while the loop that holds the conversations is full."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import cast

from byourside_server.lines.equipment import Equipment
from byourside_server.lines.exchange import Exchange
from byourside_server.lines.loop_watch import (
    BUSY_SHARE,
    LATE_S,
    LOOK_EVERY_S,
    LOOKS,
    MOST_LATE,
    MOST_NEWCOMERS,
    LoopWatch,
)
from byourside_server.lines.media_memory import InProcessMedia, MemoryWire
from byourside_server.measures.book import Book
from tests.lines.rehearsal import play


def looks(watch: LoopWatch, count: int, late_s: float = 0.0, busy_share: float = 0.1) -> None:
    for _ in range(count):
        watch.note(LOOK_EVERY_S + late_s, busy_share * (LOOK_EVERY_S + late_s))


def test_a_loop_that_nobody_has_looked_at_has_room() -> None:
    assert LoopWatch().has_room()


def test_a_machine_that_stands_still_once_keeps_nobody_out() -> None:
    watch = LoopWatch()
    looks(watch, LOOKS)
    looks(watch, MOST_LATE, late_s=0.2)
    assert watch.has_room()


def test_a_loop_that_is_late_again_and_again_has_no_room_until_it_is_punctual() -> None:
    watch = LoopWatch()
    looks(watch, MOST_LATE + 1, late_s=2 * LATE_S)
    assert not watch.has_room()
    looks(watch, LOOKS - 2)
    assert not watch.has_room(), "two of the twenty are late still"
    looks(watch, 1)
    assert watch.has_room(), "one may be the machine's"


def test_ten_are_let_in_between_two_looks() -> None:
    watch = LoopWatch()
    for _ in range(MOST_NEWCOMERS):
        assert watch.has_room()
        watch.expect()
    assert not watch.has_room()
    looks(watch, 1)
    assert watch.has_room()


def test_a_loop_that_runs_nearly_all_the_time_has_no_room_even_where_it_is_punctual() -> None:
    watch = LoopWatch()
    looks(watch, LOOKS, busy_share=BUSY_SHARE - 0.05)
    assert watch.has_room()
    looks(watch, LOOKS, busy_share=BUSY_SHARE + 0.05)
    assert not watch.has_room()


def test_a_loop_kept_busy_is_seen_to_be() -> None:
    """Real time: as long as it takes, half a minute at most."""

    async def story() -> float:
        watch = LoopWatch()
        watching = asyncio.create_task(watch.run())
        async with asyncio.timeout(30):
            while watch.has_room():
                until = time.monotonic() + 0.05
                while time.monotonic() < until:
                    pass
                await asyncio.sleep(0)
        watching.cancel()
        return watch.busy_share

    assert asyncio.run(story()) > 0.0


def test_a_call_waits_for_the_loop_as_it_does_for_the_engine() -> None:
    admitted: list[float] = []

    async def story() -> None:
        loop, watch = asyncio.get_running_loop(), LoopWatch()
        media = InProcessMedia(1, MemoryWire())
        exchange = Exchange(cast(Equipment, SimpleNamespace(media=media, book=Book())), watch)
        looks(watch, LOOKS, late_s=1.0)
        asked_at = loop.time()
        call = asyncio.create_task(exchange.admit())
        await asyncio.sleep(3)
        assert not call.done()
        looks(watch, LOOKS)
        await call
        admitted.append(loop.time() - asked_at)

    play(story)
    assert 3 <= admitted[0] < 3.5
