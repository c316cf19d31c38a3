"""The two descriptions a call stands on: how they answer each other, and how the next one differs.

Knows SDP, no SIP. Bytes are kept as they came; they are read when a question is asked.
"""

from __future__ import annotations

from dataclasses import replace

from byourside_server.sip import sdp
from byourside_server.sip.flow import Flow, direction_of, flow, without_receiving
from byourside_server.sip.sdp import Direction, Sdp, Stream
from byourside_server.sip.sdp_crypto import SrtpPolicy

# More are not kept: a peer may describe itself as often as it likes.
_MOST_UNREAD = 8


class _Side:
    """What one side has said, last and before; read when first asked about, for most calls never are."""

    __slots__ = ("_sounding", "_unread", "_version", "last")

    def __init__(self) -> None:
        self.last = b""
        self._unread: list[bytes] = []
        self._sounding = b""
        self._version = 0

    def say(self, description: bytes) -> None:
        self.last = description
        if description:
            self._unread.append(description)
        if len(self._unread) >= _MOST_UNREAD:
            self._catch_up()

    @property
    def sounding(self) -> bytes:
        """The latest in which sound is switched on: what a hold by port 0 comes back to."""
        self._catch_up()
        return self._sounding

    @property
    def version(self) -> int:
        """The highest that was said."""
        self._catch_up()
        return self._version

    def _catch_up(self) -> None:
        for description in self._unread:
            read = _read(description)
            if read is None:
                continue
            self._version = max(self._version, read.version)
            if read.audio is not None:
                self._sounding = description
        self._unread.clear()


class Session:
    """Local and remote description of one call."""

    def __init__(self, local: bytes = b"", remote: bytes = b"") -> None:
        self._ours, self._theirs = _Side(), _Side()
        self.local, self.remote = local, remote
        # We hold them: what we say from now on asks for no sound.
        self.is_holding = False

    @property
    def local(self) -> bytes:
        return self._ours.last

    @local.setter
    def local(self, description: bytes) -> None:
        self._ours.say(description)

    @property
    def remote(self) -> bytes:
        return self._theirs.last

    @remote.setter
    def remote(self, description: bytes) -> None:
        self._theirs.say(description)

    @property
    def flow(self) -> Flow:
        return flow(self.local, self.remote)

    @property
    def codec_in_use(self) -> str | None:
        """The voice codec both sides have agreed on: the narrower description is the answer."""
        ours, theirs = (_read(side.sounding) for side in (self._ours, self._theirs))
        if ours is None or theirs is None or ours.audio is None or theirs.audio is None:
            return None
        narrower = min((ours.audio, theirs.audio), key=lambda stream: len(stream.codecs))
        return next((codec.name for codec in narrower.codecs if not codec.is_telephone_event), None)

    # --- answers --------------------------------------------------------------------------------------

    def answer_again(self, offered: bytes) -> bytes | None:
        """Our answer to a new offer, from the same address with the codec in use; None where we can't.

        An empty offer asks for ours (RFC 3264 §8, RFC 3261 §14.2).
        """
        if not offered:
            return self.offer_again()
        ours = _read(self._ours.sounding)
        theirs = _read(offered)
        if ours is None or theirs is None or ours.audio is None:
            return None
        heard = theirs.audio
        if heard is None:
            return self._answer_silence(ours, theirs)
        try:
            answered = sdp.answer(
                theirs,
                ours.host,
                ours.audio.port,
                prefer=self.codec_in_use,
                ptime_ms=ours.audio.ptime_ms or 20,
                session_id=ours.session_id,
                srtp=_policy_of(ours.audio),
                # The keys in use stay: the stream they protect goes on (RFC 4568 §7.1.3).
                crypto=ours.audio.crypto,
            )
        except sdp.SdpError:
            return None
        taken = next(
            (offer for offer, said in zip(theirs.streams, answered.streams, strict=True) if said.port), heard
        )
        direction = sdp.answering(direction_of(theirs, taken))
        if self.is_holding:
            direction = without_receiving(direction)
        return self._next(ours, _directed(answered, direction))

    def _answer_silence(self, ours: Sdp, theirs: Sdp) -> bytes | None:
        """A hold by port 0: every stream is answered with port 0 (RFC 3264 §8.2)."""
        if not any(stream.is_rtp_audio for stream in theirs.streams):
            return None
        off = tuple(Stream(each.kind, 0, each.protocol, each.formats[:1]) for each in theirs.streams)
        return self._next(ours, Sdp(ours.host, off, ours.session_id))

    # --- offers ---------------------------------------------------------------------------------------

    def offer_again(self, *, holding: bool | None = None) -> bytes | None:
        """What we would have now: all that we had, both ways unless we hold them.

        Both ways also where they hold us: a re-INVITE without offer is how many exchanges end a hold.
        """
        ours = _read(self._ours.sounding)
        if ours is None or ours.audio is None:
            return self.local or None
        direction: Direction = "sendrecv"
        if self.is_holding if holding is None else holding:
            direction = "sendonly" if self.flow.we_send or not self.local else "inactive"
        return self._next(ours, _directed(ours, direction))

    def offer(self, description: bytes) -> bytes:
        """The owner's description under our origin, with the next version. Raises SdpError."""
        ours = _read(self._ours.sounding)
        wanted = sdp.parse(description)
        if ours is None:
            return description
        return self._next(ours, replace(wanted, session_id=ours.session_id))

    def _next(self, ours: Sdp, description: Sdp) -> bytes:
        """RFC 3264 §8: same origin; whatever differs from the last description carries the next version."""
        last = _read(self.local)
        described = replace(description, origin_host=ours.origin_host)
        if last is not None and replace(described, version=last.version).encode() == self.local:
            return self.local
        return replace(described, version=self._ours.version + 1).encode()


def _read(description: bytes) -> Sdp | None:
    try:
        return sdp.parse(description) if description else None
    except sdp.SdpError:
        return None


def _directed(description: Sdp, direction: Direction) -> Sdp:
    """The same, its sound going that way."""
    heard = description.audio
    return replace(
        description,
        streams=tuple(
            replace(stream, direction=direction) if stream is heard else stream
            for stream in description.streams
        ),
    )


def _policy_of(ours: sdp.Stream) -> SrtpPolicy:
    """What was said about SRTP before holds."""
    if ours.demands_srtp:
        return "required"
    return "optional" if ours.crypto else "off"
