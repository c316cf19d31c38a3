"""The record and the request in the public spelling. Source: the published API reference."""

from dataclasses import replace
from typing import cast

import pytest

from byourside_server.calls.call import (
    Call,
    Callback,
    CallRequest,
    Evidence,
    Field,
    JsonValue,
    Report,
    StepProof,
    VoicemailPolicy,
)
from byourside_server.calls.transcript import Turn, as_text
from byourside_server.calls.wire import Json, call_record, event_body
from byourside_server.calls.wire_request import parse_call_request, request_document
from byourside_server.clock import iso_utc
from byourside_server.errors import STATUS_OF_TOKEN, Refusal
from byourside_server.providers.base import Ahead, Usage

PUBLISHED_RECORD_FIELDS = {
    "id",
    "status",
    "to",
    "objective",
    "summary",
    "transcript",
    "extracted",
    "recordingUrl",
    "startedAt",
    "endedAt",
    "durationSec",
    "error",
}
GOOD: Json = {"to": "+14155550123", "objective": "Confirm the appointment."}
QUEUED = Call(
    id="f47ac10b-58cc-4372-a567-0e02b2c3d479",
    account_id="acc_1",
    key_id="key_1",
    request=CallRequest(to="+14155550123", objective="Confirm."),
    caller_id="+14155550100",
    state="queued",
    created_at=1_781_704_990.5,
)
DONE = replace(
    QUEUED,
    state="completed",
    answered_at=1_781_704_992.0,
    ended_at=1_781_705_148.0,
    turns=(Turn(0, "contact", "hello", 300, 700), Turn(1, "agent", "Hello there.", 1500, 2900)),
    report=Report(
        summary="It went well.",
        extracted={"confirmed": True, "amount": 249},
        evidence={"confirmed": Evidence(0, "hello", 300, 700), "amount": None},
        objective_met="yes",
        objective_reason="The contact agreed.",
    ),
)


def test_a_fresh_record_has_every_published_field_and_null_for_what_is_not_known() -> None:
    record = call_record(QUEUED, None)
    assert set(record) >= PUBLISHED_RECORD_FIELDS
    assert record["id"] == record["callId"] == QUEUED.id
    assert record["status"] == "queued"
    unknown = PUBLISHED_RECORD_FIELDS - {"id", "status", "to", "objective"}
    assert {name: record[name] for name in unknown} == dict.fromkeys(unknown)


def test_a_finished_record_reads_as_published() -> None:
    record = call_record(DONE, "https://phone.example/rec")
    assert record["startedAt"] == "2026-06-17T14:03:12.000Z"
    assert record["endedAt"] == "2026-06-17T14:05:48.000Z"
    assert record["durationSec"] == 156
    assert record["extracted"] == {"confirmed": True, "amount": 249}
    assert record["transcript"] == "Contact: hello\nAgent: Hello there."
    assert record["evidence"] == {
        "confirmed": {"turn": 0, "quote": "hello", "startMs": 300, "endMs": 700},
        "amount": None,
    }


def test_steps_callback_and_usage_are_in_the_public_spelling() -> None:
    assert DONE.report is not None
    step = StepProof("must_ask", "Is there parking?", 1, 1500, 2900, "yes, behind the house", 2)
    report = replace(
        DONE.report,
        steps=(step, StepProof("must_say", "This call is recorded.")),
        callback=Callback("after 5 PM", "call me after five", 0),
        extractor="small-model",
        usage=Usage(1, 0, 100, 0, 20, 0.25, ("small-model",)),
    )
    lost = Usage(1, 1, 350, 200, 15, 0.12345678, ("big-model",), 90)
    talk = Usage(3, 1, 900, 800, 60, 0.5, ("big-model", "small-model"), 90, Ahead(3, 1, lost))
    record = call_record(replace(DONE, report=report, usage=talk), None)
    assert record["steps"] == [
        {
            "kind": "mustAsk",
            "text": "Is there parking?",
            "done": True,
            "turn": 1,
            "startMs": 1500,
            "endMs": 2900,
            "answer": "yes, behind the house",
            "answerTurn": 2,
        },
        {
            "kind": "mustSay",
            "text": "This call is recorded.",
            "done": False,
            **dict.fromkeys(("turn", "startMs", "endMs", "answer", "answerTurn")),
        },
    ]
    assert record["callback"] == {"time": "after 5 PM", "quote": "call me after five", "turn": 0}
    assert record["extractor"] == "small-model"
    assert record["usage"] == {
        "requests": 4,
        "failures": 1,
        "promptTokens": 1000,
        "cachedTokens": 800,
        "completionTokens": 80,
        "costUsd": 0.75,
        "models": ["big-model", "small-model"],
        "estimatedTokens": 90,
        "ahead": {
            "asked": 3,
            "takenOver": 1,
            "dropped": 2,
            "droppedPromptTokens": 350,
            "droppedCachedTokens": 200,
            "droppedCompletionTokens": 15,
            "droppedEstimatedTokens": 90,
            "droppedCostUsd": 0.123457,
        },
    }


def test_usage_is_null_where_no_model_was_asked_and_its_cost_where_a_price_is_unknown() -> None:
    assert call_record(DONE, None)["usage"] is None
    priced, free = Usage(1, cost_usd=0.5, models=("a",)), Usage(1, models=("b",))
    assert DONE.report is not None
    used = call_record(replace(DONE, usage=priced, report=replace(DONE.report, usage=free)), None)["usage"]
    assert isinstance(used, dict)
    assert used["costUsd"] is None
    assert used["ahead"] is None


def test_a_canceled_call_is_shown_as_failed() -> None:
    assert call_record(replace(QUEUED, state="canceled", error="canceled"), None)["status"] == "failed"


def test_an_event_body_is_the_record_with_the_event_beside_it() -> None:
    body = event_body(call_record(QUEUED, None), "evt_1", "call.queued", QUEUED.created_at, 1)
    assert body["callId"] == QUEUED.id
    assert body["event"] == {
        "id": "evt_1",
        "type": "call.queued",
        "at": "2026-06-17T14:03:10.500Z",
        "sequence": 1,
    }


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_781_704_992.9996, "2026-06-17T14:03:13.000Z"),
        (1_781_704_992.0014, "2026-06-17T14:03:12.001Z"),
    ],
)
def test_times_have_milliseconds_and_never_a_thousandth_too_many(epoch: float, text: str) -> None:
    assert iso_utc(epoch) == text


def test_the_transcript_names_the_speakers() -> None:
    turns = [Turn(0, "agent", "Hi.", 0, 1), Turn(1, "contact", "yes", 2, 3)]
    assert as_text(turns) == "Agent: Hi.\nContact: yes"


@pytest.mark.parametrize(
    ("changes", "token"),
    [
        ({"to": None}, "to_required"),
        ({"to": ""}, "to_required"),
        ({"to": 14155550123}, "invalid_number"),
        ({"to": ["+14155550123"]}, "invalid_number"),
        ({"objective": None}, "objective_required"),
        ({"objective": "  \n"}, "objective_required"),
        ({"objective": 5}, "invalid_objective"),
        ({"objective": "x" * 8001}, "invalid_objective"),
        ({"context": 5}, "invalid_context"),
        ({"context": ["a"]}, "invalid_context"),
        ({"fields": {}}, "invalid_fields"),
        ({"fields": "confirmed"}, "invalid_fields"),
        ({"fields": [5]}, "invalid_fields"),
        ({"fields": [{}]}, "invalid_fields"),
        ({"fields": [{"name": ""}]}, "invalid_fields"),
        ({"fields": [{"name": 5}]}, "invalid_fields"),
        ({"fields": [{"name": "a", "type": "integer"}]}, "invalid_fields"),
        ({"fields": [{"name": "a", "type": ["string"]}]}, "invalid_fields"),
        ({"fields": [{"name": "a", "description": 5}]}, "invalid_fields"),
        ({"fields": [{"name": "a"}, {"name": "a"}]}, "invalid_fields"),
        ({"fields": [{"name": f"f{n}"} for n in range(21)]}, "invalid_fields"),
        ({"webhookUrl": "http://example.com/x"}, "invalid_webhook_url"),
        ({"webhookUrl": "https://"}, "invalid_webhook_url"),
        ({"webhookUrl": "ftp://example.com"}, "invalid_webhook_url"),
        ({"webhookUrl": "https://user:pass@example.com/"}, "invalid_webhook_url"),
        ({"webhookUrl": "https://example.com:99999/"}, "invalid_webhook_url"),
        ({"webhookUrl": "https://exa mple.com/"}, "invalid_webhook_url"),
        ({"webhookUrl": 5}, "invalid_webhook_url"),
        ({"webhookUrl": "http://localhost:9/x"}, "invalid_webhook_url"),
        ({"callerId": 5}, "invalid_caller_id"),
        ({"metadata": []}, "invalid_metadata"),
        ({"metadata": {"a": "x" * 9000}}, "invalid_metadata"),
        ({"maxDurationSec": "60"}, "invalid_max_duration"),
        ({"maxDurationSec": 5}, "invalid_max_duration"),
        ({"maxDurationSec": True}, "invalid_max_duration"),
        ({"maxDurationSec": 61.5}, "invalid_max_duration"),
        ({"language": "english please"}, "invalid_language"),
        ({"voicemail": "leave_message"}, "invalid_voicemail"),
        ({"voicemail": {"action": "sing"}}, "invalid_voicemail"),
        ({"voicemail": {"action": "leave_message", "message": 5}}, "invalid_voicemail"),
        ({"hangUpOn": "ivr"}, "invalid_hang_up_on"),
        ({"hangUpOn": ["human"]}, "invalid_hang_up_on"),
        ({"hangUpOn": [["ivr"]]}, "invalid_hang_up_on"),
        ({"scheduledAt": "tomorrow"}, "invalid_scheduled_at"),
        ({"scheduledAt": "2026-06-17T14:03:12"}, "invalid_scheduled_at"),
        ({"scheduledAt": 5}, "invalid_scheduled_at"),
        ({"scheduledAt": "9999-12-31T23:59:59.9999Z"}, "invalid_scheduled_at"),
        ({"scheduledAt": "9999-12-31T23:59:59-14:00"}, "invalid_scheduled_at"),
        ({"scheduledAt": "0001-01-01T00:00:00+14:00"}, "invalid_scheduled_at"),
        ({"mustSay": "This call is recorded."}, "invalid_must_say"),
        ({"mustSay": [""]}, "invalid_must_say"),
        ({"mustSay": [5]}, "invalid_must_say"),
        ({"mustSay": ["x"] * 11}, "invalid_must_say"),
        ({"mustAsk": {}}, "invalid_must_ask"),
        ({"mustAsk": ["x" * 501]}, "invalid_must_ask"),
    ],
)
def test_the_first_wrong_field_is_refused_with_its_token_and_a_sentence(changes: Json, token: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_call_request({**GOOD, **changes})
    assert refused.value.token == token
    assert refused.value.message
    assert refused.value.status == STATUS_OF_TOKEN[token] == 400


@pytest.mark.parametrize("body", [None, [], "x", 5, True])
def test_a_body_that_is_no_object_is_invalid_json(body: JsonValue) -> None:
    with pytest.raises(Refusal) as refused:
        parse_call_request(body)
    assert refused.value.token == "invalid_json"


def test_a_full_request_survives_the_way_into_the_store_and_back() -> None:
    body: Json = {
        "to": "+14155550123",
        "objective": "Book a table for 4 at 7 PM Friday.",
        "context": "We have dined here before.",
        "fields": [
            {"name": "booked", "type": "boolean", "description": "Did they confirm?"},
            {"name": "contact_name"},
        ],
        "webhookUrl": "https://your-server.example.com/webhooks/bys",
        "callerId": "+12134932550",
        "metadata": {"order": 7},
        "maxDurationSec": 120,
        "language": "en-GB",
        "voicemail": {"action": "leave_message", "message": "Please call back."},
        "scheduledAt": "2026-06-17T14:03:12.000Z",
        "mustSay": [" This call is recorded. ", "This call is recorded."],
        "mustAsk": ["Is there parking nearby?"],
        "hangUpOn": ["unknown", "ivr", "ivr"],
    }
    request = parse_call_request(body)
    assert request.fields == (
        Field("booked", "boolean", "Did they confirm?"),
        Field("contact_name", "string", None),
    )
    assert request.voicemail == VoicemailPolicy("leave_message", "Please call back.")
    assert request.must_say == ("This call is recorded.",)
    assert request.must_ask == ("Is there parking nearby?",)
    assert request.hang_up_on == ("ivr", "unknown")
    assert parse_call_request(cast(JsonValue, request_document(request))) == request


def test_a_local_webhook_is_for_developers_who_ask_for_it() -> None:
    body: Json = {**GOOD, "webhookUrl": "http://localhost:8099/hook"}
    assert parse_call_request(body, allow_local_webhooks=True).webhook_url == body["webhookUrl"]


def test_unknown_fields_are_ignored() -> None:
    assert parse_call_request({**GOOD, "colour": "red"}).to == "+14155550123"
