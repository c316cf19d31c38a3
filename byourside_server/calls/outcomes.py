"""From what the line said to what the caller is told.

One table, printed in docs/outcomes.md from here. 480 is no answer and not unallocated: carriers send it
for a phone that is switched off or out of reach.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """The terminal state of a call that was not answered, and its error token if it failed."""

    state: str
    error: str | None
    end_reason: str


_DECLINED = Outcome("declined", None, "declined")
_BUSY = Outcome("declined", None, "busy")
_NO_ANSWER = Outcome("no_answer", None, "no_answer")
_UNALLOCATED = Outcome("failed", "unallocated_number", "unallocated_number")
_FAX = Outcome("failed", "fax_answered", "fax")
PLACEMENT_FAILED = Outcome("failed", "placement_failed", "placement_failed")

OUTCOME_OF_SIP_STATUS: dict[int, Outcome] = {
    480: _NO_ANSWER,
    408: _NO_ANSWER,
    487: _NO_ANSWER,
    486: _BUSY,
    600: _BUSY,
    603: _DECLINED,
    404: _UNALLOCATED,
    484: _UNALLOCATED,
    604: _UNALLOCATED,
    401: PLACEMENT_FAILED,
    403: PLACEMENT_FAILED,
    407: PLACEMENT_FAILED,
}

# What is heard before the answer, where the network plays a tone and sends no status.
OUTCOME_OF_EARLY_SOUND: dict[str, Outcome] = {
    "busy": _BUSY,
    "congestion": Outcome("failed", "placement_failed", "congestion"),
    "sit": _UNALLOCATED,
    "fax": _FAX,
}

# Answered, and nobody to talk to: these reasons for hanging up make a call a failed one.
OUTCOME_OF_END_REASON: dict[str, Outcome] = {outcome.end_reason: outcome for outcome in (_FAX, _UNALLOCATED)}


def of_refusal(sip_status: int, *, local: bool) -> Outcome:
    """The outcome of a final response to INVITE.

    `local` marks a status our own side made up because the trunk never answered at all (Timer B,
    transport error): that is no ringing phone but a trunk that is down.
    """
    if local:
        return PLACEMENT_FAILED
    return OUTCOME_OF_SIP_STATUS.get(sip_status, PLACEMENT_FAILED)
