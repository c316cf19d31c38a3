"""The event log and a call's turns as server-sent events, while they happen.

A frame's id is `<place in the log>.<turns told>`: given back as `Last-Event-ID` the stream goes on behind
it and tells nothing twice. WHATWG HTML §9.2. Knows the desk and no socket.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.responses import StreamingResponse

from byourside_server.accounts.account import Account
from byourside_server.api.answers import json_bytes
from byourside_server.api.desk import Desk, LoggedEvent
from byourside_server.api.query import MAX_AFTER
from byourside_server.calls.call import Call, JsonValue
from byourside_server.calls.lifecycle import PUBLIC_STATUS, TERMINAL_STATUSES
from byourside_server.calls.transcript import Turn
from byourside_server.calls.wire import turn_record

PAGE = 100
KEEP_ALIVE_S = 15.0
# How long a stream sleeps at most before it looks by itself: what other processes did wakes nobody here.
LOOK_EVERY_S = 3.0
KEEP_ALIVE = b": still here\n\n"
TURN = "turn"
LAST_EVENT_ID = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,6}))?")


@dataclass(frozen=True)
class Place:
    """How far a listener has come: in the log, and in a call's turns."""

    after: int = 0
    turns: int = 0

    def __str__(self) -> str:
        return f"{self.after}.{self.turns}"


# Where the listener is after a frame, the frame's event and its data.
News = tuple[Place, str, dict[str, JsonValue]]


def wants_stream(headers: Mapping[str, str]) -> bool:
    """Whether the request asks for `text/event-stream`."""
    kinds = (kind.partition(";")[0].strip().lower() for kind in headers.get("accept", "").split(","))
    return "text/event-stream" in kinds


def place_of(headers: Mapping[str, str], after: int) -> Place:
    """Where to go on: `Last-Event-ID`, else the query's `after`; what can't be ours is not looked at."""
    given = LAST_EVENT_ID.fullmatch(headers.get("last-event-id", "").strip())
    if given is None:
        return Place(after)
    return Place(min(int(given[1]), MAX_AFTER), int(given[2] or 0))


def event_stream(frames: AsyncIterator[bytes]) -> StreamingResponse:
    """The answer that sends these frames; proxies are asked not to hold them back."""
    return StreamingResponse(frames, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def frames_of_account(desk: Desk, account: Account, place: Place) -> AsyncIterator[bytes]:
    """The account's events from `place` on, without an end."""
    quiet_s = 0.0
    while True:
        found = await desk.events(account, place.after, PAGE)
        for event in found:
            place = Place(event.id)
            yield _frame(place, _type_of(event.body), event.body)
        if found:
            quiet_s = 0.0
            continue
        if await desk.wait_for_event(account, place.after, LOOK_EVERY_S):
            continue
        quiet_s += LOOK_EVERY_S
        if quiet_s >= KEEP_ALIVE_S:
            yield KEEP_ALIVE
            quiet_s = 0.0


async def frames_of_call(desk: Desk, account: Account, call_id: str, place: Place) -> AsyncIterator[bytes]:
    """The call's events and turns from `place` on, until it is over."""
    quiet_s, was_over = 0.0, False
    while True:
        found = await desk.events(account, place.after, PAGE, call_id)
        # The log first: whatever ended the call by then, its turns are in the call as it is read now.
        call = await desk.get(account, call_id)
        news = _news(found, call, place)
        for reached, kind, body in news:
            yield _frame(reached, kind, body)
            place = reached
        if news:
            quiet_s = 0.0
            continue
        if was_over:
            return
        was_over = PUBLIC_STATUS[call.state] in TERMINAL_STATUSES
        if was_over:
            continue  # its last event may have been written between the two looks
        await desk.wait_for_change(call_id, call.sequence, LOOK_EVERY_S)
        quiet_s += LOOK_EVERY_S
        if quiet_s >= KEEP_ALIVE_S:
            yield KEEP_ALIVE
            quiet_s = 0.0


def _news(found: Sequence[LoggedEvent], call: Call, place: Place) -> list[News]:
    """What is new since `place`: turns stand before the event that ended the talk."""
    news: list[News] = []
    turns = list(call.turns[place.turns :])
    for event in found:
        if event.body["endedAt"] is not None:
            place = _tell_turns(turns, place, news)
        place = replace(place, after=event.id)
        news.append((place, _type_of(event.body), event.body))
    if len(found) < PAGE:
        _tell_turns(turns, place, news)
    return news


def _tell_turns(turns: list[Turn], place: Place, news: list[News]) -> Place:
    while turns:
        place = replace(place, turns=place.turns + 1)
        news.append((place, TURN, turn_record(turns.pop(0))))
    return place


def _type_of(body: Mapping[str, JsonValue]) -> str:
    event = body["event"]
    assert isinstance(event, dict)
    return str(event["type"])


def _frame(place: Place, kind: str, body: dict[str, JsonValue]) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (str(place).encode(), kind.encode(), json_bytes(body))
