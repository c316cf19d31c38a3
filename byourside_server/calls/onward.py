"""A refused INVITE: is it the destination that refused, or the trunk? Only the second is tried elsewhere.

One table, printed in docs/trunks.md from here. It is asked of calls that never rang; one that rang is never
dialled again, whatever comes then. RFC 3261 §21 and §16.7, RFC 3263 §4.3, RFC 3326.
"""

from __future__ import annotations

from typing import Literal

Onward = Literal["final", "next_target", "next_trunk"]

# final: the destination's own word, the same by every road.
# next_target: this server of the trunk failed; another server of the same trunk, then another trunk.
# next_trunk: the trunk itself will not have the call; its other servers would say the same.
ONWARD_OF_SIP_STATUS: dict[int, Onward] = {
    401: "next_trunk",
    402: "next_trunk",
    403: "next_trunk",
    404: "final",
    # Said by the far network about a phone that may have rung; our own silence is `local`.
    408: "final",
    407: "next_trunk",
    410: "final",
    433: "final",
    480: "final",
    484: "final",
    485: "final",
    486: "final",
    487: "final",
}
# What stands in the table above for itself, and this for all others, by the status's first digit.
ONWARD_OF_CLASS: dict[int, Onward] = {
    3: "next_trunk",
    4: "next_trunk",
    5: "next_target",
    # §21.6: a server that is sure for everywhere. 600 busy, 603 decline, 604 nowhere, 607 unwanted.
    6: "final",
}
# Q.850 causes (RFC 3326) speak plainer than the status a gateway makes of them (RFC 3398 §8.2.6.1).
# Unallocated, busy, no answer, absent, rejected, number changed, out of order, incomplete.
CAUSES_OF_THE_DESTINATION = frozenset({1, 17, 18, 19, 20, 21, 22, 27, 28})
# No circuit, network out of order, temporary failure, congestion, no channel, no resource.
CAUSES_OF_THE_NETWORK = frozenset({34, 38, 41, 42, 44, 47})
# Wrong credentials are the trunk's fault for every call; a 403 may be about this destination alone.
CREDENTIAL_STATUSES = frozenset({401, 407})


def onward(sip_status: int, *, local: bool, q850_cause: int | None = None) -> Onward:
    """Where an INVITE goes that was finally refused before anything rang.

    `local` marks a status our own side made up: nobody answered, or the connection failed.
    """
    if local:
        return "next_target"
    if q850_cause in CAUSES_OF_THE_DESTINATION:
        return "final"
    by_status = ONWARD_OF_SIP_STATUS.get(sip_status, ONWARD_OF_CLASS.get(sip_status // 100, "next_trunk"))
    if by_status == "final" and sip_status >= 600 and q850_cause in CAUSES_OF_THE_NETWORK:
        return "next_trunk"
    return by_status


def speaks_against_trunk(sip_status: int, move: Onward) -> bool:
    """Whether a refusal counts towards holding the trunk's server for broken."""
    return move == "next_target" or (move == "next_trunk" and sip_status in CREDENTIAL_STATUSES)
