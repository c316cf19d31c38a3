"""OPTIONS and registrations in the background, in virtual time: what they do to the book of trunks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from byourside_server.lines.exchange import to_owner
from byourside_server.lines.sip_memory import MemorySip, SipWire
from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_watch import TrunkWatch
from byourside_server.lines.trunks import Trunks
from byourside_server.sip.message import Request, respond
from byourside_server.sip.parse import parse
from tests.lines.rehearsal import OFFICE, Zone, play

A, B = "10.1.0.1", "10.2.0.1"
NUMBER = "+14155550123"


class Server:
    """One server of a carrier: answers each method with one status, or not at all."""

    def __init__(
        self, wire: SipWire, host: str, options: int | None = 200, register: int | None = 200
    ) -> None:
        self.host, self.options, self.register = host, options, register
        self.asked: list[tuple[float, str]] = []
        self._wire = wire
        wire[host, 5060] = self  # type: ignore[assignment]

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        request = parse(data)
        assert isinstance(request, Request)
        loop = asyncio.get_running_loop()
        expires = request.headers.get("Expires") or ""
        self.asked.append((loop.time(), f"{request.method} {expires}".strip()))
        status = self.options if request.method == "OPTIONS" else self.register
        if status is not None:
            reply = respond(request, status, source=source, to_tag="s", headers=[("Expires", expires)])
            loop.call_soon(self._wire[source].datagram_received, reply.encode(), (self.host, 5060))

    @property
    def methods(self) -> list[str]:
        return [method for _, method in self.asked]


@contextlib.asynccontextmanager
async def watched(wire: SipWire, *trunks: Trunk, zone: Zone | None = None) -> AsyncIterator[Trunks]:
    watch = TrunkWatch()
    office = MemorySip(wire, OFFICE, to_owner)
    office._on_trunk_event = watch.receive
    book = Trunks([(trunk, office) for trunk in trunks], zone or Zone(), asyncio.get_running_loop().time)
    watch.start(book)
    try:
        yield book
    finally:
        await watch.stop()


def pings(server: Server) -> Sequence[float]:
    return [at for at, method in server.asked if method == "OPTIONS"]


def test_a_server_is_asked_at_its_interval_and_down_once_it_answers_no_more() -> None:
    async def story() -> None:
        wire = SipWire()
        server = Server(wire, A)
        async with watched(wire, Trunk("main", A, 5060, options_every_s=30)) as book:
            await asyncio.sleep(95)
            first, *_, last = pings(server)
            assert (len(pings(server)), round(last - first)) == (4, 90)
            assert book.up() == {"main": True}
            server.options = None
            await asyncio.sleep(40)
            assert not book.is_down(NUMBER), "one silence is no outage"
            await asyncio.sleep(30)
            assert book.is_down(NUMBER)
            assert book.up() == {"main": False}
            server.options = 404
            await asyncio.sleep(31)
            assert not book.is_down(NUMBER)

    play(story)


def test_a_carrier_that_never_answers_options_is_not_held_for_down() -> None:
    async def story() -> None:
        wire = SipWire()
        Server(wire, A, options=None)
        async with watched(wire, Trunk("mute", A, 5060)) as book:
            await asyncio.sleep(600)
            assert not book.is_down(NUMBER)

    play(story)


def test_with_no_interval_nobody_is_asked() -> None:
    async def story() -> None:
        wire = SipWire()
        server = Server(wire, A)
        async with watched(wire, Trunk("quiet", A, 5060, options_every_s=0)):
            await asyncio.sleep(600)
            assert server.asked == []

    play(story)


def test_a_name_that_leads_nowhere_is_down_until_it_leads_somewhere() -> None:
    async def story() -> None:
        wire, zone = SipWire(), Zone()
        async with watched(wire, Trunk("main", "sip.example", 5060), zone=zone) as book:
            assert not book.is_down(NUMBER), "not known yet"
            await asyncio.sleep(1)
            assert book.is_down(NUMBER)
            zone.hosts["sip.example"] = [A]
            await asyncio.sleep(11)
            assert not book.is_down(NUMBER)

    play(story)


def test_a_registration_is_made_kept_and_taken_back() -> None:
    async def story() -> None:
        wire = SipWire()
        server = Server(wire, A)
        known = Trunk("main", A, 5060, user="u", password="p", register=True)
        trunk = replace(known, expires_s=100, options_every_s=0)
        async with watched(wire, trunk) as book:
            await asyncio.sleep(1)
            assert book.doors[0].registration == "registered for 100 s"
            await asyncio.sleep(90)
        await asyncio.sleep(1)
        assert [method for method in server.methods if method != "OPTIONS"] == [
            "REGISTER 100",
            "REGISTER 100",
            "REGISTER 0",
        ]

    play(story)


def test_a_trunk_that_will_not_register_us_is_down() -> None:
    async def story() -> None:
        wire = SipWire()
        Server(wire, A, register=403)
        trunk = Trunk("main", A, 5060, user="u", password="p", register=True)
        async with watched(wire, trunk, Trunk("british", B, 5060, prefixes=("+44",))) as book:
            await asyncio.sleep(1)
            assert book.doors[0].registration == "403 Forbidden"
            assert book.is_down(NUMBER)
            assert not book.is_down("+442079460123")

    play(story)


def test_a_registrar_that_is_silent_is_left_for_the_next_server_of_the_trunk() -> None:
    async def story() -> None:
        wire = SipWire()
        silent, second = Server(wire, A, register=None), Server(wire, B)
        trunk = Trunk("main", "sip.example", 5060, user="u", password="p", register=True, options_every_s=0)
        async with watched(wire, trunk, zone=Zone({}, {"sip.example": [A, B]})) as book:
            await asyncio.sleep(40)
            assert set(silent.methods) == {"REGISTER 300"}
            assert second.methods == ["REGISTER 300"]
            assert book.doors[0].registration == "registered for 300 s"
            assert not book.is_down(NUMBER)

    play(story)
