"""Has each contender hold the same calls, alone on the machine with the callers and the stub vendors.

The callers come first where the machine grants real-time priority, so that what is late is not they. Ours
is the whole server with real SIP and RTP, its vendors reached over their protocols. The others run in
environments of their own behind the websocket of hosted telephony, with stub services in their process.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.crowd.contenders import BUILD, ROOT, free_port, may_come_first, wait_until_ready
from bench.turns.logs import read_logs, write_steps
from bench.turns.phone import Log
from bench.turns.script import Step
from tests.walks.house import House, command, wait_for_end

OURS = "By Your Side"
RECORDS = "records.json"
"""Where our calls' records lie afterwards."""
LONGEST_S = 300
"""That all calls of a contender may last."""
REQUEST = {"objective": "Ask the customer some questions and listen.", "maxDurationSec": 1800}


@dataclass(frozen=True)
class Rival:
    """Interpreter, script, and how it finds the end of a turn."""

    name: str
    interpreter: str
    script: str
    turn: str


RIVALS = (
    Rival("Pipecat, smart turn", "pipecat", "pipecat_turns.py", "smart"),
    Rival("Pipecat, time-out", "pipecat", "pipecat_turns.py", "timeout"),
    Rival("LiveKit Agents, vad", "livekit", "livekit_turns.py", "vad"),
    Rival("LiveKit Agents, turn detector", "livekit", "livekit_turns.py", "detector"),
)
NAMES = {"ours": OURS, **{f"{rival.interpreter}-{rival.turn}": rival.name for rival in RIVALS}}
"""What `--only` calls them, and what they are."""


def hold(only: str, scripts: Sequence[Sequence[Step]], folder: Path) -> list[Log]:
    """All calls of one contender at the same time; a log for each."""
    steps, out = folder / "steps.json", folder / "logs.json"
    write_steps(steps, scripts)
    if only == "ours":
        ours(len(scripts), folder, steps, out)
    else:
        rival = next(each for each in RIVALS if f"{each.interpreter}-{each.turn}" == only)
        beside(rival, folder, steps, out)
    return read_logs(out)


def ours(calls: int, folder: Path, steps: Path, out: Path) -> None:
    """Place the calls and wait until the callees have said all they had to say; keep the records."""
    callees = [sys.executable, "-m", "bench.turns.rtp_wire", str(folder), str(steps), str(out)]
    phones = subprocess.Popen(may_come_first(callees), stdout=subprocess.PIPE, text=True)
    assert phones.stdout is not None
    port = phones.stdout.readline().strip()
    with vendors(folder) as settings, contextlib.ExitStack() as closing:
        data = folder / f"data-{os.getpid()}-{port}"
        data.mkdir()
        trunk = f'[trunk]\nhost = "127.0.0.1"\nport = {port}\noptions_every_s = 0\n'
        (data / "config.toml").write_text(f'sip_host = "127.0.0.1"\n{trunk}')
        house = House(data, environment=settings)
        house.start()
        closing.callback(house.stop)
        key = house.make_key()
        limits = ("--per-minute", "10000", "--at-once", str(calls))
        command("accounts", "limits", "default", *limits, "--data-dir", str(data))
        with house.client(key) as client:
            ids = []
            for number in range(calls):
                placed = client.post("/v1/agent/calls", json={**REQUEST, "to": f"+1415555{number + 200:04d}"})
                assert placed.status_code == 200, placed.text
                ids.append(placed.json()["callId"])
            try:
                phones.wait(LONGEST_S)
            except subprocess.TimeoutExpired:
                phones.kill()
                raise RuntimeError(f"the calls were not over after {LONGEST_S} s: {house.log()}") from None
            records = [wait_for_end(client, call_id) for call_id in ids]
            (folder / RECORDS).write_text(json.dumps(records))


@contextlib.contextmanager
def vendors(folder: Path) -> Iterator[dict[str, str]]:
    """The stub vendors as a process of their own; the settings that lead to them."""
    asked = [sys.executable, "-m", "bench.turns.vendors", str(folder)]
    process = subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()


def beside(rival: Rival, folder: Path, steps: Path, out: Path) -> None:
    """The same calls over the rival's websocket."""
    port = free_port()
    interpreter, script = (
        str(BUILD / rival.interpreter / "bin/python"),
        str(ROOT / "bench/turns" / rival.script),
    )
    with (folder / "rival.log").open("ab") as log:
        server = subprocess.Popen(
            [interpreter, script, str(port), str(folder), rival.turn],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    try:
        wait_until_ready(server)
        url = f"ws://127.0.0.1:{port}/"
        load = [sys.executable, "-m", "bench.turns.stream_wire", url, str(folder), str(steps), str(out)]
        subprocess.run(may_come_first(load), check=True, timeout=LONGEST_S)
    finally:
        server.terminate()
        server.wait()
