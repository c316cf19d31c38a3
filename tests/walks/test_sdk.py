"""The published snippets, word for word, against a real server: only key and base URL are changed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.walks.conftest import Batch

SDK = Path(__file__).resolve().parents[2] / "sdks" / "python"
README = (SDK / "README.md").read_text()


def start(source: str, batch: Batch) -> subprocess.Popen[str]:
    """A snippet in a fresh interpreter that sees the SDK and nothing of the server."""
    ours = f'Client(api_key="{batch.key}", base_url="{batch.house.base_url}")'
    source = source.replace('Client(api_key="bys_ak_YOUR_KEY")', ours)
    return subprocess.Popen(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SDK)!r})\n{source}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


OBJECTIVE = "Confirm the appointment for tomorrow at 2pm."
FIELD = "confirmed:boolean"
# As published: quick start; list, get; error handling.
QUICK_START = '''
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
'''
LIST = '''
from byourside import Client
client = Client(api_key="bys_ak_YOUR_KEY")
calls = client.list_calls(limit=10)
for c in calls:
    print(c["callId"], c["status"])
'''
ERRORS = '''
from byourside import Client, ByoursideError

client = Client(api_key="bys_ak_YOUR_KEY")
try:
    client.place_call(to="+19001234567", objective="Sell something")
except ByoursideError as e:
    print(e.code)    # e.g. "destination_blocked"
    print(e.status)  # HTTP status, or 0 for network/timeout errors
    print(str(e))    # Human-readable message
'''


PACKAGES = ("byourside", "voxplo")


@pytest.fixture(scope="module")
def started(batch: Batch) -> dict[str, subprocess.Popen[str]]:
    """What takes a whole call in real time, all under way at once: both quick starts, and the terminal."""
    running = {name: start(QUICK_START.replace("byourside", name), batch) for name in PACKAGES}
    running["terminal"] = subprocess.Popen(
        [sys.executable, "-m", "byourside", "call", "+14155550153", OBJECTIVE, "--field", FIELD],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=SDK,
        env={"BYOURSIDE_API_KEY": batch.key, "BYOURSIDE_BASE_URL": batch.house.base_url},
    )
    return running


@pytest.mark.parametrize("package", PACKAGES)
def test_the_quick_start_places_a_call_and_prints_its_fields(
    started: dict[str, subprocess.Popen[str]], package: str
) -> None:
    out = output(started[package]).splitlines()
    assert re.fullmatch(r"Placed: [0-9a-f-]{36} status: queued", out[0])
    assert out[1:] == ["Final status: completed", "Extracted fields: {'confirmed': True, 'new_time': None}"]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_list_snippet_prints_ids_and_statuses(batch: Batch, package: str) -> None:
    out = output(start(LIST.replace("byourside", package), batch)).splitlines()
    assert len(out) == 10
    assert all(re.fullmatch(r"[0-9a-f-]{36} [a-z_]+", line) for line in out)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_error_snippet_prints_the_published_code(batch: Batch, package: str) -> None:
    code, status, sentence = output(start(ERRORS.replace("byourside", package), batch)).splitlines()
    assert (code, status) == ("destination_blocked", "400")
    assert len(sentence) > 20


def test_the_snippets_stand_in_the_readme_as_tested() -> None:
    for snippet in (QUICK_START, ERRORS):
        assert snippet.strip() in README


def test_the_command_line_shows_progress_transcript_and_result(
    started: dict[str, subprocess.Popen[str]],
) -> None:
    shown = output(started["terminal"])
    assert "in progress" in shown
    assert "automated" in shown
    assert re.search(r"confirmed\W+false", shown, re.IGNORECASE), shown
