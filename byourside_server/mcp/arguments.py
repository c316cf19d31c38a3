"""The tools' arguments, described for a model that has read nothing else.

The names are the API's own, so that a refusal that names a field names an argument. Patterns and lengths are
shown and not checked here: what is wrong with a value is said by the API's own refusal.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from byourside_server.calls.wire_request import MAX_DEMANDS, MAX_FIELDS
from byourside_server.mcp.shapes import Status


class FieldToLearn(BaseModel):
    """One value to learn from the conversation."""

    name: str = Field(description="Its key in `extracted`, for example new_time. Unique.")
    type: Literal["string", "boolean", "number"] = Field("string", description="Type of the value.")
    description: str | None = Field(
        None, description="What the value means; the agent asks for it in the light of this."
    )


class Voicemail(BaseModel):
    """What to do when a machine answers."""

    action: Literal["hang_up", "leave_message"] = "hang_up"
    message: str | None = Field(None, description="What to leave; made from the objective if absent.")


To = Annotated[
    str,
    Field(
        description="The number to call, in E.164: a plus sign, the country code, digits only, for example"
        " +14155550123. A real phone rings there. Never guess a number; ask the user.",
        json_schema_extra={"pattern": r"^\+[1-9][0-9]{6,14}$", "examples": ["+14155550123"]},
    ),
]
Objective = Annotated[
    str,
    Field(
        description="What the call is to accomplish, as one clear goal with all that the agent may say, for"
        " example: Confirm Maria Lopez's appointment tomorrow at 2pm and ask whether she needs to reschedule."
        " The agent has only this, the context and the fields.",
        json_schema_extra={"maxLength": 8000},
    ),
]
Context = Annotated[
    str | None,
    Field(
        description="Background for the agent's decisions, never told to the person who is called: put what"
        " must stay private here, and what may be said in the objective.",
    ),
]
Fields = Annotated[
    list[FieldToLearn] | None,
    Field(
        description="Values to learn from the conversation, each typed; they come back in `extracted`, null"
        " where the contact did not say.",
        json_schema_extra={"maxItems": MAX_FIELDS},
    ),
]
MustSay = Annotated[
    list[str] | None,
    Field(
        description="Sentences the agent must say, word for word.",
        json_schema_extra={"maxItems": MAX_DEMANDS},
    ),
]
MustAsk = Annotated[
    list[str] | None,
    Field(
        description="Questions the agent must ask, word for word; the answers come back in `steps`.",
        json_schema_extra={"maxItems": MAX_DEMANDS},
    ),
]
VoicemailChoice = Annotated[
    Voicemail | None, Field(description="What to do when a machine answers; hanging up if absent.")
]
HangUpOn = Annotated[
    list[Literal["ivr", "screening", "unknown"]] | None,
    Field(
        description="Who else is hung up on at once instead of talked to: a menu of keys (ivr), a call"
        " screener, a pick-up that stays unknown. Usually left out: the agent finds its way through menus and"
        " screeners."
    ),
]
Language = Annotated[str | None, Field(description="Language tag of the conversation, for example en-US.")]
MaxDuration = Annotated[
    int | None, Field(description="The call is ended politely at this length in seconds, 10 to 3600.")
]
CallerId = Annotated[
    str | None, Field(description="The number to call from, E.164, one of the account's; usually left out.")
]
ScheduledAt = Annotated[
    str | None,
    Field(
        description="Dial not before this time: ISO 8601 with its offset, for example 2026-06-17T14:00:00Z."
    ),
]
Attempt = Annotated[
    int,
    Field(
        description="Leave at 1. The same arguments are the same call for 24 hours, so sending them again is"
        " safe and dials nothing. Only where the user wants the same call placed once more: 2, then 3, …",
        ge=1,
        le=1000,
    ),
]
Confirmed = Annotated[
    bool,
    Field(
        description="True only where the user has just approved this very number and objective; then the user"
        " is not asked again before the phone rings.",
    ),
]
CallId = Annotated[str, Field(description="The call's id, as place_call or list_calls gave it.")]
TimeoutSec = Annotated[
    int, Field(description="How long to wait at most, in seconds, 1 to 600; longer is taken as 600.", ge=1)
]
SinceTurn = Annotated[
    int, Field(description="`turnsHeard` of the answer before, so that no turn is told twice.", ge=0)
]
Limit = Annotated[int, Field(description="At most so many calls, 1 to 100.", ge=1, le=100)]
Before = Annotated[str | None, Field(description="Only older calls: `nextCursor` of the page before.")]
StatusWanted = Annotated[Status | None, Field(description="Only calls with this status.")]
IncludeAudio = Annotated[
    bool,
    Field(description="True to get the sound itself, too; only recordings up to 1 MB, about a minute."),
]
