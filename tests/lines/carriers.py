"""Several carriers on a wire of memory, and one line that is dialled through them.

Each carrier does what its script says, INVITE by INVITE, and remembers what reached it. Nobody speaks here:
the sound stands still, so that minutes of ringing cost nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from byourside_server.calls.call import Call, CallRequest
from byourside_server.calls.happened import Happening, LineEnded
from byourside_server.clock import ManualClock
from byourside_server.lines.equipment import Equipment
from byourside_server.lines.exchange import to_owner
from byourside_server.lines.line import Line
from byourside_server.lines.media_memory import InProcessMedia, MemoryWire
from byourside_server.lines.sip_memory import MemorySip, SipWire
from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunks import Trunks
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from byourside_server.sip.message import Headers
from tests.lines.rehearsal import OFFICE, Ears, Mind, Voice, Zone

TO, CALLER_ID = "+14155550123", "+14155550100"
ANSWER = 200


@dataclass(frozen=True)
class Does:
    """What a carrier makes of one INVITE: provisional responses, then a final one, or nothing at all."""

    final: int | None = None
    # 180, 183, or none; `early_media` puts a description into it.
    rings: int | None = None
    early_media: bool = False
    after_s: float = 0.2
    headers: tuple[tuple[str, str], ...] = ()
    # Not even a 100: as if nobody listened.
    deaf: bool = False


DEAF = Does(deaf=True)


class Carrier(MemorySip):
    """One server of a trunk."""

    def __init__(self, wire: SipWire, host: str, *script: Does) -> None:
        super().__init__(wire, host, self._on_event)
        self.script = list(script)
        # One for each INVITE that was sent, copies of it aside.
        self.invites: list[Headers] = []
        self.rang = 0
        self.cancelled = 0
        self.offers: list[bytes] = []
        self._ignored: set[bytes] = set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.startswith(b"INVITE") and self.script and self.script[0].deaf:
            branch = data.partition(b"branch=")[2].partition(b";")[0]
            if branch not in self._ignored:
                self._ignored.add(branch)
            return
        super().datagram_received(data, addr)

    def _on_event(self, event: sip.SipEvent) -> None:
        if isinstance(event, sip.Cancelled):
            self.cancelled += 1
        if not isinstance(event, sip.InviteReceived):
            return
        self.invites.append(event.headers)
        self.offers.append(event.sdp)
        does = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        loop = asyncio.get_running_loop()
        if does.rings is not None:
            loop.call_later(does.after_s / 2, self._ring, event, does)
        if does.final is not None:
            loop.call_later(does.after_s, self._finish, event, does)

    def _ring(self, event: sip.InviteReceived, does: Does) -> None:
        self.rang += 1
        body = sdp.answer(sdp.parse(event.sdp), self.host, 4000).encode() if does.early_media else b""
        assert does.rings is not None
        status = does.rings
        self.do(lambda now: event.call.ring(now, status, body))

    def _finish(self, event: sip.InviteReceived, does: Does) -> None:
        if event.call.state not in ("calling", "ringing"):
            return  # cancelled meanwhile
        status = does.final
        assert status is not None
        if status == ANSWER:
            body = sdp.answer(sdp.parse(event.sdp), self.host, 4000).encode()
            self.do(lambda now: event.call.answer(body, now))
            asyncio.get_running_loop().call_later(1.0, self.do, event.call.hang_up)
        else:
            self.do(lambda now: event.call.refuse(status, None, now, does.headers))

    @property
    def ignored(self) -> int:
        """INVITEs that reached it while it was deaf."""
        return len(self._ignored)


@dataclass
class Town:
    """Our office, the carriers around it, and the book of trunks that leads to them."""

    trunks: Sequence[Trunk]
    carriers: dict[str, Sequence[Does]]
    zone: Zone = field(default_factory=Zone)
    seed: int = 1

    def __post_init__(self) -> None:
        wire = SipWire()
        self.office = MemorySip(wire, OFFICE, to_owner)
        self.at = {host: Carrier(wire, host, *script) for host, script in self.carriers.items()}
        self._sound = MemoryWire()
        loop = asyncio.get_running_loop()
        self.book = Trunks(
            [(trunk, self.office) for trunk in self.trunks], self.zone, loop.time, random.Random(self.seed)
        )
        self._calls = 0

    async def call(
        self,
        tmp_path: Path,
        to: str = TO,
        *,
        cancelled: asyncio.Event | None = None,
        told: Callable[[Happening], None] = lambda happening: None,
    ) -> LineEnded:
        """Place one call, and say how it ended."""
        self._calls += 1
        name = f"call-{self._calls}"
        media = InProcessMedia(1, self._sound, f"10.9.0.{self._calls}")
        mind = Mind([])
        equipment = Equipment(
            trunks=self.book,
            media=media,
            ears=Ears(),
            voice=Voice(),
            make_mind=lambda: mind,
            clock=ManualClock(),
            recordings_dir=tmp_path,
            media_host=OFFICE,
            today=lambda: date(2026, 3, 2),
        )
        request = CallRequest(to, "Confirm the appointment.")
        call = Call(name, "account-1", None, request, CALLER_ID, "dialing", created_at=0.0)
        ended: list[LineEnded] = []

        async def report(happening: Happening) -> None:
            told(happening)
            if isinstance(happening, LineEnded):
                ended.append(happening)

        await Line(call, equipment, report, cancelled or asyncio.Event()).run()
        [only] = ended
        return only


def attempts(ended: LineEnded) -> list[tuple[str, str, int | None]]:
    """Trunk, address and status of every attempt on the record."""
    return [(each.trunk, each.target.partition(":")[0], each.status) for each in ended.sip.attempts]
