"""The media engine as a process of its own, seen from asyncio.

Knows how to start, stop and watch the child, and which line's listener an event belongs to.
If the child dies, every open line hears `Lost`; the next `open` starts another.
"""

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections import deque

from byourside_server.lines.media_memory import InProcessMedia, MemoryWire
from byourside_server.lines.media_port import MediaUnavailable, OnEvent
from byourside_server.media.messages import (
    PLAIN,
    AskStats,
    BargeIn,
    Clear,
    Close,
    Closed,
    Command,
    Connect,
    EngineStats,
    LineEvent,
    ListenAlong,
    Lost,
    Open,
    Opened,
    OpenFailed,
    Play,
    SendDtmf,
    Srtp,
    StartRecording,
)
from byourside_server.media.rtp import TICK_MS
from byourside_server.media.wire import MessageReader, encode

__all__ = ["InProcessMedia", "MemoryWire", "ProcessMediaPort"]

LOOK_EVERY_S = 0.5
"""How often an engine that holds lines is asked how it does."""
LOOK_PATIENCE_S = 1.0
"""Who says nothing for so long is late, whatever he said before."""
SILENT_LOOKS = 20
"""So often in a row, half a minute: it is ended then, since a queue would stand for ever before it."""
OPEN_TIMEOUT_S = 30.0
"""Longer than a start may take: who comes second to an engine that is being started waits here."""
LATE_SHARE = 0.02
"""More late ticks than this, and nobody is added: those who talk would hear it."""
MOST_NEWCOMERS = 50
WORK_SHARE = 0.75
"""Of a tick, for nine ticks in ten; the tenth takes longer, and what calls do together varies."""
ENGINE = "byourside_server.lines.media_engine"
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
_READ_BYTES = 1 << 18
_SEND_BUFFER_BYTES = 1 << 21
# socket(7), Linux; `socket` has no name for it.
_SO_SNDBUFFORCE = 32

log = logging.getLogger(__name__)


class ProcessMediaPort:
    """`MediaPort` whose engine is a child process; use within one running event loop."""

    def __init__(
        self, capacity: int = 64, host: str = "127.0.0.1", *, engine_options: tuple[str, ...] = ()
    ) -> None:
        self.host = host
        self._capacity = capacity
        self._engine_options = engine_options
        self._child: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._listeners: dict[str, OnEvent] = {}
        self._opening: dict[str, asyncio.Future[int]] = {}
        self._asking: deque[asyncio.Future[EngineStats]] = deque()
        self._starting = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._is_calm = True
        self._newcomers = self._expected = 0
        self._silent_looks = 0
        self._has_spoken = False

    @property
    def is_running(self) -> bool:
        return self._writer is not None

    @property
    def pid(self) -> int | None:
        """The engine's process, while there is one."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Start the engine, if it is not running, and wait until it answers."""
        async with self._starting:
            if self.is_running:
                return
            ours, theirs = socket.socketpair()
            _widen(ours)
            _widen(theirs)
            with theirs:
                try:
                    self._child = self._spawn(theirs.fileno())
                except OSError as error:  # no memory, or no more processes
                    ours.close()
                    raise MediaUnavailable("the media engine does not start") from error
            reader, self._writer = await asyncio.open_connection(sock=ours)
            self._reading = asyncio.create_task(self._read(reader, self._child))
        try:
            await asyncio.wait_for(self.stats(), START_TIMEOUT_S)
        except (MediaUnavailable, TimeoutError) as error:
            await self.stop()
            raise MediaUnavailable("the media engine does not start") from error
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())

    def has_room(self) -> bool:
        """Whether one more line would not make the others' ticks late, by how they were a moment ago.

        Between two looks only so many may come as cannot turn the engine from idle to late.
        """
        return (
            self._is_calm and self._newcomers < MOST_NEWCOMERS and len(self._listeners) < self._capacity
        )

    def expect(self) -> None:
        self._newcomers += 1
        self._expected += 1

    async def stop(self) -> None:
        """Let the engine finish its recordings and end; lines still open hear `Closed`."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write_eof()
        child, self._child = self._child, None
        if child is not None:
            try:
                await asyncio.to_thread(child.wait, STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                await asyncio.to_thread(child.wait)
        if self._reading is not None:
            await self._reading
            self._reading = None

    async def open(self, line_id: str, on_event: OnEvent) -> int:
        await self.start()
        if line_id in self._listeners or line_id in self._opening:
            raise MediaUnavailable(f"line {line_id} is open already")
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._opening[line_id] = answer
        if self._expected:
            self._expected -= 1
        else:
            self._newcomers += 1
        self._listeners[line_id] = on_event
        self._do(Open(line_id))
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                return await answer
        except BaseException as trouble:
            self._listeners.pop(line_id, None)
            self._do(Close(line_id))
            if isinstance(trouble, TimeoutError):
                raise MediaUnavailable("the media engine does not answer") from None
            raise
        finally:
            self._opening.pop(line_id, None)

    def connect(
        self,
        line_id: str,
        host: str,
        port: int,
        codec: str = "PCMU",
        dtmf_payload_type: int | None = None,
        *,
        rtcp_port: int = 0,
        srtp: Srtp = PLAIN,
        sends: bool = True,
    ) -> None:
        self._do(Connect(line_id, host, port, codec, dtmf_payload_type, rtcp_port, srtp, sends))

    def start_recording(self, line_id: str, path: str) -> None:
        self._do(StartRecording(line_id, os.path.abspath(path) if path else ""))

    def play(self, line_id: str, clip_id: int, ulaw: bytes, *, last: bool = True) -> None:
        self._do(Play(line_id, clip_id, ulaw, last))

    def clear(self, line_id: str) -> None:
        self._do(Clear(line_id))

    def barge_in(self, line_id: str, enabled: bool, after_ms: int = 0, hold_after_ms: int = 0) -> None:
        self._do(BargeIn(line_id, enabled, after_ms, hold_after_ms))

    def listen_along(self, line_id: str, enabled: bool) -> None:
        self._do(ListenAlong(line_id, enabled))

    def send_dtmf(self, line_id: str, digits: str) -> None:
        self._do(SendDtmf(line_id, digits))

    def close(self, line_id: str) -> None:
        self._do(Close(line_id))

    async def stats(self) -> EngineStats:
        """Ticks, lateness and CPU by stage of the running engine."""
        if not self.is_running:
            raise MediaUnavailable("the media engine is not running")
        answer: asyncio.Future[EngineStats] = asyncio.get_running_loop().create_future()
        self._asking.append(answer)
        self._do(AskStats())
        return await answer

    def cpu_s(self) -> float:
        """CPU seconds of the engine's process so far, from the system's books; 0 where there is none."""
        if self._child is None:
            return 0.0
        try:
            with open(f"/proc/{self._child.pid}/stat", "rb") as file:
                after_name = file.read().rpartition(b")")[2].split()
        except OSError:
            return 0.0
        user_ticks, system_ticks = int(after_name[11]), int(after_name[12])
        return (user_ticks + system_ticks) / os.sysconf("SC_CLK_TCK")

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self._look_once()

    async def _look_once(self) -> None:
        # Who was expected and never came is forgotten with it.
        self._newcomers = self._expected = 0
        if not self._listeners or not self.is_running:
            self._is_calm = True
            return
        self._has_spoken = False
        try:
            async with asyncio.timeout(LOOK_PATIENCE_S):
                stats = await self.stats()
        except MediaUnavailable:
            return
        except TimeoutError:
            self._is_calm = False
            # One that tells of its lines meanwhile is not silent: who is late with its figures is this loop.
            self._silent_looks = 0 if self._has_spoken else self._silent_looks + 1
            if self._silent_looks >= SILENT_LOOKS:
                self._end_silent()
            return
        self._silent_looks = 0
        self._is_calm = (
            stats.lately_late_share <= LATE_SHARE and stats.lately_work_ms <= WORK_SHARE * TICK_MS
        )

    def _end_silent(self) -> None:
        """Its calls have no sound any more; they hear `Lost`, and the next one starts another."""
        self._silent_looks = 0
        if self._child is not None:
            log.error("the media engine says nothing and is ended", extra={"pid": self._child.pid})
            self._child.kill()

    def _spawn(self, file: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", ENGINE, "--fd", str(file)]
        command += ["--capacity", str(self._capacity), "--host", self.host]
        command += self._engine_options
        return subprocess.Popen(command, pass_fds=[file], stdin=subprocess.DEVNULL)

    def _do(self, command: Command) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode(command))

    async def _read(self, reader: asyncio.StreamReader, child: subprocess.Popen[bytes]) -> None:
        messages = MessageReader()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_READ_BYTES):
                self._has_spoken = True
                for event in messages.receive(data):
                    self._hear(event)
        code = await asyncio.to_thread(child.wait)
        self._engine_lost(f"the media engine ended with code {code}")

    def _hear(self, event: LineEvent | EngineStats) -> None:
        match event:
            case EngineStats():
                answer = self._asking.popleft() if self._asking else None
                if answer is not None and not answer.done():
                    answer.set_result(event)
                return
            case Opened(line_id, port):
                self._answer_open(line_id, port)
                return
            case OpenFailed(line_id, why):
                self._answer_open(line_id, MediaUnavailable(why))
                return
        listener = self._listeners.get(event.line_id)
        if isinstance(event, Closed):
            self._listeners.pop(event.line_id, None)
        if listener is not None:
            listener(event)

    def _answer_open(self, line_id: str, answer: int | MediaUnavailable) -> None:
        waiting = self._opening.get(line_id)
        if waiting is None or waiting.done():
            return
        if isinstance(answer, MediaUnavailable):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)

    def _engine_lost(self, why: str) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        unanswered: list[asyncio.Future[int] | asyncio.Future[EngineStats]] = []
        unanswered += self._opening.values()
        unanswered += self._asking
        self._asking.clear()
        for answer in unanswered:
            if not answer.done():
                answer.set_exception(MediaUnavailable(why))
        listeners, self._listeners = self._listeners, {}
        for line_id, on_event in listeners.items():
            if line_id not in self._opening:
                on_event(Lost(line_id, why))


def _widen(sock: socket.socket) -> None:
    """Room for what a crowd says in one tick: by default a socket holds half of that of a thousand calls."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _SEND_BUFFER_BYTES)
    except OSError:  # not the administrator: what the system grants to everybody
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
