"""What a call is: the request as accepted, and everything known of it since.

Plain frozen values. Knows no database, no JSON spelling (that is `wire`) and no rules of change
(that is `lifecycle`). Moments (`…_at`) are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from byourside_server.calls.answering import Answering, Verdict
from byourside_server.calls.latency import LatencyFacts
from byourside_server.calls.media_facts import MediaFacts
from byourside_server.calls.transcript import Turn
from byourside_server.providers.base import Usage

FieldType = Literal["string", "boolean", "number"]
FIELD_TYPES: tuple[FieldType, ...] = ("string", "boolean", "number")
FieldValue = str | bool | float | int | None
VoicemailAction = Literal["hang_up", "leave_message"]
JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

DEFAULT_MAX_DURATION_S = 600
MAX_MAX_DURATION_S = 3600


@dataclass(frozen=True)
class Field:
    """One value the caller wants to learn from the conversation."""

    name: str
    type: FieldType = "string"
    description: str | None = None


@dataclass(frozen=True)
class VoicemailPolicy:
    """What to do when a machine answers; `message` None means one made from the objective."""

    action: VoicemailAction = "hang_up"
    message: str | None = None


@dataclass(frozen=True)
class CallRequest:
    """A POST as validated: every field has its type, nothing has been looked up yet."""

    to: str
    objective: str
    context: str | None = None
    fields: tuple[Field, ...] = ()
    webhook_url: str | None = None
    caller_id: str | None = None
    metadata: dict[str, JsonValue] | None = None
    max_duration_s: int | None = None
    language: str | None = None
    voicemail: VoicemailPolicy = field(default_factory=VoicemailPolicy)
    scheduled_at: float | None = None
    must_say: tuple[str, ...] = ()
    must_ask: tuple[str, ...] = ()
    hang_up_on: tuple[Verdict, ...] = ()
    traceparent: str | None = None
    """The caller's own place in a trace (W3C Trace Context), as the request's header had it."""


@dataclass(frozen=True)
class DialAttempt:
    """One INVITE: to which trunk's server, and what it finally said; `status` None where it said nothing."""

    trunk: str
    target: str
    status: int | None
    reason: str | None


@dataclass(frozen=True)
class SipFacts:
    """What the line itself said: final status, reason, Q.850 cause, seconds of ringing, early media.

    `trunk` is the one that was dialled last, `attempts` are all of them; only the last may have rung.
    """

    status: int | None = None
    reason: str | None = None
    q850_cause: int | None = None
    ring_s: float | None = None
    early_media: bool = False
    trunk: str | None = None
    attempts: tuple[DialAttempt, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """The contact's own words behind a value: turn number, quote, and where to hear it."""

    turn: int
    quote: str
    start_ms: int
    end_ms: int


StepKind = Literal["disclosure", "must_say", "must_ask"]


@dataclass(frozen=True)
class StepProof:
    """Something the agent had to say or ask, and where it did.

    `turn` is the agent's turn that holds it, None where it was never said whole; `answer` is what the
    contact said to a question, in his own words, and `answer_turn` where.
    """

    kind: StepKind
    text: str
    turn: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    answer: str | None = None
    answer_turn: int | None = None


@dataclass(frozen=True)
class Callback:
    """The contact's wish to be called again: when, as a time where one was named, and his words."""

    time: str | None
    quote: str
    turn: int


@dataclass(frozen=True)
class Report:
    """What the analysis made of the conversation.

    `extractor` says who read the transcript: "embedded", or the name of the language model.
    """

    summary: str
    extracted: dict[str, FieldValue]
    evidence: dict[str, Evidence | None]
    objective_met: Literal["yes", "no", "unknown"]
    objective_reason: str
    outcome: str | None = None
    steps: tuple[StepProof, ...] = ()
    callback: Callback | None = None
    extractor: str = "embedded"
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Call:
    """One call. `state` is a name of `lifecycle.STATES`; the public status is a view of it."""

    id: str
    account_id: str
    key_id: str | None
    request: CallRequest
    caller_id: str
    state: str
    created_at: float
    attempt: int = 0
    dialing_at: float | None = None
    ringing_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    finished_at: float | None = None
    answered_by: str | None = None
    answering: Answering | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    error: str | None = None
    sip: SipFacts = field(default_factory=SipFacts)
    turns: tuple[Turn, ...] = ()
    report: Report | None = None
    analysis: str | None = None
    recording_ms: int | None = None
    latency: LatencyFacts = field(default_factory=LatencyFacts)
    media: MediaFacts | None = None
    mind: str | None = None
    usage: Usage = field(default_factory=Usage)
    cancel_requested_at: float | None = None
    sequence: int = 0
