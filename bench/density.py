"""How many live calls one core holds: our engine, Pipecat, LiveKit Agents, floors and a control in one run.

    script/bench density                          everything, about 25 minutes
    script/bench density --calls 1000 --seconds 60 --only ours

Every contender has one core, the load generator the other; the same callers with the same speech, who also
interrupt; stub speech engines that cost nothing and answer at once. Beside our engine, in the same seconds,
a control process spins at the same duty and does nothing else: what it is late by, the machine is late by.
Writes bench/results/density.json and docs/density.png.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.crowd.contenders import BUILD, CONTENDERS, ROOT, Delays, ours, rival

RESULT, PLOT = ROOT / "bench/results/density.json", ROOT / "docs/density.png"
OUR_CALLS = (10, 24, 100, 200, 400, 700, 1000, 1200, 1400)
RIVAL_CALLS = (5, 10, 20)
FLOOR_CALLS = (100, 1000)
FIRST_GUESS_S = 0.0007
LONG_FROM = 1000


def machine() -> dict[str, Any]:
    """What this ran on."""
    load = os.getloadavg()
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": [round(value, 2) for value in load],
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def show(name: str, found: dict[str, Any]) -> None:
    turn, barge = found.get("turn_s") or {}, found.get("barge_in_s") or {}
    late = (found.get("lateness") or {}).get("late_ms") or {}
    own = (found.get("own_lateness") or {}).get("late_ms") or {}
    print(
        f"{name:<32}{found['calls']:>6}  {1000 * found['cpu_s_per_call_s']:8.3f} ms/call-s"
        f"  turn {turn.get('p50', '-')}/{turn.get('p95', '-')} s  barge {barge.get('p50', '-')} s"
        f"  late p99 {late.get('p99', '-')} (own {own.get('p99', '-')}) ms",
        flush=True,
    )


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {
        "machine": machine(),
        "seconds": asked.seconds,
        "ours": [],
        "floor": [],
        "rivals": {},
    }
    guess = FIRST_GUESS_S
    if "ours" in asked.only:
        for calls in asked.calls:
            seconds = asked.seconds if calls < LONG_FROM else max(asked.seconds, asked.long)
            found = ours(calls, seconds, asked.barge, folder, share=min(0.95, guess * calls))
            guess = float(found["cpu_s_per_call_s"])  # type: ignore[arg-type]
            result["ours"].append(found)
            show("By Your Side", found)
    if "floor" in asked.only:
        for calls in FLOOR_CALLS:
            found = ours(calls, asked.seconds, 0.0, folder, module="rtp_floor")
            result["floor"].append(found)
            show("Python, sockets alone", found)
    if "rivals" in asked.only:
        for contender in CONTENDERS:
            rows = result["rivals"].setdefault(contender.name, [])
            for calls in asked.rival_calls:
                rows.append(rival(contender, calls, asked.seconds, asked.barge, folder, Delays()))
                show(contender.name, rows[-1])
    return result


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--calls", type=int, nargs="+", default=OUR_CALLS, help="numbers of calls for our engine"
    )
    options.add_argument("--rival-calls", type=int, nargs="+", default=RIVAL_CALLS)
    options.add_argument("--seconds", type=float, default=30, help="of talk at each number")
    options.add_argument("--long", type=float, default=60, help="of talk from 1,000 calls on")
    options.add_argument("--barge", type=float, default=0.3, help="share of answers that are interrupted")
    options.add_argument(
        "--only", nargs="+", choices=("ours", "floor", "rivals"), default=("ours", "floor", "rivals")
    )
    options.add_argument(
        "--no-write", action="store_true", help="print, and leave the published result alone"
    )
    asked = options.parse_args()
    subprocess.run([str(ROOT / "script/setup-crowd")], check=True)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(asked, Path(folder))
    if asked.no_write:
        return
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    plotter = str(BUILD / "plot/bin/python")
    subprocess.run([plotter, str(ROOT / "bench/crowd/plot.py"), str(RESULT), str(PLOT)], check=True)
    print(f"written: {RESULT.relative_to(ROOT)}, {PLOT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
