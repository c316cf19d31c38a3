"""place_call rings a phone once: repeated, reworded, in parallel, across transports."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from byourside_server.mcp import placing
from tests.api.conftest import STRANGER_KEY
from tests.mcp.conftest import CALL, OnceDesk, ask, client_of, data_of, error_of, server_over, text_of


def test_a_call_is_placed_with_all_that_was_said(desk: OnceDesk) -> None:
    wanted = {
        **CALL,
        "context": "She is 71.",
        "fields": [{"name": "confirmed", "type": "boolean"}, {"name": "new_time"}],
        "mustSay": ["Parking is free."],
        "mustAsk": ["Do you need a wheelchair?"],
        "voicemail": {"action": "leave_message"},
        "hangUpOn": ["unknown", "ivr"],
        "maxDurationSec": 120,
    }
    placed = data_of(ask(server_over(desk), "place_call", wanted))
    assert (placed["placed"], placed["sameCallAgain"], placed["status"]) == (True, False, "queued")
    [call] = desk.calls
    assert call.id == placed["callId"]
    assert call.request.context == "She is 71."
    assert [(field.name, field.type) for field in call.request.fields] == [
        ("confirmed", "boolean"),
        ("new_time", "string"),
    ]
    assert call.request.must_say == ("Parking is free.",)
    assert call.request.must_ask == ("Do you need a wheelchair?",)
    assert call.request.voicemail.action == "leave_message"
    assert call.request.hang_up_on == ("ivr", "unknown")
    assert call.request.max_duration_s == 120


@pytest.mark.parametrize("state", ["queued", "completed"])
def test_the_same_request_again_is_the_same_call(desk: OnceDesk, state: str) -> None:
    server = server_over(desk)
    first = data_of(ask(server, "place_call", CALL))
    if state != "queued":
        desk.end(first["callId"])
    again = ask(server, "place_call", {**CALL, "objective": CALL["objective"] + " "})
    assert data_of(again)["callId"] == first["callId"]
    assert (data_of(again)["placed"], data_of(again)["sameCallAgain"]) == (False, True)
    assert data_of(again)["status"] == state
    assert "`attempt` 2" in text_of(again)
    assert len(desk.calls) == 1


def test_a_new_attempt_is_a_new_call_once(desk: OnceDesk) -> None:
    server = server_over(desk)
    ids = [
        data_of(ask(server, "place_call", {**CALL, "attempt": attempt}))["callId"] for attempt in (1, 2, 2)
    ]
    assert ids[0] != ids[1] == ids[2]
    assert len(desk.calls) == 2


def test_a_reworded_request_does_not_ring_a_phone_that_is_being_called(desk: OnceDesk) -> None:
    server = server_over(desk)
    first = data_of(ask(server, "place_call", CALL))
    reworded = {**CALL, "objective": "Please confirm the appointment."}
    assert first["callId"] in error_of(ask(server, "place_call", reworded))
    assert len(desk.calls) == 1
    desk.end(first["callId"])
    assert data_of(ask(server, "place_call", reworded))["placed"]


def test_other_context_does_not_make_a_second_call_while_the_first_is_under_way(desk: OnceDesk) -> None:
    server = server_over(desk)
    first = data_of(ask(server, "place_call", CALL))
    again = data_of(ask(server, "place_call", {**CALL, "context": "She is 71."}))
    assert (again["callId"], again["placed"]) == (first["callId"], False)


def test_a_call_for_a_later_time_neither_waits_nor_is_waited_for(desk: OnceDesk) -> None:
    server = server_over(desk)
    later = {**CALL, "objective": "Remind her.", "scheduledAt": "2030-01-01T09:00:00Z"}
    assert data_of(ask(server, "place_call", later))["placed"]
    assert data_of(ask(server, "place_call", CALL))["placed"]
    assert data_of(ask(server, "place_call", {**later, "objective": "Remind him."}))["placed"]


def test_two_requests_at_once_are_one_call(desk: OnceDesk) -> None:
    async def twice() -> list[Any]:
        async with client_of(server_over(desk)) as client:
            reworded = {**CALL, "objective": "Another goal."}
            asked = (client.call_tool("place_call", body) for body in (CALL, CALL, reworded))
            return await asyncio.gather(*asked)

    results = asyncio.run(twice())
    assert len(desk.calls) == 1
    assert [result.is_error for result in results].count(True) == 1


def test_another_agent_key_places_its_own_call(desk: OnceDesk) -> None:
    assert data_of(ask(server_over(desk), "place_call", CALL))["placed"]
    assert data_of(ask(server_over(desk, STRANGER_KEY), "place_call", CALL))["placed"]


def test_a_request_that_is_being_answered_elsewhere_is_waited_for(
    desk: OnceDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "IN_FLIGHT_PAUSES_S", (0.0, 0.0))
    desk.in_flight = 2
    assert data_of(ask(server_over(desk), "place_call", CALL))["placed"]
    desk.in_flight = 3
    other = {**CALL, "to": "+14155550124"}
    assert error_of(ask(server_over(desk), "place_call", other)).startswith("idempotency_in_flight:")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": "415 555 0123"}, ["invalid_number:", "E.164"]),
        ({"to": "+19005550123"}, ["destination_blocked:", "don't try variations"]),
        ({"objective": " "}, ["objective_required:"]),
        ({"maxDurationSec": 5}, ["invalid_max_duration:", "`maxDurationSec`"]),
        ({"fields": [{"name": "a"}, {"name": "a"}]}, ["invalid_fields:"]),
        ({"fields": [{"name": "a", "type": "date"}]}, ["invalid_arguments:", "`fields.0.type`"]),
        ({"to": None}, ["invalid_arguments:", "`to`"]),
        ({"attempt": 0}, ["invalid_arguments:", "`attempt`"]),
        ({"webhookUrl": "https://example.com"}, ["invalid_arguments:", "does not know `webhookUrl`"]),
        ({"fields": ["a"]}, ["invalid_arguments:", "`fields.0`: Input should be an object."]),
        ({"context": "a\x00"}, ["invalid_json:", "NUL"]),
    ],
)
def test_what_is_wrong_is_said_with_its_cure_and_nothing_is_placed(
    desk: OnceDesk, changes: dict[str, Any], words: list[str]
) -> None:
    said = error_of(ask(server_over(desk), "place_call", {**CALL, **changes}))
    assert [word for word in words if word not in said] == []
    assert said.startswith(words[0])
    assert desk.calls == []


def test_a_missing_argument_is_named(desk: OnceDesk) -> None:
    said = error_of(ask(server_over(desk), "place_call", {"to": "+14155550123"}))
    assert "`objective`: Field required" in said
    assert "pydantic" not in said
