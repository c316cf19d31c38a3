"""sipp as a far side that keeps to a script and judges us: it exits 0 if every message was as expected.

Scenarios are put together from a few steps. A message that the script does not expect, or one that does not
come, fails sipp's call, and with it the test.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.peers.process import Peer, free_media_ports, free_port, program, running, udp_ports

HOST = "127.0.0.1"
# In the To of every response: sipp numbers its calls.
_TAG = "tag=[pid]T[call_number]"
_CONTACT = "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>\n"
_SDP = """\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
"""
_EMPTY = "Content-Length: 0\n"
# The INVITE's own fields, for what is said about it after other requests have come.
_REMEMBER = """\
<action>
  <ereg regexp="(Via:[^[:cntrl:]]+[[:cntrl:]]+)+" search_in="msg" check_it="true" assign_to="vias,via"/>
  <ereg regexp="[^ ].*" search_in="hdr" header="From:" check_it="true" assign_to="caller"/>
  <ereg regexp="[^ ].*" search_in="hdr" header="To:" check_it="true" assign_to="callee"/>
  <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" check_it="true" assign_to="number"/>
  <ereg regexp="sip:[^&gt;]+" search_in="hdr" header="Contact:" check_it="true" assign_to="target"/>
</action>
"""


def invited() -> str:
    # sipp takes a variable that is assigned and not used for a slip; this line uses them.
    used = '<Reference variables="vias,via,caller,callee,number,target"/>'
    return f'<recv request="INVITE" rrs="true">{_REMEMBER}</recv>\n{used}\n'


def expect(request: str) -> str:
    return f'<recv request="{request}"/>\n'


def expect_response(status: int) -> str:
    return f'<recv response="{status}"/>\n'


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>\n'


def reply(status: int, reason: str, *, sdp: bool = False, headers: str = "", again: bool = False) -> str:
    """A response to the request that came last; with `again` it is repeated until acknowledged."""
    fields = (
        f"[last_Via:]\n[last_From:]\n[last_To:];{_TAG}\n[last_Call-ID:]\n[last_CSeq:]\n[last_Record-Route:]\n"
    )
    return _send(f"SIP/2.0 {status} {reason}", fields + _CONTACT + headers, sdp=sdp, again=again)


def reply_inside(status: int, reason: str) -> str:
    """A response inside the dialog, whose To has its tag."""
    fields = "[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
    return _send(f"SIP/2.0 {status} {reason}", fields, sdp=False, again=False)


def reply_to_invite(status: int, reason: str, *, sdp: bool = False) -> str:
    """A final response to the INVITE after other requests, repeated until acknowledged."""
    fields = f"[$vias]From: [$caller]\nTo: [$callee];{_TAG}\n[last_Call-ID:]\nCSeq: [$number] INVITE\n"
    return _send(f"SIP/2.0 {status} {reason}", fields + _CONTACT, sdp=sdp, again=True)


def request(method: str) -> str:
    """A request of sipp's own inside the dialog."""
    fields = (
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
        f"From: [$callee];{_TAG}\nTo: [$caller]\n"
        f"Call-ID: [call_id]\nCSeq: 1 {method}\n[routes]\nMax-Forwards: 70\n"
    )
    return _send(f"{method} [$target] SIP/2.0", fields, sdp=False, again=True)


def _send(start_line: str, fields: str, *, sdp: bool, again: bool) -> str:
    text = f"{start_line}\n{fields}{_SDP if sdp else _EMPTY}"
    attributes = ' retrans="500"' if again else ""
    return f"<send{attributes}><![CDATA[\n\n{text}\n]]></send>\n"


ANSWER = reply(200, "OK", sdp=True, again=True)
GOODBYE = expect("BYE") + reply_inside(200, "OK")


def scenario(*steps: str) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
    # What is repeated to us after the end (a lost ACK) is still answered for a moment.
    return f'{head}<scenario name="peer">\n{"".join(steps)}<timewait milliseconds="100"/>\n</scenario>\n'


class Sipp:
    """One sipp that takes one call."""

    def __init__(self, peer: Peer, folder: Path, port: int) -> None:
        self._peer = peer
        self._folder = folder
        self.port = port

    def verdict(self, patience_s: float = 15.0) -> str:
        """`as expected`, or what sipp found wrong."""
        code = self._peer.exit_code(patience_s)
        if code == 0:
            return "as expected"
        errors = "".join(path.read_text(errors="replace") for path in self._folder.glob("*_errors.log"))
        return f"sipp's exit code is {code}: {errors[-2000:] or self._peer.log}"


@contextlib.contextmanager
def sipp(folder: Path, steps: str, *, transport: str = "u1") -> Iterator[Sipp]:
    """A sipp on a port of its own that plays the steps once, echoing RTP."""
    command = program("sipp", "sip-tester")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.xml").write_text(scenario(steps))
    media_port = free_media_ports()
    while (port := free_port()) in range(media_port, media_port + 4):
        pass
    options = ["-sf", "scenario.xml", "-i", HOST, "-p", str(port), "-t", transport, "-m", "1", "-nostdin"]
    options += ["-rtp_echo", "-mi", HOST, "-mp", str(media_port), "-trace_err"]
    # Gives up by itself should the test die.
    options += ["-timeout", "40", "-timeout_error"]
    with running([command, *options], folder) as peer:
        # Sound's and video's too: whoever asks for free ports next must not be given those.
        peer.wait_until(lambda: {port, media_port, media_port + 2} <= udp_ports())
        yield Sipp(peer, folder, port)
