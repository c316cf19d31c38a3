"""Which key presses of the contact count, where gateways tell each of them twice.

Keys come as RFC 4733 events in the sound and as INFO in the signalling, and some gateways send both.
"""

from __future__ import annotations

from typing import Literal

from byourside_server.sip import keys

Way = Literal["sound", "info"]
# The other way is believed only after this much quiet on the one in use: longer than the two may lie apart,
# shorter than anybody needs to move a call to a gateway with other habits.
QUIET_S = 2.0


class Keypad:
    """Follows one way until it falls quiet; times in seconds since the answer."""

    def __init__(self) -> None:
        self._way: Way | None = None
        self._heard_at = 0.0

    def pressed_by_sound(self, now: float) -> bool:
        """Whether an RFC 4733 event counts."""
        return self._counts("sound", now)

    def pressed_by_info(self, body: bytes, content_type: str, now: float) -> str | None:
        """The key of an INFO that counts, else None."""
        key = keys.key_of(body, content_type)
        return key if key is not None and self._counts("info", now) else None

    def _counts(self, way: Way, now: float) -> bool:
        if self._way not in (None, way) and now - self._heard_at < QUIET_S:
            return False
        self._way, self._heard_at = way, now
        return True
