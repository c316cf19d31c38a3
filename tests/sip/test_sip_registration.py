"""REGISTER as RFC 3261 §10 wants it: asked, challenged, refreshed, tried again, taken back."""

from __future__ import annotations

import pytest

from byourside_server.sip.digest import parse_challenges
from byourside_server.sip.message import Request, Response, respond
from byourside_server.sip.outgoing import TrunkAddress
from byourside_server.sip.parse import parse
from byourside_server.sip.registration import FIRST_RETRY_S, LONGEST_RETRY_S, Registration
from byourside_server.sip.trunk_events import Registered, RegistrationFailed, TrunkEvent
from tests.sip.stream_wire import StreamWire
from tests.sip.wire import OFFICE, PHONE

TRUNK = TrunkAddress(PHONE, "trunk.test", "alice", "s3cret")
ASKS = ("WWW-Authenticate", 'Digest realm="trunk.test", nonce="n1", qop="auth"')


class Registrar:
    """Answers each REGISTER with the next of its answers, the last one for ever; keeps what it was sent."""

    def __init__(
        self, *answers: tuple[int, tuple[tuple[str, str], ...]], trunk: TrunkAddress = TRUNK
    ) -> None:
        self.wire = StreamWire()
        self.office = self.wire.attach(OFFICE, "aa")
        self.answers = list(answers)
        self.trunk = trunk
        self.asked: list[tuple[float, Request]] = []

    def register(self, expires_s: int = 600) -> Registration:
        registration = self.office.register(self.trunk, "alice", expires_s, self.wire.now)
        self.settle()
        return registration

    def settle(self) -> None:
        while datagrams := self.office.datagrams_to_send(self.wire.now):
            for data, destination in datagrams:
                assert destination == PHONE
                if data.strip():
                    self._answer(data)

    def run(self, seconds: float) -> None:
        until = self.wire.now + seconds
        while (due := self.office.next_deadline()) is not None and due <= until:
            self.wire.now = max(due, self.wire.now)
            self.office.handle_deadline(self.wire.now)
            self.settle()
        self.wire.now = until

    def news(self) -> list[TrunkEvent]:
        heard: list[TrunkEvent] = []
        while (event := self.office.next_trunk_event()) is not None:
            heard.append(event)
        return heard

    @property
    def moments(self) -> list[float]:
        return [round(at, 3) for at, _ in self.asked]

    def _answer(self, data: bytes) -> None:
        request = parse(data)
        assert isinstance(request, Request)
        self.asked.append((self.wire.now, request))
        if not self.answers:
            return
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        response: Response = respond(request, status, source=OFFICE, to_tag="r", headers=headers)
        self.office.receive_datagram(response.encode(), PHONE, self.wire.now)


def test_a_registration_is_challenged_granted_and_refreshed_before_it_runs_out() -> None:
    registrar = Registrar((401, (ASKS,)), (200, (("Expires", "100"),)))
    registration = registrar.register()
    assert registrar.news() == [Registered(registration, 100)]
    (_, first), (_, second) = registrar.asked
    assert first.uri == "sip:trunk.test"
    assert first.to.uri == first.from_.uri == "sip:alice@trunk.test"
    assert first.headers.get("Contact") == f"<sip:alice@{OFFICE[0]}:5060>"
    assert first.headers.get("Expires") == "600"
    # §10.2: one Call-ID, ascending numbers.
    assert first.call_id == second.call_id
    assert [first.cseq[0], second.cseq[0]] == [1, 2]
    assert "Authorization" not in first.headers
    (challenge,) = parse_challenges(second.headers.get("Authorization") or "")
    assert challenge.realm == "trunk.test"
    registrar.run(170)
    # With credentials at once, at 80 of 100 seconds.
    assert registrar.moments == [0, 0, 80, 160]
    assert "Authorization" in registrar.asked[2][1].headers
    assert registrar.news() == [Registered(registration, 100)] * 2


@pytest.mark.parametrize(
    ("headers", "granted"),
    [
        ((("Contact", f"<sip:bob@10.0.0.7>;expires=9, <sip:alice@{OFFICE[0]}:5060>;expires=70"),), 70),
        ((("Contact", f"<sip:alice@{OFFICE[0]}>;expires=71"), ("Expires", "5")), 71),
        ((("Contact", "<sip:alice@10.0.0.7>;expires=9"), ("Expires", "72")), 72),
        ((("Contact", "<<>"), ("Expires", "73")), 73),
        ((), 600),
    ],
)
def test_what_was_granted_is_read_from_our_own_binding(
    headers: tuple[tuple[str, str], ...], granted: int
) -> None:
    """§10.2.4; others may be registered beside us."""
    registrar = Registrar((200, headers))
    registration = registrar.register()
    assert registrar.news() == [Registered(registration, granted)]
    assert registration.granted_s == granted


def test_too_brief_is_asked_again_at_what_the_registrar_wants() -> None:
    """§10.2.8."""
    registrar = Registrar((423, (("Min-Expires", "1800"),)), (200, (("Expires", "1800"),)))
    registration = registrar.register(60)
    assert [request.headers.get("Expires") for _, request in registrar.asked] == ["60", "1800"]
    assert registrar.news() == [Registered(registration, 1800)]


def test_a_wrong_password_is_said_once_and_tried_seldom() -> None:
    """Registrars lock accounts that knock too often."""
    registrar = Registrar((401, (ASKS,)))
    registration = registrar.register()
    assert registrar.news() == [RegistrationFailed(registration, 401, "Unauthorized")]
    registrar.run(LONGEST_RETRY_S - 1)
    assert len(registrar.asked) == 2
    registrar.run(2)
    assert len(registrar.asked) == 3


def test_a_registrar_in_trouble_is_tried_again_ever_more_seldom() -> None:
    registrar = Registrar((500, ()))
    registration = registrar.register()
    registrar.run(700)
    assert registrar.moments == [0, 5, 15, 35, 75, 155, 315, 615]
    assert set(registrar.news()) == {RegistrationFailed(registration, 500, "Server Internal Error")}
    registrar.answers = [(200, (("Expires", "100"),))]
    registrar.run(250)
    registrar.answers = [(503, (("Retry-After", "44"),))]
    registrar.news()
    registrar.run(80)
    assert registrar.news() == [RegistrationFailed(registration, 503, "Service Unavailable")]
    # Back at the beginning, but not before the registrar wants it.
    at = registrar.moments[-1]
    registrar.run(45)
    assert registrar.moments[-1] == at + 44 > at + FIRST_RETRY_S * 2


def test_silence_and_a_closed_port_are_told_apart() -> None:
    registrar = Registrar()
    registration = registrar.register()
    registrar.run(33)
    assert registrar.news() == [RegistrationFailed(registration, 408, "Request Timeout")]
    registrar.run(5)
    registrar.office.receive_transport_error(PHONE, registrar.wire.now, "Connection refused")
    assert registrar.news() == [RegistrationFailed(registration, 503, "Connection refused")]


def test_stopping_takes_the_binding_back_and_says_nothing_more() -> None:
    registrar = Registrar((401, (ASKS,)), (200, (("Expires", "100"),)))
    registration = registrar.register()
    registrar.news()
    registration.stop(registrar.wire.now)
    registration.stop(registrar.wire.now)
    registrar.settle()
    assert [request.headers.get("Expires") for _, request in registrar.asked] == ["600", "600", "0"]
    registrar.run(1000)
    assert len(registrar.asked) == 3
    assert registrar.news() == []
    assert set(registrar.office.held().values()) == {0}


def test_stopping_what_was_never_registered_sends_nothing() -> None:
    registrar = Registrar((403, ()))
    registrar.register().stop(registrar.wire.now)
    registrar.settle()
    assert len(registrar.asked) == 1


def test_a_granted_registration_keeps_its_way_open() -> None:
    """RFC 5626 §4.4.2: every 25 s over UDP, until it is stopped."""
    registrar = Registrar((200, (("Expires", "600"),)))
    registration = registrar.register()
    pings = []
    for _ in range(4):
        registrar.wire.now += 25
        registrar.office.handle_deadline(registrar.wire.now)
        pings += registrar.office.datagrams_to_send(registrar.wire.now)
    assert pings == [(b"\r\n\r\n", PHONE)] * 4
    registration.stop(registrar.wire.now)
    registrar.settle()
    registrar.run(300)
    assert set(registrar.office.held().values()) == {0}


def test_a_registrar_that_grants_nothing_is_not_stormed() -> None:
    registrar = Registrar((200, (("Expires", "0"),)))
    registrar.register()
    registrar.run(10)
    assert len(registrar.asked) == 11


def test_over_tcp_the_contact_says_so() -> None:
    wire = StreamWire()
    office, _ = wire.attach(OFFICE, "aa"), wire.attach(PHONE, "bb")
    office.register(TrunkAddress(PHONE, "trunk.test", transport="tcp"), "alice", 600, 0.0)
    wire.settle()
    register = wire.streamed[0].message
    assert register.headers.get("Contact") == f"<sip:alice@{OFFICE[0]}:5060;transport=tcp>"
    # The phone is no registrar.
    assert [type(event) for event in wire.trunk_events[OFFICE]] == [RegistrationFailed]
