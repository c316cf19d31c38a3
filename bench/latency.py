"""How soon an answer comes, how soon it stops, and whom it cuts off: ours, Pipecat and LiveKit Agents.

    script/bench latency                               everything, about 14 minutes
    script/bench latency --only ours                   ours alone, about 4 minutes
    script/bench latency --parts turns --only ours livekit-vad --turns 20 --barges 10 --interjections 10

The same callers with the same speech for all; stub vendors of set delay (words 150 ms after they were said or
asked for, first token 250 ms, first sound 120 ms), which hear the same for all. Part `turns`: from a caller's
last voiced sample to the agent's first, from the onset of an interruption to the agent's last, and what "uh
huh", coughs and clicks do to an agent that speaks. Part `dictation`: who is cut off in an inner pause, beside
how soon a complete short answer is answered; part `heldout`: the same with cases that were written without
sight of our rules and never used to set them. Writes bench/results/latency.json, dictation.json and
heldout.json, keeps in them what --only leaves out, and renews the tables of docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.crowd.contenders import ROOT
from bench.density import machine
from bench.machine import alone
from bench.turns import corpus, script
from bench.turns.contenders import NAMES, RECORDS, hold
from bench.turns.logs import write_logs
from bench.turns.page import write_page
from bench.turns.phone import Log
from bench.turns.scores import of_dictation, of_turns, repeated_beginnings, stages
from bench.turns.talk import FIRST_AUDIO_S, FIRST_TOKEN_S, STT_S, VENDORS_S

RESULTS = ROOT / "bench/results"
PARTS: dict[str, Callable[[Sequence[Log]], dict[str, Any]]] = {
    "turns": of_turns,
    "dictation": of_dictation,
    "heldout": of_dictation,
}
FILES = {"turns": "latency.json", "dictation": "dictation.json", "heldout": "heldout.json"}
TABLES = {"dictation": corpus.DICTATION, "heldout": corpus.HELDOUT}


def scripts(part: str, asked: argparse.Namespace, only: str) -> list[list[script.Step]]:
    """What each caller says. Of others than us, fewer interruptions and cases are wanted."""
    said = corpus.lines()
    share = 1.0 if only == "ours" else asked.rivals_share
    if part in TABLES:
        cases = script.thinned(corpus.cases(TABLES[part])[:: asked.every_nth], share)
        return script.dictations(said, cases, min(asked.dictating, len(cases)))
    counts = round(asked.barges * share), round(asked.interjections * share)
    return script.talks(said, asked.at_once, asked.turns, *counts)


def measure(asked: argparse.Namespace, only: str, part: str, folder: Path) -> dict[str, Any]:
    """One part of one contender."""
    with alone(asked.lock):
        load, began = os.getloadavg()[0], time.monotonic()
        logs = hold(only, scripts(part, asked, only), folder)
        seconds = time.monotonic() - began
    row = PARTS[part](logs)
    row["at"] = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    row["seconds"], row["load_before"] = round(seconds, 1), round(load, 2)
    row["callers_late_ms"] = round(1000 * max(log.latest_tick_s for log in logs), 1)
    if only == "ours":
        records = json.loads((folder / RECORDS).read_text())
        row["stages_ms"], row["repeated_beginnings"] = stages(records), repeated_beginnings(records)
    if asked.keep is not None:
        asked.keep.mkdir(parents=True, exist_ok=True)
        write_logs(asked.keep / f"{only}-{part}.json", logs)
        if only == "ours":
            shutil.copy(folder / RECORDS, asked.keep / f"{part}-{RECORDS}")
    return row


def publish(part: str, name: str, row: dict[str, Any], asked: argparse.Namespace) -> None:
    """Put a contender's row in its file, beside those that are there, and renew the page."""
    file = RESULTS / FILES[part]
    rows = {**(json.loads(file.read_text())["contenders"] if file.exists() else {}), name: row}
    whole = {
        "machine": machine(),
        "at_once": asked.at_once if part == "turns" else asked.dictating,
        "vendors_s": {
            "words": STT_S,
            "first_token": FIRST_TOKEN_S,
            "first_audio": FIRST_AUDIO_S,
            "sum": VENDORS_S,
        },
        "contenders": {each: rows[each] for each in NAMES.values() if each in rows},
    }
    file.write_text(json.dumps(whole, indent=1) + "\n")
    turns, dictation, heldout = (
        json.loads(each.read_text()) if each.exists() else None
        for each in map(RESULTS.joinpath, FILES.values())
    )
    if turns is not None and dictation is not None:
        write_page(turns, dictation, heldout)


def told(row: dict[str, Any]) -> str:
    """A contender's row in a line; its samples are in the file."""
    short = {name: value for name, value in row.items() if name not in ("samples", "cases", "seconds", "at")}
    return json.dumps(short)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=tuple(NAMES), default=tuple(NAMES))
    parser.add_argument("--parts", nargs="+", choices=tuple(PARTS), default=tuple(PARTS))
    parser.add_argument("--at-once", type=int, default=16, help="calls, in the part `turns`")
    parser.add_argument("--dictating", type=int, default=19, help="calls at once, in the other parts")
    parser.add_argument("--turns", type=int, default=64, help="besides those that interruptions follow")
    parser.add_argument("--barges", type=int, default=60, help="interruptions")
    parser.add_argument("--interjections", type=int, default=36)
    parser.add_argument(
        "--rivals-share", type=float, default=0.45, help="of those two and of cases, for others"
    )
    parser.add_argument("--every-nth", type=int, default=1, help="case of the tables of cases")
    parser.add_argument("--lock", type=Path, help="file to be locked during each measurement")
    parser.add_argument(
        "--keep", type=Path, help="folder for what every caller said and heard, and our records"
    )
    parser.add_argument("--no-write", action="store_true", help="leave the published results alone")
    asked = parser.parse_args()
    if set(asked.only) != {"ours"}:
        subprocess.run([str(ROOT / "script/setup-crowd")], check=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus.make(Path(folder))
        for only in asked.only:
            for part in asked.parts:
                row = measure(asked, only, part, Path(folder))
                print(f"{NAMES[only]:<30}{part:<10} {told(row)}  ({row['seconds']:.0f} s)", flush=True)
                if not asked.no_write:
                    publish(part, NAMES[only], row, asked)


if __name__ == "__main__":
    main()
