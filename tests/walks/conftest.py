"""Three servers for all walks, each started only where a walk asks for it.

`batch`: ten calls at once in real time, which must not fight anybody for the machine.
`office`: real time, for walks in which nobody minds being answered late.
`quick`: virtual time, for all others; how busy the machine is makes no difference there.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.walks.house import (
    RING_TIMEOUT_S,
    House,
    Mailbox,
    Open,
    Spare,
    disturbance,
    mailbox,
    opened,
    wait_for_end,
    was_disturbed,
)

SDK = Path(__file__).resolve().parents[2] / "sdks" / "python"

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


# Placed by a person at a terminal; the others by POST.
BY_TERMINAL = "says no"


@dataclass(frozen=True)
class Batch:
    """A server, its key, the finished records of BATCH by name, and what the terminal showed of its call.

    `at_first`: the records before any call was placed anew. `spare`: how much of the machine's time nobody
    wanted meanwhile.
    """

    house: House
    key: str
    secret: str
    mail: Mailbox
    records: dict[str, dict[str, Any]]
    at_first: dict[str, dict[str, Any]]
    spare: float
    shown: str

    def recording(self, name: str) -> Path:
        return self.house.recording(self.records[name]["id"])


# How often calls are placed anew in whose sound this machine has left holes.
AGAIN = 2


@contextlib.contextmanager
def call_batch(server: Open) -> Iterator[Batch]:
    """Have a server make all calls of BATCH at once, and those again that the machine disturbed."""
    with mailbox() as mail, server.house.client(server.key) as client:
        records: dict[str, dict[str, Any]] = {}
        at_first: dict[str, dict[str, Any]] = {}
        shown, names, machine, spare = "", list(BATCH), Spare(), 0.0
        for _ in range(1 + AGAIN):
            ids, first_line, terminal = placed(server, client, mail, names)
            latest = {name: wait_for_end(client, ids[name]) for name in names}
            if not at_first:
                at_first, spare = latest, machine.share()
            told = "" if terminal is None else first_line + terminal.communicate(timeout=30)[0]
            for name, record in latest.items():
                # The least disturbed of them: a machine that freezes every few seconds leaves none whole.
                if name not in records or disturbance(record) < disturbance(records[name]):
                    records[name] = record
                    shown = told if name == BY_TERMINAL else shown
            names = [name for name in names if was_disturbed(records[name])]
            if not names:
                break
        secret = server.house.webhook_secret()
        yield Batch(server.house, server.key, secret, mail, records, at_first, spare, shown)


def placed(
    server: Open, client: httpx.Client, mail: Mailbox, names: list[str]
) -> tuple[dict[str, str], str, subprocess.Popen[str] | None]:
    """Calls of BATCH placed: their ids by name, and the first line and the rest of BY_TERMINAL's terminal."""
    ids: dict[str, str] = {}
    first_line, terminal = "", None
    for name in names:
        body = {**README_CALL, **BATCH[name], "webhookUrl": mail.url, "metadata": {"name": name}}
        if name == BY_TERMINAL:
            terminal = call_by_terminal(server, body)
            continue
        answer = client.post("/v1/agent/calls", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "queued"
        ids[name] = answer.json()["callId"]
    if terminal is not None:
        assert terminal.stdout is not None
        # "Placed call ID to NUMBER"
        first_line = terminal.stdout.readline()
        ids[BY_TERMINAL] = first_line.split()[2]
    return ids, first_line, terminal


def call_by_terminal(server: Open, body: dict[str, Any]) -> subprocess.Popen[str]:
    """`python -m byourside call …` under way, in an interpreter that sees nothing of the server."""
    fields = [part for each in body["fields"] for part in ("--field", f"{each['name']}:{each['type']}")]
    command = [sys.executable, "-m", "byourside", "call", body["to"], body["objective"], *fields]
    return subprocess.Popen(
        [*command, "--webhook-url", body["webhookUrl"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=SDK,
        env={
            "BYOURSIDE_API_KEY": server.key,
            "BYOURSIDE_BASE_URL": server.house.base_url,
            "PYTHONUNBUFFERED": "1",
        },
    )


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    house = House(tmp_path_factory.mktemp("batch") / "data", ("--allow-local-webhooks",))
    with opened(house) as server, call_batch(server) as called:
        yield called


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    patience = {"BYOURSIDE_RING_TIMEOUT_S": str(RING_TIMEOUT_S)}
    house = House(tmp_path_factory.mktemp("office") / "data", environment=patience)
    with opened(house) as server:
        yield server
    assert "Traceback" not in house.log()


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    folder = tmp_path_factory.mktemp("quick")
    journal = {"BYOURSIDE_SANDBOX_JOURNAL": str(folder / "journal.jsonl")}
    house = House(folder / "data", ("--allow-local-webhooks", "--virtual-time"), journal)
    with opened(house) as server:
        yield server
