"""Our 2xx to an INVITE, sent again until its ACK comes (RFC 3261 §13.3.1.4)."""

from __future__ import annotations

from collections.abc import Callable

from byourside_server.sip.message import Response
from byourside_server.sip.timers import GIVE_UP_S, T1, T2, Alarm, Alarms
from byourside_server.sip.transaction import ServerTransaction


class AwaitedAck:
    """Resends at T1, doubling to T2, for 64*T1; then `on_silence`."""

    def __init__(
        self,
        alarms: Alarms,
        transaction: ServerTransaction,
        response: Response,
        on_silence: Callable[[float], None],
        now: float,
    ) -> None:
        self._alarms = alarms
        self._transaction = transaction
        self._response = response
        self._on_silence = on_silence
        self._interval_s = T1
        self._resending: Alarm | None = alarms.set(now + T1, self._resend)
        # Set after the transaction's Timer L, so that at one moment the transaction ends first.
        self._giving_up: Alarm | None = alarms.set(now + GIVE_UP_S, self._give_up)

    def stop(self) -> None:
        self._alarms.cancel(self._resending)
        self._alarms.cancel(self._giving_up)
        self._resending = self._giving_up = None

    def _resend(self, now: float) -> None:
        self._transaction.respond(self._response, now)
        self._interval_s = min(self._interval_s * 2, T2)
        self._resending = self._alarms.set(now + self._interval_s, self._resend)

    def _give_up(self, now: float) -> None:
        self.stop()
        self._on_silence(now)
