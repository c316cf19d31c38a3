"""The live stream: server-sent events (WHATWG HTML §9.2) of the log and of a call's turns.

The desk is the tests' own; what happens "meanwhile" happens when the stream waits for it.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from byourside_server.api import event_stream
from byourside_server.api.event_stream import Place, frames_of_account, frames_of_call, place_of, wants_stream
from byourside_server.calls.transcript import Turn
from tests.api.conftest import NOW, Browser, FakeDesk, account

HOME = account("home")
STREAM = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Frame:
    id: str
    event: str
    data: Any


def frames(text: str) -> list[Frame]:
    """Read as a browser does: fields until an empty line, comments dropped."""
    found = []
    for block in text.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            fields = dict(line.split(": ", 1) for line in lines)
            found.append(Frame(fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def turn(index: int, text: str) -> Turn:
    return Turn(index, "agent" if index % 2 else "contact", text, index * 1000, index * 1000 + 900)


def live(desk: FakeDesk, call_id: str) -> None:
    """The rest of the call's life, a step whenever somebody waits."""
    first, second = turn(0, "hello\nthere"), turn(1, "Goodbye.")
    over = {"ended_at": NOW + 9, "answered_at": NOW}
    desk.meanwhile += [
        lambda: desk.become(call_id, state="in_progress"),
        lambda: desk.become(call_id, turns=(first,)),
        lambda: desk.become(call_id, state="post", turns=(first, second), **over),
        lambda: desk.become(call_id, state="completed"),
    ]


def test_a_calls_stream_tells_events_and_turns_in_order_and_ends_with_the_call(
    api: Browser, desk: FakeDesk, placed: str
) -> None:
    live(desk, placed)
    answer = api.get(f"/v1/agent/calls/{placed}/events", headers=STREAM)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    told = frames(answer.text)
    assert [frame.event for frame in told] == [
        "call.queued",
        "call.in_progress",
        "turn",
        "turn",
        "call.ended",
        "call.completed",
    ]
    assert [frame.data["text"] for frame in told if frame.event == "turn"] == ["hello\nthere", "Goodbye."]
    assert told[-1].data["status"] == "completed"
    assert told[-1].data["event"]["type"] == "call.completed"


def test_a_stream_goes_on_behind_the_last_event_that_arrived(
    api: Browser, desk: FakeDesk, placed: str
) -> None:
    live(desk, placed)
    whole = frames(api.get(f"/v1/agent/calls/{placed}/events", headers=STREAM).text)
    for at, frame in enumerate(whole):
        rest = api.get(f"/v1/agent/calls/{placed}/events", headers={**STREAM, "Last-Event-ID": frame.id})
        assert frames(rest.text) == whole[at + 1 :]


def test_the_query_tells_where_to_begin_where_no_header_does(
    api: Browser, desk: FakeDesk, placed: str
) -> None:
    desk.become(placed, state="canceled", ended_at=NOW)
    [frame] = frames(api.get(f"/v1/agent/calls/{placed}/events?after=1", headers=STREAM).text)
    assert frame.event == "call.failed"


def test_without_the_accept_header_and_for_head_the_answer_is_json(api: Browser, placed: str) -> None:
    path = f"/v1/agent/calls/{placed}/events"
    assert api.get(path).json()["nextAfter"] == 1
    head = api.head(path, headers=STREAM)
    assert (head.headers["content-type"], head.content) == ("application/json", b"")


def test_a_strangers_call_has_no_stream(api: Browser) -> None:
    answer = api.get("/v1/agent/calls/nobodys/events", headers=STREAM)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def collect(stream: Any, count: int) -> list[str]:
    async def some() -> list[str]:
        return [(await anext(stream)).decode() for _ in range(count)]

    return asyncio.run(some())


def test_the_accounts_stream_waits_for_what_is_new_and_keeps_the_line_open(
    desk: FakeDesk, placed: str
) -> None:
    rounds = int(event_stream.KEEP_ALIVE_S / event_stream.LOOK_EVERY_S)
    desk.meanwhile = [lambda: None] * rounds
    desk.meanwhile.append(lambda: desk.become(placed, state="canceled", ended_at=NOW))
    first, quiet, last = collect(frames_of_account(desk, HOME, Place()), 3)
    assert frames(first)[0].event == "call.queued"
    assert quiet.startswith(":")
    assert frames(last)[0].event == "call.failed"


def test_a_quiet_call_keeps_its_stream_open(desk: FakeDesk, placed: str) -> None:
    rounds = int(event_stream.KEEP_ALIVE_S / event_stream.LOOK_EVERY_S)
    desk.meanwhile = [lambda: None] * rounds
    _, quiet = collect(frames_of_call(desk, HOME, placed, Place()), 2)
    assert quiet.startswith(":")


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("42.3", Place(42, 3)),
        ("42", Place(42)),
        ("", Place(7)),
        ("x", Place(7)),
        ("-1.2", Place(7)),
        ("9" * 19, Place(2**63 - 1)),
        ("9" * 5000, Place(7)),
    ],
)
def test_an_odd_last_event_id_is_as_good_as_none(given: str, place: Place) -> None:
    assert place_of({"last-event-id": given}, 7) == place


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/event-stream", True),
        ("application/json, text/event-stream;q=0.9", True),
        ("*/*", False),
        ("", False),
    ],
)
def test_only_who_asks_for_a_stream_gets_one(accept: str, wanted: bool) -> None:
    assert wants_stream({"accept": accept}) is wanted
