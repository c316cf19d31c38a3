"""Calls that end oddly: called off while ringing or talking, scheduled, or with a broken engine.

In real time, since somebody has to be in time for them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.walks.conftest import README_CALL
from tests.walks.house import RING_TIMEOUT_S, House, Open, wait_for_end


@pytest.fixture(scope="module")
def client(office: Open) -> Iterator[httpx.Client]:
    with office.house.client(office.key) as client:
        yield client


def place(client: httpx.Client, **changes: Any) -> str:
    answer = client.post("/v1/agent/calls", json={**README_CALL, **changes})
    assert answer.status_code == 200, answer.text
    call_id: str = answer.json()["callId"]
    return call_id


def wait_until(client: httpx.Client, call_id: str, arrived: Callable[[dict[str, Any]], bool]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        record: dict[str, Any] = client.get(f"/v1/agent/calls/{call_id}").json()
        if arrived(record):
            return
        time.sleep(0.05)
    raise AssertionError(f"never came to that: {record}")


def wait_for_status(client: httpx.Client, call_id: str, status: str) -> None:
    wait_until(client, call_id, lambda record: record["status"] == status)


@pytest.fixture(scope="module")
def slow(client: httpx.Client) -> dict[str, str]:
    """Ids of the calls that take their time, all under way at once."""
    return {
        "rings too long": place(client, to="+14155550140"),
        "called off while ringing": place(client, to="+14155550140"),
        "called off while talking": place(client),
    }


def test_a_ringing_call_that_is_called_off_never_talks(client: httpx.Client, slow: dict[str, str]) -> None:
    call_id = slow["called off while ringing"]
    wait_for_status(client, call_id, "dialing")
    assert client.post(f"/v1/agent/calls/{call_id}/cancel").status_code == 200
    record = wait_for_end(client, call_id, 10)
    assert (record["status"], record["error"], record["endedBy"]) == ("failed", "canceled", "api")
    assert record["startedAt"] is None


def test_a_phone_that_rings_too_long_is_given_up(client: httpx.Client, slow: dict[str, str]) -> None:
    record = wait_for_end(client, slow["rings too long"])
    assert (record["status"], record["endReason"]) == ("no_answer", "no_answer")
    assert record["sip"]["status"] == 487
    assert record["sip"]["ringSec"] == pytest.approx(RING_TIMEOUT_S, abs=0.7)


def test_a_live_call_that_is_called_off_keeps_its_turns(client: httpx.Client, slow: dict[str, str]) -> None:
    call_id = slow["called off while talking"]
    wait_until(client, call_id, lambda record: bool(record["turns"]))
    assert client.post(f"/v1/agent/calls/{call_id}/cancel").status_code == 200
    record = wait_for_end(client, call_id, 10)
    assert (record["status"], record["endReason"], record["endedBy"]) == ("completed", "canceled", "api")
    assert record["turns"]
    assert record["extracted"] == {"confirmed": None, "new_time": None}
    again = client.post(f"/v1/agent/calls/{call_id}/cancel")
    assert (again.status_code, again.json()["error"]) == (409, "call_ended")


def test_a_scheduled_call_waits_for_its_time_and_can_be_called_off(client: httpx.Client) -> None:
    soon = time.time() + 3
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon))
    waiting = place(client, to="+14155550141", scheduledAt=moment)
    never = place(client, to="+14155550141", scheduledAt="2099-01-01T00:00:00Z")
    assert client.get(f"/v1/agent/calls/{waiting}").json()["status"] == "queued"
    assert client.post(f"/v1/agent/calls/{never}/cancel").json()["status"] == "failed"
    record = wait_for_end(client, waiting, 15)
    assert record["status"] == "declined"
    assert record["scheduledAt"] == moment.replace("Z", ".000Z")


def test_the_same_idempotency_key_never_rings_twice(client: httpx.Client) -> None:
    body = {**README_CALL, "to": "+14155550141"}
    headers = {"Idempotency-Key": "order-7"}
    first = client.post("/v1/agent/calls", json=body, headers=headers).json()
    assert client.post("/v1/agent/calls", json=body, headers=headers).json() == first
    other = client.post("/v1/agent/calls", json={**body, "objective": "Else."}, headers=headers)
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_mismatch")


def test_a_media_engine_that_dies_fails_its_calls_only(office: Open, client: httpx.Client) -> None:
    call_id = place(client)
    wait_for_status(client, call_id, "in_progress")
    os.kill(media_engine_of(office.house), signal.SIGKILL)
    record = wait_for_end(client, call_id, 15)
    assert (record["status"], record["error"], record["endReason"]) == ("failed", "media_lost", "media_lost")
    # One who hangs up after a few words will do to show that there is sound again, both ways.
    after = wait_for_end(client, place(client, to="+14155550150"))
    assert (after["status"], after["endedBy"]) == ("completed", "contact")
    assert {turn["role"] for turn in after["turns"]} == {"agent", "contact"}
    assert office.house.recording(after["id"]).stat().st_size > 16_000


def media_engine_of(house: House) -> int:
    """The server's own media engine: its direct child, not the sandbox's."""
    assert house.process is not None
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == house.process.pid and b"media_engine" in command:
            return int(entry.name)
    raise AssertionError("the server has no media engine")
