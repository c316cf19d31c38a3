"""A call's JSON columns: what is written is read back, also what an older edition has written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest
import sqlalchemy as sa

from byourside_server.calls.answering import Answering
from byourside_server.calls.call import Callback, Evidence, Report, StepProof
from byourside_server.calls.latency import LatencyFacts, Silence, TurnLatency
from byourside_server.calls.media_facts import MediaFacts
from byourside_server.providers.base import Ahead, Usage
from byourside_server.store.call_rows import (
    answering_text,
    call_of,
    latency_text,
    media_text,
    report_text,
    usage_text,
)

REPORT = Report(
    "It went well.",
    {"booked": True, "name": None},
    {"booked": Evidence(2, "yes", 100, 200), "name": None},
    "yes",
    "So.",
    outcome="callback_requested",
    steps=(StepProof("disclosure", "Hello.", 1, 0, 900), StepProof("must_ask", "Why?")),
    callback=Callback(None, "call me later", 4),
    extractor="model",
    usage=Usage(2, 1, 10, 5, 3, 0.001, ("model",)),
)
UNSET = """
    key_id dialing_at ringing_at answered_at ended_at finished_at answered_by ended_by end_reason error sip
    turns analysis answering recording_ms latency media mind cancel_requested_at report usage
"""
ROW: Mapping[str, Any] = {
    **dict.fromkeys(UNSET.split()),
    "id": "c",
    "account_id": "a",
    "request": json.dumps({"to": "+14155550123", "objective": "Ask."}),
    "caller_id": "+14155550100",
    "state": "completed",
    "created_at": 0.0,
    "attempt": 1,
    "sequence": 1,
}


def row(**columns: object) -> sa.RowMapping:
    return cast(sa.RowMapping, {**ROW, **columns})


def test_a_report_with_steps_callback_and_usage_is_read_back_whole() -> None:
    assert call_of(row(report=report_text(REPORT))).report == REPORT


def test_replies_asked_for_ahead_are_read_back_whole() -> None:
    lost = Usage(1, 1, 30, 0, 2, 0.01, ("model",), 8)
    usage = Usage(4, 1, 100, 50, 20, None, ("model",), 8, Ahead(3, 2, lost))
    assert call_of(row(usage=usage_text(usage))).usage == usage


def test_the_usage_of_an_older_edition_is_read_with_defaults() -> None:
    kept = json.loads(usage_text(Usage(1, 2, 3, 0, 4, 0.5, ("model",))) or "")
    del kept["ahead"], kept["estimated_tokens"]
    assert call_of(row(usage=json.dumps(kept))).usage == Usage(1, 2, 3, 0, 4, 0.5, ("model",))


def test_what_is_known_of_the_sound_is_read_back_whole() -> None:
    facts = MediaFacts("PCMA", "AES_CM_128_HMAC_SHA1_80", 9, 8, 1, 0, 0, 2, 20, 1.5, 40, 30.0, 0.5, 2.0)
    assert call_of(row(media=media_text(facts))).media == facts
    assert call_of(row(media=media_text(None))).media is None


def test_response_times_and_silences_are_read_back_whole() -> None:
    latency = LatencyFacts((900,), (TurnLatency(900, 1, 200, 340),), (Silence(4_000, 6_500, "voice"),))
    assert call_of(row(latency=latency_text(latency))).latency == latency
    assert call_of(row()).latency == LatencyFacts()


def test_response_times_of_an_older_edition_are_a_mere_list() -> None:
    assert call_of(row(latency="[604,476]")).latency == LatencyFacts((604, 476))


def test_a_report_of_an_older_edition_has_the_defaults_of_what_it_did_not_know() -> None:
    unknown = ("steps", "callback", "extractor", "usage")
    old = {key: value for key, value in json.loads(report_text(REPORT)).items() if key not in unknown}
    report = call_of(row(report=json.dumps(old))).report
    assert report is not None
    assert (report.steps, report.callback, report.extractor, report.usage) == ((), None, "embedded", Usage())


@pytest.mark.parametrize("usage", [Usage(), Usage(3, 1, 900, 800, 60, None, ("a", "b"))])
def test_usage_is_read_back_and_none_is_not_stored(usage: Usage) -> None:
    text = usage_text(usage)
    assert (text is None) == (usage == Usage())
    assert call_of(row(usage=text)).usage == usage


def test_the_verdict_is_read_back_and_none_is_not_stored() -> None:
    verdict = Answering("voicemail", "beep", 9412, 0.99, "human")
    assert call_of(row(answering=answering_text(verdict))).answering == verdict
    assert answering_text(None) is None
    assert call_of(row()).answering is None
