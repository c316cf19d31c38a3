"""The MCP Inspector's command line, a client that shares no code with ours, over both transports.

`script/setup-inspector` puts it into build/inspector; without it, or without Node, these tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import KEY
from tests.mcp.conftest import CALL, OnceDesk

ROOT = Path(__file__).resolve().parents[2]
INSPECTOR = ROOT / "build/inspector/node_modules/.bin/mcp-inspector"
pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed"),
    pytest.mark.skipif(not INSPECTOR.exists(), reason="no MCP Inspector here: script/setup-inspector"),
]
LEGACY, MODERN = "legacy", "modern"
# The Inspector's own exit statuses: a server wants a key that it does not have; a tool reports an error.
AUTH_REQUIRED, TOOL_ERROR = 3, 5


def inspect(home: Path, *arguments: str, era: str = MODERN, status: int = 0) -> dict[str, Any]:
    """What the Inspector prints for one method; fails the test for another exit status."""
    done = subprocess.run(
        [str(INSPECTOR), "--cli", *arguments, "--protocol-era", era, "--format", "json", "--quiet"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "HOME": str(home)},
    )
    assert done.returncode == status, (done.stdout, done.stderr)
    printed: dict[str, Any] = json.loads(done.stdout or done.stderr)
    return printed


def over_http(base_url: str, key: str = KEY) -> list[str]:
    where = ["--server-url", f"{base_url}/mcp", "--transport", "http", "--stored-auth-only"]
    return [*where, "--header", f"Authorization: Bearer {key}"]


def over_stdio(base_url: str) -> list[str]:
    environment = {"BYOURSIDE_API_KEY": KEY, "BYOURSIDE_BASE_URL": base_url, "PYTHONPATH": str(ROOT)}
    given = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
    return [*given, sys.executable, "-m", "byourside_server.mcp"]


def calling(tool: str, arguments: dict[str, Any]) -> list[str]:
    return ["--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)]


def test_every_tool_schema_passes_the_inspectors_own_check(base_url: str, tmp_path: Path) -> None:
    listed = inspect(tmp_path, *over_http(base_url), "--method", "tools/list", "--strict")
    assert [tool["name"] for tool in listed["result"]["tools"]] == [
        "place_call",
        "wait_for_call",
        "get_call",
        "list_calls",
        "cancel_call",
        "get_recording",
    ]


def test_a_call_placed_over_stdio_is_the_same_call_over_http_in_either_era(
    desk: OnceDesk, base_url: str, tmp_path: Path
) -> None:
    ways = [(over_stdio(base_url), LEGACY), (over_http(base_url), LEGACY), (over_http(base_url), MODERN)]
    answers = [inspect(tmp_path, *way, *calling("place_call", CALL), era=era)["result"] for way, era in ways]
    told = [answer["structuredContent"] for answer in answers]
    assert [answer["placed"] for answer in told] == [True, False, False]
    assert [answer["callId"] for answer in told] == ["call-0"] * 3
    assert len(desk.calls) == 1


def test_a_refusal_is_a_result_that_says_so(desk: OnceDesk, base_url: str, tmp_path: Path) -> None:
    wanted = calling("place_call", {**CALL, "to": "+19005550123"})
    printed = inspect(tmp_path, *over_http(base_url), *wanted, status=TOOL_ERROR)
    assert printed["result"]["isError"]
    assert printed["result"]["content"][0]["text"].startswith("destination_blocked:")
    assert desk.calls == []


def test_an_unknown_key_is_turned_away(base_url: str, tmp_path: Path) -> None:
    stranger = over_http(base_url, "bys_ak_" + "x" * 43)
    refused = inspect(tmp_path, *stranger, "--method", "tools/list", status=AUTH_REQUIRED)
    assert refused["error"]["code"] == "auth_required"
