"""place_call: the one tool that rings a phone, and everything that keeps it from ringing twice.

The same request has the same Idempotency-Key (`repeats`). A reworded one is caught while the first call to
that number is still under way. `attempt` is the way to mean it.
"""

from __future__ import annotations

from typing import Annotated

import anyio
from mcp.server.mcpserver import AcceptedElicitation, ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import BaseModel

from byourside_server.calls.call import JsonValue
from byourside_server.calls.wire import Json
from byourside_server.errors import Refusal
from byourside_server.mcp import arguments
from byourside_server.mcp.answers import answer, failure
from byourside_server.mcp.confirmation import Approval, approval_of
from byourside_server.mcp.door import Door, Placed
from byourside_server.mcp.repeats import canonical, idempotency_key_of
from byourside_server.mcp.shapes import PlacedCall
from byourside_server.mcp.surroundings import Asked, door_of, surroundings_of
from byourside_server.mcp.under_way import under_way

# Pauses before the second and later tries where the very same request is being answered elsewhere.
IN_FLIGHT_PAUSES_S = (0.1, 0.3, 1.0)


async def place_call(
    asked: Asked,
    approval: Annotated[ElicitationResult[Approval], Resolve(approval_of)],
    to: arguments.To,
    objective: arguments.Objective,
    context: arguments.Context = None,
    fields: arguments.Fields = None,
    mustSay: arguments.MustSay = None,
    mustAsk: arguments.MustAsk = None,
    voicemail: arguments.VoicemailChoice = None,
    hangUpOn: arguments.HangUpOn = None,
    language: arguments.Language = None,
    maxDurationSec: arguments.MaxDuration = None,
    callerId: arguments.CallerId = None,
    scheduledAt: arguments.ScheduledAt = None,
    attempt: arguments.Attempt = 1,
    confirmed: arguments.Confirmed = False,
) -> Annotated[CallToolResult, PlacedCall]:
    """Place the call, unless the user says no or it was placed before."""
    body = canonical(
        {
            "to": to,
            "objective": objective,
            "context": context,
            "fields": _documents(fields),
            "mustSay": list(mustSay or ()),
            "mustAsk": list(mustAsk or ()),
            "voicemail": voicemail.model_dump() if voicemail else None,
            "hangUpOn": list(hangUpOn or ()),
            "language": language,
            "maxDurationSec": maxDurationSec,
            "callerId": callerId,
            "scheduledAt": scheduledAt,
        }
    )
    if not isinstance(approval, AcceptedElicitation):
        return _not_wanted(to)
    if not isinstance(approval.data, Approval):
        return failure(
            "not_confirmed: Nothing was dialed. The user must confirm calls, and this client can't ask."
        )
    if not approval.data.call:
        return _not_wanted(to)
    door = door_of(asked)
    async with surroundings_of(asked).alone(door.mark, str(body["to"])):
        found = None if attempt > 1 or scheduledAt else await under_way(door, str(body["to"]), objective)
        placed = found or await _place(door, body, idempotency_key_of(door.mark, body, attempt))
    return _told(placed, attempt)


async def _place(door: Door, body: Json, idempotency_key: str) -> Placed:
    for pause_s in (*IN_FLIGHT_PAUSES_S, None):
        try:
            return await door.place(body, idempotency_key)
        except Refusal as refusal:
            if refusal.token != "idempotency_in_flight" or pause_s is None:
                raise
            await anyio.sleep(pause_s)
    raise AssertionError("the last try has no pause")


def _documents(fields: list[arguments.FieldToLearn] | None) -> list[JsonValue]:
    return [_document(field) for field in fields or ()]


def _document(shape: BaseModel) -> Json:
    return shape.model_dump(mode="json", exclude_none=True)


def _not_wanted(to: str) -> CallToolResult:
    next_step = "Nothing was dialed. Don't place it again unless the user asks for it."
    nothing = PlacedCall(placed=False, sameCallAgain=False, callId=None, status=None, to=to, next=next_step)
    return answer(nothing, f"The user declined this call. {next_step}")


def _told(placed: Placed, attempt: int) -> CallToolResult:
    record = placed.record
    call_id = str(record["callId"])
    if placed.is_repeat:
        head = f"This is the same call again, placed at {record['createdAt']}: nothing new is dialed."
        next_step = (
            f"wait_for_call with callId {call_id} tells its result. Where the user wants this call placed"
            f" once more, send the same with `attempt` {attempt + 1}."
        )
    else:
        head = f"Call {call_id} to {record['to']} is placed."
        next_step = f"Use wait_for_call with callId {call_id} to follow it to its result."
        if record["scheduledAt"] is not None:
            next_step = f"It will be dialed at {record['scheduledAt']}; get_call tells its result after that."
    shape = PlacedCall.model_validate(
        {
            **record,
            "placed": not placed.is_repeat,
            "sameCallAgain": placed.is_repeat,
            "next": next_step,
        }
    )
    return answer(shape, f"{head} {next_step}")
