"""Starts the sandbox network as a child process and knows where it listens."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0


class SandboxProcess:
    """The sandbox of one server; ends with it, since its standard input does."""

    def __init__(self, *, capacity: int = 64, journal: Path | None = None) -> None:
        self._arguments = ["--capacity", str(capacity)]
        if journal is not None:
            self._arguments += ["--journal", str(journal)]
        self._process: asyncio.subprocess.Process

    async def start(self) -> tuple[str, int]:
        """Host and SIP port. Raises OSError when it does not come up."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "byourside_server.sandbox",
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_TIMEOUT_S)
            _, host, port = line.decode().split()
        except (TimeoutError, ValueError) as error:
            await self.stop()
            raise OSError("the sandbox network did not start") from error
        return host, int(port)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def stop(self) -> None:
        """Close its standard input and wait; kill what does not end."""
        if self._process.returncode is not None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
