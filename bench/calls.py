"""Sandbox calls at once on this machine: are all right, and what does each cost, by process and room?

Starts a whole house in this process (media, speech and sandbox in theirs), places N calls at the same
moment, and reports outcomes, response times, and CPU time by process; the server process's own is shared out
among its rooms by sampling.

    script/bench calls --calls 10
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.machine import cpu_s
from byourside_server.app import open_house
from byourside_server.calls.call import Call
from byourside_server.calls.lifecycle import TERMINAL_STATES
from byourside_server.calls.wire_request import parse_call_request
from byourside_server.config import load_config
from byourside_server.store import accounts, keys, numbers
from byourside_server.store.database import Database
from byourside_server.store.migrations import migrate
from byourside_server.switchboard import Switchboard

OBJECTIVE = "Confirm the appointment for tomorrow at 2pm and ask if they need to reschedule."
FIELDS = [{"name": "confirmed", "type": "boolean"}, {"name": "new_time", "type": "string"}]
TIMEOUT_S = 120
SAMPLE_S = 0.002


def family(pid: int) -> dict[int, str]:
    """Every descendant of a process, with what it is."""
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except (OSError, ValueError):
            continue
        module = next((w.rpartition(".")[2] for w in words if w.startswith("byourside_server.")), words[0])
        found[int(entry.name)] = f"{parent} {module}"
    mine, ring = {}, {pid}
    while ring:
        ring = {child for child, what in found.items() if int(what.split()[0]) in ring}
        for child in ring:
            parent, _, module = found[child].partition(" ")
            inside = mine.get(int(parent), "")
            mine[child] = f"sandbox: {module}" if inside.startswith("sandbox") else module
    return mine


class RoomSampler:
    """Shares out this process's CPU time among the rooms.

    The main thread is interrupted by a signal for every 2 ms of CPU time used; what it has itself used since
    the last look goes to the room it is found in. Other threads are the store's or the work engine's.
    """

    def __init__(self) -> None:
        self.rooms: Counter[str] = Counter()
        self._used = time.thread_time()
        self._threads = thread_times()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)

    def _look(self, _: int, frame: FrameType | None) -> None:
        used = time.thread_time()
        self.rooms[room_of(frame)] += used - self._used
        self._used = used

    def finish(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        for name, used in thread_times().items():
            room = "store" if name.startswith("store") else "store: engine's own threads"
            self.rooms[room] += used - self._threads.get(name, 0.0)


def thread_times() -> Counter[str]:
    """CPU seconds of every thread but the main one, by name."""
    found: Counter[str] = Counter()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.ident is not None:
            found[thread.name] += time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return found


def room_of(frame: FrameType | None) -> str:
    """The innermost room on the stack."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith("byourside_server."):
            return name.split(".")[1]
        frame = frame.f_back
    return "event loop and libraries"


async def one_call(switchboard: Switchboard, secret: str, number: str) -> Call:
    account, key = await switchboard.authenticate(secret)
    request = parse_call_request({"to": number, "objective": OBJECTIVE, "fields": list(FIELDS)})
    call = await switchboard.place(account, key, request)
    until = time.monotonic() + TIMEOUT_S
    while call.state not in TERMINAL_STATES and time.monotonic() < until:
        await asyncio.sleep(0.5)
        call = await switchboard.get(account, call.id)
    return call


async def prepare(data_dir: Path, calls: int) -> str:
    """A fresh data directory with one account; its key."""
    config = load_config({"data_dir": str(data_dir)}, {})
    database = Database(config.database_url)
    now = time.time()
    await database.write(migrate, now)
    account = await database.write(
        accounts.create_account,
        "bench",
        now,
        calls_per_minute=100_000,
        minute_allowance=None,
        max_concurrent=calls,
    )
    await database.write(numbers.add_number, account.id, "+14155550100", now)
    await database.write(numbers.set_default_caller_id, account.id, "+14155550100")
    _, secret = await database.write(keys.create_key, account.id, "bench", now)
    await database.close()
    return secret


async def run(calls: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        secret = await prepare(Path(folder), calls)
        config = load_config({"data_dir": folder, "text_to_speech": "espeak"}, {})
        async with open_house(config) as switchboard:
            await one_call(switchboard, secret, "+14155550123")  # caches, grammars and tables are warm
            me = os.getpid()
            names = {me: "server", **family(me)}
            before = {pid: cpu_s(pid) for pid in names}
            sampler = RoomSampler()
            began = time.monotonic()
            done = await asyncio.gather(
                *(one_call(switchboard, secret, f"+1415555{n + 100:04d}") for n in range(calls))
            )
            wall_s = time.monotonic() - began
            sampler.finish()
            spent: Counter[str] = Counter()
            for pid, name in names.items():
                spent[name] += cpu_s(pid) - before[pid]
    return report(list(done), wall_s, spent, sampler.rooms)


def report(done: list[Call], wall_s: float, spent: Counter[str], rooms: Counter[str]) -> int:
    right = sum(
        call.state == "completed"
        and call.report is not None
        and call.report.extracted == {"confirmed": True, "new_time": None}
        for call in done
    )
    talk_s = sum((c.ended_at or 0) - (c.answered_at or 0) for c in done if c.answered_at)
    latencies = sorted(ms for call in done for ms in call.latency.turns_ms)
    print(f"{right} of {len(done)} calls right; {talk_s:.0f} s of conversation in {wall_s:.1f} s")
    if latencies:
        median, worst = latencies[len(latencies) // 2], latencies[-1]
        print(f"contact's last word to agent's first sound: median {median} ms, worst {worst} ms")
    total = sum(spent.values())
    each, each_second_ms = total / len(done), 1000 * total / talk_s
    print(f"\nCPU: {total:.2f} s, {each:.3f} s a call, {each_second_ms:.1f} ms a call-second")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name:28s} {seconds:7.2f} s  {1000 * seconds / talk_s:7.2f} ms a call-second")
    print("\nthe server process by room (sampled)")
    for room, share in rooms.most_common():
        print(f"  {room:28s} {share:7.2f} s  {1000 * share / talk_s:7.2f} ms a call-second")
    return 0 if right == len(done) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=10)
    given = parser.parse_args()
    return asyncio.run(run(given.calls))


if __name__ == "__main__":
    sys.exit(main())
