"""A receiver of webhooks in this process: a call is done when its last one has come."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TERMINAL = ("completed", "no_answer", "voicemail", "declined", "failed")


@dataclass
class Mailbox:
    """Counts webhooks, and keeps the last of each call."""

    url: str = ""
    came: Counter[str] = field(default_factory=Counter)
    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def receive(self, body: bytes) -> None:
        payload = json.loads(body)
        kind = payload["event"]["type"]
        with self.changed:
            self.came[kind] += 1
            if kind.removeprefix("call.") in TERMINAL:
                self.last[payload["callId"]] = payload
                self.changed.notify_all()

    def wait(self, ids: set[str], until: float) -> None:
        """Until all these calls are done. Raises TimeoutError where they are not in time."""
        with self.changed:
            while ids - self.last.keys():
                if not self.changed.wait(max(0.0, until - time.monotonic())):
                    raise TimeoutError


def open_mailbox() -> Mailbox:
    """Listens from now on, on a port of its own."""
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
