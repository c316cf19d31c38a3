"""Our side of a call to somebody else's phone: real SIP socket, real media engine, no conversation.

Calls are placed and waited for in a story (a coroutine) that `Office.run` takes to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from byourside_server.lines.encryption import Encryption
from byourside_server.lines.exchange import to_owner
from byourside_server.lines.media_port import Closed
from byourside_server.lines.media_process import ProcessMediaPort
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.lines.tls_settings import TlsSettings
from byourside_server.media.g711 import ULAW_DECODE
from byourside_server.media.messages import RowStats
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from byourside_server.sip.hop import Hop
from byourside_server.sip.message import Request, Response
from byourside_server.sip.outgoing import OutgoingCall, TrunkAddress
from byourside_server.sip.parse import parse
from byourside_server.sip.sdp_crypto import SrtpPolicy
from byourside_server.sip.timers import T1
from byourside_server.sip.trace import Way

HOST = "127.0.0.1"
US, THEM = "+14155550100", "+14155550123"
PATIENCE_S = 12.0
RATE_HZ = 8000
WAV_HEADER_BYTES = 58

T = TypeVar("T")
E = TypeVar("E")
Sound = npt.NDArray[np.float64]


class Diary:
    """What happened, when (the loop's time), and a way to wait for it."""

    def __init__(self) -> None:
        self._moments: list[tuple[float, object]] = []
        self._more = asyncio.Event()

    def hear(self, event: object) -> None:
        self._moments.append((asyncio.get_running_loop().time(), event))
        self._more.set()

    def all(self, kind: type[E]) -> list[E]:
        return [event for _, event in self._moments if isinstance(event, kind)]

    def moment_of(self, kind: type[object]) -> float:
        """When the first of its kind happened."""
        return next(at for at, event in self._moments if isinstance(event, kind))

    async def wait_for(self, kind: type[E], count: int = 1) -> E:
        """The first (or the count-th) event of its kind."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self.all(kind)) < count:
                self._more.clear()
                await self._more.wait()
        return found[count - 1]


class Placed(Diary):
    """A call of ours, with everything that happened on it."""

    def __init__(self, office: Office, line_id: str) -> None:
        super().__init__()
        self.office = office
        self.line_id = line_id
        self.file = office.folder / f"{line_id}.wav"
        self.sip = office.sip
        self.encryption = Encryption("off")
        self.call: OutgoingCall

    async def answered(self) -> sip.Answered:
        """Wait for the answer, connect the sound and start recording."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.all(sip.Answered):
                assert not self.all(sip.Refused), self.all(sip.Refused)
                self._more.clear()
                await self._more.wait()
        [event] = self.all(sip.Answered)
        self.connect(event.sdp)
        self.office.media.start_recording(self.line_id, str(self.file.resolve()))
        return event

    def connect(self, body: bytes) -> None:
        far = sdp.chosen(sdp.parse(body))
        self.office.media.connect(
            self.line_id,
            far.host,
            far.port,
            far.codec,
            far.dtmf_payload_type,
            rtcp_port=far.rtcp_port,
            srtp=self.encryption.agree(far),
        )

    def say(self, ulaw: bytes) -> None:
        self.office.media.play(self.line_id, 1, ulaw)

    def hang_up(self) -> None:
        self.sip.do(lambda now: self.call.hang_up(now))

    async def end(self) -> RowStats:
        """Hang up, close the sound and wait until its file is whole."""
        self.hang_up()
        await self.wait_for(sip.HungUp)
        return await self.close()

    async def close(self) -> RowStats:
        """Close the sound and wait until its file is whole."""
        self.office.media.close(self.line_id)
        return (await self.wait_for(Closed)).stats

    @property
    def heard(self) -> bytes:
        """What the far side sent, from the answer on, as µ-law."""
        return self.file.read_bytes()[WAV_HEADER_BYTES:][0::2]

    def sent(self) -> list[str]:
        """Labels of the messages we sent on this call, `INVITE` or `200 BYE`, in order."""
        return [label for way, label in self.office.passed[self.call.sip_call_id] if way == "sent"]

    def received(self) -> list[str]:
        return [label for way, label in self.office.passed[self.call.sip_call_id] if way == "received"]


class Office:
    """SIP sockets, one media engine, and the loop they live in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = asyncio.Runner()
        self._sockets: list[SipSocket] = []
        self._lines = 0
        self.trunk = Diary()
        # Call-ID → what passed; here as in `messages` without what was sent again since nothing came for T1
        # (RFC 3261 §17), as happens where the machine stands still, and without what answers it again.
        self.passed: dict[str, list[tuple[Way, str]]] = {}
        self.messages: list[tuple[Way, Request | Response]] = []
        self._first_at: dict[tuple[Way, str, str, str | None, int], float] = {}
        self.run(self._open)

    async def _open(self) -> None:
        self.sip = await self.open_sip(TlsSettings())
        self.media = ProcessMediaPort(capacity=32)
        await self.media.start()

    async def open_sip(self, tls: TlsSettings) -> SipSocket:
        """A socket that trusts what these settings say."""
        opened = SipSocket(to_owner, user_agent="peers", on_trunk_event=self.trunk.hear)
        await opened.open(HOST, tls=tls)
        opened.endpoint.tap(self._tap)
        self._sockets.append(opened)
        return opened

    def run(self, story: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._runner.run(story())

    def close(self) -> None:
        async def close() -> None:
            await self.media.stop()
            for opened in self._sockets:
                await opened.close()

        self.run(close)
        self._runner.close()

    async def place(
        self,
        trunk: TrunkAddress,
        to_user: str = THEM,
        headers: tuple[tuple[str, str], ...] = (),
        by: SipSocket | None = None,
        srtp: SrtpPolicy = "off",
    ) -> Placed:
        """Send an INVITE with a row of real sound behind it."""
        self._lines += 1
        placed = Placed(self, f"peer-{self._lines}")
        placed.sip = by or self.sip
        port = await self.media.open(placed.line_id, placed.hear)
        placed.encryption = Encryption(srtp)
        offer = sdp.offer(HOST, port, srtp=srtp, crypto=placed.encryption.offered).encode()
        placed.call = placed.sip.do(
            lambda now: placed.sip.endpoint.invite(
                trunk, to_user=to_user, from_user=US, sdp=offer, now=now, headers=headers
            )
        )
        placed.call.handle = placed.hear
        return placed

    def _tap(self, way: Way, data: bytes, theirs: Hop, now: float) -> None:
        if not data.strip():
            return
        message = parse(data)
        label = message.method if isinstance(message, Request) else f"{message.status} {message.cseq[1]}"
        passage = (way, label, message.call_id, message.via.branch, message.cseq[0])
        if passage in self._first_at:
            asks = way == "sent" and isinstance(message, Request) and message.method != "ACK"
            if not asks or now - self._first_at[passage] >= T1:
                return
        self._first_at[passage] = now
        self.messages.append((way, message))
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


def likeness(sound: Sound, said: Sound, piece_s: float = 0.25) -> float:
    """How alike the sound is to what was said: the median correlation of the louder pieces, each at its best.

    In pieces, since a jitter buffer may have stretched the whole somewhere by a packet.
    """
    length = round(piece_s * RATE_HZ)
    pieces = [said[at : at + length] for at in range(0, len(said) - length, length)]
    loud = [piece for piece in pieces if np.std(piece) > np.std(said) / 2]
    assert loud
    return float(np.median([_best_correlation(sound, piece) for piece in loud]))


def _best_correlation(sound: Sound, piece: Sound) -> float:
    size = 1 << (len(sound) + len(piece)).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(piece, size)), size)
    places = len(sound) - len(piece) + 1
    sums = np.concatenate([[0.0], np.cumsum(sound**2)])
    energy = sums[len(piece) :] - sums[:places]
    # Where next to nothing is heard, nothing is alike.
    weight = np.sqrt(np.maximum(energy, energy.max() / 1000) * np.sum(piece**2))
    return float((product[:places] / weight).max())
