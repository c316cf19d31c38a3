"""The user is asked before a phone rings where the client can ask; who says no is not called.

Both forms of asking are gone through: 2026-07-28's answer that needs input, and 2025-11-25's request of the
server to the client.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from mcp.client.session import ClientRequestContext, ElicitationFnT
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams, ElicitResult

from byourside_server.mcp.confirmation import question_of
from byourside_server.mcp.surroundings import Confirm
from tests.mcp.conftest import CALL, OnceDesk, client_of, data_of, error_of, server_over, text_of

Mode = Literal["auto", "legacy"]
BOTH = pytest.mark.parametrize("mode", ["auto", "legacy"])


class User:
    """A scripted user who answers what he is asked, and remembers it."""

    def __init__(self, action: Literal["accept", "decline", "cancel"], tick: bool = True) -> None:
        self._answer = ElicitResult(action=action, content={"call": tick} if action == "accept" else None)
        self.read: list[str] = []

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        assert list(params.requested_schema["properties"]) == ["call"]
        self.read.append(params.message)
        return self._answer


def place(
    desk: OnceDesk,
    mode: Mode,
    user: ElicitationFnT | None,
    confirm: Confirm = "ask",
    changes: dict[str, Any] | None = None,
) -> CallToolResult:
    async def run() -> CallToolResult:
        async with client_of(server_over(desk, confirm=confirm), mode=mode, asks=user) as client:
            return await client.call_tool("place_call", {**CALL, **(changes or {})})

    return asyncio.run(run())


@BOTH
def test_the_user_reads_the_number_and_the_goal_and_the_call_is_placed(desk: OnceDesk, mode: Mode) -> None:
    user = User("accept")
    assert data_of(place(desk, mode, user))["placed"]
    assert user.read == ["Call +14155550123 now? Objective: Confirm the appointment."]
    assert len(desk.calls) == 1


@BOTH
@pytest.mark.parametrize("user", [User("decline"), User("cancel"), User("accept", tick=False)])
def test_who_says_no_is_not_called(desk: OnceDesk, mode: Mode, user: User) -> None:
    result = place(desk, mode, user)
    assert (data_of(result)["placed"], data_of(result)["callId"]) == (False, None)
    assert "declined" in text_of(result)
    assert user.read
    assert desk.calls == []


@BOTH
def test_a_client_that_cannot_ask_is_not_held_up(desk: OnceDesk, mode: Mode) -> None:
    assert data_of(place(desk, mode, None))["placed"]


@BOTH
def test_strict_places_nothing_where_the_client_cannot_ask(desk: OnceDesk, mode: Mode) -> None:
    assert error_of(place(desk, mode, None, "strict")).startswith("not_confirmed:")
    assert desk.calls == []


@BOTH
@pytest.mark.parametrize(
    ("confirm", "confirmed", "asked"), [("ask", True, 0), ("strict", True, 1), ("never", False, 0)]
)
def test_setting_and_argument_say_whether_to_ask(
    desk: OnceDesk, mode: Mode, confirm: Confirm, confirmed: bool, asked: int
) -> None:
    user = User("accept")
    assert data_of(place(desk, mode, user, confirm, {"confirmed": confirmed}))["placed"]
    assert len(user.read) == asked


@BOTH
def test_nobody_is_asked_about_a_call_that_is_under_way(desk: OnceDesk, mode: Mode) -> None:
    """A retrying model must not make its user say no to a call that already rings."""
    assert data_of(place(desk, mode, User("accept")))["placed"]
    user = User("decline")
    assert data_of(place(desk, mode, user))["sameCallAgain"]
    assert user.read == []


@BOTH
def test_what_was_confirmed_once_is_still_one_call(desk: OnceDesk, mode: Mode) -> None:
    """The word of confirmation is no part of the request."""
    assert data_of(place(desk, mode, User("accept")))["placed"]
    desk.end("call-0")
    assert data_of(place(desk, mode, None, "ask", {"confirmed": True}))["sameCallAgain"]
    assert len(desk.calls) == 1


def test_a_long_goal_is_cut_and_a_later_time_is_named() -> None:
    asked = question_of(" +14155550123 ", "Say hello. " * 100, "2030-01-01T09:00:00Z")
    assert asked.startswith("Call +14155550123 not before 2030-01-01T09:00:00Z? Objective: Say hello.")
    assert len(asked) < 500
    assert asked.endswith(" …")
