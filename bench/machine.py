"""What benches ask of the machine: CPU and memory, to be left alone, to be stopped with what they started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def peak_kib(pid: int) -> int:
    """Most memory a process ever had resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def own_kib(pid: int) -> int:
    """Memory a process has resident now, of pages shared with others its part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def dropped_on(ports: Collection[int]) -> int:
    """Datagrams that the kernel dropped on the UDP sockets bound to these ports, since they were opened."""
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return sum(int(row[-1]) for row in rows if int(row[1].rpartition(":")[2], 16) in ports)


def udp_errors() -> dict[str, int]:
    """What the kernel counted against UDP on this whole machine so far."""
    lines = Path("/proc/net/snmp").read_text().splitlines()
    names, values = (line.split()[1:] for line in lines if line.startswith("Udp:"))
    counts = dict(zip(names, map(int, values), strict=True))
    return {name: counts[name] for name in ("InErrors", "RcvbufErrors", "SndbufErrors", "MemErrors")}


def plain_environment() -> dict[str, str]:
    """Ours without settings that would name the linear algebra another processor than this one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}


def end_with_children() -> None:
    """Have SIGTERM end the program as an exception does, so that what it has started is stopped with it."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


@contextlib.contextmanager
def alone(lock: Path | None) -> Iterator[None]:
    """Other measurements on this machine wait meanwhile, where they hold the same lock."""
    if lock is None:
        yield
        return
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
