"""The door over HTTP, against the API itself in memory, and against servers that fail in scripted ways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from byourside_server.accounts.account import AgentKey
from byourside_server.api.application import create_api
from byourside_server.api.desk import ApiSettings
from byourside_server.errors import Refusal
from byourside_server.mcp import http_door, http_watch
from byourside_server.mcp.door import News, Unreachable
from byourside_server.mcp.house_door import HouseDoor
from byourside_server.mcp.http_door import HttpDoor, open_http_door
from byourside_server.mcp.repeats import canonical, idempotency_key_of, mark_of
from byourside_server.media.recording import wav_header
from tests.api.conftest import KEY, NOW, account
from tests.mcp.conftest import CALL, OnceDesk

Scenario = Callable[[HttpDoor], Awaitable[Any]]
Answer = httpx.Response | httpx.TransportError


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_door, "TRY_AGAIN_AFTER_S", (0.0, 0.0))
    monkeypatch.setattr(http_watch, "TRY_AGAIN_AFTER_S", 0.0)


def through_api(desk: OnceDesk, scenario: Scenario, key: str = KEY) -> Any:
    api = create_api(desk, settings=ApiSettings(version="0.1.0"))
    return through(httpx.ASGITransport(api), scenario, key)


def through(transport: httpx.AsyncBaseTransport, scenario: Scenario, key: str = KEY) -> Any:
    async def run() -> Any:
        async with open_http_door("http://api.test", key, transport=transport) as door:
            return await scenario(door)

    return asyncio.run(run())


class ScriptedServer(httpx.AsyncBaseTransport):
    """Gives its answers in turn, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_the_same_body_and_key_is_the_same_call_by_either_door(desk: OnceDesk) -> None:
    body = canonical(CALL)
    key = idempotency_key_of(mark_of(KEY), body, 1)

    async def by_http(door: HttpDoor) -> Any:
        assert door.mark == mark_of(KEY)
        first = await door.place(body, key)
        return first, await door.place(body, key)

    first, again = through_api(desk, by_http)
    assert (first.is_repeat, again.is_repeat) == (False, True)
    agent_key = AgentKey("key_home", "acct_home", "home", "kkkk", "", NOW)
    house = HouseDoor(desk, account("home"), agent_key, mark_of(KEY), desk.clock)
    third = asyncio.run(house.place(body, key))
    assert third.is_repeat
    assert third.record["callId"] == first.record["callId"] == again.record["callId"]
    assert len(desk.calls) == 1


def test_the_other_tools_have_what_they_need(desk: OnceDesk) -> None:
    async def look(door: HttpDoor) -> None:
        placed = await door.place(canonical(CALL), "k1")
        call_id = str(placed.record["callId"])
        assert (await door.get(call_id))["objective"] == CALL["objective"]
        records, cursor = await door.list(5, None, "queued")
        assert [record["callId"] for record in records] == [call_id]
        assert cursor is None
        assert (await door.list(5, None, "voicemail"))[0] == []
        assert (await door.cancel(call_id))["error"] == "canceled"
        (desk.recordings / f"{call_id}.wav").write_bytes(wav_header(8000) + bytes(16000))
        found = await door.recording(call_id)
        assert (found.size, found.duration_s) == (16058, 1.0)
        assert found.url.endswith(f"/{call_id}/recording")
        assert len(await door.read_recording(call_id)) == 16058

    through_api(desk, look)


def test_a_call_is_watched_to_its_end_turn_by_turn(desk: OnceDesk) -> None:
    async def watch(door: HttpDoor) -> list[News]:
        call_id = str((await door.place(canonical(CALL), "k1")).record["callId"])
        desk.meanwhile = [
            lambda: desk.become(call_id, state="in_progress"),
            lambda: desk.say(call_id, "agent", "Does 2pm work?"),
            lambda: desk.say(call_id, "contact", "Yes."),
            lambda: desk.end(call_id),
        ]
        heard: list[News] = []
        async with door.watch(call_id, 1) as watched:
            while not heard or not heard[-1].is_over:
                news = await watched.news(5)
                assert news is not None
                heard.append(news)
        return heard

    heard = through_api(desk, watch)
    assert [news.status for news in heard] == ["queued", "in_progress", "in_progress", "completed"]
    # The first of the two turns was known.
    assert [turn["text"] for news in heard for turn in news.turns] == ["Yes."]


RECORD: dict[str, Any] = {"callId": "c1", "status": "queued", "createdAt": "2026-06-17T14:03:12.000Z"}
AT = 1_781_704_992.0  # RECORD's createdAt


STATES = ("queued", "dialing", "in_progress", "completed")


def stream(*frames: str) -> httpx.Response:
    return httpx.Response(200, text="".join(frames), headers={"Content-Type": "text/event-stream"})


def test_a_broken_stream_is_taken_up_where_it_ended() -> None:
    dialing = 'id: 2.0\nevent: call.dialing\ndata: {"status": "dialing"}\n\n'
    turn = 'id: 2.1\nevent: turn\ndata: {"role": "agent", "text": "Hello."}\n\n'
    over = 'id: 3.1\nevent: call.completed\ndata: {"status": "completed"}\n\n'
    server = ScriptedServer(
        httpx.Response(200, json=RECORD),
        stream(dialing, turn),
        httpx.ReadError("gone"),
        httpx.Response(502, text="proxy"),
        stream(over),
    )

    async def watch(door: HttpDoor) -> list[News | None]:
        async with door.watch("c1", 0) as watched:
            return [await watched.news(5) for _ in range(3)]

    assert [news and (news.status, news.is_over) for news in through(server, watch)] == [
        ("dialing", False),
        ("dialing", False),
        ("completed", True),
    ]
    assert [request.headers.get("last-event-id") for request in server.asked[1:]] == [
        "0.0",
        "2.1",
        "2.1",
        "2.1",
    ]


def test_what_a_call_has_gone_through_before_is_not_told_again() -> None:
    frames = [f'id: {n}.0\nevent: call\ndata: {{"status": "{s}"}}\n\n' for n, s in enumerate(STATES)]
    server = ScriptedServer(httpx.Response(200, json={**RECORD, "status": "in_progress"}), stream(*frames))

    async def watch(door: HttpDoor) -> list[News | None]:
        async with door.watch("c1", 0) as watched:
            return [await watched.news(5) for _ in range(2)]

    assert [news and news.status for news in through(server, watch)] == ["in_progress", "completed"]


def test_nothing_new_in_time_is_none() -> None:
    class Silent(ScriptedServer):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if "events" in request.url.path:
                await asyncio.Event().wait()
            return await super().handle_async_request(request)

    async def watch(door: HttpDoor) -> News | None:
        async with door.watch("c1", 0) as watched:
            return await watched.news(0.02)

    assert through(Silent(httpx.Response(200, json=RECORD)), watch) is None


@pytest.mark.parametrize("bad", [httpx.Response(403), stream("data: no json\n\n")])
def test_a_stream_that_is_no_stream_of_ours_is_said(bad: httpx.Response) -> None:
    async def watch(door: HttpDoor) -> None:
        async with door.watch("c1", 0) as watched:
            await watched.news(5)

    with pytest.raises(Unreachable):
        through(ScriptedServer(httpx.Response(200, json=RECORD), bad), watch)


def test_a_placement_without_an_answer_is_sent_again_with_the_same_key() -> None:
    server = ScriptedServer(
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("down"),
        httpx.Response(200, json={"callId": "c1", "status": "queued"}),
        httpx.Response(200, json=RECORD),
    )
    placed = through(server, lambda door: door.place({"to": "+1"}, "k1"))
    assert placed.record == RECORD
    assert [request.headers.get("idempotency-key") for request in server.asked] == ["k1", "k1", "k1", None]


@pytest.mark.parametrize(
    ("answered_at", "is_repeat"), [(AT, False), (AT + 1, False), (AT - 1, False), (AT + 60, True)]
)
def test_a_call_older_than_its_answer_was_placed_before(answered_at: float, is_repeat: bool) -> None:
    """By the server's own clock, RFC 9110 §6.6.1: another process may have placed it."""
    server = ScriptedServer(
        httpx.Response(200, json={"callId": "c1"}, headers={"Date": formatdate(answered_at, usegmt=True)}),
        httpx.Response(200, json=RECORD),
    )
    assert through(server, lambda door: door.place({}, "k1")).is_repeat is is_repeat


def test_a_server_that_is_not_there_is_named_and_the_key_is_not() -> None:
    server = ScriptedServer(*(httpx.ConnectError("refused") for _ in range(3)))
    with pytest.raises(Unreachable) as trouble:
        through(server, lambda door: door.get("c1"))
    assert "http://api.test" in str(trouble.value)
    assert "is it running?" in str(trouble.value)
    assert KEY not in str(trouble.value)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "strange",
    [
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.Response(404, json={"detail": "Not Found"}),
        httpx.Response(302, headers={"Location": "http://elsewhere.test/"}),
        httpx.Response(200, text="hello"),
        httpx.Response(200, json=["a list"]),
    ],
)
def test_an_answer_of_another_server_is_not_taken_for_ours(strange: httpx.Response) -> None:
    with pytest.raises(Unreachable, match="URL"):
        through(ScriptedServer(strange), lambda door: door.get("c1"))


def test_a_refusal_keeps_its_token_its_words_and_its_wait() -> None:
    refused = httpx.Response(
        429, json={"error": "rate_limited", "message": "Too many."}, headers={"Retry-After": "7"}
    )
    with pytest.raises(Refusal) as refusal:
        through(ScriptedServer(refused), lambda door: door.place({}, "k1"))
    assert (refusal.value.token, refusal.value.message, refusal.value.retry_after_s) == (
        "rate_limited",
        "Too many.",
        7.0,
    )


def test_a_wrong_key_is_unauthorized(desk: OnceDesk) -> None:
    with pytest.raises(Refusal) as refusal:
        through_api(desk, lambda door: door.list(5, None, None), "bys_ak_" + "x" * 43)
    assert refusal.value.token == "unauthorized"


@pytest.mark.parametrize("given", ["", ".", "..", "a/b", "call-0/recording?x=", "é"])
def test_an_id_cannot_lead_to_another_path(desk: OnceDesk, given: str) -> None:
    with pytest.raises(Refusal) as refusal:
        through_api(desk, lambda door: door.get(given))
    assert refusal.value.token == "not_found"
