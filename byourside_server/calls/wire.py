"""The call as the public sees it: camelCase is spelt here, in `wire_quality` and in `wire_request` alone.

`call_record` makes the published record (spec: API reference, "Response fields") with its documented
extensions; absent values are null, never missing.
"""

from __future__ import annotations

from byourside_server.calls import lifecycle
from byourside_server.calls.answering import Answering
from byourside_server.calls.call import (
    Call,
    Callback,
    Evidence,
    JsonValue,
    StepKind,
    StepProof,
)
from byourside_server.calls.transcript import Turn, as_text
from byourside_server.calls.wire_quality import latency_record, media_record
from byourside_server.clock import iso_utc
from byourside_server.providers.base import Ahead, Usage, total

PUBLIC_STEP_KIND: dict[StepKind, str] = {
    "disclosure": "disclosure",
    "must_say": "mustSay",
    "must_ask": "mustAsk",
}

Json = dict[str, JsonValue]


def call_record(call: Call, recording_url: str | None) -> Json:
    """The record of GET, of lists and of webhooks.

    `recording_url` is where the recording can be fetched, or None while there is none.
    """
    report = call.report
    duration_s = (
        round(call.ended_at - call.answered_at, 3)
        if call.ended_at is not None and call.answered_at is not None
        else None
    )
    return {
        "id": call.id,
        "callId": call.id,
        "status": lifecycle.PUBLIC_STATUS[call.state],
        "to": call.request.to,
        "callerId": call.caller_id,
        "objective": call.request.objective,
        "summary": report.summary if report else None,
        "transcript": as_text(call.turns) if call.turns else None,
        "extracted": dict(report.extracted) if report else None,
        "recordingUrl": recording_url,
        "startedAt": iso_utc(call.answered_at),
        "endedAt": iso_utc(call.ended_at),
        "durationSec": duration_s,
        "error": call.error,
        "createdAt": iso_utc(call.created_at),
        "scheduledAt": iso_utc(call.request.scheduled_at),
        "attempt": call.attempt,
        "answeredBy": call.answered_by,
        "answering": _answering(call.answering),
        "outcome": report.outcome if report else None,
        "objectiveMet": report.objective_met if report else None,
        "objectiveReason": report.objective_reason if report else None,
        "endedBy": call.ended_by,
        "endReason": call.end_reason,
        "sip": _sip(call),
        "turns": [turn_record(turn) for turn in call.turns],
        "evidence": {name: _evidence(found) for name, found in report.evidence.items()} if report else None,
        "latency": latency_record(call.latency),
        "media": media_record(call.media),
        "analysis": call.analysis,
        "mind": call.mind,
        "steps": [_step(step) for step in report.steps] if report else None,
        "callback": _callback(report.callback) if report else None,
        "extractor": report.extractor if report else None,
        "usage": _usage(call),
        "language": call.request.language,
        "metadata": call.request.metadata,
    }


def _answering(found: Answering | None) -> JsonValue:
    if found is None:
        return None
    return {
        "verdict": found.verdict,
        "by": found.by,
        "timeMs": found.time_ms,
        "confidence": found.confidence,
        "revised": found.revised,
    }


def _sip(call: Call) -> JsonValue:
    if call.dialing_at is None:
        return None
    return {
        "status": call.sip.status,
        "reason": call.sip.reason,
        "q850Cause": call.sip.q850_cause,
        "ringSec": call.sip.ring_s,
        "earlyMedia": call.sip.early_media,
        "trunk": call.sip.trunk,
        "attempts": [
            {"trunk": each.trunk, "target": each.target, "status": each.status, "reason": each.reason}
            for each in call.sip.attempts
        ],
    }


def turn_record(turn: Turn) -> Json:
    """One element of `turns`."""
    return {
        "index": turn.index,
        "role": turn.role,
        "text": turn.text,
        "startMs": turn.start_ms,
        "endMs": turn.end_ms,
        "interrupted": turn.interrupted,
        "asks": turn.asks,
        "confidence": turn.confidence,
    }


def _evidence(found: Evidence | None) -> JsonValue:
    if found is None:
        return None
    return {"turn": found.turn, "quote": found.quote, "startMs": found.start_ms, "endMs": found.end_ms}


def _step(step: StepProof) -> Json:
    return {
        "kind": PUBLIC_STEP_KIND[step.kind],
        "text": step.text,
        "done": step.turn is not None,
        "turn": step.turn,
        "startMs": step.start_ms,
        "endMs": step.end_ms,
        "answer": step.answer,
        "answerTurn": step.answer_turn,
    }


def _callback(wish: Callback | None) -> JsonValue:
    return None if wish is None else {"time": wish.time, "quote": wish.quote, "turn": wish.turn}


def _usage(call: Call) -> JsonValue:
    """What language models were asked for this call, talk and analysis together; null where none was."""
    used = total([call.usage, call.report.usage if call.report else Usage()])
    if not used.requests and not used.failures:
        return None
    return {
        "requests": used.requests,
        "failures": used.failures,
        "promptTokens": used.prompt_tokens,
        "cachedTokens": used.cached_tokens,
        "completionTokens": used.completion_tokens,
        "costUsd": _usd(used.cost_usd),
        "models": list(used.models),
        "estimatedTokens": used.estimated_tokens,
        "ahead": _ahead(used.ahead),
    }


def _ahead(ahead: Ahead | None) -> JsonValue:
    """What became of the replies asked for ahead, and what was paid in vain; null where there were none."""
    if ahead is None:
        return None
    lost = ahead.dropped_usage
    return {
        "asked": ahead.asked,
        "takenOver": ahead.taken_over,
        "dropped": ahead.dropped,
        "droppedPromptTokens": lost.prompt_tokens,
        "droppedCachedTokens": lost.cached_tokens,
        "droppedCompletionTokens": lost.completion_tokens,
        "droppedEstimatedTokens": lost.estimated_tokens,
        "droppedCostUsd": _usd(lost.cost_usd),
    }


def _usd(cost_usd: float | None) -> float | None:
    return None if cost_usd is None else round(cost_usd, 6)


def event_body(record: Json, event_id: str, event_type: str, at: float, sequence: int) -> Json:
    """A webhook body: the record itself, and which event it tells of."""
    return {**record, "event": {"id": event_id, "type": event_type, "at": iso_utc(at), "sequence": sequence}}
