"""The tools that look at calls or call them off: get_call, list_calls, cancel_call, get_recording."""

from __future__ import annotations

import base64
from typing import Annotated

from mcp_types import AudioContent, CallToolResult, ContentBlock, ResourceLink

from byourside_server.mcp import arguments
from byourside_server.mcp.answers import answer, failure
from byourside_server.mcp.door import Recording
from byourside_server.mcp.shapes import CallLine, CallPage, CallState, RecordingFound
from byourside_server.mcp.surroundings import Asked, door_of
from byourside_server.mcp.words import STATUS_WORDS, state_of, told

MAX_AUDIO_BYTES = 1_000_000
MAX_OBJECTIVE_CHARS = 200


async def get_call(asked: Asked, callId: arguments.CallId) -> Annotated[CallToolResult, CallState]:
    """The call as it is now."""
    state = state_of(await door_of(asked).get(callId))
    return answer(state, told(state))


async def cancel_call(asked: Asked, callId: arguments.CallId) -> Annotated[CallToolResult, CallState]:
    """Never dialed where it waits, hung up where it is live."""
    state = state_of(await door_of(asked).cancel(callId))
    return answer(state, f"Called off.\n{told(state)}")


async def list_calls(
    asked: Asked,
    limit: arguments.Limit = 10,
    before: arguments.Before = None,
    status: arguments.StatusWanted = None,
) -> Annotated[CallToolResult, CallPage]:
    """The account's calls, most recent first."""
    records, cursor = await door_of(asked).list(limit, before, status)
    page = CallPage(calls=[CallLine.model_validate(record) for record in records], nextCursor=cursor)
    lines = [_line(call) for call in page.calls] or ["There are no such calls."]
    if cursor is not None:
        lines.append(f"There are more: list_calls with `before` {cursor}.")
    return answer(page, "\n".join(lines))


async def get_recording(
    asked: Asked, callId: arguments.CallId, includeAudio: arguments.IncludeAudio = False
) -> Annotated[CallToolResult, RecordingFound]:
    """Where the recording is, and the sound itself where it was asked for."""
    door = door_of(asked)
    found = await door.recording(callId)
    if includeAudio and found.size > MAX_AUDIO_BYTES:
        return failure(
            f"too_large: The recording has {found.size} bytes, and at most {MAX_AUDIO_BYTES} are sent along."
            " Ask without includeAudio and give the user the link."
        )
    more: list[ContentBlock] = [_link(callId, found)]
    if includeAudio:
        sound = base64.b64encode(await door.read_recording(callId)).decode("ascii")
        more.append(AudioContent(type="audio", data=sound, mime_type="audio/wav"))
    shape = RecordingFound(
        callId=callId,
        url=found.url,
        sizeBytes=found.size,
        durationSec=round(found.duration_s, 3),
        audioIncluded=includeAudio,
    )
    words = f"Recording of {found.duration_s:.1f} s, {found.size} bytes: {found.url} (needs the agent key)."
    return answer(shape, words, *more)


def _link(call_id: str, found: Recording) -> ResourceLink:
    return ResourceLink(
        type="resource_link",
        uri=found.url,
        name=f"call-{call_id}.wav",
        title="Recording of the call",
        description="Stereo: the contact on the left, the agent on the right.",
        mime_type="audio/wav",
        size=found.size,
    )


def _line(call: CallLine) -> str:
    goal = " ".join(call.objective.split())
    if len(goal) > MAX_OBJECTIVE_CHARS:
        goal = f"{goal[:MAX_OBJECTIVE_CHARS].rstrip()} …"
    return f"{call.createdAt} {call.callId} {call.to}: {STATUS_WORDS[call.status]}. {call.summary or goal}"
