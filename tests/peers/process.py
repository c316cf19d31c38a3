"""Other people's programs as processes of their own: found or skipped, started, watched, stopped.

Everything they write goes into files of the test's folder, so that a test that fails can show it.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

START_PATIENCE_S = 15.0
STOP_PATIENCE_S = 5.0


def program(name: str, package: str) -> str:
    """Where the program lies; skips the test where it is not installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"no {name} (Debian: apt install {package}, or script/setup-peers)")
    return found


# Below the ports that the system hands out by itself: a connection of another test can't have taken one.
PORTS = range(20_000, 30_000)


def free_port(kind: socket.SocketKind | None = None) -> int:
    """A port nobody has just now, by UDP and by TCP; for programs that can't be asked to take any."""
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM) if kind is None else (kind,)
    while True:
        port = random.choice(PORTS)
        with contextlib.suppress(OSError):
            for each in kinds:
                with socket.socket(socket.AF_INET, each) as probe:
                    probe.bind(("127.0.0.1", port))
            return port


def free_media_ports() -> int:
    """The first, an even one, of four free UDP ports in a row: RTP and RTCP of sound and of video."""
    while True:
        port = random.choice(PORTS) & ~1
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for each in range(port, port + 4):
                probe = probes.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                probe.bind(("127.0.0.1", each))
            return port


def udp_ports() -> set[int]:
    """Every UDP port of this machine that somebody listens on."""
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    return {int(line.split()[1].partition(":")[2], 16) for line in lines}


def listens_on_tcp(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(happened: Callable[[], bool], what: str, patience_s: float = START_PATIENCE_S) -> None:
    """Wait until it is so; the test fails where it never is."""
    until = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < until, f"{what}: not within {patience_s:g} s"
        time.sleep(0.02)


class Peer:
    """A running program of somebody else."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.log_file = folder / "output.log"
        with self.log_file.open("wb") as log:
            # A session of its own: what it says to its terminal or forks is its own affair.
            self._process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def log(self) -> str:
        """What it wrote, the end of it."""
        return self.log_file.read_text(errors="replace")[-4000:]

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for it to be ready; fails the test where it ends before."""

        def is_ready() -> bool:
            assert self._process.poll() is None, f"it ended at once: {self.log}"
            return ready()

        wait_for(is_ready, "a program is not ready")

    def exit_code(self, patience_s: float) -> int | None:
        """Its exit code once it has ended, None where it goes on."""
        try:
            return self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Have it end, its children with it."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            if self.exit_code(STOP_PATIENCE_S) is not None:
                return


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path) -> Iterator[Peer]:
    peer = Peer(command, folder)
    try:
        yield peer
    finally:
        peer.stop()
