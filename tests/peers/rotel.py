"""Rotel, an OpenTelemetry collector that nobody here wrote, between our server and a receiver of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.process import Peer, free_port, listens_on_tcp, running
from tests.peers.promtool import ROOT

AGENT = ROOT / "build" / "rotel" / "bin" / "rotel-agent"


@dataclass(frozen=True)
class Rotel:
    """One that is up, with all it writes: every span as it has read it."""

    endpoint: str
    peer: Peer

    @property
    def said(self) -> str:
        return self.peer.log_file.read_text(errors="replace")


@contextlib.contextmanager
def forwarding(folder: Path, onward: str) -> Iterator[Rotel]:
    """Rotel taking spans by HTTP, writing down what it read, and handing them on by HTTP."""
    port, grpc = free_port(), free_port()
    receive = ["--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"]
    send = ["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", onward]
    show = ["--debug-log", "traces", "--debug-log-verbosity", "detailed"]
    files = ["--pid-file", str(folder / "pid"), "--log-file", str(folder / "log")]
    plain = ["--otlp-exporter-compression", "none"]
    with running([str(AGENT), "start", *receive, *send, *plain, *show, *files], folder) as peer:
        peer.wait_until(lambda: listens_on_tcp(port))
        yield Rotel(f"http://127.0.0.1:{port}", peer)
