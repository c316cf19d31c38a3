"""One server for all walks, and one batch of calls, all at once: real time is spent only once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.walks.house import House, Mailbox, mailbox, wait_for_end

README_CALL: dict[str, Any] = {
    "to": "+14155550123",
    "objective": "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    "fields": [{"name": "confirmed", "type": "boolean"}, {"name": "new_time", "type": "string"}],
}
# name → what differs from the README's call
BATCH: dict[str, dict[str, Any]] = {
    "agreeable": {},
    "no answer": {"to": "+14155550140"},
    "busy": {"to": "+14155550141"},
    "voicemail": {"to": "+14155550142"},
    "voicemail with message": {
        "to": "+12125550142",
        "voicemail": {"action": "leave_message", "message": "Please call us back about your appointment."},
    },
    "declined": {"to": "+14155550143"},
    "trunk failure": {"to": "+14155550144"},
    "interrupts": {"to": "+14155550147"},
    "hangs up": {"to": "+14155550150"},
    "says no": {"to": "+14155550153"},
}


@dataclass(frozen=True)
class Batch:
    """The server, its key, and the finished records of BATCH by name."""

    house: House
    key: str
    secret: str
    mail: Mailbox
    records: dict[str, dict[str, Any]]

    def recording(self, name: str) -> Path:
        return self.house.data_dir / "recordings" / f"{self.records[name]['id']}.wav"


@contextlib.contextmanager
def call_batch(house: House) -> Iterator[Batch]:
    """Start a server, have it make all calls of BATCH at once, and stop it at the end."""
    house.start()
    try:
        key = house.make_key()
        with mailbox() as mail, house.client(key) as client:
            ids = {}
            for name, changes in BATCH.items():
                body = {**README_CALL, **changes, "webhookUrl": mail.url, "metadata": {"name": name}}
                answer = client.post("/v1/agent/calls", json=body)
                assert answer.status_code == 200, answer.text
                assert answer.json()["status"] == "queued"
                ids[name] = answer.json()["callId"]
            records = {name: wait_for_end(client, call_id) for name, call_id in ids.items()}
            yield Batch(house, key, house.webhook_secret(), mail, records)
    finally:
        assert house.stop() == 0, house.log()


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    with call_batch(House(tmp_path_factory.mktemp("house") / "data", ("--allow-local-webhooks",))) as called:
        yield called
