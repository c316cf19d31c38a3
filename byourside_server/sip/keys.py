"""Telephone keys inside INFO: how they are written, read, and pressed one after the other.

`application/dtmf-relay` (Signal=, Duration=) and `application/dtmf` (the key alone) are what gateways
agreed on without an RFC; RFC 6086 is the INFO that carries them.
"""

from __future__ import annotations

from collections.abc import Callable

from byourside_server.sip.grammar import is_number
from byourside_server.sip.timers import Alarm, Alarms

RELAY_TYPE = "application/dtmf-relay"
PLAIN_TYPE = "application/dtmf"
KEYS = frozenset("0123456789*#ABCD")
# Some gateways write the event numbers of RFC 4733 in place of the keys.
_NUMBERED = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
PRESSED_MS = 160
PAUSE_S = 0.5
_LONGEST_BODY = 1024


def key_of(body: bytes, content_type: str) -> str | None:
    """The key an INFO tells of, or None where it tells of none (a hook flash, another matter)."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (RELAY_TYPE, PLAIN_TYPE) or len(body) > _LONGEST_BODY:
        return None
    text = body.decode("ascii", "replace")
    if kind == PLAIN_TYPE and "=" not in text:
        return _key(text)
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip().lower() == "signal":
            return _key(value)
    return None


def _key(text: str) -> str | None:
    said = text.strip().upper()
    if is_number(said) and len(said) == 2:
        return _NUMBERED.get(said)
    return said if said in KEYS else None


def relay(key: str) -> bytes:
    """The body that tells of a key pressed."""
    return f"Signal={key}\r\nDuration={PRESSED_MS}\r\n".encode()


class KeyPresses:
    """Keys in their order: the next goes once the one before was answered, for INFOs overtake each other."""

    def __init__(self, alarms: Alarms, press: Callable[[str, float], None]) -> None:
        self._alarms = alarms
        self._press = press
        self._waiting = ""
        self._is_busy = False
        self._pause: Alarm | None = None

    def add(self, keys: str, now: float) -> None:
        """Keys 0-9 * # A-D; a comma waits half a second, anything else is passed over."""
        self._waiting += "".join(key for key in keys.upper() if key in KEYS or key == ",")
        if not self._is_busy:
            self.go_on(now)

    def go_on(self, now: float) -> None:
        """The one before is done."""
        self._is_busy = bool(self._waiting)
        if not self._waiting:
            return
        key, self._waiting = self._waiting[0], self._waiting[1:]
        if key == ",":
            self._pause = self._alarms.set(now + PAUSE_S, self.go_on)
        else:
            self._press(key, now)

    def stop(self) -> None:
        self._waiting = ""
        self._alarms.cancel(self._pause)
