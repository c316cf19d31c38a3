"""Whole sandbox calls at virtual time on one core: how many a minute, cold and with speech kept?

Starts a server with `--virtual-time`, pinned with everything it starts to one core, places N calls over HTTP
(the README's to agreeable people, or `--mix` through all personas), each with a webhook to a receiver in this
process on the other core, and waits until every record and every last webhook is there. Twice on the same
directory: the first start has to ask the speech engines, the second has everything from the first.

    script/bench virtual --calls 100
    script/bench virtual --calls 100 --mix
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from byourside_server.demo import README_CALL, command, free_port
from byourside_server.sandbox.persona import PERSONAS

# The README's call with two questions more: about half a minute with an agreeable person.
LONGER_CALL = {
    **README_CALL,
    "mustAsk": [
        "Is the address we have on file still the right one?",
        "Will somebody be there who can open the door to us?",
    ],
}
ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 200.0
TERMINAL = ("completed", "no_answer", "voicemail", "declined", "failed")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PLACING_AT_ONCE = 8


@dataclass
class Mailbox:
    """Counts webhooks; a call is done when its last one has come."""

    came: Counter[str] = field(default_factory=Counter)
    over: set[str] = field(default_factory=set)
    changed: threading.Condition = field(default_factory=threading.Condition)
    url: str = ""

    def receive(self, body: bytes) -> None:
        payload = json.loads(body)
        kind = payload["event"]["type"]
        with self.changed:
            self.came[kind] += 1
            if kind.removeprefix("call.") in TERMINAL:
                self.over.add(payload["callId"])
                self.changed.notify_all()

    def wait(self, ids: set[str], until: float) -> None:
        with self.changed:
            while not ids <= self.over:
                if not self.changed.wait(max(0.0, until - time.monotonic())):
                    raise SystemExit(f"{len(ids - self.over)} of {len(ids)} calls did not end")


def open_mailbox() -> Mailbox:
    mailbox = Mailbox()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            mailbox.receive(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    mailbox.url = f"http://localhost:{server.server_port}/hook"
    return mailbox


@dataclass(frozen=True)
class Run:
    """One start of the server and its calls."""

    wall_s: float
    cpu_s: float
    engines_cpu_s: float
    records: list[dict[str, Any]]
    webhooks: int

    @property
    def talk_s(self) -> float:
        return sum(record["durationSec"] or 0.0 for record in self.records)

    def right(self) -> int:
        """Calls that ended as their number says."""
        return sum(is_right(record) for record in self.records)

    def row(self, name: str) -> str:
        count = len(self.records)
        return (
            f"| {name} | {self.right()} of {count} | {self.talk_s / count:.1f} s | {self.wall_s:.1f} s"
            f" | {60 * count / self.wall_s:.0f} | {(self.cpu_s + self.engines_cpu_s) / count:.3f} s"
            f" | {self.engines_cpu_s / count:.3f} s | {self.talk_s / self.wall_s:.0f} |"
        )


EXPECTED_STATUS = {
    "40": "no_answer", "41": "declined", "42": "voicemail", "43": "declined", "44": "failed",
}  # fmt: skip


def is_right(record: dict[str, Any]) -> bool:
    """Ended as the persona does; an agreeable person has confirmed."""
    digits = record["to"][-2:] if record["to"][-4:-2] == "01" else ""
    if digits in EXPECTED_STATUS:
        return bool(record["status"] == EXPECTED_STATUS[digits])
    if digits in PERSONAS:
        return record["status"] in TERMINAL and record["status"] != "failed"
    return bool(record["extracted"] == {"confirmed": True, "new_time": None})


def cpu_of(pid: int) -> float:
    """User and system seconds of a process and its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICKS_PER_S


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


def manage(data_dir: Path, *words: str) -> str:
    options = ("--data-dir", str(data_dir))
    done = subprocess.run([*command(), *words, *options], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


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
            mailbox.wait(set(ids), began + TIMEOUT_S)
            wall_s = time.monotonic() - began
            after, engines_after = family_cpu(process.pid)
            records = [client.get(f"/v1/agent/calls/{call_id}").json() for call_id in ids]
        return Run(wall_s, after - before, engines_after - engines_before, records, mailbox.came.total())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


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


def numbers_for(calls: int, *, mix: bool) -> list[str]:
    """The README's call to so many agreeable people, or around all personas."""
    if not mix:
        return [f"+1415555{number:04d}" for number in range(200, 200 + calls)]
    digits = ["23", *PERSONAS]
    return [f"+1415555{'01'}{digits[number % len(digits)]}" for number in range(calls)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--mix", action="store_true", help="around all personas of the sandbox")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    given = parser.parse_args()
    numbers = numbers_for(given.calls, mix=given.mix)
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)) - {given.core} or {given.core})
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        mailbox = open_mailbox()
        runs = {name: serve_and_call(data_dir, numbers, given.core, mailbox) for name in ("cold", "kept")}
    what = "around all personas" if given.mix else "the README's with two more questions"
    print(f"{given.calls} calls ({what}) on one core, Python {platform.python_version()}\n")
    print("| speech | right | a call lasts | wall | calls/min | CPU a call | of it engines | × real time |")
    print("|---|---|---|---|---|---|---|---|")
    for name, run in runs.items():
        print(run.row(name))
    if given.json is not None:
        figures = {
            name: {"calls": len(run.records), "right": run.right(), "wall_s": round(run.wall_s, 2),
                   "cpu_s": round(run.cpu_s, 2), "engines_cpu_s": round(run.engines_cpu_s, 2),
                   "talk_s": round(run.talk_s, 1)}
            for name, run in runs.items()
        }  # fmt: skip
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if all(run.right() == len(numbers) for run in runs.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
