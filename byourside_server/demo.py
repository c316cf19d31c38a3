"""The main job, shown: one call from POST to webhook, in real time or at virtual time, in the terminal.

Starts a server of its own on loopback with the sandbox telephone network, places the README's call over
HTTP as any client would, prints the turns as they are spoken, and at the end the record, the webhook with
its signature checked, and where the recording lies.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx

from byourside_server.calls.lifecycle import TERMINAL_STATUSES
from byourside_server.lines.equipment import recording_path
from byourside_server.webhooks import sign

README_CALL = {
    "to": "+14155550123",
    "objective": "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule.",
    "fields": [{"name": "confirmed", "type": "boolean"}, {"name": "new_time", "type": "string"}],
}
START_TIMEOUT_S = 40.0
CALL_TIMEOUT_S = 120.0
WEBHOOK_TIMEOUT_S = 10.0
POLL_S = 0.1
RULE = "─" * 78


class DemoFailed(Exception):
    """The demo could not go on; the text says why."""


@dataclass(frozen=True)
class Delivery:
    """One webhook as it came in."""

    signature: str
    body: str


@dataclass(frozen=True)
class Terminal:
    """Prints lines, and (on a real terminal) one status line below them that is always fresh."""

    live: bool

    def say(self, text: str = "") -> None:
        if self.live:
            sys.stdout.write("\r\x1b[K")
        print(text, flush=True)

    def status(self, text: str) -> None:
        if self.live:
            sys.stdout.write(f"\r\x1b[K{text}")
            sys.stdout.flush()


def main(data_dir: Path, request: dict[str, Any] | None = None, *, virtual: bool = False) -> int:
    """Run the demo. 0 when the call ended as it should."""
    terminal = Terminal(sys.stdout.isatty())
    try:
        serving = server(data_dir, terminal, virtual=virtual)
        with webhook_receiver() as (hook_url, deliveries), serving as base_url:
            key, secret = credentials(data_dir)
            show(terminal, base_url, key, secret, hook_url, deliveries, request or README_CALL, data_dir)
    except DemoFailed as error:
        terminal.say(f"The demo stopped: {error}")
        return 1
    except KeyboardInterrupt:
        terminal.say("Stopped.")
        return 130
    return 0


def show(
    terminal: Terminal,
    base_url: str,
    key: str,
    secret: str,
    hook_url: str,
    deliveries: queue.Queue[Delivery],
    request: dict[str, Any],
    data_dir: Path,
) -> None:
    """Place the call, follow it, print what came of it."""
    body = {**request, "webhookUrl": hook_url}
    terminal.say(f"POST {base_url}/v1/agent/calls")
    terminal.say(json.dumps(body, indent=2))
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as client:
        answer = client.post("/v1/agent/calls", json=body)
        if answer.status_code != 200:
            raise DemoFailed(f"the call was refused: {answer.text}")
        terminal.say(f"→ {answer.text}\n")
        record = follow(terminal, client, answer.json()["callId"])
    terminal.say(f"\n{RULE}\nThe record\n{RULE}")
    terminal.say(json.dumps(shortened(record), indent=2, ensure_ascii=False))
    show_webhook(terminal, deliveries, secret, record)
    recording = recording_path(data_dir / "recordings", record["id"])
    if record["recordingUrl"]:
        terminal.say(f"\nRecording (left: the contact, right: the agent): {recording}")
    if record["status"] != "completed":
        raise DemoFailed(f"the call ended as {record['status']} ({record['endReason']})")


def follow(terminal: Terminal, client: httpx.Client, call_id: str) -> dict[str, Any]:
    """Print status changes and turns as they happen; the record once the status is terminal."""
    started = time.monotonic()
    seen_status, seen_turns = "", 0
    while (elapsed := time.monotonic() - started) < CALL_TIMEOUT_S:
        record: dict[str, Any] = client.get(f"/v1/agent/calls/{call_id}").json()
        phase = phase_of(record)
        if phase != seen_status:
            terminal.say(f"[{elapsed:5.1f} s]  {phase}")
            seen_status = phase
        for turn in record["turns"][seen_turns:]:
            speaker = "Agent  " if turn["role"] == "agent" else "Contact"
            at = f"{turn['startMs'] / 1000:5.1f}–{turn['endMs'] / 1000:4.1f}"
            terminal.say(f"           {speaker}  {at}  {turn['text']}")
        seen_turns = len(record["turns"])
        if record["status"] in TERMINAL_STATUSES:
            return record
        terminal.status(f"[{elapsed:5.1f} s]  … {phase}")
        time.sleep(POLL_S)
    raise DemoFailed(f"the call was not over after {CALL_TIMEOUT_S:.0f} s")


def phase_of(record: dict[str, Any]) -> str:
    """The status, with the two moments it does not tell apart spelt out."""
    if record["status"] == "in_progress" and record["endedAt"]:
        return f"hung up by the {record['endedBy']}; summary and fields are being made"
    return str(record["status"])


def shortened(record: dict[str, Any]) -> dict[str, Any]:
    """The record for reading: the turns have been printed already."""
    return {**record, "turns": f"({len(record['turns'])} turns, as above)"}


def show_webhook(
    terminal: Terminal, deliveries: queue.Queue[Delivery], secret: str, record: dict[str, Any]
) -> None:
    """Print every webhook that came, and whether its signature holds."""
    terminal.say(f"\n{RULE}\nWebhooks received\n{RULE}")
    last = f"call.{record['status']}"
    until = time.monotonic() + WEBHOOK_TIMEOUT_S
    while True:
        try:
            delivery = deliveries.get(timeout=max(0.01, until - time.monotonic()))
        except queue.Empty:
            raise DemoFailed(f"no {last} webhook within {WEBHOOK_TIMEOUT_S:.0f} s") from None
        valid = signature_holds(delivery, secret)
        event = json.loads(delivery.body)["event"]
        mark = "signature verified" if valid else "SIGNATURE INVALID"
        terminal.say(f"{event['sequence']}  {event['type']:17s}  {event['at']}  {mark}")
        if not valid:
            raise DemoFailed("a webhook's signature did not hold")
        if event["type"] == last:
            return


def signature_holds(delivery: Delivery, secret: str) -> bool:
    """Sign the body again with our own secret at the time the header names, and compare."""
    moment, _, _ = delivery.signature.removeprefix("t=").partition(",")
    if not moment.isdigit():
        return False
    expected = sign.bys_signature([secret], int(moment), delivery.body.encode())
    return hmac.compare_digest(expected, delivery.signature)


@contextlib.contextmanager
def webhook_receiver() -> Iterator[tuple[str, queue.Queue[Delivery]]]:
    """A receiver on loopback that answers 200 and keeps what it got."""
    deliveries: queue.Queue[Delivery] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            deliveries.put(Delivery(self.headers.get("X-BYS-Signature", ""), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the demo prints what it received itself."""

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{receiver.server_port}/webhooks/bys", deliveries
    finally:
        receiver.shutdown()
        receiver.server_close()


@contextlib.contextmanager
def server(data_dir: Path, terminal: Terminal, *, virtual: bool = False) -> Iterator[str]:
    """A server of this installation on a free loopback port; its base URL."""
    data_dir.mkdir(parents=True, exist_ok=True)
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    log_path = data_dir / "demo-server.log"
    options = ["--data-dir", str(data_dir), "--port", str(port), "--allow-local-webhooks"]
    if virtual:
        options.append("--virtual-time")
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [*command(), "serve", *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_ready(terminal, process, base_url, log_path)
        yield base_url
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(
    terminal: Terminal, process: subprocess.Popen[bytes], base_url: str, log_path: Path
) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise DemoFailed(f"the server ended at once; its words:\n{log_path.read_text()[-2000:]}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{base_url}/healthz", timeout=2).status_code == 200:
                return
        terminal.status("Starting the server …")
        time.sleep(0.1)
    raise DemoFailed(f"the server was not ready after {START_TIMEOUT_S:.0f} s; see {log_path}")


def credentials(data_dir: Path) -> tuple[str, str]:
    """A fresh agent key and the webhook secret, from the command line beside the running server."""
    options = ["--data-dir", str(data_dir), "--account", "default"]
    key = run("keys", "create", *options, "--name", "demo").splitlines()[-1]
    secret = run("webhooks", "secret", *options).splitlines()[-1]
    return key, secret


def run(*arguments: str) -> str:
    done = subprocess.run([*command(), *arguments], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise DemoFailed(f"byourside-server {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout


def command() -> list[str]:
    return [sys.executable, "-m", "byourside_server"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
