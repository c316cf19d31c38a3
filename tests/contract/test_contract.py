"""The server keeps the public promise: `contract/` and the server's own tables are the same.

The examples follow the published API reference; what they show beyond it is documented as extension.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import BaseModel, ValidationError

from byourside_server.api import schemas
from byourside_server.calls import lifecycle
from byourside_server.calls.call import (
    Call,
    Evidence,
    JsonValue,
    Report,
    SipFacts,
)
from byourside_server.calls.latency import LatencyFacts, Silence, TurnLatency
from byourside_server.calls.media_facts import MediaFacts
from byourside_server.calls.transcript import Turn
from byourside_server.calls.wire import call_record, event_body
from byourside_server.calls.wire_request import parse_call_request
from byourside_server.errors import STATUS_OF_TOKEN

CONTRACT = Path(__file__).parents[2] / "contract"
EXAMPLES = CONTRACT / "examples"
Shape = TypeVar("Shape", bound=BaseModel)


def load(path: Path) -> JsonValue:
    found: JsonValue = json.loads(path.read_text())
    return found


def rows(name: str) -> list[dict[str, JsonValue]]:
    found: list[dict[str, JsonValue]] = json.loads((CONTRACT / name).read_text())
    return found


def example(name: str) -> dict[str, JsonValue]:
    found = load(EXAMPLES / f"{name}.json")
    assert isinstance(found, dict)
    return found


CALL = Call(
    id="f47ac10b-58cc-4372-a567-0e02b2c3d479",
    account_id="acct_1",
    key_id="key_1",
    request=parse_call_request(example("request_minimal")),
    caller_id="+12134932550",
    state="queued",
    created_at=1_781_704_984.118,
)
TALKED = replace(
    CALL,
    state="completed",
    attempt=1,
    dialing_at=1_781_704_985.0,
    answered_at=1_781_704_992.0,
    ended_at=1_781_705_009.62,
    answered_by="human",
    ended_by="agent",
    end_reason="objective_reached",
    sip=SipFacts(200, "OK", None, 7.6, False),
    turns=(Turn(0, "contact", "Hello?", 310, 740, confidence=0.97), Turn(1, "agent", "Hi.", 900, 1200)),
    report=Report(
        "They said hello.",
        {"a": True, "b": None},
        {"a": Evidence(0, "Hello?", 310, 740), "b": None},
        "yes",
        "So.",
    ),
    analysis="done",
    latency=LatencyFacts(
        (380, 540),
        (TurnLatency(380, 1, 180, 262, 350, 352, 353, 300, 353, 361), TurnLatency(540)),
        (Silence(2_000, 4_400, "mind"),),
    ),
    media=MediaFacts("PCMU", None, 894, 879, 3, 1, 0, 0, 60, 2.6, 20, 38.4, 0.0, 1.9),
    mind="embedded",
)


def test_the_refusals_of_the_server_are_those_of_the_contract() -> None:
    promised = {str(row["token"]): row["status"] for row in rows("errors.json") if row["status"] != 0}
    assert promised == STATUS_OF_TOKEN


def test_the_statuses_are_those_of_the_contract_and_end_where_it_says() -> None:
    statuses = rows("statuses.json")
    assert tuple(row["status"] for row in statuses) == lifecycle.PUBLIC_STATUSES
    assert {row["status"] for row in statuses if row["terminal"]} == lifecycle.TERMINAL_STATUSES


def test_the_events_of_states_are_those_of_the_contract_with_the_status_it_says() -> None:
    found = json.loads((CONTRACT / "events.json").read_text())["events"]
    promised = {event["type"]: (event["status"], event["terminal"]) for event in found}
    told = {
        event: (lifecycle.PUBLIC_STATUS[state], state in lifecycle.TERMINAL_STATES)
        for state, event in lifecycle.EVENT_OF_STATE.items()
    }
    assert told == {name: facts for name, facts in promised.items() if name != "call.ringing"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("record_*.json")), ids=lambda path: path.stem)
def test_every_example_record_has_exactly_the_names_of_a_record_in_their_order(path: Path) -> None:
    found = load(path)
    assert isinstance(found, dict)
    assert list(found) == list(call_record(CALL, None))


SHAPES: dict[str, type[BaseModel]] = {
    "record": schemas.CallRecord,
    "placed": schemas.Placed,
    "error": schemas.Error,
    "request": schemas.CallToPlace,
    "webhook": schemas.EventRecord,
}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_example_has_its_documented_shape(path: Path) -> None:
    shape = SHAPES.get(path.stem.partition("_")[0])
    if shape is not None:
        assert fits(shape, load(path)), path


def test_the_example_list_has_records_of_the_documented_shape() -> None:
    calls = example("list")["calls"]
    assert isinstance(calls, list)
    assert calls
    assert all(fits(schemas.CallRecord, call) for call in calls)


def test_a_published_list_item_is_part_of_what_a_record_gives() -> None:
    """API reference, "List calls": fewer names than this server sends, and none that it doesn't."""
    calls = example("list_published")["calls"]
    assert isinstance(calls, list)
    for call in calls:
        assert isinstance(call, dict)
        assert set(call) <= set(call_record(CALL, None))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("request_*.json")), ids=lambda path: path.stem)
def test_every_example_request_is_accepted(path: Path) -> None:
    assert parse_call_request(load(path)).to.startswith("+")


@pytest.mark.parametrize("call", [CALL, TALKED], ids=["queued", "talked"])
def test_what_the_server_makes_has_the_documented_shape(call: Call) -> None:
    record = call_record(call, "https://api.test/r")
    assert fits(schemas.CallRecord, record)
    assert fits(schemas.EventRecord, event_body(record, "evt_1", "call.queued", 1_781_704_984.118, 1))


@pytest.mark.parametrize(
    ("name", "value"), [("status", "canceled"), ("status", "post"), ("to", "4155550123"), ("turns", None)]
)
def test_the_shape_of_a_record_can_fail(name: str, value: JsonValue) -> None:
    assert not fits(schemas.CallRecord, {**call_record(CALL, None), name: value})


def test_a_record_without_one_of_its_names_has_not_the_documented_shape() -> None:
    record = call_record(CALL, None)
    assert all(not fits(schemas.CallRecord, {k: record[k] for k in record if k != name}) for name in record)


def fits(shape: type[Shape], value: JsonValue) -> bool:
    """Whether JSON has the documented shape, strictly: no coercion, no names beside it."""
    try:
        shape.model_validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True
