"""A house on SQLite and DBOS that is killed in mid-call: run as a program by test_store_kill.

Every dial is appended to a file outside the store, as the telephone network would have seen it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from byourside_server.calls.call import Call, Report
from byourside_server.calls.happened import Answered, LineEnded, Ringing, TurnHeard
from byourside_server.calls.transcript import Turn
from byourside_server.store.database import Database
from byourside_server.store.dbos_engine import DbosEngine
from byourside_server.store.exchange import ReportHappening
from byourside_server.switchboard import Switchboard
from byourside_server.webhooks.sender import Sender


class CountedDialer:
    """Calls that last `live_s` each."""

    def __init__(self, dials: Path, live_s: float) -> None:
        self._dials = dials
        self._live_s = live_s

    async def admit(self) -> None:
        return

    async def run(self, call: Call, report: ReportHappening, cancelled: asyncio.Event) -> None:
        with self._dials.open("a") as network:
            network.write(call.id + "\n")
        await report(Ringing(time.time()))
        await report(Answered(time.time()))
        turn = Turn(0, "agent", "Hello?", 0, 400)
        await report(TurnHeard(turn))
        await asyncio.sleep(self._live_s)
        await report(LineEnded(time.time(), "post", "agent", "done", turns=(turn,)))


class ShortAnalyst:
    async def compose(self, call: Call) -> Report:
        return Report("It went well.", {}, {}, "unknown", "not asked")


def make_switchboard(directory: Path, live_s: float) -> tuple[Database, Switchboard]:
    db = Database(f"sqlite:///{directory / 'store.db'}")
    switchboard = Switchboard(
        db,
        DbosEngine(db),
        CountedDialer(directory / "dials.log", live_s),
        ShortAnalyst(),
        Sender(allow_local=True),
        recordings_dir=directory,
        public_url="http://localhost",
    )
    return db, switchboard


async def serve(directory: Path, live_s: float) -> None:
    _, switchboard = make_switchboard(directory, live_s)
    await switchboard.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), float(sys.argv[2])))
