"""Every request inside a call proves itself when asked, also where the nonce has run out (RFC 3261 §22)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from byourside_server.sip.call import CallState
from byourside_server.sip.events import HungUp, Reoffered
from byourside_server.sip.outgoing import OutgoingCall
from tests.sip.test_sip_calls import CARRIER, Deaf, sent_request
from tests.sip.wire import ANSWER, OFFICE

CONTACT = ["Contact: <sip:far@10.0.0.2>", "Allow: INVITE, UPDATE, INFO"]
FIRST = 'Proxy-Authenticate: Digest realm="p", nonce="n1", qop="auth", algorithm=SHA-256'
STALE = 'Proxy-Authenticate: Digest realm="p", nonce="n2", qop="auth", algorithm=SHA-256, stale=TRUE'
OTHER_REALM = 'WWW-Authenticate: Digest realm="s", nonce="m1"'

VERBS: dict[str, Callable[[OutgoingCall, float], object]] = {
    "BYE": lambda call, now: call.hang_up(now),
    "INVITE": lambda call, now: call.hold(now),
    "INFO": lambda call, now: call.press("5", now),
    "MESSAGE": lambda call, now: call.send_message(b"x", "text/plain", now),
    "REFER": lambda call, now: call.transfer("+14155550177", now),
    # The session timer's sign of life.
    "UPDATE": lambda call, now: call._refresh(now),
}


def in_call() -> tuple[Deaf, OutgoingCall]:
    """A call answered after one challenge."""
    pair = Deaf(CARRIER)
    call = pair.dial()
    pair.reply("INVITE", "407 x", headers=[FIRST])
    pair.reply("INVITE", "200 OK", headers=CONTACT, body=ANSWER)
    return pair, call


@pytest.mark.parametrize("method", VERBS)
def test_a_request_in_the_call_carries_credentials_and_renews_them(method: str) -> None:
    """§22.3: at once with the known nonce, its count going on; then with the new one, counted anew."""
    pair, call = in_call()
    VERBS[method](call, 0.0)
    pair.wire.settle()
    known = sent_request(pair, method).headers.get("Proxy-Authorization") or ""
    assert 'nonce="n1"' in known
    assert "nc=00000002" in known
    pair.reply(method, "407 x", headers=[STALE])
    renewed = sent_request(pair, method)
    assert 'nonce="n2"' in (renewed.headers.get("Proxy-Authorization") or "")
    assert "nc=00000001" in (renewed.headers.get("Proxy-Authorization") or "")
    pair.reply(method, "401 x", headers=[OTHER_REALM])
    both = sent_request(pair, method)
    assert 'realm="s"' in (both.headers.get("Authorization") or "")
    assert "nc=00000002" in (both.headers.get("Proxy-Authorization") or "")
    assert both.cseq[0] == renewed.cseq[0] + 1
    pair.reply(method, "407 x", headers=[STALE])
    assert sent_request(pair, method).cseq == both.cseq, "three times are enough"


def test_a_nonce_named_in_a_200_is_used_next() -> None:
    """RFC 7616 §3.5."""
    pair = Deaf(CARRIER)
    call = pair.dial()
    pair.reply("INVITE", "407 x", headers=[FIRST])
    info = 'Proxy-Authentication-Info: nextnonce="fresh", qop=auth'
    pair.reply("INVITE", "200 OK", headers=[*CONTACT, info], body=ANSWER)
    call.hang_up(0.0)
    pair.wire.settle()
    assert 'nonce="fresh"' in (sent_request(pair, "BYE").headers.get("Proxy-Authorization") or "")


def test_a_hold_that_may_not_be_is_told_and_the_call_goes_on() -> None:
    pair, call = in_call()
    call.hold(0.0)
    pair.wire.settle()
    for _ in range(3):
        pair.reply("INVITE", "407 x", headers=[STALE])
    assert [event.status for event in pair.heard_by_office(Reoffered)] == [407]
    assert call.state is CallState.ANSWERED
    assert pair.heard_by_office(HungUp) == []
    assert pair.wire.labels(OFFICE)[-1] == "ACK"
