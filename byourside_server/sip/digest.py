"""Digest credentials for challenges: RFC 7616 as SIP uses it (RFC 3261 §22, RFC 8760).

The client's side only, and pure: nonce counts and client nonces come in as arguments. A challenge is read
by a tokenizer that walks each character once; commas and escapes inside quotes are no trouble.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import TOKEN_CHARACTERS, end_of_quoted, quote, unquote

_Hash = Callable[[bytes], str]


def _sha_512_256(data: bytes) -> str:
    return hashlib.new("sha512_256", data).hexdigest()


# Strongest first: RFC 8760 §2.4 leaves the choice to us where the server lists several.
_HASHES: dict[str, _Hash] = {
    **({"SHA-512-256": _sha_512_256} if "sha512_256" in hashlib.algorithms_available else {}),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
_STRENGTH = {name: strength for strength, name in enumerate(reversed(_HASHES))}
_SESSION = "-SESS"
_BREAK = " \t,"


@dataclass(frozen=True)
class Challenge:
    """What a server asks for in WWW-Authenticate or Proxy-Authenticate."""

    realm: str
    nonce: str
    # As the server wrote it: it is echoed. None where it wrote none, which means MD5.
    algorithm: str | None = None
    # The offered protections, lower-cased; empty for RFC 2069 servers.
    qop: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False
    userhash: bool = False

    @property
    def hash_name(self) -> str:
        return (self.algorithm or "MD5").upper().removesuffix(_SESSION)

    @property
    def is_session(self) -> bool:
        return (self.algorithm or "").upper().endswith(_SESSION)

    @property
    def can_be_met(self) -> bool:
        return self.hash_name in _HASHES and (not self.qop or bool(_chosen_qop(self)))


def parse_challenges(value: str) -> list[Challenge]:
    """Every Digest challenge in one field value; other schemes are passed over. Raises SipParseError."""
    challenges: list[Challenge] = []
    for scheme, parameters in _split_challenges(value):
        if scheme.lower() != "digest":
            continue
        if "realm" not in parameters or "nonce" not in parameters:
            raise SipParseError("challenge without realm or nonce")
        qop = tuple(word.strip().lower() for word in parameters.get("qop", "").split(",") if word.strip())
        challenges.append(
            Challenge(
                parameters["realm"],
                parameters["nonce"],
                parameters.get("algorithm"),
                qop,
                parameters.get("opaque"),
                parameters.get("stale", "").lower() == "true",
                parameters.get("userhash", "").lower() == "true",
            )
        )
    return challenges


def next_nonce(value: str) -> str | None:
    """The nextnonce in an Authentication-Info field (RFC 7616 §3.5), where there is one that can be read."""
    try:
        # The same list of parameters as a challenge has, without the word before it.
        found = _split_challenges(f"Digest {value}")
    except SipParseError:
        return None
    return found[0][1].get("nextnonce") if found else None


def _split_challenges(value: str) -> list[tuple[str, dict[str, str]]]:
    """(scheme, parameters) pairs. A word that no "=" follows begins the next challenge (RFC 9110 §11.6.1)."""
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while (at := _skip(value, at, _BREAK)) < len(value):
        end = at
        while end < len(value) and value[end] in TOKEN_CHARACTERS:
            end += 1
        if end == at:
            raise SipParseError(f"challenge holds {value[at]!r} where a word should stand")
        word = value[at:end]
        after = _skip(value, end, " \t")
        if after >= len(value) or value[after] != "=":
            found.append((word, {}))
            at = end
            continue
        if not found:
            raise SipParseError("challenge does not begin with its scheme")
        at, text = _parameter_value(value, _skip(value, after + 1, " \t"))
        found[-1][1].setdefault(word.lower(), text)
    return found


def _parameter_value(value: str, at: int) -> tuple[int, str]:
    if value[at : at + 1] == '"':
        end = end_of_quoted(value, at)
        return end, unquote(value[at:end])
    end = at
    while end < len(value) and value[end] not in _BREAK:
        end += 1
    return end, value[at:end]


def _skip(value: str, at: int, characters: str) -> int:
    while at < len(value) and value[at] in characters:
        at += 1
    return at


def strongest(challenges: Iterable[Challenge]) -> Challenge | None:
    """The challenge to answer among several for one realm, or None where none can be met."""
    possible = [challenge for challenge in challenges if challenge.can_be_met]
    return max(possible, key=lambda challenge: _STRENGTH[challenge.hash_name], default=None)


def _chosen_qop(challenge: Challenge) -> str | None:
    return next((name for name in ("auth", "auth-int") if name in challenge.qop), None)


def authorization(
    challenge: Challenge,
    *,
    user: str,
    password: str,
    method: str,
    uri: str,
    body: bytes = b"",
    nonce_count: int = 1,
    cnonce: str = "",
) -> str:
    """The value of Authorization or Proxy-Authorization that meets `challenge`."""
    digest = _HASHES[challenge.hash_name]

    def h(text: str) -> str:
        return digest(text.encode("utf-8", "surrogateescape"))

    qop = _chosen_qop(challenge)
    ha1 = h(f"{user}:{challenge.realm}:{password}")
    if challenge.is_session:
        ha1 = h(f"{ha1}:{challenge.nonce}:{cnonce}")
    ha2 = h(f"{method}:{uri}:{digest(body)}" if qop == "auth-int" else f"{method}:{uri}")
    count = f"{nonce_count:08x}"
    middle = f"{count}:{cnonce}:{qop}:" if qop else ""
    response = h(f"{ha1}:{challenge.nonce}:{middle}{ha2}")
    name = h(f"{user}:{challenge.realm}") if challenge.userhash else user
    parts = [
        f"username={quote(name)}",
        f"realm={quote(challenge.realm)}",
        f"nonce={quote(challenge.nonce)}",
        f"uri={quote(uri)}",
        f'response="{response}"',
    ]
    if challenge.algorithm is not None:
        parts.append(f"algorithm={challenge.algorithm}")
    if qop:
        parts += [f"qop={qop}", f"nc={count}"]
    if qop or challenge.is_session:
        parts.append(f"cnonce={quote(cnonce)}")
    if challenge.opaque is not None:
        parts.append(f"opaque={quote(challenge.opaque)}")
    if challenge.userhash:
        parts.append("userhash=true")
    return "Digest " + ", ".join(parts)
