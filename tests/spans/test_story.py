"""A finished call as spans: what stands where in time, and that nothing of what was said is in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byourside_server.calls.latency import LatencyFacts
from byourside_server.providers.base import Usage
from byourside_server.spans.story import Span, place_of, span_id, span_of_delivery, spans_of
from byourside_server.store.courier import Sent
from byourside_server.webhooks.sender import Attempt
from tests.metrics.records import BUSY, COMPLETED, NOW, SECRET_WORDS, call

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TALK = NOW + 4.0


def by_key(spans: list[Span]) -> dict[str, Span]:
    found = {span.key: span for span in spans}
    assert len(found) == len(spans), "a key names one span"
    return found


def stretch(span: Span, zero: float = TALK) -> tuple[int, int]:
    """In ms after the answer."""
    return round((span.start - zero) * 1000), round((span.end - zero) * 1000)


def test_the_story_has_its_chapters() -> None:
    spans = by_key(spans_of(COMPLETED))
    assert [(span.name, span.parent) for span in spans.values() if span.parent in (None, "call")] == [
        ("call", None),
        ("queued", "call"),
        ("dialing", "call"),
        ("conversation", "call"),
        ("analysis", "call"),
    ]
    assert stretch(spans["call"], NOW) == (0, 12_400)
    assert stretch(spans["queued"], NOW) == (0, 500)
    assert stretch(spans["dialing"], NOW) == (500, 4000)
    assert spans["dialing"].events == (("ringing", NOW + 1.0),)
    assert stretch(spans["conversation"]) == (0, 8000)
    assert stretch(spans["analysis"], NOW) == (12_000, 12_400)


def test_an_answer_begins_with_the_contacts_last_word_and_has_its_stages() -> None:
    """Endpoint delay, STT, first token, first audio, first packet: each from its own beginning."""
    spans = by_key(spans_of(COMPLETED))
    assert spans["turn/1"].parent == "conversation"
    assert stretch(spans["turn/1"]) == (1100, 3000)
    assert {key: stretch(span) for key, span in spans.items() if span.parent == "turn/1"} == {
        "turn/1/endpoint": (1100, 1500),
        "turn/1/stt": (1300, 1450),
        "turn/1/first_token": (1310, 1560),
        "turn/1/first_audio": (1570, 1700),
        "turn/1/first_packet": (1700, 1800),
    }
    # A farewell asks no mind, and here no words came.
    assert [key for key, span in spans.items() if span.parent == "turn/3"] == [
        "turn/3/endpoint",
        "turn/3/first_audio",
        "turn/3/first_packet",
    ]
    assert spans["turn/1"].attributes["byourside.response_ms"] == 700
    assert stretch(spans["turn/2"]) == (3500, 4200)


def test_a_conversation_tells_what_became_of_the_replies_asked_for_ahead() -> None:
    spans = by_key(spans_of(COMPLETED))
    told = {
        name.removeprefix("byourside.ahead."): value
        for name, value in spans["conversation"].attributes.items()
        if name.startswith("byourside.ahead.")
    }
    assert told == {
        "asked": 3,
        "taken_over": 1,
        "dropped": 2,
        "dropped_tokens": 530,
        "dropped_cost_usd": 0.01,
    }
    assert spans["turn/1"].attributes["byourside.asked_ahead"] is True
    assert spans["turn/3"].attributes["byourside.asked_ahead"] is False, "a farewell asks no mind"
    plain = by_key(spans_of(call(usage=Usage(requests=1))))["conversation"].attributes
    assert not any(name.startswith("byourside.ahead") for name in plain)


def test_a_mind_asked_before_the_last_word_is_still_inside_its_turn() -> None:
    early = replace(COMPLETED.latency.turns[0], mind_asked_ms=-300)
    spans = by_key(spans_of(call(latency=LatencyFacts((700,), (early,)))))
    for span in spans.values():
        assert span.end >= span.start
        if span.parent is not None:
            assert span.start >= spans[span.parent].start


def test_a_silence_has_its_cause() -> None:
    [silence] = [span for span in spans_of(COMPLETED) if span.name == "silence"]
    assert (stretch(silence), silence.attributes) == ((4200, 7000), {"byourside.cause": "voice"})


def test_a_call_that_nobody_took_is_no_fault_and_one_that_failed_is() -> None:
    spans = by_key(spans_of(BUSY))
    assert list(spans) == ["call", "queued", "dialing"]
    assert [span.failed for span in spans.values()] == [None, None, None]
    assert spans["dialing"].attributes["sip.status_code"] == 486
    lost = by_key(spans_of(replace(BUSY, state="failed", error="placement_failed")))
    assert (lost["call"].failed, lost["dialing"].failed) == ("placement_failed", "placement_failed")


def test_a_call_that_was_never_dialled_is_told_too() -> None:
    never = replace(BUSY, state="canceled", dialing_at=None, ringing_at=None, error="canceled")
    assert [span.name for span in spans_of(never)] == ["call"]


def test_an_analysis_that_was_given_up_shows() -> None:
    [analysis] = [span for span in spans_of(call(report=None, analysis="failed")) if span.name == "analysis"]
    assert analysis.failed == "analysis_failed"


def test_nothing_that_was_said_and_no_number_is_in_it() -> None:
    sent = Sent(COMPLETED.id, "evt_1", 1, NOW, Attempt(500, 20, excerpt="Hallway is blue"), "retried")
    told = repr([*spans_of(COMPLETED), *spans_of(BUSY), span_of_delivery(sent)])
    assert not [secret for secret in SECRET_WORDS if secret.lower() in told.lower()]


def test_a_call_is_the_same_trace_whoever_tells_of_it() -> None:
    place = place_of(COMPLETED)
    assert place.is_wanted
    assert place == place_of(replace(COMPLETED, state="post", report=None))
    assert place.trace_id != place_of(BUSY).trace_id
    assert 0 < place.trace_id < 1 << 128
    assert span_id(COMPLETED.id, "call") != span_id(COMPLETED.id, "turn/1") != span_id(BUSY.id, "turn/1")
    assert 0 < span_id(COMPLETED.id, "call") < 1 << 64


@pytest.mark.parametrize(("flags", "wanted"), [("01", True), ("00", False)])
def test_a_callers_trace_is_taken_up_and_its_wish_not_to_be_kept_respected(flags: str, wanted: bool) -> None:
    request = replace(COMPLETED.request, traceparent=f"{CALLER[:-2]}{flags}")
    place = place_of(call(request=request))
    assert place.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert place.caller is not None
    assert place.caller.span_id == 0xB7AD6B7169203331
    assert place.is_wanted is wanted


@pytest.mark.parametrize(
    ("status", "error", "result", "failed"),
    [
        (204, None, "delivered", None),
        (503, None, "retried", "5xx"),
        (None, "timed_out", "gave_up", "timed_out"),
        (200, None, "replayed", None),
        (404, None, "replayed", "4xx"),
    ],
)
def test_a_webhook_hangs_on_its_call(
    status: int | None, error: str | None, result: str, failed: str | None
) -> None:
    sent = Sent("call-1", "evt_1", 2, NOW, Attempt(status, 250, error), result)
    span = span_of_delivery(sent)
    assert (span.parent, span.failed, span.is_client) == ("call", failed, True)
    assert stretch(span, NOW) == (0, 250)
    assert span.attributes.get("http.response.status_code") == status
