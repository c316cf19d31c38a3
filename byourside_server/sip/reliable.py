"""Provisional responses that must arrive: both ends of RFC 3262.

The called side numbers and repeats them, one at a time, until each is PRACKed; the calling side takes them
in order. Sends through the call's transaction; builds no PRACK.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from byourside_server.sip.core import Core
from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import is_number
from byourside_server.sip.message import Request, Response
from byourside_server.sip.timers import GIVE_UP_S, T1, Alarm
from byourside_server.sip.transaction import ServerTransaction

# §3 allows up to 2**31 - 1; a small start leaves room to count on.
_MOST_FIRST_NUMBER = 2**16
# Responses kept until the missing one before them comes: a far side that skips more is broken.
_MOST_KEPT = 8


def is_reliable(response: Response) -> bool:
    """Whether a PRACK is due: 101 to 199 that requires 100rel and has its number (§4)."""
    if not 101 <= response.status <= 199 or "100rel" not in response.headers.tokens("Require"):
        return False
    return number_of(response) is not None


def number_of(response: Response) -> int | None:
    """The RSeq."""
    value = (response.headers.get("RSeq") or "").strip()
    return int(value) if is_number(value) and len(value) <= 10 else None


def rack_of(request: Request) -> tuple[int, int, str]:
    """RAck: response number, request number and method. Raises SipParseError."""
    words = (request.headers.get("RAck") or "").split()
    if len(words) != 3 or not all(is_number(word) and len(word) <= 10 for word in words[:2]):
        raise SipParseError("PRACK without a RAck of two numbers and a method")
    return int(words[0]), int(words[1]), words[2]


class InOrder:
    """The calling side's place in one fork's numbered responses (§4)."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._kept: dict[int, Response] = {}

    def take(self, response: Response) -> list[Response]:
        """The responses to act upon now: none for a copy, several once a gap is closed."""
        number = number_of(response) or 0
        if self._last is not None and number != self._last + 1:
            if number > self._last and len(self._kept) < _MOST_KEPT:
                self._kept[number] = response
            return []
        ready = [response]
        self._last = number
        while (following := self._kept.pop(self._last + 1, None)) is not None:
            self._last += 1
            ready.append(following)
        return ready


@dataclass(frozen=True)
class _Provisional:
    status: int
    headers: tuple[tuple[str, str], ...]
    sdp: bytes


class ReliableRinging:
    """The called side: each waits for the PRACK of the one before, and is repeated until its own (§3)."""

    def __init__(self, core: Core, transaction: ServerTransaction, give_up: Callable[[float], None]) -> None:
        self._core = core
        self._transaction = transaction
        self._give_up = give_up
        self._number = 1 + int(core.chance() * _MOST_FIRST_NUMBER)
        self._waiting: deque[_Provisional] = deque()
        self._current: tuple[_Provisional, Response] | None = None
        self._interval_s = T1
        self._resending: Alarm | None = None
        self._giving_up: Alarm | None = None

    @property
    def keeps_answer_back(self) -> bool:
        """§3: no 2xx while a description in a provisional response is not acknowledged."""
        unheard = [*([self._current[0]] if self._current else []), *self._waiting]
        return any(provisional.sdp for provisional in unheard)

    def send(self, status: int, headers: list[tuple[str, str]], sdp: bytes, now: float) -> None:
        self._waiting.append(_Provisional(status, tuple(headers), sdp))
        if self._current is None:
            self._send_next(now)

    def acknowledge(self, rack: tuple[int, int, str], now: float) -> bytes | None:
        """The description in the response a PRACK is for (b"" where it had none); None where it fits none."""
        number, _ = self._transaction.request.cseq
        if self._current is None or rack != (self._number, number, "INVITE"):
            return None
        acknowledged, _ = self._current
        self._stop_resending()
        self._number += 1
        return acknowledged.sdp

    def go_on(self, now: float) -> None:
        """The PRACK has been answered: what waited behind it goes out."""
        if self._current is None and self._waiting:
            self._send_next(now)

    def stop(self) -> None:
        self._waiting.clear()
        self._stop_resending()

    def _send_next(self, now: float) -> None:
        provisional = self._waiting.popleft()
        headers = [("Require", "100rel"), ("RSeq", str(self._number)), *provisional.headers]
        response = self._core.reply(
            self._transaction, provisional.status, now, headers=headers, body=provisional.sdp
        )
        self._current = provisional, response
        self._interval_s = T1
        self._resending = self._core.alarms.set(now + T1, self._resend)
        self._giving_up = self._core.alarms.set(now + GIVE_UP_S, self._on_silence)

    def _resend(self, now: float) -> None:
        """T1, doubling, without a cap (§3)."""
        if self._current is not None:
            self._transaction.respond(self._current[1], now)
            self._interval_s *= 2
            self._resending = self._core.alarms.set(now + self._interval_s, self._resend)

    def _on_silence(self, now: float) -> None:
        self.stop()
        self._give_up(now)

    def _stop_resending(self) -> None:
        self._core.alarms.cancel(self._resending)
        self._core.alarms.cancel(self._giving_up)
        self._resending = self._giving_up = self._current = None
