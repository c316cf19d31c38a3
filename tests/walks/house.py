"""A whole server as a process of its own, for walks: started, spoken to over HTTP, stopped or killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx

from byourside_server.conversation.phrases import phrases_for
from byourside_server.conversation.words import UNINTELLIGIBLE
from tests.loopback import served

TERMINAL = {"completed", "no_answer", "voicemail", "declined", "failed"}
COMMAND = [sys.executable, "-m", "byourside_server"]
# On a crowded machine a server that gives way to everybody took more than a minute.
START_TIMEOUT_S = 180.0
# The voice that is there on every machine; `embedded` would take flite's where it is installed.
VOICE = "espeak"
# How long a phone may ring in the office, whose calls are waited for in real time.
RING_TIMEOUT_S = 5


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(*arguments: str) -> str:
    """Output of `byourside-server …`; fails the test where the command does."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class House:
    """One server process on a data directory; may be killed and started again on the same directory."""

    data_dir: Path
    extra: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        # At virtual time nobody is late: whoever talks in real time goes first.
        manners = ("nice", "-n", "5") if "--virtual-time" in self.extra else ()
        place = ("--data-dir", str(self.data_dir), "--port", str(self.port))
        with (self.data_dir / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*manners, *COMMAND, "serve", *place, *self.extra],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "BYOURSIDE_TEXT_TO_SPEECH": VOICE, **self.environment},
            )
        until = time.monotonic() + START_TIMEOUT_S
        # One client, and no certificates read: a new one for each look would take longer than the server.
        with httpx.Client(base_url=self.base_url, timeout=2, verify=False) as client:
            while time.monotonic() < until:
                assert self.process.poll() is None, self.log()
                with contextlib.suppress(httpx.HTTPError):
                    if client.get("/healthz").status_code == 200:
                        return
                time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the server did not start: {self.log()}")

    def kill(self) -> None:
        """kill -9: no goodbye, no flush."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def log(self) -> str:
        return (self.data_dir / "server.log").read_text()[-4000:]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def make_key(self) -> str:
        options = ("--data-dir", str(self.data_dir), "--account", "default")
        return command("keys", "create", *options).splitlines()[-1]

    def webhook_secret(self) -> str:
        options = ("--data-dir", str(self.data_dir), "--account", "default")
        return command("webhooks", "secret", *options).splitlines()[-1]

    def recording(self, call_id: str) -> Path:
        return self.data_dir / "recordings" / f"{call_id}.wav"

    def client(self, key: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=60, verify=False
        )


@dataclass(frozen=True)
class Open:
    """A server that is up, and a key to it."""

    house: House
    key: str


@contextlib.contextmanager
def opened(house: House) -> Iterator[Open]:
    """Start a server, and have it end in peace."""
    house.start()
    try:
        yield Open(house, house.make_key())
    finally:
        assert house.stop() == 0, house.log()


def wait_for_end(client: httpx.Client, call_id: str, timeout_s: float = 180.0) -> dict[str, Any]:
    """The record once its status is terminal."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        answer = client.get(f"/v1/agent/calls/{call_id}")
        assert answer.status_code == 200, answer.text
        record: dict[str, Any] = answer.json()
        if record["status"] in TERMINAL:
            return record
        time.sleep(0.2)
    raise AssertionError(f"call {call_id} was not over after {timeout_s} s: {record}")


LATE_MS = 2000
"""Who is answered later has met a busy machine."""


def undisturbed(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns up to where the agent spoke late, or words came too late to be used: all, mostly."""
    turns: list[dict[str, Any]] = record["turns"]
    slow = {
        each["turn"] for each in (record["latency"] or {"turns": []})["turns"] if each["totalMs"] > LATE_MS
    }
    fillers = phrases_for("en-US").fillers
    since = 0
    for place, turn in enumerate(turns):
        if turn["text"] in fillers or turn["text"] == UNINTELLIGIBLE:
            return turns[:place]
        if turn["role"] == "contact":
            since = place + 1
        elif turn["index"] in slow:
            return turns[:since]
    return turns


def was_late(record: dict[str, Any]) -> bool:
    """From some turn on the talk went another way."""
    return len(undisturbed(record)) < len(record["turns"])


def was_disturbed(record: dict[str, Any]) -> bool:
    """This machine stood still or was late: on the loopback nothing else makes holes in sound."""
    return disturbance(record) > (False, 0)


def disturbance(record: dict[str, Any]) -> tuple[bool, int]:
    """How badly: was somebody late, then how many milliseconds of the contact's sound are made up."""
    return was_late(record), (record["media"] or {"concealedMs": 0})["concealedMs"]


class Spare:
    """How much of this machine's processor time nobody wanted, since this began."""

    def __init__(self) -> None:
        self._began = self._times()

    @staticmethod
    def _times() -> list[int]:
        """Ticks of all processors: user, nice, system, idle, waiting for a disk, interrupts, stolen."""
        with Path("/proc/stat").open() as file:
            return [int(each) for each in file.readline().split()[1:9]]

    def share(self) -> float:
        passed = [now - before for now, before in zip(self._times(), self._began, strict=True)]
        return (passed[3] + passed[4]) / max(1, sum(passed))


@dataclass(frozen=True)
class Delivery:
    """One webhook as received."""

    headers: dict[str, str]
    body: str

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self.body)
        return payload


class Mailbox(list[Delivery]):
    """Every webhook that came, in order of arrival."""

    url: str = ""

    def of_call(self, call_id: str) -> list[Delivery]:
        return [delivery for delivery in list(self) if delivery.payload["callId"] == call_id]

    def wait_for_terminal(self, call_id: str, timeout_s: float = 60.0) -> list[Delivery]:
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            found = self.of_call(call_id)
            if found and found[-1].payload["event"]["type"].removeprefix("call.") in TERMINAL:
                return found
            time.sleep(0.05)
        raise AssertionError(f"no terminal webhook of {call_id}: {[d.payload['event'] for d in found]}")


@contextlib.contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A webhook receiver on loopback."""
    received = Mailbox()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # The sender was killed in the middle of it: nothing has come.
                self.close_connection = True
                return
            received.append(Delivery({k.lower(): v for k, v in self.headers.items()}, body.decode()))
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with served(Receiver) as port:
        received.url = f"http://localhost:{port}/hook"
        yield received
