"""Callees on SIP and RTP: `python -m bench.turns.rtp_wire FOLDER STEPS OUT`.

A user agent of a hundred lines that shares no code with the server's: it answers every INVITE over UDP with
G.711 at 20 ms, talks by its script, and says BYE at its end. Prints its port once it listens; ends when all
calls are over.
"""

from __future__ import annotations

import asyncio
import re
import struct
import sys
from pathlib import Path
from typing import cast

from bench.turns.logs import read_steps, write_logs
from bench.turns.phone import Caller, Log
from bench.turns.played import Played
from bench.turns.sayings import Sayings, read
from bench.turns.script import Step

HOST = "127.0.0.1"
SSRC = 0x0B5E55
CRLF = "\r\n"
Address = tuple[str, int]


class RtpWire(asyncio.DatagramProtocol):
    """One call's sound, PCMU."""

    def __init__(self) -> None:
        self.played = Played()
        self._transport: asyncio.DatagramTransport | None = None
        self._peer: Address | None = None
        self._count = 0

    async def open(self) -> int:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def talk_to(self, peer: Address) -> None:
        self._peer = peer

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # No subclass of DatagramTransport before Python 3.12, but it is one.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if len(data) > 12 and data[1] & 0x7F == 0:
            self.played.take(data[12:], asyncio.get_running_loop().time())

    async def send(self, ulaw: bytes) -> None:
        assert self._transport is not None
        stamp = self._count * len(ulaw) & 0xFFFFFFFF
        head = struct.pack("!BBHII", 0x80, 0x80 * (not self._count), self._count & 0xFFFF, stamp, SSRC)
        self._count += 1
        self._transport.sendto(head + ulaw, self._peer)


class Phones(asyncio.DatagramProtocol):
    """The SIP side of all of them: RFC 3261 as far as an answered call needs it."""

    def __init__(self, scripts: list[list[Step]], sayings: Sayings) -> None:
        self._scripts, self._sayings = scripts, sayings
        self._transport: asyncio.DatagramTransport | None = None
        self._answers: dict[str, str] = {}
        """The 200 of each Call-ID, for an INVITE that comes again."""
        self._calls: list[asyncio.Task[Log]] = []
        self._is_complete = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # No subclass of DatagramTransport before Python 3.12, but it is one.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        head, _, body = data.decode().partition(CRLF * 2)
        method = head.split(" ", 1)[0]
        if method == "INVITE":
            invited = asyncio.create_task(self._invited(head, body, addr))
            self._tasks.add(invited)
            invited.add_done_callback(self._tasks.discard)
        elif method not in ("ACK", "SIP/2.0"):
            self._send(response(head, "200 OK"), addr)

    async def logs(self) -> list[Log]:
        """Once every script has been played."""
        await self._is_complete.wait()
        return await asyncio.gather(*self._calls)

    async def _invited(self, head: str, offer: str, addr: Address) -> None:
        call_id = field(head, "Call-ID")
        if call_id in self._answers:
            self._send(self._answers[call_id], addr)
            return
        number = len(self._answers)
        self._answers[call_id] = response(head, "100 Trying")
        wire = RtpWire()
        port = await wire.open()
        assert self._transport is not None
        contact = f"<sip:phone@{HOST}:{self._transport.get_extra_info('sockname')[1]}>"
        self._answers[call_id] = response(head, "200 OK", contact, answer(port))
        wire.talk_to((HOST, int(re.search(r"m=audio (\d+)", offer).group(1))))  # type: ignore[union-attr]
        self._send(self._answers[call_id], addr)
        self._calls.append(asyncio.create_task(self._talk(number, wire, head, addr)))
        if len(self._calls) == len(self._scripts):
            self._is_complete.set()

    async def _talk(self, number: int, wire: RtpWire, invite: str, addr: Address) -> Log:
        log = await Caller(number, self._scripts[number], self._sayings, wire).run()
        self._send(bye(invite), addr)
        wire.close()
        return log

    def _send(self, message: str, addr: Address) -> None:
        assert self._transport is not None
        self._transport.sendto(message.encode(), addr)


def field(head: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.*)$", head, re.MULTILINE | re.IGNORECASE)
    assert found is not None, f"no {name} in {head!r}"
    return found.group(1).strip()


def response(head: str, status: str, contact: str = "", body: str = "") -> str:
    """A response that copies what RFC 3261 §8.2.6.2 has copied."""
    copied = [
        line
        for line in head.split(CRLF)[1:]
        if line.split(":")[0].strip().lower() in ("via", "from", "call-id", "cseq", "record-route")
    ]
    to = field(head, "To")
    lines = [f"SIP/2.0 {status}", *copied, f"To: {to}" if ";tag=" in to else f"To: {to};tag=phone"]
    lines += [f"Contact: {contact}"] * bool(contact) + ["Content-Type: application/sdp"] * bool(body)
    return CRLF.join([*lines, f"Content-Length: {len(body)}", "", body])


def answer(port: int) -> str:
    lines = ["v=0", f"o=- 1 1 IN IP4 {HOST}", "s=-", f"c=IN IP4 {HOST}", "t=0 0"]
    lines += [f"m=audio {port} RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=ptime:20"]
    return CRLF.join([*lines, ""])


def bye(invite: str) -> str:
    """The end of the dialog that this INVITE began, from the callee's side."""
    contact = re.search(r"<([^>]+)>", field(invite, "Contact"))
    assert contact is not None
    call_id = field(invite, "Call-ID")
    lines = [
        f"BYE {contact.group(1)} SIP/2.0",
        f"Via: SIP/2.0/UDP {HOST};rport;branch=z9hG4bK{call_id[:12]}bye",
        "Max-Forwards: 70",
        f"From: {field(invite, 'To')};tag=phone",
        f"To: {field(invite, 'From')}",
        f"Call-ID: {call_id}",
        "CSeq: 1 BYE",
        "Content-Length: 0",
    ]
    return CRLF.join([*lines, "", ""])


async def main(folder: str, steps: str, out: str) -> None:
    phones = Phones(read_steps(Path(steps)), read(Path(folder)))
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: phones, local_addr=(HOST, 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    write_logs(Path(out), await phones.logs())
    await asyncio.sleep(0.3)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
