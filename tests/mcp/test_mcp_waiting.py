"""wait_for_call tells the talk while it happens, and gives back what there is when time is up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mcp_types import CallToolResult

from byourside_server.mcp import waiting
from byourside_server.mcp.door import News
from byourside_server.mcp.waiting import follow
from tests.mcp.conftest import CALL, OnceDesk, ask, client_of, data_of, server_over


@pytest.fixture
def call_id(desk: OnceDesk) -> str:
    return str(data_of(ask(server_over(desk), "place_call", CALL))["callId"])


def wait(desk: OnceDesk, arguments: dict[str, Any]) -> tuple[CallToolResult, list[tuple[float, str | None]]]:
    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def run() -> CallToolResult:
        async with client_of(server_over(desk)) as client:
            return await client.call_tool("wait_for_call", arguments, progress_callback=hear)

    return asyncio.run(run()), told


def test_each_turn_is_told_as_it_is_spoken_and_the_result_comes_in_the_end(
    desk: OnceDesk, call_id: str
) -> None:
    desk.meanwhile = [
        lambda: desk.become(call_id, state="dialing"),
        lambda: desk.become(call_id, state="in_progress"),
        lambda: desk.say(call_id, "agent", "Does 2pm work?"),
        lambda: desk.say(call_id, "contact", "Yes, that works."),
        lambda: desk.become(call_id, state="post"),
        lambda: desk.end(call_id),
    ]
    result, told = wait(desk, {"callId": call_id})
    assert [message for _, message in told] == [
        "(waiting to be dialed)",
        "(dialing)",
        "(on the line)",
        "Agent: Does 2pm work?",
        "Contact: Yes, that works.",
        "(completed)",
    ]
    assert [progress for progress, _ in told] == [1, 2, 3, 4, 5, 6]
    assert data_of(result)["done"]


def test_when_time_is_up_the_answer_is_how_far_it_has_come(
    desk: OnceDesk, call_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MAX_TIMEOUT_S", 1.0)
    desk.become(call_id, state="in_progress")
    desk.meanwhile = [lambda: desk.say(call_id, "agent", "Does 2pm work?")]
    result, _ = wait(desk, {"callId": call_id, "timeoutSec": 60})
    state = data_of(result)
    assert (state["status"], state["done"], state["turnsHeard"]) == ("in_progress", False, 1)
    assert state["transcript"] == "Agent: Does 2pm work?"
    assert "wait_for_call" in state["next"]


def test_turns_that_were_told_are_not_told_again(desk: OnceDesk, call_id: str) -> None:
    desk.say(call_id, "agent", "Does 2pm work?")
    desk.say(call_id, "contact", "Yes, that works.")
    desk.end(call_id)
    _, told = wait(desk, {"callId": call_id, "sinceTurn": 1})
    assert [message for _, message in told] == ["Contact: Yes, that works.", "(completed)"]


class QuietWatch:
    """A scripted line on which nothing happens for some looks, and then the call is over."""

    def __init__(self, quiet_looks: int) -> None:
        self._left = quiet_looks
        self.timeouts: list[float] = []

    async def news(self, timeout_s: float) -> News | None:
        self.timeouts.append(timeout_s)
        await asyncio.sleep(0)
        self._left -= 1
        return None if self._left >= 0 else News("no_answer", is_over=True)


async def told_by(watch: QuietWatch, timeout_s: float) -> list[str]:
    told: list[str] = []

    async def tell(line: str) -> None:
        told.append(line)

    await follow(watch, timeout_s, tell)
    return told


def test_a_quiet_line_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients give up on a request that says nothing; the official ones do after a minute."""
    monkeypatch.setattr(waiting, "SIGN_OF_LIFE_S", 0.0)
    assert asyncio.run(told_by(QuietWatch(2), 60)) == [
        "(waiting, 0 s)",
        "(waiting, 0 s)",
        "(nobody answered)",
    ]


def test_waking_up_for_nothing_is_not_told() -> None:
    watch = QuietWatch(3)
    assert asyncio.run(told_by(watch, 60)) == ["(nobody answered)"]
    assert max(watch.timeouts) <= waiting.SIGN_OF_LIFE_S


def test_nobody_waits_longer_than_ten_minutes(
    desk: OnceDesk, call_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MAX_TIMEOUT_S", 0)
    result, _ = wait(desk, {"callId": call_id, "timeoutSec": 100_000})
    assert not data_of(result)["done"]
