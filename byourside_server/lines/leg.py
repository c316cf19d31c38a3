"""The wire of one call: its INVITE, its row of sound, its recording, and how they are put down again.

Knows SIP and media, and no word of what is said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from byourside_server.calls.call import Call
from byourside_server.lines.equipment import Equipment, recording_path
from byourside_server.lines.inbound import Inbound
from byourside_server.lines.media_port import MediaUnavailable
from byourside_server.sip import sdp
from byourside_server.sip.outgoing import OutgoingCall

log = logging.getLogger(__name__)


class Leg:
    """One outgoing call as signalling and sound; what happens on it goes to `receive`."""

    def __init__(self, call: Call, equipment: Equipment, receive: Callable[[Inbound], None]) -> None:
        self._call = call
        self._equipment = equipment
        self._media = equipment.media
        self._receive = receive
        self._sip_call: OutgoingCall | None = None

    async def dial(self) -> bool:
        """Take a row of sound and send the INVITE; False where there is no sound to be had."""
        try:
            port = await self._media.open(self._call.id, self._receive)
        except MediaUnavailable as error:
            log.error("no media for the call", extra={"call_id": self._call.id, "why": str(error)})
            return False
        equipment = self._equipment
        offer = sdp.offer(equipment.media_host, port).encode()
        # Lets an operator find a call in the trunk's traces, and the sandbox count who was dialled.
        headers = [("X-Call-Id", self._call.id)]

        def invite(now: float) -> OutgoingCall:
            placed = equipment.sip.endpoint.invite(
                equipment.trunk.address,
                to_user=self._call.request.to,
                from_user=equipment.trunk.caller or self._call.caller_id,
                sdp=offer,
                now=now,
                headers=headers,
            )
            if equipment.traces is not None:
                equipment.traces.watch(self._call.id, placed.sip_call_id, now)
            return placed

        self._sip_call = equipment.sip.do(invite)
        self._sip_call.handle = self._receive
        return True

    def connect(self, body: bytes) -> bool:
        """Point the sound at the address in their SDP; False where there is nothing to agree on."""
        try:
            far = sdp.chosen(sdp.parse(body))
        except sdp.SdpError as error:
            log.warning("far SDP refused", extra={"call_id": self._call.id, "why": str(error)})
            return False
        self._media.connect(self._call.id, far.host, far.port, far.codec, far.dtmf_payload_type)
        return True

    def reconnect(self, body: bytes) -> None:
        """Follow the far side to a new address or codec; on hold to nowhere, stay and wait.

        A hold names no address one could send to: port 0, or 0.0.0.0 (RFC 3264 §8.4).
        """
        try:
            far = sdp.chosen(sdp.parse(body))
        except sdp.SdpError:
            return
        if not far.is_nowhere:
            self._media.connect(self._call.id, far.host, far.port, far.codec, far.dtmf_payload_type)

    def start_recording(self) -> None:
        """Millisecond 0 of the call is now."""
        path = recording_path(self._equipment.recordings_dir, self._call.id)
        self._media.start_recording(self._call.id, str(path.resolve()))

    def allow_barge_in(self, after_ms: int | None) -> None:
        """The contact's speech of that length over what is played next cuts it (None: nothing does)."""
        self._media.barge_in(self._call.id, after_ms is not None, after_ms or 0)

    def play(self, clip_id: int, ulaw: bytes, *, last: bool) -> None:
        """Say this next; pieces of one clip share its number, all but the final one not `last`."""
        self._media.play(self._call.id, clip_id, ulaw, last=last)

    def stop_playing(self) -> None:
        self._media.clear(self._call.id)

    def listen_along(self, enabled: bool) -> None:
        """Be told the contact's speech while it goes on, or no longer."""
        self._media.listen_along(self._call.id, enabled)

    def press(self, digits: str) -> None:
        """Telephone keys (RFC 4733)."""
        self._media.send_dtmf(self._call.id, digits)

    def caption(self, text: str) -> None:
        """Tell a simulated phone of the sandbox what was said; real trunks are sent nothing."""
        if self._equipment.trunk.captions:
            body, call = text.encode(), self._dialled
            self._equipment.sip.do(lambda now: call.send_message(body, "text/plain;charset=utf-8", now))

    def transfer(self, number: str) -> None:
        """Ask the far side to call `number` instead (REFER); `Referred` follows."""
        call = self._dialled
        self._equipment.sip.do(lambda now: call.transfer(number, now))

    def hang_up(self, reason: str | None = None) -> None:
        """BYE where it was answered, CANCEL where it still rings."""
        call = self._dialled
        self._equipment.sip.do(lambda now: call.hang_up(now, reason))

    def close_media(self) -> None:
        """Finish the WAV and free the row; `Closed` follows."""
        self._media.close(self._call.id)
        if self._equipment.traces is not None:
            self._equipment.traces.close(self._call.id)

    def abandon(self) -> None:
        """Put everything down, whatever has come of it, and wait for nothing."""
        if self._sip_call is not None:
            self.hang_up()
        self.close_media()

    @property
    def _dialled(self) -> OutgoingCall:
        assert self._sip_call is not None, "nothing was dialled yet"
        return self._sip_call
