"""A server at virtual time, pinned with all it starts to one core, and the calls placed at it over HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.machine import TICKS_PER_S
from bench.virtual_calls.expected import faults
from bench.virtual_calls.mailbox import Mailbox
from byourside_server.demo import README_CALL, command, free_port

# The README's call with two questions more: about half a minute with an agreeable person.
LONGER_CALL = {
    **README_CALL,
    "mustAsk": [
        "Is the address we have on file still the right one?",
        "Will somebody be there who can open the door to us?",
    ],
}
ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 300.0
PLACING_AT_ONCE = 8


@dataclass(frozen=True)
class Run:
    """One start of the server and its calls."""

    wall_s: float
    cpu_s: float
    """Of the server's process, engines left out."""
    engines_cpu_s: float
    records: list[dict[str, Any]]
    faults: list[str]

    @property
    def talk_s(self) -> float:
        return sum(record["durationSec"] or 0.0 for record in self.records)

    def as_json(self) -> dict[str, Any]:
        count = len(self.records)
        return {
            "right": count - len(self.faults),
            "wallS": round(self.wall_s, 2),
            "callsPerMinute": round(60 * count / self.wall_s),
            "cpuSPerCall": round((self.cpu_s + self.engines_cpu_s) / count, 4),
            "enginesCpuSPerCall": round(self.engines_cpu_s / count, 4),
            "talkSPerCall": round(self.talk_s / count, 2),
            "timesRealTime": round(self.talk_s / self.wall_s, 1),
        }


def serve_and_call(data_dir: Path, numbers: list[str], core: int, mailbox: Mailbox) -> Run:
    """Start the server on one core, have all calls made, and stop it."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "BYOURSIDE_TEXT_TO_SPEECH": "espeak",
        "BYOURSIDE_CALLS_PER_MINUTE": "100000",
        "BYOURSIDE_MINUTE_ALLOWANCE": "unlimited",
        "BYOURSIDE_MAX_CONCURRENT": str(len(numbers)),
    }
    serve = ["serve", "--virtual-time", "--allow-local-webhooks", "--port", str(port)]
    with (data_dir / "server.log").open("ab") as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command(), *serve, "--data-dir", str(data_dir)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=ROOT,
        )  # fmt: skip
    try:
        wait_until_ready(base_url, process)
        key = manage(data_dir, "keys", "create", "--account", "default")
        headers = {"Authorization": f"Bearer {key}"}
        before, engines_before = family_cpu(process.pid)
        began = time.monotonic()
        with httpx.Client(base_url=base_url, headers=headers, timeout=60) as client:

            def place(number: str) -> str:
                body = {**LONGER_CALL, "to": number, "webhookUrl": mailbox.url}
                answer = client.post("/v1/agent/calls", json=body)
                assert answer.status_code == 200, answer.text
                return str(answer.json()["callId"])

            with ThreadPoolExecutor(PLACING_AT_ONCE) as placing:
                ids = list(placing.map(place, numbers))
            try:
                mailbox.wait(set(ids), began + TIMEOUT_S)
            except TimeoutError:
                missing = unfinished(client, ids, mailbox)
                raise SystemExit(f"not every last webhook came:\n{missing}") from None
            wall_s = time.monotonic() - began
            after, engines_after = family_cpu(process.pid)
            records = [client.get(f"/v1/agent/calls/{call_id}").json() for call_id in ids]
        wrong = [f"{record['to']}: {told}" for record in records if (told := wrongs(record, mailbox))]
        return Run(wall_s, after - before, engines_after - engines_before, records, wrong)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def unfinished(client: httpx.Client, ids: list[str], mailbox: Mailbox) -> str:
    """What has become of the calls whose last webhook did not come."""
    lines = []
    for call_id in ids:
        if call_id not in mailbox.last:
            status = client.get(f"/v1/agent/calls/{call_id}").json()["status"]
            lines.append(f"{call_id} is {status}")
    return "\n".join(lines)


def wrongs(record: dict[str, Any], mailbox: Mailbox) -> list[str]:
    """What is not as the number must give, or as the last webhook told it."""
    told = {**mailbox.last[record["callId"]]}
    del told["event"]
    different = sorted(name for name in record.keys() | told.keys() if record.get(name) != told.get(name))
    return faults(record) + [f"the last webhook has another {name}" for name in different]


def family_cpu(pid: int) -> tuple[float, float]:
    """CPU seconds of the server, and of the engines it has started."""
    children = 0.0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                children += cpu_of(int(entry.name))
        except (OSError, ValueError):
            continue
    return cpu_of(pid), children


def cpu_of(pid: int) -> float:
    """User and system seconds of a process and its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICKS_PER_S


def manage(data_dir: Path, *words: str) -> str:
    options = ("--data-dir", str(data_dir))
    done = subprocess.run([*command(), *words, *options], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def wait_until_ready(base_url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit("the server ended at once; see server.log")
        try:
            if httpx.get(f"{base_url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise SystemExit("the server did not start")
