"""Where calls leave the house: the one trunk's address and manners, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.sip.endpoint import TrunkAddress


@dataclass(frozen=True)
class Trunk:
    """A SIP trunk, or the sandbox network in its place."""

    address: TrunkAddress
    # User part of From where the carrier wants its own; the call's caller ID where None.
    caller: str | None = None
    # Seconds of ringing after which an unanswered call is given up (CANCEL).
    ring_timeout_s: float = 40.0
    # The sandbox's simulated phones read along: what the agent said is sent to them as in-dialog
    # MESSAGEs, since embedded recognition cannot follow a synthetic voice. Never set for a real trunk.
    captions: bool = False
