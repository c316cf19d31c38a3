"""What a live call costs the whole server: SIP, conversation, store and engine, on one core.

    script/bench whole [--calls 10 100 300] [--seconds 30] [--no-write]

`script/bench density` holds calls with the engine and its port alone. Here everything is the product's, from
the POST that places a call to its record: only behind the provider doors stand ears, mind and voice that cost
nothing and answer at once. The callers are density's own process, on the other core, with the same speech and
interruptions; a SIP user agent of the bench answers for them. CPU is counted while all calls are up, for the
server's process and the engine's, both on the same core; whom admission keeps out waits and is not among the
live. Afterwards every call must have a record that tells of its turns. In the same run Pipecat and LiveKit
Agents hold ten calls each, as in density. Writes bench/results/whole.json and its tables in
docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx

from bench.calls import family
from bench.crowd.answering_phones import AnsweringPhones
from bench.crowd.contenders import (
    BUILD,
    CONTENDER_CORE,
    CONTENDERS,
    LOAD_CORE,
    ROOT,
    Delays,
    free_port,
    heard,
    lateness,
    on_core,
    rival,
)
from bench.crowd.speech import write_all
from bench.crowd.table import put_between
from bench.crowd.whole_table import BEGIN, END, RIVAL_CALLS, table
from bench.density import machine
from bench.machine import cpu_s, own_kib, plain_environment
from bench.turns.rtp_wire import HOST
from byourside_server.demo import command
from tests.walks.house import TERMINAL

RESULT, PAGE = ROOT / "bench/results/whole.json", ROOT / "docs/performance.md"
CALLS = (10, 100, 300)
BARGE = 0.3
SETTLE_S = 5.0
PLACING_AT_ONCE = 16
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 120.0
HANG_UP_AT_ONCE = 20
ENTRY = [sys.executable, "-m", "bench.crowd.whole_server"]
REQUEST = {"objective": "Ask the customer some questions and listen.", "maxDurationSec": 1800}
SETTINGS = {
    "SPEECH_TO_TEXT": "stub",
    "TEXT_TO_SPEECH": "stub",
    "MIND": "stub",
    "ANALYSIS": "embedded",
    "SIP_HOST": HOST,
    "TRUNK_HOST": HOST,
    "TRUNK_OPTIONS_EVERY_S": "0",
    "CALLS_PER_MINUTE": "100000",
    "MINUTE_ALLOWANCE": "unlimited",
}


class Server:
    """The server with stub vendors on its core."""

    def __init__(self, folder: Path, calls: int, trunk_port: int) -> None:
        self._data_dir = folder / "data"
        self._data_dir.mkdir()
        self.ticks = folder / "engine.ticks"
        self._log = (folder / "server.log").open("ab")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        limits = {"MAX_CONCURRENT": calls, "MAX_LIVE_CALLS": calls, "TRUNK_PORT": trunk_port}
        settings = {f"BYOURSIDE_{name}": str(value) for name, value in {**SETTINGS, **limits}.items()}
        place = ["serve", "--data-dir", str(self._data_dir), "--port", str(port)]
        self._process = subprocess.Popen(
            on_core(CONTENDER_CORE, [*ENTRY, str(self.ticks), *place]),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**plain_environment(), **settings},
        )

    async def greet(self, client: httpx.AsyncClient) -> None:
        """Have the client wait until the server is up, and give it a key."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                if self._process.poll() is not None:
                    raise SystemExit(f"the server did not start: {self.log()}")
                try:
                    if (await client.get("/healthz")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        words = [*command(), "keys", "create", "--account", "default", "--data-dir", str(self._data_dir)]
        made = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=True)
        client.headers["Authorization"] = f"Bearer {made.stdout.splitlines()[-1]}"
        return client

    def log(self) -> str:
        return Path(self._log.name).read_text()[-20_000:]

    def spent_s(self) -> Counter[str]:
        """CPU seconds so far, by process."""
        return Counter({name: cpu_s(pid) for pid, name in self._processes()})

    def taken_kib(self) -> Counter[str]:
        return Counter({name: own_kib(pid) for pid, name in self._processes()})

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()

    def _processes(self) -> list[tuple[int, str]]:
        started = family(self._process.pid).items()
        return [
            (self._process.pid, "server"),
            *((pid, "engine") for pid, what in started if what == "media_engine"),
        ]


async def measure(calls: int, seconds: float, folder: Path) -> dict[str, Any]:
    """Hold so many calls for so long."""
    os.sched_setaffinity(0, {LOAD_CORE})
    ramp_s, out, pipe = 10 + calls / 25, folder / "whole", asyncio.subprocess.PIPE
    words = [str(BUILD / "rtp_load"), str(calls), str(ramp_s + SETTLE_S + seconds), str(BARGE), "1", str(out)]
    load = await asyncio.create_subprocess_exec(
        *on_core(LOAD_CORE, [*words, *write_all(folder)], 1), stdin=pipe, stdout=pipe, limit=1 << 20
    )
    assert load.stdin is not None
    assert load.stdout is not None
    stdin, ports = load.stdin, [int(port) for port in (await load.stdout.readline()).split()]

    def bring_up(number: int, port: int) -> None:
        if load.returncode is None:
            stdin.write(f"{number} {port}\n".encode())

    phones = AnsweringPhones(ports, bring_up)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: phones, local_addr=(HOST, 0))
    server = Server(folder, calls, phones.port)
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            await server.greet(client)
            empty_kib = server.taken_kib()
            stdin.write(b" ".join([b"0"] * calls) + b"\n")
            began = asyncio.get_running_loop().time()
            ids = await place(client, calls)
            try:
                async with asyncio.timeout_at(began + ramp_s):
                    await phones.are_all_up.wait()
            except TimeoutError:
                print(f"{phones.answered} of {calls} calls were let in within {ramp_s:.0f} s", flush=True)
            up_after_s = asyncio.get_running_loop().time() - began
            await asyncio.sleep(began + ramp_s + SETTLE_S / 2 - asyncio.get_running_loop().time())
            before, since = server.spent_s(), asyncio.get_running_loop().time()
            live = phones.answered - phones.hung_up_on
            await asyncio.sleep(seconds)
            spent, lasted = server.spent_s(), asyncio.get_running_loop().time() - since
            spent.subtract(before)
            left, taken_kib = phones.answered - phones.hung_up_on, server.taken_kib()
            counts = json.loads(await load.stdout.readline())
            await load.wait()
            for first in range(0, phones.answered, HANG_UP_AT_ONCE):
                phones.hang_up(first, first + HANG_UP_AT_ONCE)
                await asyncio.sleep(0.1)
            for call_id in ids:  # those who wait still
                await client.post(f"/v1/agent/calls/{call_id}/cancel")
            records = [record for record in await ended(client, ids) if record["turns"]]
    finally:
        server.stop()
    for line in server.log().splitlines():
        if '"error"' in line.lower():
            print(line[:300], flush=True)
    return {
        "calls": calls,
        "live": live,
        "left": left,
        "up_after_s": round(up_after_s, 2),
        "seconds": round(lasted, 2),
        "ms_per_call_s": {name: round(1000 * used / live / lasted, 4) for name, used in spent.items()},
        "kib_per_call": {name: round((taken_kib[name] - empty_kib[name]) / live, 1) for name in empty_kib},
        "load": counts,
        "lateness": lateness(server.ticks, seconds),
        **heard(out),
        "records": told(records),
    }


async def place(client: httpx.AsyncClient, calls: int) -> list[str]:
    """Ids of the calls, in their order."""
    room = asyncio.Semaphore(PLACING_AT_ONCE)

    async def one(number: int) -> str:
        async with room:
            body = {**REQUEST, "to": f"+1415555{number + 200:04d}"}
            placed = await client.post("/v1/agent/calls", json=body)
            assert placed.status_code == 200, placed.text
            return str(placed.json()["callId"])

    return list(await asyncio.gather(*map(one, range(calls))))


async def ended(client: httpx.AsyncClient, ids: list[str]) -> list[dict[str, Any]]:
    """The records, once all are terminal."""
    until = asyncio.get_running_loop().time() + END_TIMEOUT_S
    records: dict[str, dict[str, Any]] = {}
    while len(records) < len(ids) and asyncio.get_running_loop().time() < until:
        for call_id in ids:
            record = (await client.get(f"/v1/agent/calls/{call_id}")).json()
            if record["status"] in TERMINAL:
                records[call_id] = record
        await asyncio.sleep(0.5)
    if len(records) < len(ids):
        raise SystemExit(f"{len(ids) - len(records)} calls were not over {END_TIMEOUT_S:.0f} s later")
    return list(records.values())


def told(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What the records say of themselves."""
    turns = sorted(sum(turn["role"] == "agent" for turn in record["turns"]) for record in records)
    return {
        "statuses": Counter(record["status"] for record in records),
        "reasons": Counter(str(record.get("endReason")) for record in records),
        "agent_turns_fewest": turns[0],
        "agent_turns_median": turns[len(turns) // 2],
    }


async def hold_all(asked: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {"machine": machine(), "rows": [], "rivals": {}}
    for calls in asked.calls:
        with tempfile.TemporaryDirectory() as folder:
            result["rows"].append(await measure(calls, asked.seconds, Path(folder)))
        print(json.dumps(result["rows"][-1]), flush=True)
    for contender in CONTENDERS:
        if not contender.turn:
            continue
        with tempfile.TemporaryDirectory() as folder:
            asked_of = (contender, RIVAL_CALLS, asked.seconds, BARGE, Path(folder), Delays())
            found = await asyncio.to_thread(rival, *asked_of)
        result["rivals"][contender.name] = round(1000 * found["cpu_s_per_call_s"], 2)
        print(contender.name, result["rivals"][contender.name], "ms a call-second", flush=True)
    return result


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--calls", type=int, nargs="+", default=CALLS)
    options.add_argument("--seconds", type=float, default=30, help="of talk that is measured")
    options.add_argument(
        "--no-write", action="store_true", help="print, and leave the published result alone"
    )
    asked = options.parse_args()
    subprocess.run([str(ROOT / "script/setup-crowd")], check=True)
    result = asyncio.run(hold_all(asked))
    print("\n" + table(result))
    if not asked.no_write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
        put_between(PAGE, BEGIN, END, table(result))
        print(f"written: {RESULT.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
