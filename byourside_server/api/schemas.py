"""The public shapes, as the OpenAPI document shows them.

They describe and never check a request: `calls.wire` reads requests and writes records, and the tests hold
both to these models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal[
    "queued", "dialing", "in_progress", "completed", "no_answer", "voicemail", "declined", "failed"
]
FieldValue = str | bool | float | int | None
E164 = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", examples=["+14155550123"])]
Moment = Annotated[
    str, Field(description="ISO 8601, UTC, milliseconds.", examples=["2026-06-17T14:03:12.000Z"])
]
CallId = Annotated[str, Field(examples=["f47ac10b-58cc-4372-a567-0e02b2c3d479"])]
Milliseconds = Annotated[int, Field(ge=0, description="Milliseconds from the moment of answer.")]


class Shape(BaseModel):
    """A JSON object with these names and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FieldToExtract(Shape):
    """One value to learn from the conversation."""

    name: str = Field(min_length=1, max_length=64, description="Unique in the array; the key in `extracted`.")
    type: Literal["string", "boolean", "number"] = "string"
    description: str | None = Field(None, description="What the value means, in plain text.")


class Voicemail(Shape):
    """What to do when a machine answers. Extension."""

    action: Literal["hang_up", "leave_message"] = "hang_up"
    message: str | None = Field(None, description="What to leave; made from the objective if absent.")


class CallToPlace(BaseModel):
    """The body of a placement. Names it does not know are ignored."""

    to: E164 = Field(description="Destination number in E.164.")
    objective: str = Field(max_length=8000, description="What the AI should accomplish, as a clear goal.")
    context: str | None = Field(
        None, max_length=32000, description="Background the AI should know. Never told to the recipient."
    )
    fields: list[FieldToExtract] | None = Field(None, max_length=20)
    webhookUrl: str | None = Field(None, description="HTTPS URL for signed events during and after the call.")
    callerId: E164 | None = Field(None, description="A number on your account; the default if absent.")
    metadata: dict[str, object] | None = Field(
        None, description="Yours: comes back on the record and in webhooks. Extension."
    )
    maxDurationSec: int | None = Field(
        None, ge=10, le=3600, description="The call is ended politely at this length. Extension."
    )
    language: str | None = Field(None, description="Language tag, for example en-US. Extension.")
    voicemail: Voicemail | None = None
    hangUpOn: list[Literal["ivr", "screening", "unknown"]] | None = Field(
        None, description="Verdicts on who answered at which the call ends at once. Extension."
    )
    scheduledAt: Moment | None = Field(None, description="Dial not before this time. Extension.")
    mustSay: list[str] | None = Field(
        None, max_length=10, description="Sentences the agent must say, word for word. Extension."
    )
    mustAsk: list[str] | None = Field(
        None, max_length=10, description="Questions the agent must ask, word for word. Extension."
    )


class Placed(Shape):
    """The call was accepted and will be dialed."""

    callId: CallId
    status: Literal["queued"]


class Validated(Shape):
    """The call would be accepted now, limits aside. Nothing was placed."""

    valid: Literal[True]
    to: E164
    country: str = Field(description="ISO 3166 alpha-2.", examples=["US"])
    kind: str = Field(description="What sort of number it is.", examples=["mobile"])


class DialAttempt(Shape):
    """One INVITE."""

    trunk: str = Field(description="Name of the trunk.", examples=["main"])
    target: str = Field(description="Its server.", examples=["203.0.113.20:5060;transport=udp"])
    status: int | None = Field(description="What it finally said; null where it said nothing.")
    reason: str | None


class Answering(Shape):
    """Who answered, and how that was known."""

    verdict: str = Field(description="human, voicemail, ivr, screening, fax or unknown.")
    by: str = Field(description="What it rests on: words, cadence, beep, fax_tone, early_media and so on.")
    timeMs: int = Field(description="From the answer to this verdict.")
    confidence: float | int
    revised: str | None = Field(description="The verdict before, where this one took its place.")


class Sip(Shape):
    """What the line itself said."""

    status: int | None = Field(description="Final SIP status.")
    reason: str | None
    q850Cause: int | None
    ringSec: float | None = Field(description="Seconds of ringing.")
    earlyMedia: bool = Field(description="Whether sound came before the answer.")
    trunk: str | None = Field(description="The trunk dialled last; `sandbox` where no phone rang.")
    attempts: list[DialAttempt] = Field(description="Every INVITE; only the last may have rung a phone.")


class Turn(Shape):
    """One stretch of speech of one side."""

    index: int
    role: Literal["agent", "contact"]
    text: str = Field(description="Only what was played out or heard.")
    startMs: Milliseconds
    endMs: Milliseconds
    interrupted: bool
    asks: str | None = Field(description="The step an agent's turn puts as a question.")
    confidence: float | None


class Evidence(Shape):
    """The contact's own words behind a value, and where to hear them."""

    turn: int
    quote: str
    startMs: Milliseconds
    endMs: Milliseconds


class LatencyMoments(Shape):
    """When each stage was, in ms after the contact's last voiced moment; negative is before it."""

    quietMs: int | None = Field(description="Silence was noticed, and the sound went to speech-to-text.")
    wordsMs: int | None = Field(description="Speech-to-text was done.")
    decidedMs: int | None = Field(description="The contact was taken to have finished.")
    mindAskedMs: int | None
    firstTokenMs: int | None = Field(description="The first sentence of the reply was there.")
    voiceAskedMs: int | None = Field(description="Its sound was ordered, possibly ahead of time.")
    saidMs: int | None = Field(description="Its words were to be said now.")
    firstAudioMs: int | None = Field(description="The first piece of its sound was there.")
    firstPacketMs: int = Field(description="It was on the line.")


class TurnLatency(Shape):
    """One answer: the whole time, what each stage took by itself (they overlap), and when each was."""

    turn: int | None = Field(description="Index of the agent's turn; null where it was cut at once.")
    totalMs: int
    endpointMs: int | None = Field(description="Silence until the contact was taken to have finished.")
    sttMs: int | None
    firstTokenMs: int | None = Field(description="From asking the mind to its first sentence.")
    firstAudioMs: int | None = Field(description="How long the words waited for their sound.")
    firstPacketMs: int | None
    at: LatencyMoments


class Silence(Shape):
    """More than 2 s in which nobody spoke and the agent owed words."""

    startMs: Milliseconds
    endMs: Milliseconds
    cause: Literal["recognition", "mind", "voice"] = Field(description="What took the most of it.")


class Latency(Shape):
    """From the contact's last word to the agent's first sound."""

    turnsMs: list[int]
    p50Ms: int | None
    p95Ms: int | None
    turns: list[TurnLatency] = Field(description="The same in stages; empty in older records.")
    silences: list[Silence]


class StepProof(Shape):
    """The disclosure, a `mustSay` or a `mustAsk`, and the agent's turn that holds it."""

    kind: Literal["disclosure", "mustSay", "mustAsk"]
    text: str
    done: bool
    turn: int | None
    startMs: Milliseconds | None
    endMs: Milliseconds | None
    answer: str | None = Field(description="What the contact said to a question.")
    answerTurn: int | None


class Callback(Shape):
    """When the contact wants to be called again."""

    time: str | None = Field(description="As said; null where no time was named.")
    quote: str
    turn: int


class Ahead(Shape):
    """Replies asked for before it was sure that the contact had finished; `dropped…` is part of the usage."""

    asked: int
    takenOver: int = Field(description="The turn was over with the same words.")
    dropped: int = Field(description="The contact went on, or the words turned out others.")
    droppedPromptTokens: int
    droppedCachedTokens: int
    droppedCompletionTokens: int
    droppedEstimatedTokens: int
    droppedCostUsd: float | None


class Usage(Shape):
    """Requests to language models, during the talk and for the report."""

    requests: int
    failures: int = Field(description="Brought no answer to its end: failed, or called off.")
    promptTokens: int
    cachedTokens: int
    completionTokens: int
    costUsd: float | None = Field(description="Null where a price is not configured.")
    models: list[str]
    estimatedTokens: int = Field(
        description="Among those above: of requests called off before a server had counted."
    )
    ahead: Ahead | None = Field(description="Null where nothing was asked ahead.")


class FarEnd(Shape):
    """How the contact's side heard the agent, by its own reports (RTCP)."""

    lossPercent: float
    jitterMs: float | None
    mos: float | None


class Media(Shape):
    """How the sound of the call travelled."""

    codec: str
    srtp: str | None = Field(description="The SRTP suite; null where the sound was not encrypted.")
    packetsSent: int
    packetsReceived: int
    packetsLost: int = Field(description="Not there when they were to be heard, late ones included.")
    packetsLate: int
    packetsDuplicate: int
    packetsRejected: int = Field(description="Not authentic or replayed (SRTP).")
    concealedMs: int = Field(description="Sound made up where packets were missing.")
    lossPercent: float
    jitterMs: float
    bufferMs: int
    roundTripMs: float | None
    mos: float | None = Field(description="Of what was heard here, estimated by ITU-T G.107: 1 to 4.5.")
    farEnd: FarEnd | None


class CallRecord(Shape):
    """One call. Absent values are null, never missing."""

    id: CallId
    callId: CallId
    status: Status
    to: E164
    callerId: E164
    objective: str
    summary: str | None
    transcript: str | None = Field(description="Lines of `Agent: …` and `Contact: …`.")
    extracted: dict[str, FieldValue] | None = Field(
        description="One value per requested field, null if not found."
    )
    recordingUrl: str | None = Field(description="Needs your key; null while there is none.")
    startedAt: Moment | None = Field(description="When the call was answered.")
    endedAt: Moment | None
    durationSec: float | int | None = Field(description="From answer to end.")
    error: str | None = Field(description="Error token on failed calls.")
    createdAt: Moment
    scheduledAt: Moment | None
    attempt: int
    answeredBy: str | None = Field(description="human, voicemail, ivr, screening, fax or unknown.")
    answering: Answering | None = Field(description="How `answeredBy` was known, and how soon.")
    outcome: str | None
    objectiveMet: Literal["yes", "no", "unknown"] | None
    objectiveReason: str | None
    endedBy: str | None
    endReason: str | None
    sip: Sip | None
    turns: list[Turn]
    evidence: dict[str, Evidence | None] | None
    latency: Latency | None
    media: Media | None = Field(description="How the sound travelled; null until the end.")
    analysis: str | None
    mind: str | None
    steps: list[StepProof] | None = Field(description="What the agent had to say or ask, and where it did.")
    callback: Callback | None = Field(description="The contact's wish to be called again.")
    extractor: str | None = Field(description="Who read the transcript: `embedded`, or a language model.")
    usage: Usage | None = Field(description="What language models were asked; null where none was.")
    language: str | None
    metadata: dict[str, object] | None


class CallList(Shape):
    """Calls of the account, most recent first."""

    calls: list[CallRecord]
    nextCursor: str | None = Field(description="Pass as `before` for the next page; null on the last.")


class EventFacts(Shape):
    """Which event a record tells of."""

    id: str = Field(examples=["evt_2mVQk9"])
    type: str = Field(examples=["call.completed"])
    at: Moment
    sequence: int = Field(ge=1, description="1 with call.queued, then one more for each event of the call.")


class EventRecord(CallRecord):
    """A webhook's body: the record as it was, and the event."""

    event: EventFacts


class EventList(Shape):
    """The event log, oldest first."""

    events: list[EventRecord]
    nextAfter: int = Field(description="Pass as `after` to go on from here.")


class Health(Shape):
    """The server answers."""

    status: Literal["ok", "degraded"]
    version: str
    trunks: dict[str, Literal["up", "down"]] | None = Field(
        None, description="Whether calls can be given to each trunk. Extension."
    )
    store: Literal["down"] | None = Field(
        None, description="There where the database does not answer; `status` is `degraded` then. Extension."
    )


class Error(Shape):
    """The one shape of every error."""

    error: str = Field(description="The token: what programs read.", examples=["invalid_number"])
    message: str = Field("", description="One sentence for people: the field and its cure.")
    requestId: str = Field("", description="Also in X-Request-Id; names the request in the server's log.")
