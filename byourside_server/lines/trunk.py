"""Where calls leave the house: one trunk's settings and manners, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from byourside_server.sip.hop import Transport
from byourside_server.sip.sdp_crypto import SrtpPolicy

NumberFormat = Literal["e164", "digits", "national"]


@dataclass(frozen=True)
class Trunk:
    """A SIP trunk, or the sandbox network in its place."""

    name: str
    # Name or address of the carrier; without port looked up by SRV.
    host: str
    port: int | None = None
    transport: Transport = "udp"
    # In Request-URI, From and To.
    domain: str = ""
    # What the carrier's certificate must say, over TLS.
    server_name: str | None = None
    user: str | None = None
    password: str | None = None
    register: bool = False
    expires_s: int = 300
    # Number in From where the carrier wants its own; the call's caller ID where None.
    caller: str | None = None
    caller_ids: tuple[str, ...] = ()
    from_account: bool = False
    p_asserted_identity: bool = False
    privacy: bool = False
    number_format: NumberFormat = "e164"
    country_code: str = ""
    national_lead: str = ""
    international_lead: str = "00"
    prefixes: tuple[str, ...] = ()
    max_calls: int | None = None
    calls_per_second: float | None = None
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    srtp: SrtpPolicy = "off"
    # Written into SDP in place of this machine's own address.
    advertised_host: str | None = None
    options_every_s: float = 30.0
    # Seconds of ringing after which an unanswered call is given up (CANCEL).
    ring_timeout_s: float = 40.0
    # Placements that must fail one after another before the trunk counts as broken; 0 is never: the
    # sandbox's phones fail on purpose.
    breaks_after: int = 5
    # The sandbox's simulated phones read along: what the agent said is sent to them as in-dialog
    # MESSAGEs, since embedded recognition cannot follow a synthetic voice. Never set for a real trunk.
    captions: bool = False

    def fit(self, number: str) -> int | None:
        """Length of the longest prefix this number begins with, 0 where the trunk takes all, None where
        it takes others only."""
        if not self.prefixes:
            return 0
        return max((len(prefix) for prefix in self.prefixes if number.startswith(prefix)), default=None)

    def may_show(self, caller_id: str) -> bool:
        return not self.caller_ids or caller_id in self.caller_ids
