"""A desk that places a call once for an idempotency key, and clients of the official library over it.

Over it also a whole application on a loopback socket, for clients that are programs of their own.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp import Client
from mcp.client.client import ConnectMode
from mcp.client.session import ElicitationFnT
from mcp_types import CallToolResult, TextContent
from starlette.types import ASGIApp

from byourside_server.accounts.account import Account, AgentKey
from byourside_server.api.application import create_api
from byourside_server.api.desk import ApiSettings
from byourside_server.api.server import make_server
from byourside_server.calls.call import Call, CallRequest
from byourside_server.calls.lifecycle import PUBLIC_STATUS
from byourside_server.calls.transcript import Turn
from byourside_server.calls.wire import Json, call_record
from byourside_server.clock import ManualClock, SystemClock
from byourside_server.errors import Refusal
from byourside_server.mcp.house_door import HouseDoor
from byourside_server.mcp.mount import open_mcp
from byourside_server.mcp.repeats import mark_of
from byourside_server.mcp.server import PhoneServer, make_phone_server
from byourside_server.mcp.surroundings import Confirm, Surroundings
from tests.api.conftest import KEY, NOW, FakeDesk, account

CALL: dict[str, Any] = {"to": "+14155550123", "objective": "Confirm the appointment."}


class RunningClock(ManualClock):
    """The machine's own hour, for servers whose answers carry it in their Date."""

    def epoch(self) -> float:
        return SystemClock().epoch()


@dataclass
class OnceDesk(FakeDesk):
    """The fake desk with the store's promise kept: the same key and body is the first call again."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW + 1000))
    known: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    in_flight: int = 0
    """So many placements are still refused as being answered elsewhere."""
    left: threading.Event = field(default_factory=threading.Event)
    """Set when somebody stopped waiting before anything happened."""

    async def place(
        self,
        account: Account,
        key: AgentKey,
        request: CallRequest,
        *,
        idempotency_key: str | None = None,
        body_hash: str = "",
    ) -> Call:
        await asyncio.sleep(0)
        if self.in_flight:
            self.in_flight -= 1
            raise Refusal("idempotency_in_flight")
        place = (account.id, idempotency_key or "")
        if place in self.known:
            call_id, first_hash = self.known[place]
            if first_hash != body_hash:
                raise Refusal("idempotency_mismatch")
            return await self.get(account, call_id)
        call = await super().place(
            account, key, request, idempotency_key=idempotency_key, body_hash=body_hash
        )
        self.known[place] = (call.id, body_hash)
        self.become(call.id, created_at=self.clock.epoch())
        self.clock.advance(1.0)
        return await self.get(account, call.id)

    async def list(
        self, account: Account, limit: int = 20, before: str | None = None, status: str | None = None
    ) -> tuple[list[Call], str | None]:
        await asyncio.sleep(0)
        found, _ = await super().list(account, 1000)
        fitting = [call for call in found if status in (None, PUBLIC_STATUS[call.state])]
        if before is not None:
            fitting = fitting[[call.id for call in fitting].index(before) + 1 :]
        return fitting[:limit], fitting[limit - 1].id if len(fitting) > limit else None

    async def wait_for_change(self, call_id: str, since_sequence: int, timeout_s: float) -> int:
        if self.meanwhile:
            self.meanwhile.pop(0)()
            return since_sequence
        try:
            await asyncio.sleep(timeout_s)
        except asyncio.CancelledError:
            self.left.set()
            raise
        return since_sequence

    def record(self, call: Call) -> Json:
        over = call.ended_at is not None and self.recording_path(call) is not None
        return call_record(call, f"http://api.test/v1/agent/calls/{call.id}/recording" if over else None)

    def say(self, call_id: str, role: str, text: str) -> None:
        """Somebody speaks on the line."""
        [call] = [call for call in self.calls if call.id == call_id]
        index = len(call.turns)
        turn = Turn(index, "agent" if role == "agent" else "contact", text, index * 1000, index * 1000 + 900)
        self.become(call_id, turns=(*call.turns, turn))

    def end(self, call_id: str, state: str = "completed") -> None:
        self.become(call_id, state=state, ended_at=self.clock.epoch())


@pytest.fixture
def desk(tmp_path: Path) -> OnceDesk:
    return OnceDesk(tmp_path)


def server_over(desk: OnceDesk, agent_key: str = KEY, confirm: Confirm = "ask") -> PhoneServer:
    """The tools over the desk, for one agent key."""
    name = "home" if agent_key == KEY else "stranger"
    key = AgentKey(f"key_{name}", f"acct_{name}", name, "kkkk", "", NOW)
    door = HouseDoor(desk, account(name), key, mark_of(agent_key), desk.clock)
    return make_phone_server(Surroundings(lambda _: door, confirm), version="0.1.0")


@asynccontextmanager
async def client_of(
    server: PhoneServer, *, mode: ConnectMode = "auto", asks: ElicitationFnT | None = None
) -> AsyncIterator[Client]:
    async with Client(server, mode=mode, elicitation_callback=asks) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    """What a person or a model reads of it."""
    [first, *_] = result.content
    assert isinstance(first, TextContent)
    return first.text


def data_of(result: CallToolResult) -> dict[str, Any]:
    """What a program reads of a success."""
    assert not result.is_error, text_of(result)
    data: dict[str, Any] = result.structured_content
    assert data is not None
    return data


def error_of(result: CallToolResult) -> str:
    """The words of a failure, which has no structured content."""
    assert result.is_error
    assert result.structured_content is None
    return text_of(result)


def ask(server: PhoneServer, tool: str, arguments: dict[str, Any]) -> CallToolResult:
    """One tool call of a client that can't ask its user anything."""

    async def run() -> CallToolResult:
        async with client_of(server) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(run())


@asynccontextmanager
async def application_over(
    desk: OnceDesk, public_url: str = "http://api.test", beside: ASGIApp | None = None
) -> AsyncIterator[ASGIApp]:
    """The tools in front of the API, or of what is given."""
    beside = beside or create_api(desk, settings=ApiSettings(version="0.1.0", public_url=public_url))
    async with open_mcp(desk, version="0.1.0", public_url=public_url, clock=desk.clock) as mount:
        yield mount(beside)


@pytest.fixture
def base_url(desk: OnceDesk) -> Iterator[str]:
    """The application on a loopback port, at the hour that the machine has."""
    desk.clock = RunningClock()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        stopping: list[uvicorn.Server] = []

        async def serve() -> None:
            async with application_over(desk, url) as application:
                stopping.append(make_server(application, "127.0.0.1", 0))
                await stopping[0].serve(sockets=[listener])

        # The socket listens already: whoever comes before the server is ready is kept waiting by the kernel.
        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        yield url
        stopping[0].should_exit = True
        thread.join(60)
        assert not thread.is_alive()
