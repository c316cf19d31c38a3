"""`byourside-mcp`: its settings, its one line for what is wrong, and itself as a client's subprocess."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from byourside_server.errors import ConfigError
from byourside_server.mcp.command import CommandSettings, main, settings_of
from tests.api.conftest import KEY
from tests.mcp.conftest import CALL, OnceDesk, data_of


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"BYOURSIDE_API_KEY": KEY}, CommandSettings(KEY)),
        (
            {"VOXPLO_API_KEY": KEY, "VOXPLO_BASE_URL": "https://phone.test/"},
            CommandSettings(KEY, "https://phone.test"),
        ),
        (
            {
                "BYOURSIDE_API_KEY": f" {KEY}\n",
                "VOXPLO_API_KEY": "other",
                "BYOURSIDE_BASE_URL": " ",
                "BYOURSIDE_MCP_CONFIRM": "strict",
            },
            CommandSettings(KEY, confirm="strict"),
        ),
    ],
)
def test_settings_come_from_either_name(environment: dict[str, str], expected: CommandSettings) -> None:
    assert settings_of(environment) == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"BYOURSIDE_API_KEY": ""}, "BYOURSIDE_API_KEY"),
        ({"BYOURSIDE_API_KEY": "two words"}, "BYOURSIDE_API_KEY"),
        ({"BYOURSIDE_BASE_URL": "phone.test"}, "BYOURSIDE_BASE_URL"),
        ({"BYOURSIDE_BASE_URL": "http://[::1"}, "BYOURSIDE_BASE_URL"),
        ({"BYOURSIDE_MCP_CONFIRM": "maybe"}, "ask, strict, never"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_variable(
    changes: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"BYOURSIDE_API_KEY": KEY, **changes}
    with pytest.raises(ConfigError, match=words):
        settings_of(environment)
    assert main([], environment) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert KEY not in said.err


def test_a_password_in_the_address_is_refused_and_not_said_back() -> None:
    with pytest.raises(ConfigError) as refused:
        settings_of({"BYOURSIDE_API_KEY": KEY, "BYOURSIDE_BASE_URL": "https://me:sesame@phone.test"})
    assert "phone.test" in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_the_help_names_the_variables(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"], {})
    assert ended.value.code == 0
    assert "BYOURSIDE_API_KEY" in capsys.readouterr().out


def test_a_client_starts_it_and_places_a_call_through_the_api(desk: OnceDesk, base_url: str) -> None:
    """The official client, a process of its own, HTTP over loopback."""
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "byourside_server.mcp"],
        env={**os.environ, "BYOURSIDE_API_KEY": KEY, "BYOURSIDE_BASE_URL": base_url},
    )

    async def run() -> tuple[dict[str, Any], dict[str, Any]]:
        async with Client(started) as client:
            placed = data_of(await client.call_tool("place_call", CALL))
            desk.say(placed["callId"], "contact", "Yes, that works.")
            desk.end(placed["callId"])
            return placed, data_of(await client.call_tool("wait_for_call", {"callId": placed["callId"]}))

    placed, state = asyncio.run(run())
    assert [call.id for call in desk.calls] == [placed["callId"]]
    assert (state["status"], state["transcript"]) == ("completed", "Contact: Yes, that works.")
