"""The wire of one call: its INVITEs, its row of sound, its recording, and how they are put down again.

Knows SIP and media, and no word of what is said.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from byourside_server.calls.call import Call
from byourside_server.lines.encryption import Encryption
from byourside_server.lines.equipment import Equipment, recording_path
from byourside_server.lines.inbound import Inbound, WayFound
from byourside_server.lines.media_port import MediaUnavailable
from byourside_server.lines.route import NoWay, Route, Way
from byourside_server.lines.trunk_identity import spelt
from byourside_server.media.messages import Srtp
from byourside_server.sip import sdp
from byourside_server.sip.outgoing import OutgoingCall
from byourside_server.sip.sdp_crypto import CryptoError

log = logging.getLogger(__name__)


class Leg:
    """One outgoing call as signalling and sound; what happens on it goes to `receive`."""

    def __init__(self, call: Call, equipment: Equipment, receive: Callable[[Inbound], None]) -> None:
        self._call = call
        self._equipment = equipment
        self._media = equipment.media
        self._receive = receive
        self._route = Route(equipment.trunks, call.request.to, call.caller_id)
        self._way: Way | None = None
        self._sip_call: OutgoingCall | None = None
        self._port = 0
        self._seeking: asyncio.Task[None] | None = None
        # Whether they take RFC 4733 events, as agreed last.
        self._takes_events = False
        self._encryption = Encryption("off")
        self.why_unusable = ""
        """Why the last `connect` was False: a key of `dialing.unusable`."""

    async def open(self) -> bool:
        """Take a row of sound; False where there is none to be had."""
        try:
            self._port = await self._media.open(self._call.id, self._receive)
        except MediaUnavailable as error:
            log.error("no media for the call", extra={"call_id": self._call.id, "why": str(error)})
            return False
        return True

    @property
    def route(self) -> Route:
        """Where the call may go, and has been tried."""
        return self._route

    def seek(self) -> None:
        """Look for the next way out; `WayFound` follows."""
        self._seeking = asyncio.create_task(self._seek())

    async def _seek(self) -> None:
        try:
            way = await self._route.next()
        except Exception as error:  # an edge: whatever broke, the line must hear that nothing comes
            log.exception("no way for the call", extra={"call_id": self._call.id})
            way = NoWay(type(error).__name__)
        self._receive(WayFound(way))

    def dial(self, way: Way) -> None:
        """Send the INVITE. An earlier one was finally refused: it has no more to say."""
        media_host = way.trunk.advertised_host or self._equipment.media_host
        codecs = [codec for name in way.trunk.codecs for codec in sdp.OUR_CODECS if codec.name == name]
        codecs.append(sdp.TELEPHONE_EVENT)
        # Keys of its own for each trunk: one that refused has seen those it was offered.
        keys = self._encryption = Encryption(way.trunk.srtp)
        offer = sdp.offer(media_host, self._port, codecs, srtp=keys.policy, crypto=keys.offered).encode()
        # Lets an operator find a call in the trunk's traces, and the sandbox count who was dialled.
        headers = [("X-Call-Id", self._call.id), *way.identity.headers]
        self._way = way

        def invite(now: float) -> OutgoingCall:
            placed = way.sip.endpoint.invite(
                way.address,
                to_user=way.identity.to_user,
                from_user=way.identity.from_user,
                from_address=way.identity.from_address,
                sdp=offer,
                now=now,
                headers=headers,
            )
            if self._equipment.traces is not None:
                self._equipment.traces.watch(self._call.id, placed.sip_call_id, now)
            return placed

        self._sip_call = way.sip.do(invite)
        self._sip_call.handle = self._receive

    def connect(self, body: bytes) -> bool:
        """Point the sound at the address in their SDP; False where there is nothing to agree on."""
        try:
            far = sdp.chosen(sdp.parse(body))
            keys = self._encryption.agree(far)
        except (sdp.SdpError, CryptoError) as error:
            log.warning("far SDP refused", extra={"call_id": self._call.id, "why": str(error)})
            self.why_unusable = error.token if isinstance(error, CryptoError) else "no_common_codec"
            return False
        if not far.is_nowhere:
            self._aim(far, keys)
        return True

    @property
    def is_held(self) -> bool:
        """They want no sound from us now."""
        return not self._dialled.flow.we_send

    def reconnect(self, body: bytes) -> None:
        """Follow the far side to a new address or codec; on hold to nowhere, stay and wait.

        A hold names no address one could send to: port 0, or 0.0.0.0 (RFC 3264 §8.4).
        """
        try:
            far = sdp.chosen(sdp.parse(body))
            keys = self._encryption.accept(far)
        except (sdp.SdpError, CryptoError):
            return
        if not far.is_nowhere:
            self._aim(far, keys)

    def _aim(self, far: sdp.Chosen, keys: Srtp) -> None:
        self._takes_events = far.dtmf_payload_type is not None
        self._media.connect(
            self._call.id,
            far.host,
            far.port,
            far.codec,
            far.dtmf_payload_type,
            rtcp_port=far.rtcp_port,
            srtp=keys,
            sends=self._dialled.flow.we_send,
        )

    def start_recording(self) -> None:
        """Millisecond 0 of the call is now."""
        path = recording_path(self._equipment.recordings_dir, self._call.id)
        self._media.start_recording(self._call.id, str(path.resolve()))

    def allow_barge_in(self, after_ms: int | None, hold_after_ms: int = 0) -> None:
        """The contact's speech of that length over what is played next cuts it (None: nothing does), and less
        of it makes it stand still for a moment."""
        self._media.barge_in(self._call.id, after_ms is not None, after_ms or 0, hold_after_ms)

    def play(self, clip_id: int, ulaw: bytes, *, last: bool) -> None:
        """Say this next; pieces of one clip share its number, all but the final one not `last`."""
        self._media.play(self._call.id, clip_id, ulaw, last=last)

    def stop_playing(self) -> None:
        self._media.clear(self._call.id)

    def listen_along(self, enabled: bool) -> None:
        """Be told the contact's speech while it goes on, or no longer."""
        self._media.listen_along(self._call.id, enabled)

    def press(self, digits: str) -> None:
        """Telephone keys: as RFC 4733 events, else by INFO where they take it, else as tones in the sound."""
        call = self._dialled
        if not self._takes_events and call.allows("INFO"):
            self._taken.sip.do(lambda now: call.press(digits, now))
        else:
            self._media.send_dtmf(self._call.id, digits)

    def caption(self, text: str) -> None:
        """Tell a simulated phone of the sandbox what was said; real trunks are sent nothing."""
        way, call = self._taken, self._dialled
        if way.trunk.captions:
            body = text.encode()
            way.sip.do(lambda now: call.send_message(body, "text/plain;charset=utf-8", now))

    def transfer(self, number: str) -> None:
        """Ask the far side to call `number` instead (REFER); `Referred` follows."""
        way, call = self._taken, self._dialled
        way.sip.do(lambda now: call.transfer(spelt(way.trunk, number), now))

    def hang_up(self, reason: str | None = None) -> None:
        """BYE where it was answered, CANCEL where it still rings."""
        way, call = self._taken, self._dialled
        way.sip.do(lambda now: call.hang_up(now, reason))

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
    def is_heard(self) -> bool:
        """Whether the trunk has said anything to the INVITE yet."""
        return self._dialled.is_heard

    def leave(self) -> None:
        """The line is over: seek no more, and give the trunk its place back."""
        if self._seeking is not None:
            self._seeking.cancel()
        self._route.release()

    @property
    def _dialled(self) -> OutgoingCall:
        assert self._sip_call is not None, "nothing was dialled yet"
        return self._sip_call

    @property
    def _taken(self) -> Way:
        assert self._way is not None, "nothing was dialled yet"
        return self._way
