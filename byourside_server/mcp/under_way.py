"""Is this number being called already?

A model that sends a request again in other words has another Idempotency-Key. While the first call is under
way, this tells them apart: the same number and objective is the same call, another objective has to wait.
"""

from __future__ import annotations

from byourside_server.calls.lifecycle import PUBLIC_STATUSES, TERMINAL_STATUSES
from byourside_server.mcp.door import Door, Placed

LIVE_STATUSES = tuple(status for status in PUBLIC_STATUSES if status not in TERMINAL_STATUSES)
MAX_LIVE = 100


class NumberBusy(Exception):
    """Another call to the number is under way."""

    def __init__(self, call_id: str) -> None:
        super().__init__(
            f"already_calling: Nothing was dialed: call {call_id} to this number is under way with another"
            " objective. Follow it with wait_for_call. Where the user wants a second call to the number at"
            " the same time, send this again with `attempt` 2."
        )


async def under_way(door: Door, to: str, objective: str) -> Placed | None:
    """The call to this number that is under way with this objective, or None where the number is free.

    Raises NumberBusy where one with another objective is. Calls for later times are passed over.
    """
    for status in LIVE_STATUSES:
        records, _ = await door.list(MAX_LIVE, None, status)
        for record in records:
            if record["to"] != to.strip() or record["scheduledAt"] is not None:
                continue
            if record["objective"] != objective.strip():
                raise NumberBusy(str(record["callId"]))
            return Placed(record, is_repeat=True)
    return None
