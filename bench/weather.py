"""Sandbox calls through 5 % loss, 60 ms jitter and reordering: how many come to the right result?

The real server in this process (sound, speech and sandbox in theirs); all SIP, RTP and RTCP between it and
the sandbox pass a relay of their own that loses and delays datagrams (`network/relay.py`: simulated weather
on loopback). Calls run in batches; with --lock FILE each batch holds that lock, on a machine that is shared.

    script/bench weather --calls 100
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.calls import one_call, prepare
from bench.machine import alone
from bench.network.relay import SANDBOX, SANDBOX_IMAGE
from byourside_server.app import open_house
from byourside_server.calls.call import Call
from byourside_server.config import load_config

EXPECTED = {"confirmed": True, "new_time": None}
LEAST_TURNS = 2
"""Of each side, in a conversation that was one."""


@dataclass
class Outcome:
    calls: list[Call] = field(default_factory=list)
    datagrams: tuple[int, int] = (0, 0)

    def is_right(self, call: Call) -> bool:
        return call.state == "completed" and call.report is not None and call.report.extracted == EXPECTED

    def is_complete(self, call: Call) -> bool:
        heard = Counter(turn.role for turn in call.turns)
        return call.state == "completed" and min(heard["agent"], heard["contact"]) >= LEAST_TURNS


@contextlib.asynccontextmanager
async def program(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child that says `ready …` and ends when its standard input does."""
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    try:
        yield child
    finally:
        if child.stdin is not None:
            child.stdin.close()
        await child.wait()


async def first_line(child: asyncio.subprocess.Process) -> list[str]:
    assert child.stdout is not None
    return (await child.stdout.readline()).decode().split()


async def batch(size: int, given: argparse.Namespace, seed: int, outcome: Outcome) -> None:
    """One house, one sandbox, one relay, and `size` calls at the same moment."""
    relay_file = str(Path(__file__).parent / "network" / "relay.py")
    with tempfile.TemporaryDirectory() as folder:
        async with contextlib.AsyncExitStack() as closing:
            sandbox = await closing.enter_async_context(
                program("-m", "byourside_server.sandbox", "--host", SANDBOX, "--capacity", str(size + 1))
            )
            port = (await first_line(sandbox))[2]
            relay = await closing.enter_async_context(
                program(
                    relay_file,
                    *("--sandbox-port", port, "--loss", str(given.loss)),
                    *("--jitter-ms", str(given.jitter_ms), "--seed", str(seed)),
                )
            )
            assert await first_line(relay) == ["ready"]
            secret = await prepare(Path(folder), size)
            flags = {"data_dir": folder, "text_to_speech": given.voice}
            config = load_config({**flags, "sandbox_address": f"{SANDBOX_IMAGE}:{port}"}, {})
            async with open_house(config) as switchboard:
                numbers = (f"+1415555{n + 100:04d}" for n in range(size))
                outcome.calls += await asyncio.gather(
                    *(one_call(switchboard, secret, number) for number in numbers)
                )
            assert relay.stdin is not None
            relay.stdin.close()
            passed, lost = map(int, await first_line(relay))
            outcome.datagrams = (outcome.datagrams[0] + passed, outcome.datagrams[1] + lost)


async def at_virtual_time(given: argparse.Namespace, outcome: Outcome) -> None:
    """All calls in one house, whose wires of memory have the weather: no machine is too slow for it."""
    with tempfile.TemporaryDirectory() as folder:
        secret = await prepare(Path(folder), given.calls)
        flags = {"data_dir": folder, "text_to_speech": given.voice, "speed": "virtual"}
        flags |= {
            "sandbox_loss_percent": str(round(given.loss * 100)),
            "sandbox_jitter_ms": str(round(given.jitter_ms)),
        }
        async with open_house(load_config(flags, {})) as switchboard:
            numbers = [f"+1415555{n + 200:04d}" for n in range(given.calls)]  # beyond the personas
            for at in range(0, given.calls, given.at_once):
                some = numbers[at : at + given.at_once]
                outcome.calls += await asyncio.gather(
                    *(one_call(switchboard, secret, number) for number in some)
                )


def table(outcome: Outcome, given: argparse.Namespace) -> str:
    calls = outcome.calls
    media = [call.media for call in calls if call.media is not None]
    scores = [facts.mos for facts in media if facts.mos is not None]
    theirs = [facts.their_mos for facts in media if facts.their_mos is not None]
    trips = [facts.round_trip_ms for facts in media if facts.round_trip_ms is not None]
    turns = Counter(turn.role for call in calls for turn in call.turns)
    passed, lost = outcome.datagrams
    rows = [
        ("loss and jitter, each way", f"{given.loss:.0%}, 0 to {given.jitter_ms:.0f} ms"),
        ("datagrams lost", f"{lost} of {passed + lost}" if passed else "by chance"),
        ("calls", str(len(calls))),
        ("conversations held to their end", str(sum(map(outcome.is_complete, calls)))),
        ("right results", str(sum(map(outcome.is_right, calls)))),
        ("turns of the agent, a call", f"{turns['agent'] / len(calls):.1f}"),
        ("turns of the contact, a call", f"{turns['contact'] / len(calls):.1f}"),
        ("RTP lost or late here, mean", _mean([facts.loss_percent for facts in media], 2, " %")),
        ("concealed a call, mean", _mean([float(facts.concealed_ms) for facts in media], 0, " ms")),
        ("jitter buffer, mean", _mean([float(facts.buffer_ms) for facts in media], 0, " ms")),
        ("round trip by RTCP, mean", _mean(trips, 0, " ms")),
        ("MOS here: mean, worst", _mean(scores, 2, f", {min(scores, default=0):.2f}")),
        ("MOS at the far end: mean, worst", _mean(theirs, 2, f", {min(theirs, default=0):.2f}")),
    ]
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)])


def _mean(values: list[float], digits: int, unit: str) -> str:
    return f"{statistics.fmean(values):.{digits}f}{unit}" if values else "none"


async def run(given: argparse.Namespace) -> int:
    outcome, begun = Outcome(), 0
    if given.virtual:
        await at_virtual_time(given, outcome)
        begun = given.calls
    while begun < given.calls:
        size = min(given.at_once, given.calls - begun)
        with alone(given.lock):
            began = time.monotonic()
            await batch(size, given, given.seed + begun, outcome)
        begun += size
        right = sum(map(outcome.is_right, outcome.calls))
        print(f"{right} of {begun} right ({time.monotonic() - began:.0f} s)", file=sys.stderr)
        if given.keep is not None:
            given.keep.write_text(json.dumps([told(call) for call in outcome.calls], indent=1))
    print(table(outcome, given))
    for call in outcome.calls:
        if not outcome.is_right(call):
            extracted = call.report.extracted if call.report else None
            print(f"\nnot right: {call.state} {call.end_reason} {call.error} {extracted}")
            for turn in call.turns:
                print(f"  {turn.role}: {turn.text}")
    return 0 if all(map(outcome.is_right, outcome.calls)) else 1


def told(call: Call) -> dict[str, object]:
    media = None if call.media is None else {**vars(call.media), "mos": call.media.mos}
    extracted = call.report.extracted if call.report else None
    turns = [(turn.role, turn.text, turn.start_ms, turn.end_ms) for turn in call.turns]
    return {"state": call.state, "extracted": extracted, "media": media, "turns": turns}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--loss", type=float, default=0.05, help="share of datagrams, each way")
    parser.add_argument("--jitter-ms", type=float, default=60.0, help="each takes 0 to this, evenly spread")
    parser.add_argument("--voice", default="espeak", help="text-to-speech engine")
    parser.add_argument("--virtual", action="store_true", help="at virtual time, on wires of memory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lock", type=Path, help="file to be locked during each batch")
    parser.add_argument("--keep", type=Path, help="file for what became of every call, as JSON")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
