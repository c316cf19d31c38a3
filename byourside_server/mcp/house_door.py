"""The door in the server's own process: one agent key's calls, asked of the switchboard directly."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.calls.call import Call, CallRequest
from byourside_server.calls.lifecycle import PUBLIC_STATUS, TERMINAL_STATUSES
from byourside_server.calls.wire import Json, turn_record
from byourside_server.calls.wire_request import parse_call_request
from byourside_server.clock import Clock
from byourside_server.errors import Refusal
from byourside_server.mcp.door import News, Placed, Recording, no_recording
from byourside_server.mcp.repeats import body_hash_of
from byourside_server.media.recording import seconds_of

CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Desk(Protocol):
    """The part of the switchboard that this front reaches; tests stand in with their own."""

    async def authenticate(self, bearer: str) -> tuple[Account, AgentKey]: ...

    async def place(
        self,
        account: Account,
        key: AgentKey,
        request: CallRequest,
        *,
        idempotency_key: str | None = None,
        body_hash: str = "",
    ) -> Call: ...

    async def get(self, account: Account, call_id: str) -> Call: ...

    async def list(
        self, account: Account, limit: int = 20, before: str | None = None, status: str | None = None
    ) -> tuple[list[Call], str | None]: ...

    async def cancel(self, account: Account, call_id: str) -> Call: ...

    def recording_path(self, call: Call) -> Path | None: ...

    def record(self, call: Call) -> Json: ...

    async def wait_for_change(self, call_id: str, since_sequence: int, timeout_s: float) -> int: ...


class HouseDoor:
    """The calls of the account behind one agent key."""

    def __init__(self, desk: Desk, account: Account, key: AgentKey, mark: str, clock: Clock) -> None:
        self._desk = desk
        self._account = account
        self._key = key
        self._clock = clock
        self.mark = mark

    async def place(self, body: Json, idempotency_key: str) -> Placed:
        request = parse_call_request(body)
        asked_at = self._clock.epoch()
        placed = await self._desk.place(
            self._account,
            self._key,
            request,
            idempotency_key=idempotency_key,
            body_hash=body_hash_of(body),
        )
        # The answer to a repetition is the first answer again, `queued`: how the call is now is asked for.
        return Placed(await self.get(placed.id), is_repeat=placed.created_at < asked_at)

    async def get(self, call_id: str) -> Json:
        return self._desk.record(await self._call(call_id))

    async def list(
        self, limit: int, before: str | None, status: str | None
    ) -> tuple[Sequence[Json], str | None]:
        calls, cursor = await self._desk.list(self._account, limit, before, status)
        return [self._desk.record(call) for call in calls], cursor

    async def cancel(self, call_id: str) -> Json:
        await self._call(call_id)
        return self._desk.record(await self._desk.cancel(self._account, call_id))

    async def recording(self, call_id: str) -> Recording:
        path, url = await self._sound(call_id)
        try:
            size = path.stat().st_size
        except OSError:
            raise no_recording() from None
        return Recording(url, size, seconds_of(size))

    async def read_recording(self, call_id: str) -> bytes:
        path, _ = await self._sound(call_id)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError:
            raise no_recording() from None

    @contextlib.asynccontextmanager
    async def watch(self, call_id: str, since_turn: int) -> AsyncIterator[HouseWatch]:
        yield HouseWatch(self, await self._call(call_id), since_turn)

    async def _call(self, call_id: str) -> Call:
        if not CALL_ID.fullmatch(call_id):
            raise Refusal("not_found", "There is no such call on this account.")
        return await self._desk.get(self._account, call_id)

    async def changed(self, call: Call, timeout_s: float) -> Call:
        """The call once it has changed or said something, at the latest after `timeout_s`."""
        await self._desk.wait_for_change(call.id, call.sequence, timeout_s)
        return await self._call(call.id)

    async def _sound(self, call_id: str) -> tuple[Path, str]:
        call = await self._call(call_id)
        path, url = self._desk.recording_path(call), self._desk.record(call)["recordingUrl"]
        if path is None or not isinstance(url, str):
            raise no_recording()
        return path, url


class HouseWatch:
    """A call read again whenever the switchboard says that it changed."""

    def __init__(self, door: HouseDoor, call: Call, since_turn: int) -> None:
        self._door = door
        self._call = call
        self._turns_told = since_turn
        self._status_told = ""

    async def news(self, timeout_s: float) -> News | None:
        found = self._news()
        if found is None:
            self._call = await self._door.changed(self._call, timeout_s)
            found = self._news()
        return found

    def _news(self) -> News | None:
        status, turns = PUBLIC_STATUS[self._call.state], self._call.turns[self._turns_told :]
        is_over = status in TERMINAL_STATUSES
        if status == self._status_told and not turns and not is_over:
            return None
        self._status_told = status
        self._turns_told += len(turns)
        return News(status, tuple(turn_record(turn) for turn in turns), is_over)
