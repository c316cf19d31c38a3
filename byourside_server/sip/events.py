"""What happens on calls, as the owner hears it: one frozen value each.

An outgoing call ends in exactly one of Refused, Cancelled, or (after Answered) HungUp; an incoming one,
unless refused by its owner, in Cancelled or (after `answer`) HungUp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from byourside_server.sip.flow import Flow
from byourside_server.sip.message import EMPTY_HEADERS, Headers

if TYPE_CHECKING:
    from byourside_server.sip.call import SipCall
    from byourside_server.sip.incoming import IncomingCall


BOTH_WAYS = Flow()


@dataclass(frozen=True)
class Progress:
    """A provisional response from the far side: 180, 183, ... The hop-by-hop 100 is not told."""

    call: SipCall
    status: int
    reason: str
    # Early media of the phone that spoke last, or b"".
    sdp: bytes = b""
    headers: Headers = EMPTY_HEADERS


@dataclass(frozen=True)
class Answered:
    """The far side picked up; the ACK is on its way."""

    call: SipCall
    # The answer to our offer, from the 200 or an early one that went before it; b"" where there was none.
    sdp: bytes
    headers: Headers = EMPTY_HEADERS


@dataclass(frozen=True)
class Refused:
    """There will be no call."""

    call: SipCall
    status: int
    reason: str
    # From a Reason field (RFC 3326), where the far network said why in its own terms.
    q850_cause: int | None = None
    retry_after_s: int | None = None
    # Nobody said it: 408 is silence, 503 the network under us.
    local: bool = False
    # Where a 3xx says to look instead.
    contacts: tuple[str, ...] = ()
    headers: Headers = EMPTY_HEADERS


@dataclass(frozen=True)
class Cancelled:
    """Given up before the answer: by us on an outgoing call, by the caller on an incoming one."""

    call: SipCall
    reason: str | None = None


@dataclass(frozen=True)
class HungUp:
    """An answered call is over; told once."""

    call: SipCall
    # "network": nobody hung up, but the far side is gone: the session ran out, or a request found nobody.
    by: Literal["remote", "local", "network"]
    reason: str | None = None
    q850_cause: int | None = None


@dataclass(frozen=True)
class InviteReceived:
    """Somebody calls us: `call.ring`, `call.answer` or `call.refuse`."""

    call: IncomingCall
    to_user: str
    from_user: str
    # Their offer; b"" where they leave the offering to us.
    sdp: bytes
    headers: Headers


@dataclass(frozen=True)
class Acknowledged:
    """The ACK or PRACK carried the answer to the offer we made in our response."""

    call: SipCall
    sdp: bytes
    flow: Flow = BOTH_WAYS


@dataclass(frozen=True)
class MessageReceived:
    """Text inside the call (RFC 3428); already answered 200."""

    call: SipCall
    body: bytes
    content_type: str


@dataclass(frozen=True)
class InfoReceived:
    """INFO inside the call (RFC 6086), such as keys as application/dtmf-relay; already answered 200."""

    call: SipCall
    body: bytes
    content_type: str


@dataclass(frozen=True)
class Reinvited:
    """The far side changes the session: other address, hold, codec."""

    call: SipCall
    # Their new offer; b"" where they ask for ours.
    sdp: bytes
    # False where the owner took it upon itself to answer (`call.answers_reinvites = False`).
    answered: bool
    # What may flow from now on; where not answered yet, what did.
    flow: Flow = BOTH_WAYS
    # The request it came in: INVITE, UPDATE or PRACK.
    method: str = "INVITE"


@dataclass(frozen=True)
class Reoffered:
    """What came of `hold`, `resume` or `reoffer`. Refused, and the session is what it was."""

    call: SipCall
    status: int
    reason: str
    # Their answer; b"" where they refused.
    sdp: bytes
    flow: Flow

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class RequestFailed:
    """A MESSAGE or INFO of ours was refused or never answered; the call goes on."""

    call: SipCall
    method: str
    status: int
    reason: str


@dataclass(frozen=True)
class Referred:
    """What came of `refer`, told once: 2xx, and they talk to the other; else the call is still ours.

    408 is a verdict that never came. Nothing is told where the call ends before.
    """

    call: SipCall
    status: int

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class ReferReceived:
    """They ask us to call somebody else (RFC 3515); accepted already. `call.notify_refer` tells the outcome.

    Heard only where the owner takes referrals (`call.takes_referrals = True`); else they are declined.
    """

    call: SipCall
    # A SIP URI.
    target: str
    headers: Headers = EMPTY_HEADERS


SipEvent = (
    Progress
    | Answered
    | Refused
    | Cancelled
    | HungUp
    | InviteReceived
    | Acknowledged
    | MessageReceived
    | InfoReceived
    | Reinvited
    | Reoffered
    | RequestFailed
    | Referred
    | ReferReceived
)
