"""A `Call` as a row and back: the only place that knows how its parts are kept as JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from byourside_server.calls.answering import Answering
from byourside_server.calls.call import (
    Call,
    Callback,
    CallRequest,
    DialAttempt,
    Evidence,
    Report,
    SipFacts,
    StepProof,
)
from byourside_server.calls.latency import LatencyFacts, Silence, TurnLatency
from byourside_server.calls.media_facts import MediaFacts
from byourside_server.calls.transcript import Turn
from byourside_server.calls.wire_request import kept_request, request_document
from byourside_server.providers.base import Ahead, Usage

Column = str | int | float | None
# Made once: json.dumps makes an encoder for every value that is not written in its own default way.
COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dumps(document: object) -> str:
    """Compact JSON, one spelling everywhere."""
    return COMPACT.encode(document)


def request_text(request: CallRequest) -> str:
    return dumps(request_document(request))


def sip_text(sip: SipFacts) -> str:
    return dumps(asdict(sip))


def answering_text(answering: Answering | None) -> str | None:
    return None if answering is None else dumps(asdict(answering))


def turns_text(turns: tuple[Turn, ...]) -> str:
    return dumps([asdict(turn) for turn in turns])


def latency_text(latency: LatencyFacts) -> str:
    return dumps(asdict(latency))


def media_text(media: MediaFacts | None) -> str | None:
    return None if media is None else dumps(asdict(media))


def usage_text(usage: Usage) -> str | None:
    """None where no language model was asked."""
    return None if usage == Usage() else dumps(asdict(usage))


def report_text(report: Report) -> str:
    return dumps(asdict(report))


def call_of(row: Mapping[str, Any] | sa.RowMapping) -> Call:
    """The call that a whole row of `calls` tells of."""
    return Call(
        id=row["id"],
        account_id=row["account_id"],
        key_id=row["key_id"],
        request=kept_request(json.loads(row["request"])),
        caller_id=row["caller_id"],
        state=row["state"],
        created_at=row["created_at"],
        attempt=row["attempt"],
        dialing_at=row["dialing_at"],
        ringing_at=row["ringing_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        finished_at=row["finished_at"],
        answered_by=row["answered_by"],
        answering=Answering(**json.loads(row["answering"])) if row["answering"] else None,
        ended_by=row["ended_by"],
        end_reason=row["end_reason"],
        error=row["error"],
        sip=_sip(json.loads(row["sip"])) if row["sip"] else SipFacts(),
        turns=tuple(Turn(**turn) for turn in json.loads(row["turns"])) if row["turns"] else (),
        report=_report(json.loads(row["report"])) if row["report"] else None,
        analysis=row["analysis"],
        recording_ms=row["recording_ms"],
        latency=latency_of(json.loads(row["latency"])) if row["latency"] else LatencyFacts(),
        media=MediaFacts(**json.loads(row["media"])) if row["media"] else None,
        mind=row["mind"],
        usage=_usage(json.loads(row["usage"])) if row["usage"] else Usage(),
        cancel_requested_at=row["cancel_requested_at"],
        sequence=row["sequence"],
    )


def latency_of(kept: Any) -> LatencyFacts:
    """Older editions kept nothing but the list of response times."""
    if isinstance(kept, list):
        return LatencyFacts(tuple(kept))
    return LatencyFacts(
        turns_ms=tuple(kept["turns_ms"]),
        turns=tuple(TurnLatency(**turn) for turn in kept["turns"]),
        silences=tuple(Silence(**silence) for silence in kept["silences"]),
    )


def _usage(document: Mapping[str, Any]) -> Usage:
    """What an older edition did not know yet has its default."""
    kept = dict(document)
    models, ahead = kept.pop("models"), kept.pop("ahead", None)
    return Usage(**kept, models=tuple(models), ahead=_ahead(ahead) if ahead else None)


def _ahead(document: Mapping[str, Any]) -> Ahead:
    return Ahead(**{**document, "dropped_usage": _usage(document["dropped_usage"])})


def _sip(kept: dict[str, Any]) -> SipFacts:
    attempts = tuple(DialAttempt(**attempt) for attempt in kept.pop("attempts", ()))
    return SipFacts(**kept, attempts=attempts)


def _report(document: Mapping[str, Any]) -> Report:
    """The report as stored; what an older edition did not know yet has its default."""
    kept = dict(document)
    evidence, steps = kept.pop("evidence"), kept.pop("steps", ())
    callback, usage = kept.pop("callback", None), kept.pop("usage", None)
    return Report(
        evidence={name: Evidence(**found) if found else None for name, found in evidence.items()},
        steps=tuple(StepProof(**step) for step in steps),
        callback=Callback(**callback) if callback else None,
        usage=_usage(usage) if usage else Usage(),
        **kept,
    )
