"""One call at a simulated phone: rings, answers, listens, speaks, hangs up.

Real SIP and real RTP; only the person is simulated. *That* the agent speaks is heard by voice activity on
its sound; *what* it says comes as captions (in-dialog MESSAGE), because embedded recognition can't follow
a synthetic voice. Captions without sound are answered with "I can't hear you".
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping

from byourside_server.lines.encryption import Encryption
from byourside_server.lines.media_port import MediaPort, MediaUnavailable
from byourside_server.lines.sip_socket import SipSocket
from byourside_server.media import messages as sound
from byourside_server.sandbox.acts import Act, HangUp, Hush, Play, Speak, Wait
from byourside_server.sandbox.clips import beep, fax_answer_tone, hold_music, load_clip, ringback
from byourside_server.sandbox.line_noise import LineNoise
from byourside_server.sandbox.people import Persona
from byourside_server.sandbox.persona import Phone
from byourside_server.sip import events as sip
from byourside_server.sip import sdp
from byourside_server.sip.call import CallState
from byourside_server.sip.sdp_crypto import CryptoError

# After a caption arrives, voice activity needs this long at most to have noticed the end of speech.
LISTEN_TAIL_S = 0.7
# A caller that never hangs up is hung up on: simulated people have other things to do.
PATIENCE_S = 900.0

SOUNDS: Mapping[str, Callable[[int], bytes]] = {
    "beep": lambda duration_ms: beep(1000, duration_ms),
    "ringback": ringback,
    "music": hold_music,
    "fax": fax_answer_tone,
}

Inbound = sip.SipEvent | sound.LineEvent


class SimulatedCall:
    """An incoming call at one simulated phone, from INVITE to the end."""

    def __init__(
        self,
        invite: sip.InviteReceived,
        phone: Phone,
        line_id: str,
        *,
        socket: SipSocket,
        media: MediaPort,
        note_key: Callable[[str], None],
    ) -> None:
        """`note_key` is told every telephone key that is heard."""
        self._invite = invite
        self._phone = phone
        self._line_id = line_id
        self._socket = socket
        self._media = media
        self._note_key = note_key
        self._noise = None if phone.noise_dbfs is None else LineNoise(phone.noise_dbfs)
        self._bed_id = -1  # the noise that plays while nothing else does
        self._answer_sdp: bytes | None = None
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
            if self._phone.ring_s and not await self._ring(self._phone.ring_s):
                return
            if self._phone.persona is None:
                self._refuse()
            elif await self._answer():
                await self._live(self._phone.persona())
        finally:
            self._media.close(self._line_id)

    async def _begin_to_ring(self) -> bool:
        """180, or 183 with the network's own ringing tone; False where there is no sound to be had."""
        if not self._phone.early_media:
            self._socket.do(lambda now: self._invite.call.ring(now))
            return True
        if not await self._connect():
            return False
        answer = self._answer_sdp or b""
        self._socket.do(lambda now: self._invite.call.ring(now, 183, answer))
        self._media.play(self._line_id, next(self._clip_ids), ringback(int(self._phone.ring_s * 1000)))
        return True

    async def _ring(self, ring_s: float) -> bool:
        """False when the caller gave up."""
        if not await self._begin_to_ring():
            return False
        until = self._loop.time() + ring_s
        while (event := await self._next(until)) is not None:
            if isinstance(event, sip.Cancelled | sip.HungUp):
                return False
        return True

    def _refuse(self) -> None:
        status, reason, cause = self._phone.refusal
        headers = [("Reason", f"Q.850;cause={cause}")] if cause else []
        self._socket.do(lambda now: self._invite.call.refuse(status, reason, now, headers=headers))

    async def _connect(self) -> bool:
        """Open a row of sound and point it at the caller; False, and a refusal, where that can't be done."""
        host = self._socket.host
        try:
            offer = sdp.parse(self._invite.sdp)
            port = await self._media.open(self._line_id, self._inbox.put_nowait)
            far = sdp.chosen(offer)
            keys = self._encryption.for_offer(far.crypto)
            answer = sdp.answer(offer, host, port, srtp=self._encryption.policy, crypto=keys)
            self._answer_sdp = answer.encode()
            srtp = self._encryption.accept(far)
        except (sdp.SdpError, CryptoError, MediaUnavailable):
            self._socket.do(lambda now: self._invite.call.refuse(488, "Not Acceptable Here", now))
            return False
        self._media.connect(
            self._line_id,
            far.host,
            far.port,
            far.codec,
            far.dtmf_payload_type,
            rtcp_port=far.rtcp_port,
            srtp=srtp,
        )
        return True

    async def _answer(self) -> bool:
        if self._answer_sdp is None and not await self._connect():
            return False
        if self._invite.call.state is CallState.ENDED:
            return False  # given up while the line was opened
        answer = self._answer_sdp or b""
        self._media.clear(self._line_id)
        self._media.start_recording(self._line_id, "")
        self._socket.do(lambda now: self._invite.call.answer(answer, now))
        return True

    async def _live(self, persona: Persona) -> None:
        self._rest()
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
            if self._perform_due(persona) or self._loop.time() >= until:
                self._socket.do(lambda now: self._invite.call.hang_up(now))
                return

    def _hear(self, persona: Persona, event: Inbound) -> None:
        match event:
            case sound.SpeechStarted():
                self._agent_speaks = self._heard_sound = True
                self._schedule(persona.agent_started())
            case sound.SpeechStopped():
                self._agent_speaks = False
            case sound.DigitHeard():
                self._note_key(event.digit)
                self._schedule(persona.pressed(event.digit))
            case sound.ClipEnded() if event.clip_id == self._bed_id and event.complete:
                self._rest()
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
        """Queue acts, each after the sound of those before it."""
        at = self._loop.time()
        for act in acts:
            if isinstance(act, Hush):
                self._acts.clear()
                self._media.clear(self._line_id)
                self._rest()
                continue
            at += act.after_s
            heapq.heappush(self._acts, (at, next(self._order), act))
            if isinstance(act, Speak):
                at += load_clip(act.clip_id).duration_s
            elif isinstance(act, Play):
                at += act.duration_ms / 1000

    def _perform_due(self, persona: Persona) -> bool:
        """Carry out what is due; True once the phone is to be put down."""
        while self._acts and self._acts[0][0] <= self._loop.time():
            act = heapq.heappop(self._acts)[2]
            if isinstance(act, HangUp):
                return True
            if isinstance(act, Wait):
                self._schedule(persona.waited())
            elif isinstance(act, Speak | Play):
                self._play(_sound_of(act))
        return False

    def _play(self, ulaw: bytes) -> None:
        if self._noise is None:
            self._media.play(self._line_id, next(self._clip_ids), ulaw)
            return
        self._media.clear(self._line_id)  # of the noise alone
        self._media.play(self._line_id, next(self._clip_ids), self._noise.under(ulaw))
        self._rest()

    def _rest(self) -> None:
        """What the line carries while nobody speaks."""
        if self._noise is not None:
            self._bed_id = next(self._clip_ids)
            self._media.play(self._line_id, self._bed_id, self._noise.alone)

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


def _sound_of(act: Speak | Play) -> bytes:
    if isinstance(act, Play):
        return SOUNDS[act.sound](act.duration_ms)
    return load_clip(act.clip_id).ulaw
