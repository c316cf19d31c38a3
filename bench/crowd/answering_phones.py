"""The SIP side of the load generator's callers: answers every INVITE with the next one's RTP port.

A user agent of its own, which shares no code with the server's: RFC 3261 as far as an answered call needs it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import cast

from bench.turns.rtp_wire import HOST, Address, answer, bye, field, response


class AnsweringPhones(asyncio.DatagramProtocol):
    """One phone for each of `ports`; `bring_up(number, port)` hears where a phone's sound goes."""

    def __init__(self, ports: Sequence[int], bring_up: Callable[[int, int], None]) -> None:
        self._ports, self._bring_up = ports, bring_up
        self._transport: asyncio.DatagramTransport | None = None
        self._answers: dict[str, str] = {}
        """The 200 of each Call-ID, for an INVITE that comes again."""
        self._invites: list[tuple[str, Address]] = []
        self.are_all_up = asyncio.Event()
        self.hung_up_on = 0
        """So often the other side said BYE."""

    @property
    def port(self) -> int:
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    @property
    def answered(self) -> int:
        return len(self._invites)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # No subclass of DatagramTransport before Python 3.12, but it is one.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        head, _, body = data.decode().partition("\r\n\r\n")
        method = head.split(" ", 1)[0]
        if method == "INVITE":
            self._invited(head, body, addr)
        elif method not in ("ACK", "SIP/2.0"):
            self.hung_up_on += method == "BYE"
            self._send(response(head, "200 OK"), addr)

    def hang_up(self, first: int, last: int) -> None:
        """Say BYE in the calls from the first to before the last."""
        for invite, addr in self._invites[first:last]:
            self._send(bye(invite), addr)

    def _invited(self, head: str, offer: str, addr: Address) -> None:
        call_id = field(head, "Call-ID")
        if call_id not in self._answers:
            number, theirs = len(self._invites), re.search(r"m=audio (\d+)", offer)
            assert theirs is not None, offer
            contact = f"<sip:phone@{HOST}:{self.port}>"
            self._answers[call_id] = response(head, "200 OK", contact, answer(self._ports[number]))
            self._invites.append((head, addr))
            self._bring_up(number, int(theirs.group(1)))
            if len(self._invites) == len(self._ports):
                self.are_all_up.set()
        self._send(self._answers[call_id], addr)

    def _send(self, message: str, addr: Address) -> None:
        assert self._transport is not None
        self._transport.sendto(message.encode(), addr)
