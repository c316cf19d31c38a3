"""Keep-alive HTTP/1.1 connections that each send a request, read the answer, and send the next.

Knows just enough HTTP: answers with Content-Length, as this server and the floors give them.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

# Of connection `n` its request number `k`, as bytes.
Requests = Callable[[int, int], bytes]


@dataclass
class Tally:
    """What one run has heard."""

    latencies_s: array[float] = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)
    """The answers' bodies, where they were to be kept."""
    took_s: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies_s) / self.took_s

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Caller(asyncio.Protocol):
    """One connection; `over` is done when the time is up and the last answer has come."""

    def __init__(self, number: int, requests: Requests, tally: Tally, until: float, keep: bool) -> None:
        self._number = number
        self._requests = requests
        self._tally = tally
        self._until = until
        self._keep = keep
        self._sent = 0
        self._sent_at = 0.0
        self._got = bytearray()
        self._transport: asyncio.Transport | None = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests(self._number, self._sent))
        self._sent += 1

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        length = content_length(bytes(self._got[:end]))
        if len(self._got) < end + 4 + length:
            return
        now = time.perf_counter()
        self._tally.latencies_s.append(now - self._sent_at)
        self._tally.statuses[int(self._got[9:12])] += 1
        if self._keep:
            self._tally.bodies.append(bytes(self._got[end + 4 :]))
        self._got.clear()
        if now < self._until:
            self._send()
        elif not self.over.done():
            assert self._transport is not None
            self.over.set_result(None)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(ConnectionError(f"the server closed connection {self._number}: {error}"))


def content_length(head: bytes) -> int:
    """The announced length of a body."""
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    end = lower.find(b"\r\n", start)
    return int(lower[start : end if end >= 0 else None])


async def load(
    port: int, requests: Requests, connections: int, seconds: float, *, keep: bool = False
) -> Tally:
    """Send for so many seconds on so many connections at once."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    began = time.perf_counter()
    callers = []
    for number in range(connections):
        _, caller = await loop.create_connection(
            lambda n=number: Caller(n, requests, tally, began + seconds, keep), "127.0.0.1", port
        )
        callers.append(caller)
    await asyncio.gather(*(caller.over for caller in callers))
    tally.took_s = time.perf_counter() - began
    return tally


def request(
    method: str, path: str, key: str | None = None, body: bytes = b"", headers: str = ""
) -> bytes:
    """One request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n" + headers + "\r\n").encode() + body
