"""Is the other side still there? The session timer of RFC 4028, for either role.

Knows header fields and moments. Refreshing and giving up are done by whoever it is told to call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from byourside_server.sip.errors import SipParseError
from byourside_server.sip.grammar import is_number, parse_parameters
from byourside_server.sip.message import Headers, Request, Response
from byourside_server.sip.timers import Alarm, Alarms

# RFC 4028 §4 recommends half an hour, §5 sets the least anybody may ask for.
WANTED_S = 1800
LEAST_S = 90
# §8.1: every 422 must have raised the interval, so this many are enough for any chain of proxies.
MOST_RAISES = 5
# A refresh that failed for a passing reason is tried again after this much of what is left.
_TRY_AGAIN_SHARE = 0.25

Fields = list[tuple[str, str]]


@dataclass(frozen=True)
class Terms:
    """What a Session-Expires field says."""

    interval_s: int
    # Who refreshes, seen from the request it stands in or answers: "uac", "uas", or nobody said.
    refresher: str | None


def terms_of(headers: Headers) -> Terms | None:
    """The Session-Expires field, where there is one that can be read."""
    value, _, tail = (headers.get("Session-Expires") or "").partition(";")
    if not is_number(value.strip()) or len(value.strip()) > 9:
        return None
    try:
        refresher = (parse_parameters(tail).get("refresher") or "").lower()
    except SipParseError:
        refresher = ""
    return Terms(int(value), refresher if refresher in ("uac", "uas") else None)


def refusal_of_interval(request: Request) -> Fields | None:
    """The fields of a 422 where a request asks for refreshes too often (§9); None where it does not.

    A client that knows no timers can't act on a 422 and is not sent one: some proxy asked for it.
    """
    terms = terms_of(request.headers)
    if terms is None or terms.interval_s >= LEAST_S or "timer" not in request.headers.tokens("Supported"):
        return None
    return [("Min-SE", str(LEAST_S))]


class SessionTimer:
    """One call's interval, who refreshes, and the moments that follow from it."""

    def __init__(
        self,
        alarms: Alarms,
        refresh: Callable[[float], None],
        expire: Callable[[float], None],
    ) -> None:
        self._alarms = alarms
        self._refresh = refresh
        self._expire = expire
        self._wanted_s = WANTED_S
        # What somebody on the way demanded at least (§7.4); 0 where nobody did.
        self._demanded_s = 0
        self._raises = 0
        self._refreshing: Alarm | None = None
        self._expiring: Alarm | None = None
        self._expires_at = 0.0
        # None: the session does not expire.
        self.interval_s: int | None = None
        self.is_ours = False

    # --- our requests ---------------------------------------------------------------------------------

    def asking(self) -> Fields:
        """The fields of an INVITE or UPDATE of ours (§7.1, §7.4): the roles stay as they are."""
        interval_s = max(self.interval_s or self._wanted_s, self._demanded_s)
        role = "" if self.interval_s is None else f";refresher={'uac' if self.is_ours else 'uas'}"
        fields = [("Session-Expires", f"{interval_s}{role}")]
        if self._demanded_s:
            fields.append(("Min-SE", str(self._demanded_s)))
        return fields

    def learn(self, response: Response, now: float) -> None:
        """§7.2: a 2xx to a request of ours says what holds; without the field nothing expires."""
        terms = terms_of(response.headers)
        if terms is None:
            self.stop()
        else:
            self._start(terms.interval_s, now, ours=terms.refresher != "uas")

    def raise_to(self, response: Response) -> bool:
        """A 422 (§7.3): True where asking again, for as much as it demands, may help."""
        value = (response.headers.get("Min-SE") or "").partition(";")[0].strip()
        demanded_s = int(value) if is_number(value) and len(value) <= 9 else 0
        asked_s = max(self.interval_s or self._wanted_s, self._demanded_s)
        if demanded_s <= asked_s or self._raises == MOST_RAISES:
            return False
        self._raises += 1
        self._demanded_s = demanded_s
        return True

    def refresh_later(self, now: float) -> None:
        """A refresh came to nothing for now; the moment of expiry stands (§10)."""
        if self.interval_s is not None and self.is_ours:
            self._alarms.cancel(self._refreshing)
            after_s = max(1.0, (self._expires_at - now) * _TRY_AGAIN_SHARE)
            self._refreshing = self._alarms.set(now + after_s, self._refresh)

    # --- our answers ----------------------------------------------------------------------------------

    def answering(self, request: Request, now: float) -> Fields:
        """The fields of our 2xx to their INVITE or UPDATE (§9 and its table 2)."""
        terms = terms_of(request.headers)
        they_know = "timer" in request.headers.tokens("Supported")
        if terms is None:
            if self.interval_s is None or not (they_know or self.is_ours):
                self.stop()
                return []
            # A request that forgot the timer does not switch it off: the roles stay.
            terms = Terms(self.interval_s, "uas" if self.is_ours else "uac")
        refresher = (terms.refresher or "uac") if they_know else "uas"
        interval_s = max(terms.interval_s, LEAST_S)
        self._start(interval_s, now, ours=refresher == "uas")
        fields = [("Session-Expires", f"{interval_s};refresher={refresher}")]
        return [("Require", "timer"), *fields] if refresher == "uac" else fields

    # --- moments --------------------------------------------------------------------------------------

    def stop(self) -> None:
        self._alarms.cancel(self._refreshing)
        self._alarms.cancel(self._expiring)
        self._refreshing = self._expiring = None
        self.interval_s = None

    def _start(self, interval_s: int, now: float, *, ours: bool) -> None:
        self.stop()
        # A response may not ask for less (§7.2 with §5); one that does is not followed into a storm.
        interval_s = max(interval_s, LEAST_S)
        self.interval_s, self.is_ours = interval_s, ours
        # §10: slightly before the end, so that a BYE still finds the dialog.
        self._expires_at = now + interval_s - min(32.0, interval_s / 3)
        self._expiring = self._alarms.set(self._expires_at, self._expire)
        if ours:
            self._refreshing = self._alarms.set(now + interval_s / 2, self._refresh)
