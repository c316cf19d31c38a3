"""The shapes of calls over HTTP, and every token a body can earn."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byourside_server.api import schemas
from byourside_server.api.operations import OF_A_BODY
from byourside_server.calls.call import JsonValue
from byourside_server.errors import STATUS_OF_TOKEN
from tests.api.conftest import STRANGER_KEY, Browser, FakeDesk, error_of

CALL: dict[str, JsonValue] = {"to": "+14155550123", "objective": "Confirm the appointment."}
FIELD: dict[str, JsonValue] = {"name": "confirmed", "type": "boolean"}
NO_STRINGS: list[JsonValue] = [0, 1.5, True, False, [], ["x"], {}, {"a": 1}]
ODD_TYPES: list[JsonValue] = ["text", "Boolean", "", *NO_STRINGS]
NO_OBJECTS: list[JsonValue] = [0, True, "x", "", []]
TWENTY_ONE: list[JsonValue] = [{"name": f"n{i}"} for i in range(21)]

# token -> field -> values that earn it
WRONG: list[tuple[str, str, list[JsonValue]]] = [
    ("to_required", "to", [None, ""]),
    (
        "invalid_number",
        "to",
        [*NO_STRINGS, "14155550123", "+1 415 555 0123", "+1415555012x", "+0123456789", " "],
    ),
    (
        "invalid_number",
        "to",
        ["+14155550123;ext=5", "tel:+14155550123", "＋14155550123", "+1415555٠123", "+14155550123\n"],
    ),
    (
        "destination_blocked",
        "to",
        ["+19001234567", "+33123456789", "+447000000000", "+881612345678", "+18764441234"],
    ),
    ("objective_required", "objective", [None, "", "   ", "\n\t"]),
    ("invalid_objective", "objective", [*NO_STRINGS, "x" * 8001]),
    ("invalid_context", "context", [*NO_STRINGS, "x" * 32_001]),
    ("invalid_fields", "fields", [0, True, "x", {}, FIELD, TWENTY_ONE, [None], ["x"], [1], [[]], [{}]]),
    (
        "invalid_fields",
        "fields",
        [[FIELD, FIELD], [{"name": ""}], [{"name": " "}], [{"name": 1}], [{"name": "x" * 65}]],
    ),
    (
        "invalid_fields",
        "fields",
        [[{"name": "a", "type": other}] for other in ODD_TYPES],
    ),
    ("invalid_fields", "fields", [[{"name": "a", "description": other}] for other in NO_STRINGS]),
    (
        "invalid_webhook_url",
        "webhookUrl",
        [*NO_STRINGS, "", "x", "http://example.com/", "ftp://example.com/", "https://"],
    ),
    (
        "invalid_webhook_url",
        "webhookUrl",
        ["//example.com", "https:///x", "https://u:p@example.com", "https://a b/", "https://[::1"],
    ),
    (
        "invalid_webhook_url",
        "webhookUrl",
        ["https://example.com:99999/", "http://localhost:9/", "https://e.com/\r\nX: y"],
    ),
    ("invalid_caller_id", "callerId", NO_STRINGS),
    ("invalid_metadata", "metadata", [*NO_OBJECTS, {"x": "y" * 8001}]),
    ("invalid_max_duration", "maxDurationSec", ["60", 9, 3601, -1, 60.5, True, [], {}, 10**30]),
    ("invalid_language", "language", [*NO_STRINGS, "", "english please", "e", "en_US!"]),
    ("invalid_hang_up_on", "hangUpOn", [0, True, "x", {}, ["human"], [1], [["ivr"]]]),
    ("invalid_voicemail", "voicemail", [*NO_OBJECTS, {"action": "x"}, {"action": 1}, {"message": 1}]),
    (
        "invalid_scheduled_at",
        "scheduledAt",
        [*NO_STRINGS, "", "tomorrow", "2026-06-17", "2026-06-17T14:03:12"],
    ),
    ("invalid_must_say", "mustSay", ["x", {}, [""], [1], [None], ["x" * 501], ["x"] * 11]),
    ("invalid_must_ask", "mustAsk", ["x", {}, [""], [1], [None], ["x" * 501], ["x"] * 11]),
]
CASES = [(token, field, value) for token, field, values in WRONG for value in values]


@pytest.mark.parametrize("path", ["/v1/agent/calls", "/v1/agent/calls/validate"])
@pytest.mark.parametrize(("token", "field", "value"), CASES)
def test_a_wrong_field_earns_its_own_token(
    api: Browser, desk: FakeDesk, path: str, token: str, field: str, value: JsonValue
) -> None:
    answer = api.post(path, content=json.dumps({**CALL, field: value}))
    assert (answer.status_code, error_of(answer)) == (STATUS_OF_TOKEN[token], token)
    assert desk.placed == []


@pytest.mark.parametrize(("missing", "token"), [("to", "to_required"), ("objective", "objective_required")])
def test_a_missing_field_is_named(api: Browser, missing: str, token: str) -> None:
    body = {name: value for name, value in CALL.items() if name != missing}
    answer = api.post("/v1/agent/calls", json=body)
    assert error_of(answer) == token
    assert f"`{missing}`" in answer.json()["message"]


def test_every_token_of_a_body_is_in_the_table_above() -> None:
    of_the_account = {"caller_id_not_owned"}
    assert {token for token, _, _ in WRONG} == set(OF_A_BODY) - of_the_account


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", None]
)
def test_a_placement_answers_call_id_and_queued_whatever_the_content_type(
    api: Browser, content_type: str | None
) -> None:
    """curl -d sends a form's content type; the published example names JSON."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = api.post("/v1/agent/calls", content=json.dumps(CALL), headers=headers)
    assert answer.status_code == 200
    assert answer.json() == {"callId": "call-0", "status": "queued"}


def test_the_published_example_is_placed_as_it_stands(api: Browser, desk: FakeDesk) -> None:
    """API reference, "Place a call"."""
    body: dict[str, JsonValue] = {
        "to": "+14155550123",
        "objective": "Book a table for 4 at 7 PM Friday. Confirm the time and ask for their name.",
        "context": "We have dined here before. Our preference is a window seat.",
        "fields": [
            {"name": "booked", "type": "boolean", "description": "Did they confirm the booking?"},
            {"name": "confirmed_time", "type": "string", "description": "The time they confirmed"},
            {"name": "contact_name", "type": "string", "description": "Name given for the reservation"},
        ],
        "webhookUrl": "https://your-server.example.com/webhooks/bys",
        "callerId": "+12134932550",
    }
    assert api.post("/v1/agent/calls", json=body).status_code == 200
    [call] = desk.calls
    assert [field.name for field in call.request.fields] == ["booked", "confirmed_time", "contact_name"]
    assert (call.account_id, call.key_id, call.caller_id) == ("acct_home", "key_home", "+12134932550")


def test_unknown_names_in_a_body_are_ignored(api: Browser) -> None:
    assert api.post("/v1/agent/calls", json={**CALL, "temperature": 1}).status_code == 200


def test_the_idempotency_key_and_the_bodys_meaning_reach_the_desk(api: Browser, desk: FakeDesk) -> None:
    for spacing in (None, 4):
        api.post(
            "/v1/agent/calls",
            content=json.dumps(CALL, indent=spacing),
            headers={"Idempotency-Key": "order-7"},
        )
    api.post("/v1/agent/calls", json={**CALL, "objective": "Other."})
    (first_key, first), (_, again), (no_key, other) = desk.placed
    assert (first_key, no_key) == ("order-7", None)
    assert first == again != other


@pytest.mark.parametrize("key", [b"", b" ", b"a b", b"\xe9", b"a\tb", b"x" * 256])
def test_an_idempotency_key_is_1_to_255_visible_ascii_characters(api: Browser, key: bytes) -> None:
    answer = api.post("/v1/agent/calls", json=CALL, headers={b"Idempotency-Key": key})
    assert (answer.status_code, error_of(answer)) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("key", ["x", "x" * 255, "~!@#$%^&*()", "a,b"])
def test_a_clean_idempotency_key_is_taken(api: Browser, key: str) -> None:
    assert api.post("/v1/agent/calls", json=CALL, headers={"Idempotency-Key": key}).status_code == 200


def test_validate_says_where_the_number_is_and_places_nothing(api: Browser, desk: FakeDesk) -> None:
    answer = api.post("/v1/agent/calls/validate", json=CALL)
    assert answer.status_code == 200
    assert schemas.Validated.model_validate(answer.json()).country == "US"
    assert desk.calls == []


def test_a_call_is_fetched_in_the_published_shape(api: Browser, placed: str) -> None:
    answer = api.get(f"/v1/agent/calls/{placed}")
    record = schemas.CallRecord.model_validate(answer.json())
    assert (record.id, record.callId, record.status) == (placed, placed, "queued")


@pytest.mark.parametrize("suffix", ["", "/recording", "/events"])
def test_a_strangers_call_is_not_found(api: Browser, placed: str, suffix: str) -> None:
    answer = api.get(f"/v1/agent/calls/{placed}{suffix}", headers={"Authorization": f"Bearer {STRANGER_KEY}"})
    assert (answer.status_code, error_of(answer)) == (404, "not_found")


def test_a_stranger_cancels_nothing(api: Browser, desk: FakeDesk, placed: str) -> None:
    answer = api.post(f"/v1/agent/calls/{placed}/cancel", headers={"Authorization": f"Bearer {STRANGER_KEY}"})
    assert error_of(answer) == "not_found"
    assert desk.calls[0].state == "queued"


@pytest.mark.parametrize(
    "call_id", ["%00", "a%0Ab", "..", "%2e%2e", "x" * 65, "é", "a b", "'--", "%F0%9F%98%80"]
)
def test_what_cannot_be_an_id_is_not_found_without_being_looked_up(
    api: Browser, desk: FakeDesk, call_id: str
) -> None:
    desk.fault = AssertionError("was looked up")
    answer = api.get(f"/v1/agent/calls/{call_id}")
    assert (answer.status_code, error_of(answer)) == (404, "not_found")


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ("", 20),
        ("1", 1),
        ("100", 100),
        ("101", 100),
        ("0", 1),
        ("-5", 1),
        ("5.9", 5),
        ("9" * 5000, 100),
        ("-" + "9" * 5000, 1),
        ("abc", 20),
        ("NaN", 20),
        ("inf", 20),
        ("1e3", 20),
        ("1_0", 20),
        ("٣", 20),
        ("0x10", 20),
        ("+7", 7),
    ],
)
def test_limit_is_clamped_and_what_is_no_number_is_the_default(
    api: Browser, desk: FakeDesk, given: str, limit: int
) -> None:
    assert api.get(f"/v1/agent/calls?limit={quote(given)}").status_code == 200
    assert desk.asked == [(limit, None, None)]


def test_a_list_has_calls_newest_first_and_a_cursor_to_go_on(api: Browser, desk: FakeDesk) -> None:
    for _ in range(3):
        api.post("/v1/agent/calls", json=CALL)
    page = schemas.CallList.model_validate(api.get("/v1/agent/calls?limit=2&status=queued").json())
    assert [call.id for call in page.calls] == ["call-2", "call-1"]
    assert page.nextCursor == "call-1"
    api.get(f"/v1/agent/calls?before={page.nextCursor}")
    assert desk.asked == [(2, None, "queued"), (20, "call-1", None)]


def test_an_empty_list_is_a_list(api: Browser) -> None:
    assert api.get("/v1/agent/calls").json() == {"calls": [], "nextCursor": None}


def test_a_query_with_nul_reaches_the_store_as_a_word_that_matches_nothing(
    api: Browser, desk: FakeDesk
) -> None:
    assert api.get("/v1/agent/calls?before=%00&status=a%00b").status_code == 200
    assert desk.asked == [(20, "?", "?")]


def test_a_cancelled_call_is_answered_as_it_now_is_and_a_second_time_is_over(
    api: Browser, placed: str
) -> None:
    answer = api.post(f"/v1/agent/calls/{placed}/cancel")
    record = schemas.CallRecord.model_validate(answer.json())
    assert (record.status, record.error, record.endedBy) == ("failed", "canceled", "api")
    again = api.post(f"/v1/agent/calls/{placed}/cancel")
    assert (again.status_code, error_of(again)) == (409, "call_ended")


def test_events_are_the_webhooks_bodies_and_can_be_followed(api: Browser, placed: str) -> None:
    first = schemas.EventList.model_validate(api.get("/v1/agent/events").json())
    assert [body.event.type for body in first.events] == ["call.queued"]
    api.post(f"/v1/agent/calls/{placed}/cancel")
    api.post("/v1/agent/calls", json=CALL)
    later = schemas.EventList.model_validate(api.get(f"/v1/agent/events?after={first.nextAfter}").json())
    assert [(body.callId, body.event.type) for body in later.events] == [
        ("call-0", "call.failed"),
        ("call-1", "call.queued"),
    ]
    of_one = schemas.EventList.model_validate(api.get(f"/v1/agent/calls/{placed}/events").json())
    assert [body.event.sequence for body in of_one.events] == [1, 2]


@pytest.mark.parametrize("after", ["", "x", "-1", "1e3", "9" * 30, "%00"])
def test_an_odd_after_starts_at_the_beginning(api: Browser, placed: str, after: str) -> None:
    answer = api.get(f"/v1/agent/events?after={after}")
    assert [body["callId"] for body in answer.json()["events"]] == [placed]


def test_at_the_end_of_the_log_next_after_stays(api: Browser) -> None:
    assert api.get("/v1/agent/events?after=7").json() == {"events": [], "nextAfter": 7}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["context", "fields", "webhookUrl", "callerId", "metadata", "maxDurationSec", "language", "voicemail"]
bodies = st.fixed_dictionaries(
    {"to": json_values | st.just("+14155550123"), "objective": json_values | st.just("Hello.")},
    optional=dict.fromkeys([*NAMES, "scheduledAt"], json_values),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies)
def test_no_body_at_all_makes_the_server_stumble(api: Browser, body: dict[str, JsonValue]) -> None:
    answer = api.post("/v1/agent/calls", content=json.dumps(body))
    if answer.status_code != 200:
        assert STATUS_OF_TOKEN[error_of(answer)] == answer.status_code
        assert answer.status_code < 500, (body, answer.text)
