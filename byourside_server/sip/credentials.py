"""What a call knows to prove itself with: user, password, and the challenges met so far.

Remembers the latest challenge of every realm, so that later requests of the call carry credentials at
once, and counts how often each nonce was used. RFC 3261 §22.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from byourside_server.sip import digest
from byourside_server.sip.digest import Challenge
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.message import Headers, Request, Response

# Challenge field → the field that answers it.
_ANSWERED_IN = {"WWW-Authenticate": "Authorization", "Proxy-Authenticate": "Proxy-Authorization"}
CHALLENGE_STATUSES = frozenset({401, 407})
# Where the same server may say what it wants next time (RFC 7616 §3.5).
_INFO_ABOUT = {
    "Authorization": "Authentication-Info",
    "Proxy-Authorization": "Proxy-Authentication-Info",
}
CREDENTIAL_FIELDS = frozenset(name.lower() for name in _ANSWERED_IN.values())

_Place = tuple[str, str]


class Credentials:
    """One call's user and password, and what servers asked of them."""

    def __init__(self, user: str | None, password: str | None, token: Callable[[int], str]) -> None:
        self._user = user
        self._password = password
        self._token = token
        self._challenges: dict[_Place, Challenge] = {}
        self._used: dict[str, int] = {}
        # For session algorithms: nonce → the client nonce its key was made with.
        self._session_cnonces: dict[str, str] = {}
        # Where our answer was good once: a new nonce there is an old one's end, not a wrong password.
        self._proven: set[_Place] = set()

    def learn(self, request: Request, response: Response) -> bool:
        """Take in a 401 or 407; True where sending again may help.

        It helps where a realm is new to the request, or its nonce only was stale (RFC 7616 §3.4). The same
        realm asking again after our answer means a wrong password: asking a third time locks accounts. But
        where the password was good before, a server that forgets to say stale is forgiven.
        """
        if self._user is None or self._password is None:
            return False
        answered = _realms_answered(request.headers)
        asked: dict[_Place, list[Challenge]] = {}
        for field, answer_field in _ANSWERED_IN.items():
            for line in response.headers.lines(field):
                try:
                    challenges = digest.parse_challenges(line)
                except SipParseError:
                    continue
                for challenge in challenges:
                    asked.setdefault((answer_field, challenge.realm), []).append(challenge)
        helps = False
        for place, challenges in asked.items():
            best = digest.strongest(challenges)
            if best is None:
                continue
            known = self._challenges.get(place)
            is_renewed = place in self._proven and known is not None and known.nonce != best.nonce
            if place not in answered or best.stale or is_renewed:
                self._challenges[place] = best
                self._proven.discard(place)
                helps = True
        return helps

    def accepted(self, request: Request, response: Response) -> None:
        """A response that is no challenge: our answers were good, and it may name the next nonce.

        RFC 7616 §3.5; Authentication-Info speaks of no realm, so it is heeded where only one was answered.
        """
        if response.status in CHALLENGE_STATUSES or not any(name in request.headers for name in _INFO_ABOUT):
            return
        answered = _realms_answered(request.headers)
        self._proven |= answered & self._challenges.keys()
        for field, info in _INFO_ABOUT.items():
            nonce = digest.next_nonce(response.headers.get(info) or "")
            places = [place for place in answered if place[0] == field and place in self._challenges]
            if nonce and len(places) == 1:
                self._challenges[places[0]] = replace(self._challenges[places[0]], nonce=nonce)

    def headers_for(self, method: str, uri: str, body: bytes) -> list[tuple[str, str]]:
        """Credentials for every realm that has asked so far."""
        return [
            (field, self._answer(challenge, method, uri, body))
            for (field, _), challenge in self._challenges.items()
        ]

    def _answer(self, challenge: Challenge, method: str, uri: str, body: bytes) -> str:
        count = self._used[challenge.nonce] = self._used.get(challenge.nonce, 0) + 1
        cnonce = self._token(8)
        if challenge.is_session:
            # RFC 7616 §3.4.2: the session key is made once for a nonce. Servers that make it anew each time
            # do so from the client nonce they are sent; with the same one, both come to the same key.
            cnonce = self._session_cnonces.setdefault(challenge.nonce, cnonce)
        return digest.authorization(
            challenge,
            user=self._user or "",
            password=self._password or "",
            method=method,
            uri=uri,
            body=body,
            nonce_count=count,
            cnonce=cnonce,
        )


def _realms_answered(headers: Headers) -> set[_Place]:
    places: set[_Place] = set()
    for field in _ANSWERED_IN.values():
        for line in headers.lines(field):
            places |= {(field, challenge.realm) for challenge in digest.parse_challenges(line)}
    return places
