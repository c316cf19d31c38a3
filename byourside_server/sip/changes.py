"""What we want changed in a call under way: hold, resume, another description, or only a sign of life.

One change at a time, by re-INVITE or UPDATE; glare and passing refusals are waited out, and the offer is
written anew each time, for the session may have moved meanwhile. RFC 3261 §14.1, RFC 3311 §5, RFC 4028 §7.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from byourside_server.sip import events
from byourside_server.sip.dialog import Dialog
from byourside_server.sip.message import EMPTY_HEADERS, Request, Response
from byourside_server.sip.reason import retry_after_s
from byourside_server.sip.requests import SDP_TYPE
from byourside_server.sip.timers import GIVE_UP_S, Alarm

if TYPE_CHECKING:
    from byourside_server.sip.call import SipCall

# Who owns the Call-ID waits longer after a 491, so that the two do not meet again (§14.1); tens of ms.
_OWNER_WAITS = 210, 400
_OTHER_WAITS = 0, 200
# Glare that goes on this long is no glare.
MOST_TRIES = 8
# RFC 3311 §5.2 lets a 500 ask for up to ten seconds.
_LONGEST_WAIT_S = 10
# A re-INVITE asks no human; ringing or silent, it is given up after twice the time any request gets.
_REINVITE_TIMEOUT_S = 2 * GIVE_UP_S
_NOT_KNOWN = frozenset({405, 501})


@dataclass
class Wish:
    """One change that is wanted."""

    kind: Literal["hold", "resume", "offer", "refresh"]
    sdp: bytes = b""
    tries: int = 0


class Changes:
    """The changes one side of a call asks for."""

    def __init__(self, call: SipCall, *, owns_call_id: bool) -> None:
        self._call = call
        self._owns_call_id = owns_call_id
        self._waiting: Wish | None = None
        self._under_way: Wish | None = None
        self._offered = b""
        self._method = ""
        self._retry: Alarm | None = None
        self._guard: Alarm | None = None
        self._updates_fail = False

    @property
    def is_offering(self) -> bool:
        """An offer of ours has no answer yet."""
        return self._under_way is not None and bool(self._offered)

    @property
    def is_inviting(self) -> bool:
        return self._under_way is not None and self._method == "INVITE"

    def ask(self, wish: Wish, now: float) -> None:
        """Carry out a wish as soon as may be; a later one takes the place of one that waits."""
        if wish.kind == "refresh" and (self._waiting is not None or self._under_way is not None):
            return  # any change refreshes as well
        self._waiting = wish
        self.proceed(now)

    def proceed(self, now: float) -> None:
        """Send what waits, if nothing is in its way."""
        if self._waiting is None or self._under_way is not None or self._retry is not None:
            return
        dialog = self._call.dialog_for_changes()
        if dialog is not None:
            wish, self._waiting = self._waiting, None
            self._send(dialog, wish, now)

    def stop(self) -> None:
        """The call is over."""
        alarms = self._call.core.alarms
        alarms.cancel(self._retry)
        alarms.cancel(self._guard)
        self._retry = self._guard = self._waiting = self._under_way = None

    # --- out ------------------------------------------------------------------------------------------

    def _send(self, dialog: Dialog, wish: Wish, now: float) -> None:
        call = self._call
        can_update = call.allows("UPDATE") and not self._updates_fail
        is_early = not call.is_answered
        self._method = "UPDATE" if is_early or (wish.kind == "refresh" and can_update) else "INVITE"
        # RFC 4028 §7.4: an UPDATE refreshes without an offer, a re-INVITE repeats the last.
        bare = wish.kind == "refresh" and self._method == "UPDATE"
        self._offered = b"" if bare else self._offer_for(wish)
        self._under_way = wish
        wish.tries += 1
        headers = [*call.timer.asking(), *([SDP_TYPE] if self._offered else [])]
        if self._method == "INVITE":
            self._guard = call.core.alarms.set(now + _REINVITE_TIMEOUT_S, self._on_no_end)

        def done(request: Request, response: Response | None, at: float) -> None:
            self._on_answered(dialog, wish, request, response, at)

        call.requests.send(dialog, self._method, now, done, headers, self._offered)

    def _offer_for(self, wish: Wish) -> bytes:
        session = self._call.session
        if wish.kind == "offer":
            return session.offer(wish.sdp)
        if wish.kind == "refresh":
            return session.local
        return session.offer_again(holding=wish.kind == "hold") or session.local

    # --- back -----------------------------------------------------------------------------------------

    def _on_answered(
        self, dialog: Dialog, wish: Wish, request: Request, response: Response | None, now: float
    ) -> None:
        is_success = response is not None and 200 <= response.status < 300
        if is_success and response is not None and request.method == "INVITE":
            # Also where the call is over meanwhile, and again for every copy.
            if self._call.requests.acknowledge_again(request, response, now):
                return
            dialog.refresh_target(response)
            self._call.requests.acknowledge(dialog, request, now)
        if self._under_way is not wish:
            return
        offered, self._offered, self._under_way = self._offered, b"", None
        self._call.core.alarms.cancel(self._guard)
        is_alive = self._call.check_dialog(request.method, response, now)
        if response is None or not is_alive:
            # In the call that was its end; before the answer only the change has failed.
            self._tell(wish, response or Response(EMPTY_HEADERS, b"", 408, "Request Timeout"))
            return
        if is_success:
            self._on_success(dialog, wish, offered, response, now)
        else:
            self._on_refused(wish, response, now)
        self.proceed(now)

    def _on_success(self, dialog: Dialog, wish: Wish, offered: bytes, response: Response, now: float) -> None:
        call = self._call
        dialog.refresh_target(response)
        call.learn_manners(response)
        call.timer.learn(response, now)
        if offered:
            call.session.local = offered
            call.session.remote = response.sdp or call.session.remote
        if wish.kind in ("hold", "resume"):
            call.session.is_holding = wish.kind == "hold"
        self._tell(wish, response)

    def _on_refused(self, wish: Wish, response: Response, now: float) -> None:
        """The session stays as it is (§14.1). What passes is waited out, the rest is told."""
        call, after_s = self._call, self._wait_for(response)
        if wish.tries >= MOST_TRIES:
            after_s = None
        if response.status == 422 and call.timer.raise_to(response):
            after_s = 0.0
        elif response.status in _NOT_KNOWN and self._method == "UPDATE" and call.is_answered:
            self._updates_fail, after_s = True, 0.0
        if after_s is not None:
            # A wish that came meanwhile is the newer one.
            self._waiting = self._waiting or wish
            if after_s:
                self._retry = call.core.alarms.set(now + after_s, self._on_retry)
            return
        if wish.kind == "refresh":
            call.timer.refresh_later(now)
        self._tell(wish, response)

    def _wait_for(self, response: Response) -> float | None:
        """Seconds to wait before the same may be asked again; None where it may not."""
        if response.status == 491:
            least, most = _OWNER_WAITS if self._owns_call_id else _OTHER_WAITS
            # §14.1: in units of 10 ms.
            return max(0.01, (least + int(self._call.core.chance() * (most - least + 1))) / 100)
        asked_s = retry_after_s(response.headers)
        if response.status == 500 and asked_s is not None:
            return float(max(1, min(asked_s, _LONGEST_WAIT_S)))
        return None

    def _on_retry(self, now: float) -> None:
        self._retry = None
        self.proceed(now)

    def _on_no_end(self, now: float) -> None:
        """Ringing without end: the far side is as good as gone (RFC 3261 §12.2.1.2)."""
        self._under_way, self._offered = None, b""
        self._call.check_dialog("INVITE", None, now)

    def _tell(self, wish: Wish, response: Response) -> None:
        call = self._call
        if wish.kind != "refresh" and not call.is_over:
            call.core.emit(
                events.Reoffered(call, response.status, response.reason, response.sdp, call.session.flow)
            )
