"""SRTP of one call: our keys, and what was agreed with the far side (RFC 4568).

Introduces SDP's keys to the media engine's. Keys are drawn here, live as long as the call, and are never
logged.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from byourside_server.media.messages import PLAIN, Srtp
from byourside_server.sip.sdp import Chosen
from byourside_server.sip.sdp_crypto import (
    OFFERED_SUITES,
    Crypto,
    CryptoError,
    Keys,
    SrtpPolicy,
    agree,
    choose,
    keys_of,
    make_crypto,
)


class Encryption:
    """Our side of the keys: a caller's `offered` and `agree`, or, called, `for_offer` and `accept`."""

    def __init__(self, policy: SrtpPolicy) -> None:
        self.policy: SrtpPolicy = policy
        self.offered: tuple[Crypto, ...] = (
            () if policy == "off" else make_crypto(OFFERED_SUITES, secrets.token_bytes)
        )
        """What goes into our offer: `sdp.offer(…, srtp=policy, crypto=offered)`."""

    def agree(self, answered: Chosen) -> Srtp:
        """The row's keys by an answer to our offer. Raises CryptoError.

        A key of theirs without one of ours can't be: what was not offered is not answered.
        """
        if self.policy == "off":
            if answered.demands_srtp:
                raise CryptoError("srtp_mismatch", "the answer demands SRTP, which was not offered")
            return PLAIN
        if not answered.crypto and answered.demands_srtp:
            raise CryptoError("srtp_mismatch", "the answer is RTP/SAVP and has no a=crypto")
        return _engine_keys(agree(self.offered, answered.crypto, self.policy))

    def for_offer(self, offered: Sequence[Crypto]) -> tuple[Crypto, ...]:
        """A key of ours for every suite of an offer that is known here: the answer takes one."""
        suites = tuple(dict.fromkeys(line.suite for line in offered if not line.fault))
        made = () if self.policy == "off" else make_crypto(suites, secrets.token_bytes)
        self.offered = made
        return made

    def accept(self, offered: Chosen) -> Srtp:
        """The row's keys by an offer of theirs, answered with what `offered` holds. Raises CryptoError."""
        ours = None if self.policy == "off" else choose(offered.crypto, self.offered)
        if ours is None:
            if self.policy == "required" or offered.demands_srtp:
                raise CryptoError("srtp_required", "the offer and we have no SRTP suite in common")
            return PLAIN
        self.offered = (ours,)
        theirs = next(line for line in offered.crypto if line.tag == ours.tag and not line.fault)
        return _engine_keys(keys_of(ours, theirs))


def _engine_keys(keys: Keys | None) -> Srtp:
    return PLAIN if keys is None else Srtp(keys.suite, keys.ours, keys.theirs, keys.their_mki)
