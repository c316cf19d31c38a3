"""Calls through the tools, on a whole server: a phone that rings until it is given up; nobody talks."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.walks.house import Open

NOBODY: dict[str, Any] = {"to": "+12125550140", "objective": "Ask whether the shop is open on Sunday."}


async def follow(client: Client, arguments: dict[str, Any]) -> tuple[dict[str, Any], list[str | None]]:
    """Place a call, wait for its end; the last answer and what was told meanwhile."""
    told: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    placed = await client.call_tool("place_call", arguments)
    assert placed.structured_content is not None, placed.content
    wanted = {"callId": placed.structured_content["callId"]}
    ended = await client.call_tool("wait_for_call", wanted, progress_callback=hear)
    state: dict[str, Any] = ended.structured_content
    again = await client.call_tool("place_call", arguments)
    assert again.structured_content is not None, again.content
    assert again.structured_content["sameCallAgain"]
    assert again.structured_content["callId"] == state["callId"]
    return state, told


def check(state: dict[str, Any], told: list[str | None]) -> None:
    assert (state["status"], state["done"], state["endReason"]) == ("no_answer", True, "no_answer")
    assert told[-1] == "(nobody answered)"
    assert "(dialing)" in told


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_call_through_streamable_http(office: Open, mode: str) -> None:
    async def run() -> tuple[dict[str, Any], list[str | None]]:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {office.key}"}, timeout=30) as http:
            transport = streamable_http_client(f"{office.house.base_url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                return await follow(client, {**NOBODY, "context": f"Over HTTP, {mode}."})

    check(*asyncio.run(run()))


def test_a_call_through_the_command(office: Open) -> None:
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "byourside_server.mcp"],
        env={**os.environ, "BYOURSIDE_API_KEY": office.key, "BYOURSIDE_BASE_URL": office.house.base_url},
    )

    async def run() -> tuple[dict[str, Any], list[str | None]]:
        async with Client(started) as client:
            return await follow(client, NOBODY)

    check(*asyncio.run(run()))
