"""Has finished calls read and reported on: the handler of `analyse` items."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from byourside_server.calls.call import Call, Report
from byourside_server.clock import Clock
from byourside_server.store.analysis import analyse_again, analysis_due, finish
from byourside_server.store.changes import Changes
from byourside_server.store.database import Database
from byourside_server.store.engine import House

# Reading by rules takes milliseconds; asking a language model takes seconds of waiting.
AT_ONCE = 16

log = logging.getLogger(__name__)


class Analyst(Protocol):
    """What makes summary, fields and evidence of a finished call, without holding up the loop."""

    async def compose(self, call: Call) -> Report: ...


class AnalysisDesk:
    """One stored report per call, however often the work is begun."""

    def __init__(self, db: Database, house: House, analyst: Analyst, clock: Clock, changes: Changes) -> None:
        self._db = db
        self._house = house
        self._analyst = analyst
        self._clock = clock
        self._changes = changes
        self._room = asyncio.Semaphore(AT_ONCE)

    async def analyse(self, call_id: str, attempt: int) -> None:
        """Make attempt number `attempt` at the call's report, if that is still wanted."""
        call = await self._db.read(analysis_due, call_id, attempt)
        if call is None:
            return
        try:
            async with self._room:
                report = await self._analyst.compose(call)
        except Exception:
            # Whatever it was, it must not cost the caller more than the report.
            log.exception("analysis failed", extra={"call_id": call_id, "attempt": attempt})
            done = await self._db.write(analyse_again, self._house, call_id, attempt, self._clock.epoch())
        else:
            done = await self._db.write(finish, self._house, call_id, report, self._clock.epoch())
        if done is not None:
            self._changes.tell(done)
