"""Every call's SIP messages on disk: one file per call, redacted, written beside the event loop.

The endpoint's tap hands over what passes; what belongs to no watched call is let go. A second after a message
at the latest it is in its call's file, so that a server that is killed leaves the trace of what it was doing.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from byourside_server.clock import Clock
from byourside_server.sip.hop import Hop
from byourside_server.sip.redact import redact
from byourside_server.sip.trace import Passage, Way, decode, encode

log = logging.getLogger(__name__)

WRITE_EVERY_S = 1.0
# Retransmissions of the last BYE end after 32 s (RFC 3261 §17.1.2.2); until then a call is still watched.
LINGER_S = 40.0
# A peer gone mad must not fill the disk: an ordinary call has 8 to 40 messages of about 1 KB.
MOST_MESSAGES = 500
MOST_BYTES = 1 << 20
Aside = Callable[..., Awaitable[None]]
_CALL_ID = re.compile(rb"(?:^|[\r\n])(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


@dataclass(frozen=True)
class _Raw:
    """A message as it passed, not yet redacted; `at` is the loop's time until it is somebody's."""

    at: float
    way: Way
    transport: str
    ours: tuple[str, int]
    theirs: tuple[str, int]
    data: bytes


@dataclass
class _Watched:
    """What is to be written of one call, and how much was."""

    path: Path
    # Epoch minus the loop's time, read once, so that the clock being set does not disorder a trace.
    epoch_offset: float
    sip_call_ids: list[bytes] = field(default_factory=list)
    waiting: list[_Raw] = field(default_factory=list)
    messages: int = 0
    bytes: int = 0


class SipTraces:
    """Watches calls from `watch` to a while after `close`, on all SIP sockets."""

    def __init__(self, directory: Path, clock: Clock, aside: Aside = asyncio.to_thread) -> None:
        self._directory = directory
        self._clock = clock
        # Runs what blocks; tests in virtual time have no thread for it.
        self._aside = aside
        self._by_call: dict[str, _Watched] = {}
        # SIP Call-ID → the call it is an attempt of.
        self._by_sip_call: dict[bytes, _Watched] = {}
        # An INVITE is sent before anybody can say which call it belongs to.
        self._unclaimed: deque[_Raw] = deque(maxlen=8)
        self._writing: asyncio.Task[None] | None = None

    def watch(self, call_id: str, sip_call_id: str, now: float) -> None:
        """Keep what passes under this Call-ID; a call may have several, one for each attempt."""
        watched = self._by_call.get(call_id)
        if watched is None:
            path = trace_path(self._directory, call_id)
            watched = self._by_call[call_id] = _Watched(path, self._clock.epoch() - now)
        key = sip_call_id.encode()
        watched.sip_call_ids.append(key)
        self._by_sip_call[key] = watched
        for raw in self._unclaimed:
            if _call_id_of(raw.data) == key:
                self._keep(watched, raw)
        self._unclaimed.clear()

    def tap(self, ours: tuple[str, int], way: Way, data: bytes, theirs: Hop, now: float) -> None:
        """Take in one message of the socket that has the address `ours`."""
        raw = _Raw(now, way, theirs.transport.upper(), ours, theirs.address, data)
        watched = self._by_sip_call.get(_call_id_of(data))
        if watched is not None:
            self._keep(watched, raw)
        elif way == "sent":
            self._unclaimed.append(raw)

    def _keep(self, watched: _Watched, raw: _Raw) -> None:
        if watched.messages >= MOST_MESSAGES or watched.bytes + len(raw.data) > MOST_BYTES:
            return
        watched.messages += 1
        watched.bytes += len(raw.data)
        watched.waiting.append(replace(raw, at=raw.at + watched.epoch_offset))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_soon())

    def close(self, call_id: str) -> None:
        """The call is over; what is still said about it is kept for a while."""
        if call_id in self._by_call:
            asyncio.get_running_loop().call_later(LINGER_S, self._forget, call_id)

    async def stop(self) -> None:
        """Write what is left."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        await self._aside(_write, self._taken())

    def _forget(self, call_id: str) -> None:
        watched = self._by_call.get(call_id)
        if watched is not None and watched.waiting:
            asyncio.get_running_loop().call_later(2 * WRITE_EVERY_S, self._forget, call_id)
        elif watched is not None:
            del self._by_call[call_id]
            for sip_call_id in watched.sip_call_ids:
                self._by_sip_call.pop(sip_call_id, None)

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_EVERY_S)
        self._writing = None
        await self._aside(_write, self._taken())

    def _taken(self) -> list[tuple[Path, list[_Raw]]]:
        taken = [(watched.path, watched.waiting) for watched in self._by_call.values() if watched.waiting]
        for watched in self._by_call.values():
            watched.waiting = []
        return taken


def _call_id_of(data: bytes) -> bytes:
    found = _CALL_ID.search(data)
    return found[1].strip() if found is not None else b""


def trace_path(directory: Path, call_id: str) -> Path:
    """Where a call's trace lies."""
    return directory / f"{call_id}.jsonl"


def read_trace(path: Path) -> list[Passage]:
    """The messages in a file, in the order they passed; none where there is no file. Blocks."""
    try:
        with path.open(encoding="ascii") as lines:
            return sorted(decode(lines), key=lambda passage: passage.at)
    except OSError:
        return []


def _write(taken: Iterable[tuple[Path, list[_Raw]]]) -> None:
    for path, entries in taken:
        lines = [
            encode(Passage(raw.at, raw.way, raw.transport, raw.ours, raw.theirs, redact(raw.data)))
            for raw in entries
        ]
        try:
            with path.open("a", encoding="ascii") as file:
                file.writelines(lines)
        except OSError as error:
            log.warning("SIP trace not written", extra={"call_id": path.stem, "why": str(error)})
