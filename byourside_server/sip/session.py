"""The two descriptions a call stands on, and the answer to a re-INVITE that changes as little as may be.

Knows SDP, no SIP. Bytes are kept as they came; they are read when a question is asked.
"""

from __future__ import annotations

from dataclasses import replace

from byourside_server.sip import sdp
from byourside_server.sip.sdp_crypto import SrtpPolicy


class Session:
    """Local and remote description of one call."""

    def __init__(self, local: bytes = b"", remote: bytes = b"") -> None:
        self.local = local
        self.remote = remote

    @property
    def codec_in_use(self) -> str | None:
        """The voice codec both sides have agreed on: the narrower description is the answer."""
        try:
            ours, theirs = sdp.parse(self.local).audio, sdp.parse(self.remote).audio
        except sdp.SdpError:
            return None
        if ours is None or theirs is None:
            return None
        both = [
            codec.name
            for codec in min((ours, theirs), key=lambda stream: len(stream.codecs)).codecs
            if not codec.is_telephone_event
        ]
        return both[0] if both else None

    def answer_again(self, offered: bytes) -> bytes | None:
        """Our answer to a new offer, from the same address with the codec in use; None where we can't.

        An empty offer asks for ours: it is what it was (RFC 3264 §8, RFC 3261 §14.2).
        """
        if not offered:
            return self.local or None
        try:
            ours = sdp.parse(self.local)
            audio = ours.audio or (ours.streams[0] if ours.streams else None)
            if audio is None:
                return None
            answered = sdp.answer(
                sdp.parse(offered),
                ours.host,
                audio.port,
                prefer=self.codec_in_use,
                ptime_ms=audio.ptime_ms or 20,
                session_id=ours.session_id,
                version=ours.version,
                srtp=_policy_of(audio),
                # The keys in use stay: the stream they protect goes on (RFC 4568 §7.1.3).
                crypto=audio.crypto,
            )
        except sdp.SdpError:
            return None
        answered = replace(answered, origin_host=ours.origin_host)
        if answered == ours:
            return self.local
        # RFC 3264 §8: whatever differs from the last description carries the next version.
        return replace(answered, version=ours.version + 1).encode()


def _policy_of(ours: sdp.Stream) -> SrtpPolicy:
    """What was said about SRTP before holds."""
    if ours.demands_srtp:
        return "required"
    return "optional" if ours.crypto else "off"
