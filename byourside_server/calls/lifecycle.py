"""How a call's state may change, and nothing else may.

    queued ──► claimed ──► dialing ──► in_progress ──► post ──► completed
       │          │           │             │            │
       └──────────┴─► canceled└─► no_answer │            └─► voicemail, failed
                              declined      └─► failed
                              failed

One table. `post` is the time after hang-up in which summary and fields are made: the public status
still shows `in_progress`, with `endedAt` set. The five published terminal statuses are the only ones
the public sees: a canceled call is shown as `failed` with `error: "canceled"` (docs/decisions/canceled.md).
"""

from __future__ import annotations

TRANSITIONS: dict[str, frozenset[str]] = {
    "queued": frozenset({"claimed", "canceled", "failed"}),
    "claimed": frozenset({"queued", "dialing", "canceled", "failed"}),
    "dialing": frozenset({"in_progress", "no_answer", "declined", "failed", "canceled"}),
    "in_progress": frozenset({"post", "failed"}),
    "post": frozenset({"completed", "voicemail", "failed"}),
    "completed": frozenset(),
    "no_answer": frozenset(),
    "voicemail": frozenset(),
    "declined": frozenset(),
    "failed": frozenset(),
    "canceled": frozenset(),
}
STATES = tuple(TRANSITIONS)
TERMINAL_STATES = frozenset(state for state, onward in TRANSITIONS.items() if not onward)
LIVE_STATES = frozenset({"dialing", "in_progress"})
# Counted against an account's limit of simultaneous calls.
ACTIVE_STATES = LIVE_STATES | {"claimed"}

PUBLIC_STATUS: dict[str, str] = {
    "queued": "queued",
    "claimed": "queued",
    "dialing": "dialing",
    "in_progress": "in_progress",
    "post": "in_progress",
    "completed": "completed",
    "no_answer": "no_answer",
    "voicemail": "voicemail",
    "declined": "declined",
    "failed": "failed",
    "canceled": "failed",
}
PUBLIC_STATUSES = tuple(dict.fromkeys(PUBLIC_STATUS.values()))
TERMINAL_STATUSES = frozenset(PUBLIC_STATUS[state] for state in TERMINAL_STATES)

# The event that tells of a state having been reached; `call.ringing` happens within `dialing`.
EVENT_OF_STATE: dict[str, str] = {
    "queued": "call.queued",
    "dialing": "call.dialing",
    "in_progress": "call.in_progress",
    "post": "call.ended",
    **{state: f"call.{PUBLIC_STATUS[state]}" for state in TERMINAL_STATES},
}


class ForbiddenTransition(Exception):
    """A change that the table does not have: a programmer's mistake or a lost race, never a user's."""


def apply(state: str, onward: str) -> str:
    """The state after the change. Raises ForbiddenTransition where the table has no such arrow."""
    if onward not in TRANSITIONS[state]:
        raise ForbiddenTransition(f"{state} -> {onward}")
    return onward


def sources_of(onward: str) -> tuple[str, ...]:
    """The states from which `onward` may be reached: what a compare-and-set UPDATE must ask for."""
    return tuple(state for state, onwards in TRANSITIONS.items() if onward in onwards)
