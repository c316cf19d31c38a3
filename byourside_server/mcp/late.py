"""The tools at `/mcp`, made when somebody first asks for them.

Their library costs half a second of start-up, which a server that nobody calls as a tool does not pay. Knows
nothing of the library itself: `mount` does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from byourside_server.measures.route import ROUTE

if TYPE_CHECKING:
    from byourside_server.mcp.house_door import Desk

PATH = "/mcp"
Mount = Callable[[ASGIApp], ASGIApp]


@contextlib.asynccontextmanager
async def open_mcp_late(desk: Desk, *, version: str, public_url: str) -> AsyncIterator[Mount]:
    """While the block lasts, what comes out of it puts the tools at `/mcp` in front of an application."""
    tools = _Tools(desk, version, public_url)
    # The library's own tasks must end in the task that began them, which no request can promise.
    keeping = asyncio.create_task(tools.keep())
    try:
        yield lambda application: _Fork(application, tools)
    finally:
        tools.close()
        await keeping


class _Tools:
    def __init__(self, desk: Desk, version: str, public_url: str) -> None:
        self._desk = desk
        self._version = version
        self._public_url = public_url
        self._wanted = asyncio.Event()
        self._over = asyncio.Event()
        self._mount: asyncio.Future[Mount] = asyncio.get_running_loop().create_future()

    async def keep(self) -> None:
        """Make the tools once they are wanted, and keep them until the end."""
        await self._wanted.wait()
        if self._over.is_set():
            return
        try:
            from byourside_server.mcp.mount import open_mcp

            opened = open_mcp(self._desk, version=self._version, public_url=self._public_url)
            async with opened as mount:
                self._mount.set_result(mount)
                await self._over.wait()
        except Exception as fault:
            if self._mount.done():
                raise
            self._mount.set_exception(fault)

    async def mount(self) -> Mount:
        self._wanted.set()
        return await asyncio.shield(self._mount)

    def close(self) -> None:
        self._over.set()
        self._wanted.set()


class _Fork:
    def __init__(self, application: ASGIApp, tools: _Tools) -> None:
        self._application = application
        self._tools = tools
        self._with_tools: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._application(scope, receive, send)
            return
        scope[ROUTE] = PATH
        if self._with_tools is None:
            self._with_tools = (await self._tools.mount())(self._application)
        await self._with_tools(scope, receive, send)
