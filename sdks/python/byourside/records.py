"""The shapes of what is sent and answered, for type checkers and readers.

At run time a record is the dictionary the server sent, with one kindness: its two names for the id,
`id` and `callId`, both answer even where only one was sent.
"""

from typing import Any, Dict, FrozenSet, List, Optional, TypedDict, Union

TERMINAL_STATUSES: FrozenSet[str] = frozenset({"completed", "no_answer", "voicemail", "declined", "failed"})

FieldValue = Union[str, bool, int, float, None]


class _FieldName(TypedDict):
    name: str


class Field(_FieldName, total=False):
    """One value to learn from the conversation; `type` is string (if left out), boolean or number."""

    type: str
    description: str


class Voicemail(TypedDict, total=False):
    """What to do when a machine answers: `action` is hang_up or leave_message."""

    action: str
    message: Optional[str]


class Turn(TypedDict, total=False):
    """One stretch of speech. `role` is agent or contact; times are milliseconds of the recording."""

    index: int
    role: str
    text: str
    startMs: int
    endMs: int
    interrupted: bool
    asks: Optional[str]
    confidence: Optional[float]


class Evidence(TypedDict):
    """The contact's own words behind an extracted value, and where to hear them."""

    turn: int
    quote: str
    startMs: int
    endMs: int


class DialAttempt(TypedDict, total=False):
    """One INVITE: to which server of which trunk, and what it finally said."""

    trunk: str
    target: str
    status: Optional[int]
    reason: Optional[str]


class Answering(TypedDict):
    """Who answered, what that rests on, and how soon after the answer it was known."""

    verdict: str
    by: str
    timeMs: int
    confidence: float
    revised: Optional[str]


class SipFacts(TypedDict, total=False):
    """What the telephone line itself said."""

    status: Optional[int]
    reason: Optional[str]
    q850Cause: Optional[int]
    ringSec: Optional[float]
    earlyMedia: bool
    trunk: Optional[str]
    attempts: List[DialAttempt]


class LatencyMoments(TypedDict, total=False):
    """When each stage of an answer was, in milliseconds after the contact's last word; negative is before."""

    quietMs: Optional[int]
    wordsMs: Optional[int]
    decidedMs: Optional[int]
    mindAskedMs: Optional[int]
    firstTokenMs: Optional[int]
    voiceAskedMs: Optional[int]
    saidMs: Optional[int]
    firstAudioMs: Optional[int]
    firstPacketMs: int


class TurnLatency(TypedDict, total=False):
    """One answer: the whole time, what each stage took by itself (they overlap), and when each was."""

    turn: Optional[int]
    totalMs: int
    endpointMs: Optional[int]
    sttMs: Optional[int]
    firstTokenMs: Optional[int]
    firstAudioMs: Optional[int]
    firstPacketMs: Optional[int]
    at: LatencyMoments


class Silence(TypedDict, total=False):
    """More than two seconds in which the agent owed words; `cause` is recognition, mind or voice."""

    startMs: int
    endMs: int
    cause: str


class Latency(TypedDict, total=False):
    """How long the agent took to answer, in milliseconds."""

    turnsMs: List[int]
    p50Ms: Optional[int]
    p95Ms: Optional[int]
    turns: List[TurnLatency]
    silences: List[Silence]


class FarEnd(TypedDict):
    """How the contact's side heard the agent, by its own reports (RTCP)."""

    lossPercent: float
    jitterMs: Optional[float]
    mos: Optional[float]


class Media(TypedDict, total=False):
    """How the sound of the call travelled; `mos` is an estimate from 1 to 4.5."""

    codec: str
    srtp: Optional[str]
    packetsSent: int
    packetsReceived: int
    packetsLost: int
    packetsLate: int
    packetsDuplicate: int
    packetsRejected: int
    concealedMs: int
    lossPercent: float
    jitterMs: float
    bufferMs: int
    roundTripMs: Optional[float]
    mos: Optional[float]
    farEnd: Optional[FarEnd]


class StepProof(TypedDict):
    """The disclosure, a `mustSay` or a `mustAsk`, and the agent's turn that holds it."""

    kind: str
    text: str
    done: bool
    turn: Optional[int]
    startMs: Optional[int]
    endMs: Optional[int]
    answer: Optional[str]
    answerTurn: Optional[int]


class Callback(TypedDict):
    """When the contact wants to be called again, as said."""

    time: Optional[str]
    quote: str
    turn: int


class Ahead(TypedDict):
    """Replies asked for before it was sure that the contact had finished; `dropped…` is part of the usage."""

    asked: int
    takenOver: int
    dropped: int
    droppedPromptTokens: int
    droppedCachedTokens: int
    droppedCompletionTokens: int
    droppedEstimatedTokens: int
    droppedCostUsd: Optional[float]


class _CountedUsage(TypedDict):

    requests: int
    failures: int
    promptTokens: int
    cachedTokens: int
    completionTokens: int
    costUsd: Optional[float]
    models: List[str]


class Usage(_CountedUsage, total=False):
    """What language models were asked; `costUsd` is None where a price is not configured."""

    estimatedTokens: int
    ahead: Optional[Ahead]


class PlacedCall(TypedDict):
    """The answer to a placed call."""

    callId: str
    status: str


class _PublishedRecord(TypedDict):
    id: str
    callId: str
    status: str
    to: str
    objective: str
    summary: Optional[str]
    transcript: Optional[str]
    extracted: Optional[Dict[str, FieldValue]]
    recordingUrl: Optional[str]
    startedAt: Optional[str]
    endedAt: Optional[str]
    durationSec: Optional[float]
    error: Optional[str]


class CallRecord(_PublishedRecord, total=False):
    """A call as fetched or listed: the published fields, and the extensions a server may add."""

    callerId: str
    createdAt: str
    scheduledAt: Optional[str]
    attempt: int
    answeredBy: Optional[str]
    answering: Optional[Answering]
    outcome: Optional[str]
    objectiveMet: Optional[str]
    objectiveReason: Optional[str]
    endedBy: Optional[str]
    endReason: Optional[str]
    sip: Optional[SipFacts]
    turns: List[Turn]
    evidence: Optional[Dict[str, Optional[Evidence]]]
    latency: Optional[Latency]
    media: Optional[Media]
    analysis: Optional[str]
    mind: Optional[str]
    steps: Optional[List[StepProof]]
    callback: Optional[Callback]
    extractor: Optional[str]
    usage: Optional[Usage]
    language: Optional[str]
    metadata: Optional[Dict[str, Any]]


class WebhookEvent(TypedDict):
    """Which event a webhook tells of. `sequence` counts from 1 within one call."""

    id: str
    type: str
    at: str
    sequence: int


class WebhookPayload(CallRecord):
    """A webhook's body: the call record itself, and the event."""

    event: WebhookEvent


# The API page names the id `id`, the published client's examples read `callId`.
_OTHER_NAME: Dict[str, str] = {"id": "callId", "callId": "id"}


class Record(Dict[str, Any]):
    """The dictionary a server sent; a missing `callId` or `id` answers with the other.

    Nothing is added to it: it equals, iterates and serialises as what came.
    """

    def __missing__(self, key: str) -> Any:
        other = _OTHER_NAME.get(key)
        if other is None or not dict.__contains__(self, other):
            raise KeyError(key)
        return dict.__getitem__(self, other)

    def __contains__(self, key: object) -> bool:
        if dict.__contains__(self, key):
            return True
        return isinstance(key, str) and key in _OTHER_NAME and dict.__contains__(self, _OTHER_NAME[key])

    def get(self, key: str, default: Any = None) -> Any:
        # dict.get would not ask __missing__.
        try:
            return self[key]
        except KeyError:
            return default

    def copy(self) -> "Record":
        return Record(self)


class CallList(List[CallRecord]):
    """Listed calls, and the cursor of the older ones: None where there are none or the server tells none."""

    next_cursor: Optional[str] = None
