"""kill -9 at 20 random moments: no accepted call is lost, none is dialled twice, all webhooks come.

The sandbox network runs as a process of its own and keeps a journal of every INVITE it saw, so that it is
the telephone, not the server, that testifies who was dialled how often.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.walks.house import TERMINAL, House, Mailbox, mailbox

KILLS = 20
# Short lives: declined, busy, hangs up at once, and one that talks to the end.
NUMBERS = ("+14155550143", "+14155550141", "+14155550150", "+14155550123")
SEED = 20260617
DRAIN_TIMEOUT_S = 90.0
# Nobody here minds what is said, and real engines make a third of a start's work.
SPEECH = {"BYOURSIDE_SPEECH_TO_TEXT": "simulated-script", "BYOURSIDE_TEXT_TO_SPEECH": "simulated-tone"}


@pytest.fixture(scope="module")
def telephone_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A standing sandbox: its address and its journal."""
    journal = tmp_path_factory.mktemp("sandbox") / "journal.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "byourside_server.sandbox", "--journal", str(journal)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        word, host, port = process.stdout.readline().split()
        assert word == "ready"
        yield f"{host}:{port}", journal
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(15)


def place(client: httpx.Client, number: str, hook_url: str) -> str | None:
    """The id of an accepted call, or None where the server was not there to accept it."""
    body = {
        "to": number,
        "objective": "Confirm the appointment for tomorrow at 2pm.",
        "fields": [{"name": "confirmed", "type": "boolean"}],
        "webhookUrl": hook_url,
    }
    try:
        answer = client.post("/v1/agent/calls", json=body)
    except httpx.HTTPError:
        return None
    assert answer.status_code == 200, answer.text
    call_id: str = answer.json()["callId"]
    return call_id


@pytest.fixture(scope="module")
def lost_recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the recordings of the killed server lie."""
    return tmp_path_factory.getbasetemp() / "killed" / "data" / "recordings"


@pytest.fixture(scope="module")
def aftermath(
    telephone_network: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, dict[str, Any]], Counter[str], Mailbox]]:
    """Records of all accepted calls, dials by call id, and the webhooks, after 20 kills."""
    address, journal = telephone_network
    chance = random.Random(SEED)
    house = House(
        tmp_path_factory.mktemp("killed", numbered=False) / "data",
        ("--allow-local-webhooks",),
        {"BYOURSIDE_SANDBOX_ADDRESS": address, "BYOURSIDE_CALLS_PER_MINUTE": "10000", **SPEECH},
    )
    accepted: list[str] = []
    with mailbox() as mail:
        key = ""
        for _ in range(KILLS):
            house.start()
            key = key or house.make_key()
            with house.client(key) as client:
                for _ in range(chance.randint(1, 3)):
                    call_id = place(client, chance.choice(NUMBERS), mail.url)
                    if call_id:
                        accepted.append(call_id)
                    time.sleep(chance.uniform(0, 0.3))
                time.sleep(chance.uniform(0, 2.5))
            house.kill()
        house.start()
        try:
            with house.client(key) as client:
                records = {call_id: drain(client, call_id) for call_id in accepted}
            for call_id in accepted:
                with contextlib.suppress(AssertionError):
                    mail.wait_for_terminal(call_id)
            dials = Counter(json.loads(line)["callId"] for line in journal.read_text().splitlines())
            yield records, dials, mail
        finally:
            assert house.stop() == 0, house.log()


def drain(client: httpx.Client, call_id: str) -> dict[str, Any]:
    until = time.monotonic() + DRAIN_TIMEOUT_S
    while True:
        answer = client.get(f"/v1/agent/calls/{call_id}")
        record: dict[str, Any] = answer.json()
        if answer.status_code != 200 or record["status"] in TERMINAL or time.monotonic() > until:
            return record
        time.sleep(0.2)


Aftermath = tuple[dict[str, dict[str, Any]], "Counter[str]", Mailbox]


def test_no_accepted_call_is_lost_and_each_comes_to_an_end(aftermath: Aftermath) -> None:
    records, _, _ = aftermath
    assert len(records) >= KILLS
    unended = {call_id: r for call_id, r in records.items() if r.get("status") not in TERMINAL}
    assert unended == {}


def test_no_phone_rang_twice_for_one_call(aftermath: Aftermath) -> None:
    records, dials, _ = aftermath
    assert {call_id: count for call_id, count in dials.items() if count > 1} == {}
    assert set(dials) <= set(records)


def test_calls_caught_in_the_middle_say_so(aftermath: Aftermath) -> None:
    records, dials, _ = aftermath
    lost = [record for record in records.values() if record["endReason"] == "worker_lost"]
    assert lost, "no kill fell into a live call: the test proves nothing"
    for record in lost:
        assert (record["status"], record["error"]) == ("failed", "worker_lost")
        assert dials[record["id"]] <= 1


def test_a_lost_call_lasted_as_long_as_its_recording(aftermath: Aftermath, lost_recordings: Path) -> None:
    records, _, _ = aftermath
    answered = [r for r in records.values() if r["endReason"] == "worker_lost" and r["startedAt"]]
    assert answered, "no kill fell into a conversation: the test proves nothing"
    for record in answered:
        recording = lost_recordings / f"{record['id']}.wav"
        seconds = (recording.stat().st_size - 58) / 16000 if recording.exists() else 0.0
        assert record["durationSec"] >= seconds - 0.2, record


def test_calls_that_were_still_queued_were_dialled_after_the_restart(aftermath: Aftermath) -> None:
    records, dials, _ = aftermath
    for record in records.values():
        if record["endReason"] != "worker_lost":
            assert dials[record["id"]] == 1, record


def test_every_call_got_its_webhooks_in_order_and_one_terminal_event(aftermath: Aftermath) -> None:
    records, _, mail = aftermath
    for call_id, record in records.items():
        events = [delivery.payload["event"] for delivery in mail.of_call(call_id)]
        first_seen = list(dict.fromkeys(event["id"] for event in events))
        sequences = {event["id"]: event["sequence"] for event in events}
        assert [sequences[event_id] for event_id in first_seen] == sorted(sequences.values()), events
        terminal = {e["id"] for e in events if e["type"].removeprefix("call.") in TERMINAL}
        assert len(terminal) == 1, (record, events)
        assert events[-1]["type"] == f"call.{record['status']}"
