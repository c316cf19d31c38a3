"""Names of trunks and the servers behind them: RFC 2782's order, TTLs, name servers that are away.

The last tests ask a DNS server of our own over UDP on loopback, through dnspython.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_names import Directory, Dns, NoServers, Srv
from tests.lines.rehearsal import Zone, play

CARRIER = Trunk("carrier", "sip.example")
SERVICE = "_sip._udp.sip.example"
HOSTS = {"a.example": ["10.0.0.1"], "b.example": ["10.0.0.2"], "c.example": ["10.0.0.3"]}


class Hand:
    """A clock moved by hand."""

    now = 100.0


def directory(zone: Zone, hand: type[Hand] | Hand = Hand) -> Directory:
    return Directory(zone, lambda: hand.now, random.Random(7))


def test_srv_goes_by_priority_and_within_one_by_weight() -> None:
    """RFC 2782: of weights 30 and 10 the first comes first three times in four."""

    async def story() -> None:
        records = [
            Srv(20, 0, 5060, "c.example."),
            Srv(10, 10, 5062, "b.example."),
            Srv(10, 30, 5060, "a.example."),
        ]
        book = directory(Zone({SERVICE: records}, HOSTS))
        orders = Counter([tuple(str(t) for t in await book.targets(CARRIER)) for _ in range(2000)])
        a_first = orders["10.0.0.1:5060", "10.0.0.2:5062", "10.0.0.3:5060"]
        b_first = orders["10.0.0.2:5062", "10.0.0.1:5060", "10.0.0.3:5060"]
        assert a_first + b_first == 2000
        assert 0.70 < a_first / 2000 < 0.80

    play(story)


@pytest.mark.parametrize(
    ("transport", "service", "port"),
    [("udp", "_sip._udp", 5060), ("tcp", "_sip._tcp", 5060), ("tls", "_sips._tcp", 5061)],
)
def test_without_srv_the_names_own_addresses_serve_at_the_usual_port(
    transport: str, service: str, port: int
) -> None:
    async def story() -> None:
        zone = Zone({}, {"sip.example": ["10.0.0.1", "10.0.0.2"]})
        trunk = Trunk("carrier", "sip.example", transport=transport)  # type: ignore[arg-type]
        found = await directory(zone).targets(trunk)
        assert [str(target) for target in found] == [f"10.0.0.1:{port}", f"10.0.0.2:{port}"]
        assert zone.asked == [f"{service}.sip.example", "sip.example"]

    play(story)


def test_with_a_port_nobody_is_asked_for_srv_and_with_an_address_nobody_at_all() -> None:
    """RFC 3263 §4.2."""

    async def story() -> None:
        zone = Zone({SERVICE: [Srv(1, 1, 5999, "a.example.")]}, {"sip.example": ["10.0.0.9"], **HOSTS})
        book = directory(zone)
        assert [str(t) for t in await book.targets(Trunk("t", "sip.example", 5080))] == ["10.0.0.9:5080"]
        assert zone.asked == ["sip.example"]
        assert [str(t) for t in await book.targets(Trunk("t", "192.0.2.1"))] == ["192.0.2.1:5060"]
        assert [str(t) for t in await book.targets(Trunk("t", "[2001:db8::1]"))] == ["[2001:db8::1]:5060"]
        assert zone.asked == ["sip.example"]

    play(story)


def test_an_answer_is_kept_for_its_ttl_and_asked_anew_after_it() -> None:
    async def story() -> None:
        hand, zone = Hand(), Zone({}, {"sip.example": ["10.0.0.1"]}, ttl_s=30)
        book = directory(zone, hand)
        await book.targets(CARRIER)
        hand.now += 29
        zone.hosts["sip.example"] = ["10.0.0.2"]
        assert [str(t) for t in await book.targets(CARRIER)] == ["10.0.0.1:5060"]
        hand.now += 2
        assert [str(t) for t in await book.targets(CARRIER)] == ["10.0.0.2:5060"]

    play(story)


def test_while_the_name_servers_are_away_old_addresses_serve() -> None:
    async def story() -> None:
        hand, zone = Hand(), Zone({}, {"sip.example": ["10.0.0.1"]}, ttl_s=30)
        book = directory(zone, hand)
        await book.targets(CARRIER)
        zone.away, hand.now = True, hand.now + 1000
        assert [str(t) for t in await book.targets(CARRIER)] == ["10.0.0.1:5060"]
        assert "do not answer" in book.trouble["carrier"]
        asked = len(zone.asked)
        await book.targets(CARRIER)
        assert len(zone.asked) == asked, "not before each call"
        zone.away, hand.now = False, hand.now + 11
        await book.targets(CARRIER)
        assert book.trouble == {}

    play(story)


def test_many_calls_at_once_ask_once() -> None:
    async def story() -> None:
        zone = Zone({}, {"sip.example": ["10.0.0.1"]})
        book = directory(zone)
        await asyncio.gather(*(book.targets(CARRIER) for _ in range(50)))
        assert zone.asked == [SERVICE, "sip.example"]

    play(story)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        (Zone(), "sip.example has no address"),
        (Zone(away=True), "the name servers do not answer"),
        (Zone({SERVICE: [Srv(0, 0, 0, ".")]}), "says that there is no such service: set another transport"),
        (Zone({SERVICE: [Srv(0, 0, 5060, "x.example.")]}), "names x.example., which has no address"),
    ],
)
def test_a_name_that_leads_nowhere_says_why(zone: Zone, words: str) -> None:
    async def story() -> None:
        with pytest.raises(NoServers, match=words):
            await directory(zone).targets(CARRIER)

    play(story)


class NameServer(asyncio.DatagramProtocol):
    """Answers from a list of records, in the DNS's own bytes."""

    def __init__(self, sets: tuple[dns.rrset.RRset, ...]) -> None:
        self.sets = sets
        self.broken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an `isinstance` away: asyncio's own is no DatagramTransport by class.
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        [question] = query.question
        named = [each for each in self.sets if each.name == question.name]
        reply.answer = [each for each in named if each.rdtype == question.rdtype]
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif not named:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(reply.to_wire(), addr)


@contextlib.asynccontextmanager
async def name_server(*sets: dns.rrset.RRset) -> AsyncIterator[tuple[NameServer, Dns]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: NameServer(sets), local_addr=("127.0.0.1", 0)
    )
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], transport.get_extra_info("sockname")[1]
    try:
        yield server, Dns(resolver=resolver)
    finally:
        transport.close()


def test_srv_records_of_a_real_name_server_lead_to_addresses_in_their_order() -> None:
    async def story() -> None:
        two_first = ("20 0 5070 two.sip.example.", "10 5 5060 one.sip.example.")
        records = (
            dns.rrset.from_text("_sip._udp.sip.example.", 120, "IN", "SRV", *two_first),
            dns.rrset.from_text("one.sip.example.", 60, "IN", "A", "192.0.2.1"),
            dns.rrset.from_text("two.sip.example.", 60, "IN", "A", "192.0.2.2"),
        )
        async with name_server(*records) as (_, names):
            book = Directory(names, lambda: 0.0, random.Random(1))
            found = await book.targets(CARRIER)
            assert [(str(t), t.host) for t in found] == [
                ("192.0.2.1:5060", "one.sip.example"),
                ("192.0.2.2:5070", "two.sip.example"),
            ]
            assert (await names.srv("_sip._udp.sip.example"))[1] == 120.0

    asyncio.run(story())


def test_a_name_that_a_real_name_server_does_not_know_and_one_that_is_broken() -> None:
    async def story() -> None:
        known = dns.rrset.from_text("known.invalid.", 60, "IN", "A", "192.0.2.7")
        async with name_server(known) as (server, names):
            assert await names.srv("_sip._udp.known.invalid") == ([], 10.0)
            assert await names.addresses("known.invalid") == (["192.0.2.7"], 60.0)
            assert (await names.addresses("localhost"))[0] == ["127.0.0.1"], "the machine's own names serve"
            server.broken = True
            with pytest.raises(OSError, match="SERVFAIL"):
                await names.srv("_sip._udp.known.invalid")

    asyncio.run(story())
