"""The published snippets, word for word, against a real server: only key and base URL are changed."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.walks.conftest import SDK
from tests.walks.house import Open

README = (SDK / "README.md").read_text()


def start(source: str, server: Open) -> subprocess.Popen[str]:
    """A snippet in a fresh interpreter that sees the SDK and nothing of the server."""
    ours = f'Client(api_key="{server.key}", base_url="{server.house.base_url}")'
    source = source.replace('Client(api_key="bys_ak_YOUR_KEY")', ours)
    return subprocess.Popen(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SDK)!r})\n{source}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    return out


# As published: quick start; list, get; error handling.
QUICK_START = """
from byourside import Client

client = Client(api_key="bys_ak_YOUR_KEY")

# Place an outbound call with an objective
call = client.place_call(
    to="+14155550123",
    objective="Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    fields=[
        {"name": "confirmed", "type": "boolean"},
        {"name": "new_time", "type": "string"},
    ],
)
print("Placed:", call["callId"], "status:", call["status"])

# Poll until the call reaches a terminal status (default timeout: 180s)
result = client.wait_for_call(call["callId"], timeout=180, interval=5)
print("Final status:", result["status"])
print("Extracted fields:", result.get("extracted"))
"""
LIST = """
from byourside import Client
client = Client(api_key="bys_ak_YOUR_KEY")
calls = client.list_calls(limit=10)
for c in calls:
    print(c["callId"], c["status"])
"""
ERRORS = """
from byourside import Client, ByoursideError

client = Client(api_key="bys_ak_YOUR_KEY")
try:
    client.place_call(to="+19001234567", objective="Sell something")
except ByoursideError as e:
    print(e.code)    # e.g. "destination_blocked"
    print(e.status)  # HTTP status, or 0 for network/timeout errors
    print(str(e))    # Human-readable message
"""


PACKAGES = ("byourside", "voxplo")


@pytest.fixture(scope="module")
def told(quick: Open) -> dict[str, str]:
    """What the quick starts print: both under way at once, since they look every five seconds."""
    running = {name: start(QUICK_START.replace("byourside", name), quick) for name in PACKAGES}
    return {name: output(process) for name, process in running.items()}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_quick_start_places_a_call_and_prints_its_fields(told: dict[str, str], package: str) -> None:
    out = told[package].splitlines()
    assert re.fullmatch(r"Placed: [0-9a-f-]{36} status: queued", out[0])
    assert out[1:] == ["Final status: completed", "Extracted fields: {'confirmed': True, 'new_time': None}"]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_list_snippet_prints_ids_and_statuses(quick: Open, package: str) -> None:
    with quick.house.client(quick.key) as client:
        for _ in range(10):
            client.post("/v1/agent/calls", json={"to": "+14155550141", "objective": "Ask the time."})
    out = output(start(LIST.replace("byourside", package), quick)).splitlines()
    assert len(out) == 10
    assert all(re.fullmatch(r"[0-9a-f-]{36} [a-z_]+", line) for line in out)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_error_snippet_prints_the_published_code(quick: Open, package: str) -> None:
    code, status, sentence = output(start(ERRORS.replace("byourside", package), quick)).splitlines()
    assert (code, status) == ("destination_blocked", "400")
    assert len(sentence) > 20


def test_the_snippets_stand_in_the_readme_as_tested() -> None:
    for snippet in (QUICK_START, ERRORS):
        assert snippet.strip() in README
