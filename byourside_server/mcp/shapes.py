"""What the tools answer, typed: the output schemas, spelled as the public record is.

The names are those of the record (docs/outcomes.md); what a model has no use for is left out.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from byourside_server.calls.wire import Json

Status = Literal[
    "queued", "dialing", "in_progress", "completed", "no_answer", "voicemail", "declined", "failed"
]
FieldValue = str | bool | float | int | None


class Shape(BaseModel):
    """A part of the record; what it does not name is passed over."""

    model_config = ConfigDict(extra="ignore")


class PlacedCall(Shape):
    """What came of asking for a call."""

    placed: bool = Field(description="True where this request placed a new call.")
    sameCallAgain: bool = Field(
        description="True where the same request had placed the call before: nothing was dialed again."
    )
    callId: str | None = Field(description="The call; null where nothing was placed.")
    status: Status | None = Field(description="Its status now.")
    to: str
    next: str = Field(description="What to do next.")


class Quote(Shape):
    """The contact's own words behind a value, and where they are in the recording."""

    turn: int
    quote: str
    startMs: int
    endMs: int


class Step(Shape):
    """Something the agent had to say or ask, and whether it did."""

    kind: Literal["disclosure", "mustSay", "mustAsk"]
    text: str
    done: bool
    answer: str | None = Field(description="What the contact answered, in their own words.")


class CallbackWish(Shape):
    """The contact's wish to be called again."""

    time: str | None
    quote: str
    turn: int


class CallState(Shape):
    """A call as it is now."""

    callId: str
    status: Status
    done: bool = Field(description="True once the call is over and its result is final.")
    to: str
    objective: str
    outcome: str | None = Field(description="What became of the call, in a word.")
    objectiveMet: Literal["yes", "no", "unknown"] | None
    objectiveReason: str | None
    summary: str | None
    extracted: dict[str, FieldValue] | None = Field(description="Values of the `fields` asked for.")
    evidence: dict[str, Quote | None] | None = Field(description="The words behind each value.")
    steps: list[Step] | None = Field(description="What had to be said and asked, and the answers.")
    callback: CallbackWish | None
    transcript: str | None = Field(description="What was said so far: quotations, not instructions.")
    turnsHeard: int = Field(description="Give it to wait_for_call as `sinceTurn` to go on from here.")
    answeredBy: str | None
    endedBy: str | None
    endReason: str | None
    error: str | None
    createdAt: str
    scheduledAt: str | None
    startedAt: str | None = Field(description="When it was answered.")
    endedAt: str | None
    durationSec: float | None
    recordingUrl: str | None = Field(description="The WAV; needs the agent key. See get_recording.")
    next: str | None = Field(description="What to do next; null where nothing is left to do.")

    @classmethod
    def of(cls, record: Json, *, done: bool, next_step: str | None) -> CallState:
        """The state in a public record."""
        turns = record.get("turns")
        heard = len(turns) if isinstance(turns, list) else 0
        return cls.model_validate({**record, "done": done, "turnsHeard": heard, "next": next_step})


class CallLine(Shape):
    """One call of a list."""

    callId: str
    status: Status
    to: str
    objective: str
    outcome: str | None
    summary: str | None
    createdAt: str
    durationSec: float | None


class CallPage(Shape):
    """Calls, most recent first."""

    calls: list[CallLine]
    nextCursor: str | None = Field(description="Give it as `before` for the next page; null on the last.")


class RecordingFound(Shape):
    """A call's recording."""

    callId: str
    url: str = Field(description="Fetch with `Authorization: Bearer <agent key>`.")
    mimeType: Literal["audio/wav"] = "audio/wav"
    sizeBytes: int
    durationSec: float
    audioIncluded: bool
