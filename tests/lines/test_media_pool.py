"""Several engines as one port: real processes on the loopback."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from byourside_server.lines import media_process
from byourside_server.lines.media_figures import MediaFigures
from byourside_server.lines.media_pool import MediaPool
from byourside_server.lines.media_port import Closed, Lost
from byourside_server.lines.media_process import ProcessMediaPort
from tests.lines.test_media_process import PATIENCE_S, Ear, _patient

__all__ = ["_patient"]


@pytest.fixture(autouse=True)
def _unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody minds whether the engines are late, which they may well be here."""
    monkeypatch.setattr(media_process, "LOOK_EVERY_S", 3600.0)
    monkeypatch.setattr(media_process, "LOOK_PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr(media_process, "LATE_SHARE", 1.0)
    monkeypatch.setattr(media_process, "WORK_SHARE", float("inf"))


def test_lines_are_spread_over_engines_and_one_that_dies_takes_only_its_own() -> None:
    """No engine knows another: what befalls one is not noticed by the other's lines."""
    ears = [Ear() for _ in range(4)]

    async def calls() -> list[int]:
        engines = [ProcessMediaPort(4), ProcessMediaPort(4)]
        pool = MediaPool(engines)
        await pool.start()
        try:
            for number, ear in enumerate(ears):
                await pool.open(f"call{number}", ear.hear)
            held = [(await engine.stats()).rows_open for engine in engines]
            assert engines[0].pid is not None
            os.kill(engines[0].pid, signal.SIGKILL)
            await ears[0].until(Lost)
            await ears[2].until(Lost)
            pool.close("call1")
            await ears[1].until(Closed)
            assert [type(event) for event in ears[3]] == []
            again = Ear()
            await pool.open("call0", again.hear)
            pool.close("call0")
            await again.until(Closed)
            return held
        finally:
            await pool.stop()

    assert asyncio.run(calls()) == [2, 2]


def test_a_line_that_was_expected_is_counted_once_and_one_that_never_came_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media_process, "MOST_NEWCOMERS", 2)

    async def fill() -> list[bool]:
        engine = ProcessMediaPort(4)
        pool = MediaPool([engine])
        await pool.start()
        try:
            pool.expect()
            await pool.open("a", Ear().hear)
            had = [pool.has_room()]
            pool.expect()
            had.append(pool.has_room())
            await engine._look_once()
            return [*had, pool.has_room()]
        finally:
            await pool.stop()

    assert asyncio.run(fill()) == [True, False, True]


def test_an_engine_takes_no_more_lines_than_it_has_rows() -> None:
    """And says so before anybody is dialled."""

    async def fill() -> tuple[bool, bool, bool]:
        pool = MediaPool([ProcessMediaPort(1), ProcessMediaPort(1)])
        await pool.start()
        try:
            before = pool.has_room()
            ears = [Ear(), Ear()]
            for number, ear in enumerate(ears):
                await pool.open(f"call{number}", ear.hear)
            full = pool.has_room()
            pool.close("call0")
            await ears[0].until(Closed)
            return before, full, pool.has_room()
        finally:
            await pool.stop()

    assert asyncio.run(fill()) == (True, False, True)


async def figures_of_one(pool: MediaPool) -> MediaFigures:
    """Of two engines, once one has answered; the other holds nobody up for longer than is asked."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := await pool.figures(0.2)).states["running"] < 1:
            continue
    return found


def test_figures_are_summed_and_an_engine_that_hangs_or_dies_holds_nobody_up() -> None:
    """SIGSTOP: the process is there, its socket is open, and nothing comes back."""

    async def story() -> list[tuple[dict[str, int], int, int]]:
        engines, ears = [ProcessMediaPort(4), ProcessMediaPort(4)], [Ear() for _ in range(4)]
        pool = MediaPool(engines)
        await pool.start()
        told = []
        try:
            for number, ear in enumerate(ears):
                await pool.open(f"call{number}", ear.hear)
            pids = [engine.pid or 0 for engine in engines]
            told.append(await pool.figures(PATIENCE_S))
            os.kill(pids[0], signal.SIGSTOP)
            for _ in range(2):
                told.append(await figures_of_one(pool))
            os.kill(pids[0], signal.SIGCONT)
            told.append(await pool.figures(PATIENCE_S))
            os.kill(pids[1], signal.SIGKILL)
            await ears[1].until(Lost)
            told.append(await pool.figures(PATIENCE_S))
        finally:
            await pool.stop()
        return [(dict(each.states), each.rows, sum(each.sums.late_counts)) for each in told]

    told = asyncio.run(story())
    assert [states for states, _, _ in told] == [
        {"running": 2},
        {"silent": 1, "running": 1},
        {"silent": 1, "running": 1},
        {"running": 2},
        {"running": 1, "stopped": 1},
    ]
    assert [rows for _, rows, _ in told] == [4, 4, 4, 4, 2]
    ticks = [count for _, _, count in told]
    assert ticks == sorted(ticks), "what only grows never falls"
    assert ticks[0] > 0
