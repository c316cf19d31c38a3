"""The engine port on the real DBOS, on both databases."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from byourside_server.store import dbos_engine
from byourside_server.store.database import Database
from byourside_server.store.dbos_engine import DbosEngine
from byourside_server.store.engine import Item

DELAY_S = 1.0
# Only the bound of a wait.
PATIENCE_S = 60.0


def _make_a_file(conn: sa.Connection) -> None:
    conn.exec_driver_sql("CREATE TABLE things (n INTEGER)")


def test_items_run_once_delayed_ones_later_and_rolled_back_ones_never(
    url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        db = Database(url)
        await db.write(_make_a_file)
        engine = DbosEngine(db)
        loop = asyncio.get_running_loop()
        ran: list[tuple[str, int]] = []
        delayed, delayed_at = asyncio.Event(), list[float]()

        async def handler(name: str, number: int) -> None:
            assert asyncio.get_running_loop() is loop, "handlers run on the house's loop"
            ran.append((name, number))
            if name == "fails":
                raise ValueError("a handler's mistake is its own")
            if name == "delayed":
                delayed_at.append(time.time())
                delayed.set()

        await engine.start({"dial": handler, "analyse": handler, "deliver": handler})

        def put(conn: sa.Connection) -> None:
            engine.put(conn, Item("dial", "a", ("twice", 1)))
            engine.put(conn, Item("dial", "a", ("twice", 1)))
            engine.put(conn, Item("analyse", "b", ("fails", 2)))
            engine.put(conn, Item("deliver", "c", ("delayed", 3), delay_s=DELAY_S))
            engine.put(conn, Item("deliver", "d", ("tomorrow", 4), delay_s=86_400.0))

        def put_and_fail(conn: sa.Connection) -> None:
            engine.put(conn, Item("dial", "never", ("never", 0)))
            raise KeyError

        put_at = time.time()
        await db.write(put)
        with pytest.raises(KeyError):
            await db.write(put_and_fail)
        outstanding = await engine.outstanding(["a", "d", "never", "x"])
        assert {"d"} <= outstanding <= {"a", "d"}
        async with asyncio.timeout(PATIENCE_S):
            await delayed.wait()
            while await engine.outstanding(["a", "b", "c"]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert sorted(ran) == [("delayed", 3), ("fails", 2), ("twice", 1)]
        assert delayed_at[0] - put_at >= DELAY_S - 0.01
        assert await engine.purge(3600.0) == 0
        assert await engine.purge(-1.0) == 3
        await engine.stop()
        await db.close()

    asyncio.run(story())
    out, err = capfd.readouterr()
    assert out == ""
    assert "dbos" not in err.lower()


def test_what_a_dead_worker_had_begun_is_run_by_the_next(url: str, tmp_path: Path) -> None:
    async def story() -> None:
        db = Database(url)
        await db.write(_make_a_file)
        begun, finished = asyncio.Event(), asyncio.Event()

        async def hangs(number: int) -> None:
            begun.set()
            await asyncio.Event().wait()

        async def runs(number: int) -> None:
            finished.set()

        first = DbosEngine(db)
        await first.start({"dial": hangs})
        await db.write(first.put, Item("dial", "a", (1,)))
        async with asyncio.timeout(PATIENCE_S):
            await begun.wait()
        await first.stop()

        second = DbosEngine(db)
        assert second.worker_id != first.worker_id
        await second.start({"dial": runs})
        assert await second.requeue_from_others({first.worker_id, second.worker_id}) == 0
        assert await second.requeue_from_others({second.worker_id}) == 1
        async with asyncio.timeout(PATIENCE_S):
            await finished.wait()
        await second.stop()
        await db.close()

    asyncio.run(story())


def test_what_is_put_runs_at_once_though_queues_are_looked_at_once_a_minute(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbos_engine, "POLLING_S", 60.0)

    async def story() -> None:
        db = Database(url)
        await db.write(_make_a_file)
        engine = DbosEngine(db)
        ran: list[int] = []
        all_ran = asyncio.Event()

        async def handler(number: int) -> None:
            ran.append(number)
            if len(ran) == 200:
                all_ran.set()

        await engine.start({"deliver": handler})

        # More than run at once: those who wait are begun where others end.
        def put(conn: sa.Connection) -> None:
            for number in range(200):
                engine.put(conn, Item("deliver", f"item {number}", (number,)))

        await db.write(put)
        async with asyncio.timeout(PATIENCE_S):
            await all_ran.wait()
        assert sorted(ran) == list(range(200))
        await engine.stop()
        await db.close()

    asyncio.run(story())
