"""A carrier with digest and Record-Route, by UDP, TCP and TLS: kamailio between us and sipp.

kamailio checks every message for sanity and refuses what leaves its route set out; its log says so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Literal

import pytest

from byourside_server.lines.sip_socket import SipSocket
from byourside_server.lines.tls_settings import TlsSettings
from byourside_server.sip import events as sip
from byourside_server.sip.message import Request, Response
from byourside_server.sip.outgoing import TrunkAddress
from byourside_server.sip.trunk_events import OptionsAnswered, Registered, RegistrationFailed
from tests.peers.kamailio import HOST, PASSWORD, REALM, USER, Kamailio, callee, kamailio
from tests.peers.office import THEM, Office, Placed
from tests.peers.process import free_port
from tests.peers.sipp import sipp
from tests.peers.test_sipp import SCRIPTS

Transport = Literal["udp", "tcp", "tls"]
TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls")


@dataclass
class Carrier:
    """kamailio, and our socket that trusts its certificate."""

    kamailio: Kamailio
    office: Office
    trusting: SipSocket
    folder: Path

    def address(self, transport: Transport, password: str | None = PASSWORD) -> TrunkAddress:
        port = self.kamailio.tls_port if transport == "tls" else self.kamailio.port
        user = None if password is None else USER
        return TrunkAddress((HOST, port), REALM, user, password, transport)


@pytest.fixture(scope="module")
def carrier(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    folder = tmp_path_factory.mktemp("carrier")
    with kamailio(folder / "kamailio", default_callee=f"bob@{HOST}:{free_port()}") as server:

        async def story() -> SipSocket:
            return await office.open_sip(TlsSettings(ca_file=server.certificate))

        yield Carrier(server, office, office.run(story), folder)
        # The last word on everything that passed in these tests.
        written = server.peer.log_file.read_text(errors="replace")
        assert [line for line in written.splitlines() if "INSANE" in line or "ROUTELESS" in line] == []


NUMBERS = count()


def through(carrier: Carrier, transport: Transport, script: str) -> tuple[Placed, str]:
    """A call to a sipp behind kamailio that plays this script, and sipp's verdict."""
    with sipp(carrier.folder / f"sipp-{next(NUMBERS)}", SCRIPTS[script]) as phone:

        async def story() -> tuple[Placed, str]:
            office = carrier.office
            placed = await office.place(
                carrier.address(transport), THEM, callee(phone.port), by=carrier.trusting
            )
            if script == "rings for ever":
                await placed.wait_for(sip.Progress)
                placed.hang_up()
                await placed.wait_for(sip.Cancelled)
            elif script.isdigit():
                await placed.wait_for(sip.Refused)
            else:
                await placed.answered()
                if script != "hangs up":
                    placed.hang_up()
                await placed.wait_for(sip.HungUp)
            verdict = await asyncio.to_thread(phone.verdict)
            await placed.close()
            return placed, verdict

        return carrier.office.run(story)


def sent_on(carrier: Carrier, placed: Placed) -> list[Request]:
    call_id = placed.call.sip_call_id
    return [
        message
        for way, message in carrier.office.messages
        if way == "sent" and isinstance(message, Request) and message.call_id == call_id
    ]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_is_challenged_answered_and_hung_up_through_the_route_set(
    carrier: Carrier, transport: Transport
) -> None:
    placed, verdict = through(carrier, transport, "answer")
    assert verdict == "as expected"
    assert placed.sent() == ["INVITE", "ACK", "INVITE", "ACK", "BYE"]
    assert "407 INVITE" in placed.received()
    *_, ack, bye = sent_on(carrier, placed)
    for request in (ack, bye):
        assert all(";lr" in route for route in request.headers.lines("Route"))
        assert request.headers.lines("Route"), f"no route set in {request.method}"
        assert request.via.transport == transport.upper()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_far_sides_bye_reaches_us_through_the_carrier(carrier: Carrier, transport: Transport) -> None:
    """Over TLS kamailio has no other way to us than the connection we opened."""
    placed, verdict = through(carrier, transport, "hangs up")
    assert verdict == "as expected"
    assert [event.by for event in placed.all(sip.HungUp)] == ["remote"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_ringing_call_is_cancelled_through_the_carrier(carrier: Carrier, transport: Transport) -> None:
    placed, verdict = through(carrier, transport, "rings for ever")
    assert verdict == "as expected"
    assert placed.sent() == ["INVITE", "ACK", "INVITE", "CANCEL", "ACK"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_refusal_behind_the_carrier_is_told(carrier: Carrier, transport: Transport) -> None:
    placed, verdict = through(carrier, transport, "486")
    assert verdict == "as expected"
    assert [(event.status, event.local) for event in placed.all(sip.Refused)] == [(486, False)]


@pytest.mark.parametrize(("password", "tries"), [("wrong", 2), (None, 1)])
def test_a_wrong_password_or_none_is_one_clean_refusal(
    carrier: Carrier, password: str | None, tries: int
) -> None:
    async def story() -> Placed:
        placed = await carrier.office.place(carrier.address("udp", password))
        await placed.wait_for(sip.Refused)
        # Were there a loop, it would go on.
        await asyncio.sleep(0.3)
        await placed.close()
        return placed

    placed = carrier.office.run(story)
    assert [event.status for event in placed.all(sip.Refused)] == [407]
    assert placed.sent() == ["INVITE", "ACK"] * tries


def test_a_certificate_that_is_not_trusted_ends_the_call_before_it_begins(carrier: Carrier) -> None:
    async def story() -> Placed:
        placed = await carrier.office.place(carrier.address("tls"))
        await placed.wait_for(sip.Refused)
        await placed.close()
        return placed

    placed = carrier.office.run(story)
    [refused] = placed.all(sip.Refused)
    assert (refused.status, refused.local) == (503, True)
    assert "certificate" in refused.reason
    assert not placed.received()


def test_a_certificate_for_another_name_ends_the_call_before_it_begins(carrier: Carrier) -> None:
    async def story() -> Placed:
        elsewhere = replace(carrier.address("tls"), server_name="elsewhere.test")
        placed = await carrier.office.place(elsewhere, by=carrier.trusting)
        await placed.wait_for(sip.Refused)
        await placed.close()
        return placed

    placed = carrier.office.run(story)
    assert [(event.status, event.local) for event in placed.all(sip.Refused)] == [(503, True)]
    assert not placed.received()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_options_are_answered(carrier: Carrier, transport: Transport) -> None:
    async def story() -> OptionsAnswered:
        address, trunk = carrier.address(transport), carrier.office.trunk
        before = len(trunk.all(OptionsAnswered))
        carrier.trusting.do(lambda now: carrier.trusting.endpoint.ask_options(address, now))
        return await trunk.wait_for(OptionsAnswered, before + 1)

    answered = carrier.office.run(story)
    assert answered.status == 200
    assert 0 < answered.round_trip_s < 2


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_registration_is_granted_refreshed_and_taken_back(carrier: Carrier, transport: Transport) -> None:
    office, endpoint = carrier.office, carrier.trusting.endpoint

    async def story() -> list[Registered]:
        before = len(office.trunk.all(Registered))
        registration = carrier.trusting.do(
            lambda now: endpoint.register(carrier.address(transport), USER, 2, now)
        )
        # Two seconds are asked for, so the refresh comes after 1.6.
        await office.trunk.wait_for(Registered, before + 2)
        carrier.trusting.do(registration.stop)
        await asyncio.sleep(0.3)
        assert registration.granted_s is None
        return office.trunk.all(Registered)[before:]

    registered = office.run(story)
    assert [event.expires_s for event in registered] == [2, 2]
    passed = [(way, m) for way, m in office.messages if m.cseq[1] == "REGISTER"]
    answers = [m for way, m in passed if isinstance(m, Response)]
    # The last one lists no binding any more.
    assert answers[-1].status == 200
    assert not answers[-1].headers.values("Contact")


def test_a_registration_with_the_wrong_password_fails_once_and_waits(carrier: Carrier) -> None:
    office = carrier.office

    async def story() -> RegistrationFailed:
        with contextlib.closing(_Stopping(carrier, "wrong")):
            failed = await office.trunk.wait_for(RegistrationFailed)
            before = len(office.messages)
            await asyncio.sleep(0.3)
            assert len(office.messages) == before
            return failed

    assert office.run(story).status == 401


class _Stopping:
    """A registration that is stopped at the end of the block."""

    def __init__(self, carrier: Carrier, password: str) -> None:
        self._sip = carrier.trusting
        address = carrier.address("udp", password)
        self._registration = self._sip.do(lambda now: self._sip.endpoint.register(address, USER, 60, now))

    def close(self) -> None:
        self._sip.do(self._registration.stop)
