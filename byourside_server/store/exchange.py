"""Lines at work: dials what is claimed, writes down what each line reports, hangs up on request.

The handler of `dial` items. An item is done as soon as the dial token is consumed; from then on the live
call hangs on this process and its lease alone. What a line reports is written in its order by a task
beside it, so that a slow store never makes a conversation wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from byourside_server.calls.call import Call
from byourside_server.calls.happened import Answered, Happening, LineEnded, Ringing, TurnHeard
from byourside_server.calls.transcript import Turn
from byourside_server.clock import Clock
from byourside_server.store import live
from byourside_server.store.changes import Changes
from byourside_server.store.database import Database, StoreUnavailable
from byourside_server.store.engine import House

FIRST_RETRY_S = 0.05
LAST_RETRY_S = 1.0

log = logging.getLogger(__name__)

ReportHappening = Callable[[Happening], Awaitable[None]]


class Dialer(Protocol):
    """The telephone network, as far as the house knows it."""

    async def admit(self) -> None:
        """Return once a call more would do those under way no harm; the queue waits so long."""
        ...

    async def run(self, call: Call, report: ReportHappening, cancelled: asyncio.Event) -> None:
        """Dial, talk and hang up, politely and soon once `cancelled` is set.

        Reports Ringing, Answered and TurnHeard as they happen, and LineEnded exactly once, last.
        """
        ...


@dataclass
class _Line:
    call: Call
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    happened: asyncio.Queue[Happening] = field(default_factory=asyncio.Queue)
    turns: dict[int, Turn] = field(default_factory=dict)
    has_ended: bool = False


class Exchange:
    """All live calls of this process."""

    def __init__(
        self,
        db: Database,
        house: House,
        dialer: Dialer,
        clock: Clock,
        changes: Changes,
        *,
        owner: str,
        lease_holds: Callable[[], bool],
        max_live_calls: int,
    ) -> None:
        self._db = db
        self._house = house
        self._dialer = dialer
        self._clock = clock
        self._changes = changes
        self._owner = owner
        self._lease_holds = lease_holds
        self._room = asyncio.Semaphore(max_live_calls)
        self._lines: dict[str, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def live_calls(self) -> int:
        return len(self._lines)

    async def dial(self, call_id: str) -> None:
        """Dial a claimed call, once: whoever fails to consume its token does not dial.

        Without the lease it waits until that is taken back, or until another worker has declared us dead and
        dialled: an item let fall here would be found by the reconciler alone, a minute or two later.
        """
        while True:
            await self._room.acquire()
            try:
                await self._dialer.admit()
            except BaseException:
                self._room.release()
                raise
            if self._lease_holds() and not self._closing:
                break
            self._room.release()
            if self._closing:
                return
            await asyncio.sleep(LAST_RETRY_S)
        try:
            call = await self._db.write(
                live.take_dial_token, self._house, call_id, self._owner, self._clock.epoch()
            )
        except StoreUnavailable:
            # It may have been consumed after all, and then this call must not be dialled by anyone.
            self._room.release()
            self._begin(self._give_up(call_id))
            return
        if call is None:
            self._room.release()
            return
        self._changes.tell(call)
        line = _Line(call)
        self._lines[call.id] = line
        self._begin(self._run(line))

    def hang_up(self, call_id: str) -> None:
        """Ask a line of this process to end; nothing where there is none."""
        line = self._lines.get(call_id)
        if line is not None:
            line.cancelled.set()

    async def hang_up_canceled(self) -> None:
        """Hang up what other processes have asked to be."""
        if self._lines:
            for call_id in await self._db.read(live.canceled_lines, self._owner):
                self.hang_up(call_id)

    async def close(self, grace_s: float) -> None:
        """Dial no more, hang up all lines politely, and cut those that take longer than `grace_s`."""
        self._closing = True
        for line in self._lines.values():
            line.cancelled.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        await self.cut()

    async def cut(self) -> None:
        """Silence every line at once, written down or not; calls may be dialled again afterwards."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2 * LAST_RETRY_S)

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, line: _Line) -> None:
        """One line from the first packet to the last word in the store."""
        scribe = asyncio.create_task(self._write_down(line))
        cut = False
        try:
            await self._dialer.run(line.call, line.happened.put, line.cancelled)
            line.happened.put_nowait(self._broken("line_broken", "internal_error"))
        except asyncio.CancelledError:
            cut = True
            line.happened.put_nowait(self._broken("server_stopped", "worker_lost"))
        except Exception:
            log.exception("line broke", extra={"call_id": line.call.id})
            line.happened.put_nowait(self._broken("line_broken", "internal_error"))
        try:
            await (asyncio.wait_for(scribe, LAST_RETRY_S) if cut else scribe)
        except TimeoutError:
            log.warning("end of call not written", extra={"call_id": line.call.id})
        except Exception:
            # A happening that can't be written must not leave the call live for ever.
            log.exception("report not written", extra={"call_id": line.call.id})
            broken = self._broken("line_broken", "internal_error")
            await self._insist(line.call.id, partial(self._end, line.call.id, broken))
        finally:
            self._lines.pop(line.call.id, None)
            self._room.release()

    def _broken(self, end_reason: str, error: str) -> LineEnded:
        """What follows the end of a line; only written where the line itself said nothing of it."""
        return LineEnded(self._clock.epoch(), "failed", "server", end_reason, error=error)

    async def _write_down(self, line: _Line) -> None:
        while not line.has_ended:
            happening = await line.happened.get()
            if isinstance(happening, LineEnded):
                line.has_ended = True
                if not happening.turns and line.turns:
                    happening = replace(happening, turns=self._turns(line))
                if self._closing and happening.ended_by == "api":
                    happening = replace(happening, ended_by="server", end_reason="server_stopped")
                    if happening.state == "canceled":  # it still rang: nobody called it off but we
                        happening = replace(happening, state="failed", error="server_stopped")
            if isinstance(happening, TurnHeard):
                line.turns[happening.turn.index] = happening.turn
            call = await self._insist(line.call.id, partial(self._write, line, happening))
            if call is None:
                # Declared dead, or ended by somebody else: the line is not ours any more.
                line.cancelled.set()
            else:
                self._changes.tell(call)

    async def _insist(self, call_id: str, write: Callable[[], Awaitable[Call | None]]) -> Call | None:
        """Write again and again while the store refuses and the lease holds."""
        delay_s = FIRST_RETRY_S
        while True:
            try:
                return await write()
            except StoreUnavailable as trouble:
                if not self._lease_holds():
                    return None
                log.warning("store refuses", extra={"call_id": call_id, "why": trouble.why})
                await asyncio.sleep(delay_s)
                delay_s = min(LAST_RETRY_S, 2 * delay_s)

    async def _write(self, line: _Line, happening: Happening) -> Call | None:
        call_id, owner = line.call.id, self._owner
        match happening:
            case Ringing():
                call = await self._db.write(live.note_ringing, self._house, call_id, owner, happening)
                # Rung twice, or after the answer: nothing to tell, and no reason to hang up.
                return call or line.call
            case Answered():
                return await self._db.write(live.note_answered, self._house, call_id, owner, happening)
            case TurnHeard():
                now = self._clock.epoch()
                kept = await self._db.write(live.save_turns, call_id, owner, self._turns(line), now)
                return line.call if kept else None
            case LineEnded():
                return await self._end(call_id, happening)

    async def _end(self, call_id: str, ended: LineEnded) -> Call | None:
        now = self._clock.epoch()
        return await self._db.write(live.end_line, self._house, call_id, self._owner, ended, now)

    def _turns(self, line: _Line) -> tuple[Turn, ...]:
        return tuple(line.turns[index] for index in sorted(line.turns))

    async def _give_up(self, call_id: str) -> None:
        """End a call whose token may or may not be consumed; if it is not, it stays claimed and waits."""
        unknown = LineEnded(self._clock.epoch(), "failed", "server", "dial_unknown", error="placement_failed")
        call = await self._insist(call_id, partial(self._end, call_id, unknown))
        if call is not None:
            self._changes.tell(call)
