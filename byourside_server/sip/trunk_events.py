"""What happens with a trunk apart from any call, as the owner hears it: one frozen value each.

Given out by `SipEndpoint.next_trunk_event`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byourside_server.sip.outgoing import TrunkAddress
    from byourside_server.sip.registration import Registration


@dataclass(frozen=True)
class Registered:
    """The registrar knows where we are, for this long; told after every refresh."""

    registration: Registration
    expires_s: int


@dataclass(frozen=True)
class RegistrationFailed:
    """The registrar said no, or nothing; the registration tries again by itself."""

    registration: Registration
    # 408 is silence, 503 the network under us.
    status: int
    reason: str


@dataclass(frozen=True)
class OptionsAnswered:
    """What came of `ask_options`: any response at all means that the peer is alive.

    503 says alive, but out of service. None is silence or a failure of the transport; `why` says which.
    """

    trunk: TrunkAddress
    status: int | None
    # From the question to the answer, or to the moment it was given up.
    round_trip_s: float
    why: str = ""


TrunkEvent = Registered | RegistrationFailed | OptionsAnswered
