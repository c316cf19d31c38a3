"""Starts the sandbox network as a child process, knows where it listens, and starts it again if it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from pathlib import Path

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
RESTART_PAUSE_S = 1.0

log = logging.getLogger(__name__)


class SandboxProcess:
    """The sandbox of one server; ends with it, since its standard input does."""

    def __init__(self, *, capacity: int = 64, journal: Path | None = None) -> None:
        self._arguments = ["--capacity", str(capacity)]
        if journal is not None:
            self._arguments += ["--journal", str(journal)]
        self._process: asyncio.subprocess.Process
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> tuple[str, int]:
        """Host and SIP port, which it keeps. Raises OSError when it does not come up."""
        host, port = await self._launch(0)
        self._watch = asyncio.create_task(self._keep_up(port))
        return host, port

    async def _keep_up(self, port: int) -> None:
        """The calls of a network that died are lost; those that come after it find another."""
        while True:
            code = await self._process.wait()
            log.error("the sandbox network ended; starting another", extra={"code": code})
            await asyncio.sleep(RESTART_PAUSE_S)
            with contextlib.suppress(OSError):  # its port is not free yet: tried again
                await self._launch(port)

    async def _launch(self, port: int) -> tuple[str, int]:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "byourside_server.sandbox",
            "--port",
            str(port),
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_TIMEOUT_S)
            _, host, bound = line.decode().split()
        except (TimeoutError, ValueError) as error:
            await self._end()
            raise OSError("the sandbox network did not start") from error
        return host, int(bound)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def stop(self) -> None:
        """Close its standard input and wait; kill what does not end."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._end()

    async def _end(self) -> None:
        if self._process.returncode is not None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
