"""Our side of a call to somebody else's phone: real SIP socket, real media engine, no conversation.

Calls are placed and waited for in a story (a coroutine) that `Office.run` takes to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from byourside_server.lines.exchange import to_owner
from byourside_server.lines.media_port import Closed, LineEvent
from byourside_server.lines.media_process import ProcessMediaPort
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.media.g711 import ULAW_DECODE
from byourside_server.media.messages import RowStats
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from byourside_server.sip.hop import Hop
from byourside_server.sip.message import Request, Response
from byourside_server.sip.outgoing import OutgoingCall, TrunkAddress
from byourside_server.sip.parse import parse
from byourside_server.sip.trace import Way

HOST = "127.0.0.1"
US, THEM = "+14155550100", "+14155550123"
PATIENCE_S = 12.0
RATE_HZ = 8000
WAV_HEADER_BYTES = 58

T = TypeVar("T")
E = TypeVar("E")
Sound = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moment:
    """Something that happened, and when (the loop's time)."""

    at: float
    event: sip.SipEvent | LineEvent


@dataclass
class Placed:
    """A call of ours, with everything that happened on it."""

    office: Office
    call: OutgoingCall
    line_id: str
    file: Path
    placed_at: float
    moments: list[Moment] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: sip.SipEvent | LineEvent) -> None:
        self.moments.append(Moment(asyncio.get_running_loop().time(), event))
        self._more.set()

    def all(self, kind: type[E]) -> list[E]:
        return [moment.event for moment in self.moments if isinstance(moment.event, kind)]

    def moment_of(self, kind: type[Any]) -> float:
        """Seconds from placing to the first of its kind."""
        return next(m.at for m in self.moments if isinstance(m.event, kind)) - self.placed_at

    async def wait_for(self, *kinds: type[E], count: int = 1) -> E:
        """The first (or the count-th) event of one of these kinds."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = [moment.event for moment in self.moments if isinstance(moment.event, kinds)]
                if len(found) >= count:
                    return found[count - 1]
                self._more.clear()
                await self._more.wait()

    async def answered(self) -> sip.Answered:
        """Wait for the answer, connect the sound and start recording."""
        event = await self.wait_for(sip.Answered)
        self.connect(event.sdp)
        self.office.media.start_recording(self.line_id, str(self.file.resolve()))
        return event

    def connect(self, body: bytes) -> None:
        far = sdp.chosen(sdp.parse(body))
        self.office.media.connect(self.line_id, far.host, far.port, far.codec, far.dtmf_payload_type)

    def hang_up(self) -> None:
        self.office.sip.do(lambda now: self.call.hang_up(now))

    async def close(self) -> RowStats:
        """Close the sound and wait until its file is whole."""
        self.office.media.close(self.line_id)
        return (await self.wait_for(Closed)).stats

    @property
    def heard(self) -> Sound:
        """What the far side sent, from the answer on."""
        return wave_of(self.file.read_bytes()[WAV_HEADER_BYTES:][0::2])

    def sent(self) -> list[str]:
        """Labels of the messages we sent on this call, `INVITE` or `200 BYE`, in order."""
        return [label for way, label in self.office.passed[self.call.sip_call_id] if way == "sent"]

    def received(self) -> list[str]:
        return [label for way, label in self.office.passed[self.call.sip_call_id] if way == "received"]


class Office:
    """One SIP socket, one media engine, and the loop they live in."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._folder = folder
        self._lines = 0
        # Call-ID → what passed.
        self.passed: dict[str, list[tuple[Way, str]]] = {}
        self.messages: list[tuple[Way, Request | Response]] = []
        self.run(self._open)

    async def _open(self) -> None:
        self.sip = SipSocket(to_owner, user_agent="peers")
        await self.sip.open(HOST)
        self.sip.endpoint.tap(self._tap)
        self.media = ProcessMediaPort(capacity=32)
        await self.media.start()

    def run(self, story: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._runner.run(story())

    def close(self) -> None:
        async def close() -> None:
            await self.media.stop()
            await self.sip.close()

        self.run(close)
        self._runner.close()

    async def place(
        self,
        trunk: TrunkAddress,
        to_user: str = THEM,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Placed:
        """Send an INVITE with a row of real sound behind it."""
        self._lines += 1
        line_id = f"peer-{self._lines}"
        early: list[LineEvent] = []
        hear: Callable[[LineEvent], None] = early.append
        port = await self.media.open(line_id, lambda event: hear(event))
        offer = sdp.offer(HOST, port).encode()

        def invite(now: float) -> Placed:
            call = self.sip.endpoint.invite(
                trunk, to_user=to_user, from_user=US, sdp=offer, now=now, headers=headers
            )
            placed = Placed(self, call, line_id, self._folder / f"{line_id}.wav", now)
            call.handle = placed.hear
            return placed

        placed = self.sip.do(invite)
        hear = placed.hear
        return placed

    def _tap(self, way: Way, data: bytes, theirs: Hop, now: float) -> None:
        if not data.strip():
            return
        message = parse(data)
        self.messages.append((way, message))
        label = message.method if isinstance(message, Request) else f"{message.status} {message.cseq[1]}"
        self.passed.setdefault(message.call_id, []).append((way, label))


async def all_at_once(*work: Awaitable[T]) -> list[T]:
    """Real time is spent once."""
    return list(await asyncio.gather(*work))


def wave_of(ulaw: bytes) -> Sound:
    samples: Sound = ULAW_DECODE[np.frombuffer(ulaw, np.uint8)].astype(np.float64)
    return samples


def share_of_tone(sound: Sound, frequency_hz: float, width_hz: float = 20.0) -> float:
    """How much of the sound's energy is this tone: 1 is nothing else."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    total = float(spectrum[frequencies > 100].sum())
    near = float(spectrum[np.abs(frequencies - frequency_hz) <= width_hz].sum())
    return near / total if total > 0 else 0.0
