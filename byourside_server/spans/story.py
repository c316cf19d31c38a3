"""A finished call as spans: the call, dialing, conversation, each turn with its stages, silences, analysis.

Plain values out of the record, with the moments that stand in it. Nothing that was said, no number, no name
of a person and no address of a receiver is in them. Ids are made of the call's id: told twice, a call is the
same trace, and a webhook that is sent hours later, or by another process, finds its place in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from byourside_server.calls import lifecycle
from byourside_server.calls.call import Call
from byourside_server.calls.latency import TurnLatency, stages
from byourside_server.calls.trace_context import TraceParent, parse_traceparent
from byourside_server.providers.base import Usage
from byourside_server.store.courier import Sent

Value = str | int | float | bool
ROOT = "call"
# Of an answer's moments: each stage from … to …; the contact's last voiced moment is 0.
STAGES: Mapping[str, tuple[str | None, str]] = {
    "endpoint": (None, "decided_ms"),
    "stt": ("quiet_ms", "words_ms"),
    "first_token": ("mind_asked_ms", "first_token_ms"),
    "first_audio": ("said_ms", "first_audio_ms"),
    "first_packet": ("first_audio_ms", "first_packet_ms"),
}


@dataclass(frozen=True)
class Place:
    """Where a call is in a trace: the caller's, or one of its own."""

    trace_id: int
    caller: TraceParent | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether anybody keeps this trace."""
        return self.caller is None or self.caller.sampled


@dataclass(frozen=True)
class Span:
    """A stretch of time; `start` and `end` are epoch seconds, `key` is its name within the call."""

    key: str
    name: str
    parent: str | None
    start: float
    end: float
    attributes: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[tuple[str, float], ...] = ()
    failed: str | None = None
    """Why, where it failed: a token."""
    is_client: bool = False
    """It was waiting for somebody else's machine."""


def place_of(call: Call) -> Place:
    """The caller's trace where the request named one, else one whose id is the call's own."""
    caller = parse_traceparent(call.request.traceparent or "")
    return Place(caller.trace_id if caller is not None else _hashed(call.id, 16), caller)


def span_id(call_id: str, key: str) -> int:
    """Of the span with that key; never 0."""
    return _hashed(f"{call_id}/{key}", 8)


def _hashed(text: str, size: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size]) or 1


def spans_of(call: Call) -> list[Span]:
    """The whole story of a call that is over, the root first."""
    return [_root(call), *_ways(call), *_conversation(call), *_analysis(call)]


def span_of_delivery(sent: Sent) -> Span:
    """One attempt to hand a webhook over."""
    attempt = sent.attempt
    attributes: dict[str, Value] = {
        "byourside.webhook.event_id": sent.event_id,
        "byourside.webhook.attempt": sent.number,
        "byourside.webhook.result": sent.result,
    }
    if attempt.status is not None:
        attributes["http.response.status_code"] = attempt.status
    failed = None if sent.result == "delivered" else sent.answer
    if sent.result == "replayed" and attempt.status is not None and attempt.status // 100 == 2:
        failed = None
    key = f"webhook/{sent.event_id}/{sent.number}/{sent.at:.6f}"
    end = sent.at + attempt.took_ms / 1000
    return Span(key, "webhook", ROOT, sent.at, end, attributes, failed=failed, is_client=True)


def _root(call: Call) -> Span:
    report = call.report
    end = max(moment for moment in (call.created_at, call.ended_at, call.finished_at) if moment is not None)
    attributes = _known(
        {
            "byourside.call.id": call.id,
            "byourside.call.status": lifecycle.PUBLIC_STATUS[call.state],
            "byourside.call.error": call.error,
            "byourside.call.ended_by": call.ended_by,
            "byourside.call.end_reason": call.end_reason,
            "byourside.call.answered_by": call.answered_by,
            "byourside.call.outcome": report.outcome if report else None,
            "byourside.call.objective_met": report.objective_met if report else None,
        }
    )
    failed = call.error or "failed" if call.state == "failed" else None
    return Span(ROOT, "call", None, call.created_at, end, attributes, failed=failed)


def _ways(call: Call) -> Iterator[Span]:
    """The queue, and the phone that rings."""
    due_at = max(call.created_at, call.request.scheduled_at or 0.0)
    if call.dialing_at is None:
        return
    yield Span("queued", "queued", ROOT, min(due_at, call.dialing_at), call.dialing_at)
    end = call.answered_at or call.ended_at or call.dialing_at
    sip = call.sip
    attributes = _known(
        {
            "byourside.trunk": sip.trunk,
            "byourside.dial_attempts": len(sip.attempts),
            "byourside.early_media": sip.early_media,
            "sip.status_code": sip.status,
            "sip.q850_cause": sip.q850_cause,
        }
    )
    events = () if call.ringing_at is None else (("ringing", call.ringing_at),)
    # A phone that is busy or rings in vain is no fault of anybody's.
    failed = call.error if call.answered_at is None and call.state == "failed" else None
    yield Span("dialing", "dialing", ROOT, call.dialing_at, end, attributes, events, failed, is_client=True)


def _conversation(call: Call) -> Iterator[Span]:
    zero, end = call.answered_at, call.ended_at
    if zero is None or end is None:
        return
    media, ahead = call.media, call.usage.ahead
    attributes = _known(
        {
            "byourside.mind": call.mind,
            "byourside.turns": len(call.turns),
            "byourside.answering.verdict": call.answering.verdict if call.answering else None,
            "byourside.media.codec": media.codec if media else None,
            "byourside.media.mos": media.mos if media else None,
            "byourside.media.loss_percent": media.loss_percent if media else None,
            "byourside.media.jitter_ms": media.jitter_ms if media else None,
            "byourside.ahead.asked": ahead.asked if ahead else None,
            "byourside.ahead.taken_over": ahead.taken_over if ahead else None,
            "byourside.ahead.dropped": ahead.dropped if ahead else None,
            "byourside.ahead.dropped_tokens": _tokens(ahead.dropped_usage) if ahead else None,
            "byourside.ahead.dropped_cost_usd": ahead.dropped_usage.cost_usd if ahead else None,
        }
    )
    talk = "conversation"
    yield Span(talk, talk, ROOT, zero, end, attributes)
    latency = {entry.turn: entry for entry in call.latency.turns if entry.turn is not None}
    for turn in call.turns:
        key, name = f"turn/{turn.index}", f"turn {turn.role}"
        begin = zero + turn.start_ms / 1000
        told: dict[str, Value] = {"byourside.turn": turn.index, "byourside.interrupted": turn.interrupted}
        waited = latency.get(turn.index) if turn.role == "agent" else None
        parts = [] if waited is None else list(_stages(key, begin, waited))
        if waited is not None:
            told["byourside.response_ms"] = waited.total_ms
            told["byourside.asked_ahead"] = _is_asked_ahead(waited)
            begin = min(begin, begin - waited.first_packet_ms / 1000, *(part.start for part in parts))
        yield Span(key, name, talk, begin, zero + max(turn.start_ms, turn.end_ms) / 1000, told)
        yield from parts
    for number, silence in enumerate(call.latency.silences):
        stretch = zero + silence.start_ms / 1000, zero + silence.end_ms / 1000
        cause: dict[str, Value] = {"byourside.cause": silence.cause}
        yield Span(f"silence/{number}", "silence", talk, *stretch, cause)


def _is_asked_ahead(waited: TurnLatency) -> bool:
    """Whether the mind was asked before the contact's turn was taken for over."""
    asked, decided = waited.mind_asked_ms, waited.decided_ms
    return asked is not None and decided is not None and asked < decided


def _tokens(usage: Usage) -> int:
    return usage.prompt_tokens + usage.completion_tokens


def _stages(key: str, sounded_at: float, waited: TurnLatency) -> Iterator[Span]:
    """What went on before the first sound of an answer, which was heard at `sounded_at`."""
    zero = sounded_at - waited.first_packet_ms / 1000
    took = stages(waited)
    for name, (begins, ends) in STAGES.items():
        if took[name] is None:
            continue
        begin_ms = 0 if begins is None else getattr(waited, begins)
        start, end = zero + begin_ms / 1000, zero + getattr(waited, ends) / 1000
        yield Span(f"{key}/{name}", name, key, start, max(start, end))


def _analysis(call: Call) -> Iterator[Span]:
    if call.analysis is None or call.ended_at is None or call.finished_at is None:
        return
    attributes = _known({"byourside.extractor": call.report.extractor if call.report else None})
    failed = None if call.analysis == "done" else f"analysis_{call.analysis}"
    yield Span("analysis", "analysis", ROOT, call.ended_at, call.finished_at, attributes, failed=failed)


def _known(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    return {name: value for name, value in attributes.items() if value is not None}
