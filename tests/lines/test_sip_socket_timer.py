"""The one timer of the SIP socket, on the event loop that the server runs on."""

from __future__ import annotations

import uvloop

from byourside_server.lines.sip_socket import SipSocket
from byourside_server.sip.endpoint import TrunkAddress


def test_deadlines_that_have_passed_are_no_trouble_on_uvloop() -> None:
    """uvloop answers `call_at` for a past moment with a handle that cannot say when it rings."""

    async def many_calls() -> dict[str, int]:
        sip = SipSocket(lambda event: None, user_agent="test")
        await sip.open("127.0.0.1")
        trunk = TrunkAddress(("127.0.0.1", sip.port), "example.com")

        def dial_long_ago(now: float) -> None:
            sip.endpoint.invite(trunk, to_user="1", from_user="2", sdp=b"", now=now - 600)

        try:
            for _ in range(3):
                sip.do(dial_long_ago)
            return sip.endpoint.held()
        finally:
            await sip.close()

    assert uvloop.run(many_calls())["client transactions"] == 3
