"""Keys for SRTP inside a description: the `a=crypto` line, what may be offered, and what an answer must say.

RFC 4568 (security descriptions), suites of its §6.2 and of RFC 7714 §14. Knows lines and policies; does not
encrypt anything, draws no random number, and keeps keys out of every `repr` and message.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

SrtpPolicy = Literal["off", "optional", "required"]
"""off: never encrypted. optional: where the other side takes it. required: or there is no call."""

KEY_AND_SALT_BYTES = {
    "AES_CM_128_HMAC_SHA1_80": 16 + 14,
    "AES_CM_128_HMAC_SHA1_32": 16 + 14,
    "AEAD_AES_128_GCM": 16 + 12,
    "AEAD_AES_256_GCM": 32 + 12,
}
OFFERED_SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
"""The first must be known to all (RFC 4568 §6.2); not more, since an INVITE has to fit into a datagram."""

MOST_CRYPTO_LINES = 16
LONGEST_MKI_BYTES = 128
NO_TAG = -1
SHORTEST_LIFETIME = 1 << 18
"""Packets: an hour of sound and a reserve. A key that wears out in the middle of a call is not taken."""
# RFC 4568 §6.3: what may be asked for besides the key. These take protection away or need what we have not.
_REFUSED_PARAMETERS = ("UNENCRYPTED_SRTP", "UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP", "FEC_", "KDR=")
_HARMLESS_PARAMETERS = ("WSH=", "-")
_TAG = re.compile(r"[1-9][0-9]{0,8}|0")
_LIFETIME = re.compile(r"2\^([0-9]{1,2})|([0-9]{1,15})")
_MKI = re.compile(r"([0-9]{1,39}):([0-9]{1,3})")


class CryptoError(ValueError):
    """The other side's `a=crypto` can't be used. `token` names the reason for a record."""

    def __init__(self, token: str, why: str) -> None:
        super().__init__(why)
        self.token = token


@dataclass(frozen=True)
class Crypto:
    """One `a=crypto` line."""

    tag: int
    suite: str
    # Master key and salt together.
    key: bytes = field(repr=False)
    mki: bytes = b""
    # Why it can't be used; empty where it can.
    fault: str = ""

    def line(self) -> str:
        mki = f"|{int.from_bytes(self.mki, 'big')}:{len(self.mki)}" if self.mki else ""
        return f"a=crypto:{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}{mki}"


@dataclass(frozen=True)
class Keys:
    """What both sides have agreed on."""

    suite: str
    ours: bytes = field(repr=False)
    theirs: bytes = field(repr=False)
    # Carried by each of their packets, where their key has a number.
    their_mki: bytes = b""


def make_crypto(suites: Sequence[str], random: Callable[[int], bytes]) -> tuple[Crypto, ...]:
    """A fresh key for each suite, tags in order of preference."""
    return tuple(
        Crypto(tag, suite, random(KEY_AND_SALT_BYTES[suite])) for tag, suite in enumerate(suites, start=1)
    )


def parse_crypto(value: str) -> Crypto:
    """What follows `a=crypto:`; what is wrong with it stands in `fault`."""
    tag, _, rest = value.strip().partition(" ")
    if not _TAG.fullmatch(tag):
        return Crypto(NO_TAG, "", b"", fault="has no tag")
    words = rest.split()
    if len(words) < 2:
        return Crypto(int(tag), words[0] if words else "", b"", fault="has no key")
    suite, method, parameters = words[0].upper(), words[1], words[2:]
    fault = _fault_of_parameters(parameters)
    if suite not in KEY_AND_SALT_BYTES:
        return Crypto(int(tag), suite[:64], b"", fault="is a suite that is not known here")
    key, mki, wrong_key = _key_of(method, KEY_AND_SALT_BYTES[suite])
    return Crypto(int(tag), suite, key, mki, fault or wrong_key)


def choose(offered: Sequence[Crypto], ours: Sequence[Crypto]) -> Crypto | None:
    """The answer's line: the first offered suite that we have a key for, under the offer's tag (§5.1.2)."""
    for theirs in offered:
        for mine in ours:
            if not theirs.fault and mine.suite == theirs.suite:
                return replace(mine, tag=theirs.tag)
    return None


def agree(offered: Sequence[Crypto], answered: Sequence[Crypto], policy: SrtpPolicy) -> Keys | None:
    """Keys of an answer to our offer; None where the sound goes unprotected, and may. Raises CryptoError.

    RFC 4568 §5.1.3: exactly one line, with a tag of the offer and the suite offered under it.
    """
    if not answered:
        if policy == "required":
            raise CryptoError("srtp_required", "the answer has no a=crypto, and this trunk requires SRTP")
        return None
    if len(answered) != 1:
        raise CryptoError("srtp_mismatch", f"the answer has {len(answered)} a=crypto lines, not one")
    theirs = answered[0]
    ours = next((line for line in offered if line.tag == theirs.tag), None)
    if ours is None:
        raise CryptoError("srtp_mismatch", f"a=crypto answers tag {theirs.tag}, which was not offered")
    if theirs.suite != ours.suite:
        raise CryptoError(
            "srtp_mismatch", f"a=crypto tag {ours.tag} was {ours.suite}, not {theirs.suite[:32]!r}"
        )
    return keys_of(ours, theirs)


def keys_of(ours: Crypto, theirs: Crypto) -> Keys:
    """Both lines of one agreement. Raises CryptoError where theirs can't be used."""
    if theirs.fault:
        raise CryptoError("srtp_mismatch", f"a=crypto tag {theirs.tag} {theirs.fault}")
    return Keys(ours.suite, ours.key, theirs.key, theirs.mki)


def _fault_of_parameters(parameters: Sequence[str]) -> str:
    for word in parameters:
        upper = word.upper()
        if upper.startswith(_HARMLESS_PARAMETERS):
            continue
        if upper.startswith(_REFUSED_PARAMETERS):
            return f"asks for {upper.partition('=')[0][:32]}, which is refused"
        # §6.3.7: a parameter nobody knows makes the line unusable, unless it begins with a dash.
        return f"has the unknown session parameter {word[:32]!r}"
    return ""


def _key_of(method: str, length: int) -> tuple[bytes, bytes, str]:
    """Key with salt, MKI, and what is wrong with them."""
    name, _, info = method.partition(":")
    if name.lower() != "inline":
        return b"", b"", f"has the key method {name[:16]!r}, not inline"
    if ";" in info:
        return b"", b"", "has several keys; one is understood"
    encoded, *extras = info.split("|")
    try:
        # Some write the padding, some don't.
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b"", b"", "has a key that is not base64"
    if len(key) != length:
        return b"", b"", f"has a key of {len(key)} bytes, not {length}"
    mki = b""
    for extra in extras:
        if found := _LIFETIME.fullmatch(extra):
            packets = 1 << int(found[1]) if found[1] else int(found[2])
            if packets < SHORTEST_LIFETIME:
                return key, mki, f"has a key for {packets} packets only"
        elif found := _MKI.fullmatch(extra):
            size = int(found[2])
            if not 1 <= size <= LONGEST_MKI_BYTES or int(found[1]) >= 1 << (8 * size):
                return key, mki, "has an MKI that does not fit its length"
            mki = int(found[1]).to_bytes(size, "big")
        else:
            return key, mki, "has something behind its key that is neither lifetime nor MKI"
    return key, mki, ""
