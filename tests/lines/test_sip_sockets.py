"""The SIP user agent on real sockets of the loopback: UDP, TCP, TLS, and peers that misbehave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from byourside_server.lines import sip_streams
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.lines.tls_settings import TlsSettings, TlsSettingsError
from byourside_server.sip import events as sip
from byourside_server.sip import machines
from byourside_server.sip.hop import Hop, Transport
from byourside_server.sip.machines import NON_INVITE_CLIENT, TIMER_F, State
from byourside_server.sip.outgoing import OutgoingCall, TrunkAddress
from byourside_server.sip.trunk_events import OptionsAnswered, TrunkEvent
from tests.lines.certificates import Authority
from tests.sip.wire import ANSWER, OFFER

HOST = "127.0.0.1"
NAME = "sip.carrier.test"
# Only the bound of a wait: a machine that is busy with something else takes its time.
PATIENCE_S = 30.0


class Agent:
    """A user agent that answers every call, and what it has heard."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[sip.SipEvent] = asyncio.Queue()
        self.news: asyncio.Queue[TrunkEvent] = asyncio.Queue()
        self.socket = SipSocket(self._on_event, user_agent="test", on_trunk_event=self.news.put_nowait)

    def _on_event(self, event: sip.SipEvent) -> None:
        if isinstance(event, sip.InviteReceived):
            event.call.answer(ANSWER, asyncio.get_running_loop().time())
        self.heard.put_nowait(event)

    async def hears(self) -> sip.SipEvent:
        return await asyncio.wait_for(self.heard.get(), PATIENCE_S)

    async def learns(self) -> OptionsAnswered:
        event = await asyncio.wait_for(self.news.get(), PATIENCE_S)
        assert isinstance(event, OptionsAnswered)
        return event

    def dial(self, trunk: TrunkAddress) -> OutgoingCall:
        return self.socket.do(
            lambda now: self.socket.endpoint.invite(
                trunk, to_user="+14155550123", from_user="a", sdp=OFFER, now=now
            )
        )

    def ask(self, trunk: TrunkAddress) -> None:
        self.socket.do(lambda now: self.socket.endpoint.ask_options(trunk, now))


@asynccontextmanager
async def agents(*settings: TlsSettings) -> AsyncIterator[list[Agent]]:
    opened = [Agent() for _ in settings]
    try:
        for agent, tls in zip(opened, settings, strict=True):
            await agent.socket.open(HOST, tls=tls)
        yield opened
    finally:
        for agent in opened:
            await agent.socket.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def trunk_at(agent: Agent, transport: Transport, name: str | None = NAME) -> TrunkAddress:
    port = agent.socket.tls_port if transport == "tls" else agent.socket.port
    assert port is not None
    return TrunkAddress((HOST, port), "carrier.test", transport=transport, server_name=name)


def showing(authority: Authority, name: str, *, expired: bool = False) -> TlsSettings:
    signed = authority.sign(name, expired=expired)
    return TlsSettings(authority.ca_file, cert_file=signed.cert_file, key_file=signed.key_file)


@pytest.mark.parametrize("hanger", ["office", "phone"])
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_call_comes_about_and_ends_over_every_transport(
    authority: Authority, transport: Transport, hanger: str
) -> None:
    """The office has no certificate, so over TLS the phone's BYE must come by the office's connection."""

    async def story() -> None:
        async with agents(TlsSettings(authority.ca_file), showing(authority, NAME)) as (office, phone):
            call = office.dial(trunk_at(phone, transport))
            assert isinstance(await office.hears(), sip.Answered)
            invite = await phone.hears()
            assert isinstance(invite, sip.InviteReceived)
            if hanger == "office":
                office.socket.do(call.hang_up)
            else:
                phone.socket.do(invite.call.hang_up)
            for agent in (office, phone):
                over = await agent.hears()
                assert isinstance(over, sip.HungUp)
                assert over.by == ("local" if (agent is office) == (hanger == "office") else "remote")
            assert office.socket.endpoint.dropped == phone.socket.endpoint.dropped == {}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("name", "expired", "asked", "why"),
    [
        ("other.test", False, NAME, f"certificate of {NAME} refused: Hostname mismatch"),
        (NAME, True, NAME, f"certificate of {NAME} refused: certificate has expired"),
        (HOST, False, "10.0.0.1", "certificate of 10.0.0.1 refused: IP address mismatch"),
    ],
)
def test_a_wrong_certificate_is_refused_and_the_reason_is_clear(
    authority: Authority, name: str, expired: bool, asked: str, why: str
) -> None:
    async def story() -> None:
        wrong = showing(authority, name, expired=expired)
        async with agents(TlsSettings(authority.ca_file), wrong) as (office, phone):
            office.dial(trunk_at(phone, "tls", asked))
            refused = await office.hears()
            assert isinstance(refused, sip.Refused)
            assert (refused.status, refused.local) == (503, True)
            assert refused.reason.startswith(why)
            office.ask(trunk_at(phone, "tls", asked))
            answered = await office.learns()
            assert (answered.status, answered.why) == (None, refused.reason)

    asyncio.run(story())


def test_an_unknown_authority_is_refused_unless_told_not_to_verify(authority: Authority) -> None:
    async def story() -> None:
        settings = (TlsSettings(), TlsSettings(verify=False), showing(authority, NAME))
        async with agents(*settings) as (strict, careless, phone):
            strict.ask(trunk_at(phone, "tls"))
            assert "unable to get local issuer certificate" in (await strict.learns()).why
            careless.ask(trunk_at(phone, "tls"))
            assert (await careless.learns()).status == 200

    asyncio.run(story())


def test_a_name_defaults_to_the_trunks_domain(authority: Authority) -> None:
    async def story() -> None:
        settings = TlsSettings(authority.ca_file), showing(authority, "carrier.test")
        async with agents(*settings) as (office, phone):
            office.ask(trunk_at(phone, "tls", None))
            assert (await office.learns()).status == 200

    asyncio.run(story())


@contextmanager
def closed_port(transport: Transport) -> Iterator[int]:
    """Where nobody listens and nobody else comes meanwhile: bound, but deaf to all but one other port."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as deaf:
        deaf.bind((HOST, 0))
        if transport == "udp":
            deaf.connect((HOST, 9))
        yield deaf.getsockname()[1]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_closed_port_fails_a_call_at_once(transport: Transport) -> None:
    """ICMP names the port (IP_RECVERR), TCP refuses: nobody waits 32 s for Timer B."""

    async def story() -> None:
        async with agents(TlsSettings()) as (office,):
            with closed_port(transport) as port:
                office.dial(TrunkAddress((HOST, port), "carrier.test", transport=transport))
                refused = await office.hears()
            assert isinstance(refused, sip.Refused)
            assert (refused.status, refused.local) == (503, True)
            assert "onnection refused" in refused.reason

    asyncio.run(story())


def test_errors_about_one_peer_cost_another_no_datagram(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel hands a waiting error to whoever sends next. What is lost is not sent again here."""
    timers = {**NON_INVITE_CLIENT.timers, State.TRYING: (TIMER_F,)}
    monkeypatch.setattr(machines, "NON_INVITE_CLIENT", replace(NON_INVITE_CLIENT, timers=timers))

    async def story() -> None:
        async with agents(TlsSettings(), TlsSettings()) as (office, phone):
            dead, alive = TrunkAddress((HOST, dead_port), "dead.test"), trunk_at(phone, "udp")

            def ask_both(now: float) -> None:
                for _ in range(20):
                    office.socket.endpoint.ask_options(dead, now)
                    office.socket.endpoint.ask_options(alive, now)

            office.socket.do(ask_both)
            answers = [await office.learns() for _ in range(40)]
            assert {(answer.trunk.domain, answer.status) for answer in answers} == {
                ("dead.test", None),
                ("carrier.test", 200),
            }

    with closed_port("udp") as dead_port:
        asyncio.run(story())


def test_a_port_taken_for_tcp_leaves_udp_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        with socket.socket() as taken:
            taken.bind((HOST, 0))
            taken.listen()
            agent = Agent()
            await agent.socket.open(HOST, taken.getsockname()[1])
            agent.ask(TrunkAddress((HOST, agent.socket.port), "self.test"))
            assert (await agent.learns()).status == 200
            await agent.socket.close()
        assert "no SIP connections are taken over TCP" in caplog.text

    asyncio.run(story())


def test_what_is_advertised_is_written_and_what_is_bound_is_used() -> None:
    """Behind NAT the two differ; RFC 3581 brings the answers home all the same."""

    async def story() -> None:
        async with agents(TlsSettings()) as (phone,):
            office = Agent()
            await office.socket.open(HOST, advertised=("198.51.100.7", 5999))
            call = office.dial(trunk_at(phone, "udp"))
            assert isinstance(await office.hears(), sip.Answered)
            invite = await phone.hears()
            assert isinstance(invite, sip.InviteReceived)
            assert "198.51.100.7:5999" in (invite.headers.get("Contact") or "")
            assert "198.51.100.7:5999" in (invite.headers.get("Via") or "")
            assert office.socket.endpoint.seen_as == (HOST, office.socket.port)
            office.socket.do(call.hang_up)
            assert isinstance(await phone.hears(), sip.HungUp)
            await office.socket.close()

    asyncio.run(story())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_ipv6_is_spoken_too(transport: Transport) -> None:
    async def story() -> None:
        office, phone = Agent(), Agent()
        await phone.socket.open("::1")
        await office.socket.open("::1")
        call = office.dial(TrunkAddress(("::1", phone.socket.port), "carrier.test", transport=transport))
        assert isinstance(await office.hears(), sip.Answered)
        office.socket.do(call.hang_up)
        assert isinstance(await phone.hears(), sip.InviteReceived)
        assert isinstance(await phone.hears(), sip.HungUp)
        for agent in (office, phone):
            await agent.socket.close()

    if not has_ipv6():
        pytest.skip("no IPv6 on this machine")
    asyncio.run(story())


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


Server = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served_by(server: Server) -> AsyncIterator[TrunkAddress]:
    """A TCP peer that does as a test says."""
    running = await asyncio.start_server(server, HOST, 0)
    try:
        yield TrunkAddress((HOST, running.sockets[0].getsockname()[1]), "carrier.test", transport="tcp")
    finally:
        running.close()


async def answer_to(reader: asyncio.StreamReader) -> bytes:
    """Read one OPTIONS and make its 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    kept = [line for line in head if line.startswith(("Via", "From", "To", "Call-ID", "CSeq"))]
    return "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 5", "", "hello"]).encode()


def test_a_peer_that_closes_in_mid_message_is_asked_once_more_and_then_given_up() -> None:
    async def story() -> None:
        asked: list[bytes] = []

        async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            answer = await answer_to(reader)
            asked.append(answer)
            writer.write(answer[:-2])
            writer.close()

        async with served_by(half) as trunk, agents(TlsSettings()) as (office,):
            office.ask(trunk)
            answered = await office.learns()
            assert (answered.status, answered.why) == (None, "connection closed")
            # The same transaction both times.
            assert len(asked) == 2
            assert asked[0] == asked[1]

    asyncio.run(story())


def test_a_connection_the_peer_closed_is_opened_again_when_needed() -> None:
    """A message in pieces, too."""

    async def story() -> None:
        connections = 0

        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            answer = await answer_to(reader)
            for piece in (answer[:9], answer[9:100], answer[100:]):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            writer.close()

        async with served_by(once) as trunk, agents(TlsSettings()) as (office,):
            for number in (1, 2, 3):
                office.ask(trunk)
                assert (await office.learns()).status == 200
                assert connections == number

    asyncio.run(story())


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_peer_that_never_finishes_connecting_is_given_up_in_seconds(
    monkeypatch: pytest.MonkeyPatch, transport: Transport
) -> None:
    """TLS: it takes the connection and says nothing. TCP: its queue is full and it answers no SYN."""
    monkeypatch.setattr(sip_streams, "CONNECT_TIMEOUT_S", 0.2)

    async def story() -> None:
        with socket.socket() as deaf:
            deaf.bind((HOST, 0))
            deaf.listen(0 if transport == "tcp" else 5)
            fillers = [socket.socket() for _ in range(3 if transport == "tcp" else 0)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(deaf.getsockname())
            trunk = TrunkAddress(deaf.getsockname(), "carrier.test", transport=transport)
            async with agents(TlsSettings()) as (office,):
                office.dial(trunk)
                refused = await office.hears()
                assert isinstance(refused, sip.Refused)
                assert (refused.status, refused.local) == (503, True)
                assert "in time" in refused.reason
            for filler in fillers:
                filler.close()

    asyncio.run(story())


def test_a_peer_that_does_not_read_is_cut_off_before_it_costs_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        connected, released = asyncio.Event(), asyncio.Event()

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(1)
            connected.set()
            await released.wait()
            writer.close()

        async with served_by(deaf) as trunk, agents(TlsSettings()) as (office,):
            office.dial(trunk)
            await connected.wait()
            core = office.socket.endpoint._core
            for _ in range(100):
                office.socket.do(lambda now: core.send(bytes(1 << 18), trunk.hop, now))
                await asyncio.sleep(0)
                if not office.heard.empty():
                    break
            refused = await office.hears()
            assert isinstance(refused, sip.Refused)
            assert refused.reason == "the peer does not read what is sent"
            released.set()

    asyncio.run(story())


def test_connections_of_ours_leave_from_the_port_we_are_reached_at() -> None:
    async def story() -> None:
        ports: list[int] = []

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ports.append(writer.get_extra_info("peername")[1])
            writer.write(await answer_to(reader))
            writer.close()

        async with served_by(note) as trunk, agents(TlsSettings()) as (office,):
            office.ask(trunk)
            assert (await office.learns()).status == 200
            assert ports == [office.socket.port]

    asyncio.run(story())


def test_farewells_are_said_before_the_connections_close() -> None:
    async def story() -> None:
        said: asyncio.Queue[bytes] = asyncio.Queue()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await answer_to(reader))
            said.put_nowait(await reader.read())
            writer.close()

        async with served_by(listen) as trunk:
            async with agents(TlsSettings()) as (office,):
                office.ask(trunk)
                await office.learns()
                endpoint = office.socket.endpoint
                registration = office.socket.do(lambda now: endpoint.register(trunk, "a", 60, now))
                office.socket.do(registration.stop)
            assert (await asyncio.wait_for(said.get(), PATIENCE_S)).count(b"REGISTER sip:") == 2

    asyncio.run(story())


def test_files_that_are_no_certificates_are_named(tmp_path: Path, authority: Authority) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    signed = authority.sign("a.test")
    for settings, sentence in [
        (TlsSettings(ca_file=tmp_path / "none.pem"), r"CA file .*none\.pem cannot be used: No such file"),
        (TlsSettings(ca_file=nonsense), r"CA file .*nonsense\.pem cannot be used"),
        (TlsSettings(cert_file=nonsense), r"certificate .*nonsense\.pem cannot be used"),
        (
            TlsSettings(cert_file=signed.cert_file, key_file=authority.sign("b.test").key_file),
            "with key .*b.test-valid.key cannot be used: key values mismatch",
        ),
    ]:
        with pytest.raises(TlsSettingsError, match=sentence):
            settings.client_context()


def test_a_hop_is_written_for_people() -> None:
    assert str(Hop("2001:db8::1", 5061, "tls")) == "tls:[2001:db8::1]:5061"
