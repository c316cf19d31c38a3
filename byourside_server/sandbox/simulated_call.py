"""One call at a simulated phone: rings, answers, listens, speaks, hangs up.

Real SIP and real RTP; only the person is simulated. *That* the agent speaks is heard by voice activity on
its sound; *what* it says comes as captions (in-dialog MESSAGE), because embedded recognition can't follow
a synthetic voice. Captions without sound are answered with "I can't hear you".
"""

from __future__ import annotations

import asyncio
import heapq
import itertools

from byourside_server.lines.encryption import Encryption
from byourside_server.lines.media_port import MediaPort, MediaUnavailable
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.media import messages as sound
from byourside_server.sandbox.clips import beep, load_clip
from byourside_server.sandbox.persona import Act, Beep, HangUp, Persona, Phone, Speak
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from byourside_server.sip.call import CallState
from byourside_server.sip.sdp_crypto import CryptoError

# After a caption arrives, voice activity needs this long at most to have noticed the end of speech.
LISTEN_TAIL_S = 0.7
# A caller that never hangs up is hung up on: simulated people have other things to do.
PATIENCE_S = 900.0
TONE_GAP_S = 0.4

Inbound = sip.SipEvent | sound.LineEvent


class SimulatedCall:
    """An incoming call at one simulated phone, from INVITE to the end."""

    def __init__(
        self, invite: sip.InviteReceived, phone: Phone, line_id: str, *, socket: SipSocket, media: MediaPort
    ) -> None:
        self._invite = invite
        self._phone = phone
        self._line_id = line_id
        self._socket = socket
        self._media = media
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[Inbound] = asyncio.Queue()
        self._acts: list[tuple[float, int, Act]] = []
        self._order = itertools.count()
        self._clip_ids = itertools.count(1)
        # Simulated phones encrypt where it is offered.
        self._encryption = Encryption("optional")
        self._caption: str | None = None
        self._caption_deadline = 0.0
        self._agent_speaks = False
        self._heard_sound = False
        invite.call.handle = self._inbox.put_nowait
        invite.call.takes_referrals = True

    async def run(self) -> None:
        """The whole call; returns when it is over."""
        try:
            if self._phone.ring_s:
                self._socket.do(lambda now: self._invite.call.ring(now))
                if not await self._ring(self._phone.ring_s):
                    return
            if self._phone.persona is None:
                self._refuse()
            elif await self._answer():
                await self._live(self._phone.persona())
        finally:
            self._media.close(self._line_id)

    async def _ring(self, ring_s: float) -> bool:
        """False when the caller gave up."""
        until = self._loop.time() + ring_s
        while (event := await self._next(until)) is not None:
            if isinstance(event, sip.Cancelled | sip.HungUp):
                return False
        return True

    def _refuse(self) -> None:
        status, reason, cause = self._phone.refusal
        headers = [("Reason", f"Q.850;cause={cause}")] if cause else []
        self._socket.do(lambda now: self._invite.call.refuse(status, reason, now, headers=headers))

    async def _answer(self) -> bool:
        host = self._socket.host
        try:
            offer = sdp.parse(self._invite.sdp)
            port = await self._media.open(self._line_id, self._inbox.put_nowait)
            far = sdp.chosen(offer)
            keys = self._encryption.for_offer(far.crypto)
            answer = sdp.answer(offer, host, port, srtp=self._encryption.policy, crypto=keys)
            srtp = self._encryption.accept(far)
        except (sdp.SdpError, CryptoError, MediaUnavailable):
            self._socket.do(lambda now: self._invite.call.refuse(488, "Not Acceptable Here", now))
            return False
        if self._invite.call.state is CallState.ENDED:
            return False  # given up while the line was opened
        self._media.connect(
            self._line_id,
            far.host,
            far.port,
            far.codec,
            far.dtmf_payload_type,
            rtcp_port=far.rtcp_port,
            srtp=srtp,
        )
        self._media.start_recording(self._line_id, "")
        self._socket.do(lambda now: self._invite.call.answer(answer.encode(), now))
        return True

    async def _live(self, persona: Persona) -> None:
        self._schedule(persona.answered())
        until = self._loop.time() + PATIENCE_S
        while True:
            event = await self._next(min(self._next_act_at(), self._caption_at(), until))
            if isinstance(event, sip.HungUp | sip.Cancelled | sound.Lost):
                return
            if isinstance(event, sip.ReferReceived):
                # Whoever is simulated here has gone over to the other number.
                self._socket.do(lambda now: self._invite.call.notify_refer(200, now))
                self._socket.do(lambda now: self._invite.call.hang_up(now))
                return
            if event is not None:
                self._hear(persona, event)
            self._answer_caption(persona)
            if self._perform_due() or self._loop.time() >= until:
                self._socket.do(lambda now: self._invite.call.hang_up(now))
                return

    def _hear(self, persona: Persona, event: Inbound) -> None:
        match event:
            case sound.SpeechStarted():
                self._agent_speaks = self._heard_sound = True
                self._schedule(persona.agent_started())
            case sound.SpeechStopped():
                self._agent_speaks = False
            case sip.MessageReceived():
                self._caption = event.body.decode("utf-8", "replace")
                self._caption_deadline = self._loop.time() + LISTEN_TAIL_S
            case _:
                pass

    def _answer_caption(self, persona: Persona) -> None:
        """React to what the agent said once it is also quiet on the line."""
        if self._caption is None:
            return
        if self._agent_speaks and self._loop.time() < self._caption_deadline:
            return
        if not self._heard_sound and self._loop.time() < self._caption_deadline:
            return
        caption, self._caption = self._caption, None
        # Sound that goes on belongs to the next caption too: two utterances can run into one another.
        heard, self._heard_sound = self._heard_sound, self._agent_speaks
        self._schedule(persona.agent_said(caption) if heard else persona.nothing_heard())

    def _schedule(self, acts: list[Act]) -> None:
        """Queue acts; a Beep waits for the clips before it, a HangUp's time counts from now."""
        at = self._loop.time()
        for act in acts:
            if isinstance(act, Speak):
                at += act.after_s
                heapq.heappush(self._acts, (at, next(self._order), act))
                at += load_clip(act.clip_id).duration_s
            elif isinstance(act, Beep):
                at += TONE_GAP_S
                heapq.heappush(self._acts, (at, next(self._order), act))
                at += act.duration_ms / 1000
            else:
                heapq.heappush(self._acts, (at + act.after_s, next(self._order), act))

    def _perform_due(self) -> bool:
        """Carry out what is due; True once the phone is to be put down."""
        while self._acts and self._acts[0][0] <= self._loop.time():
            act = heapq.heappop(self._acts)[2]
            if isinstance(act, HangUp):
                return True
            clip_id = next(self._clip_ids)
            self._media.play(self._line_id, clip_id, _sound_of(act))
        return False

    def _next_act_at(self) -> float:
        return self._acts[0][0] if self._acts else float("inf")

    def _caption_at(self) -> float:
        return self._caption_deadline if self._caption is not None else float("inf")

    async def _next(self, deadline: float) -> Inbound | None:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._inbox.get()
        except TimeoutError:
            return None


def _sound_of(act: Speak | Beep) -> bytes:
    if isinstance(act, Beep):
        return beep(act.frequency_hz, act.duration_ms)
    return load_clip(act.clip_id).ulaw
