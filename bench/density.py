"""How many live calls one core holds: our engine, Pipecat, LiveKit Agents, floors and a control in one run.

    script/bench density                          everything, about 16 minutes
    script/bench density --calls 1000 --only ours --no-write

Every contender has one core, the load generator the other; the same callers with the same speech, who also
interrupt; stub speech engines that cost nothing and answer at once. Beside our engine, in the same seconds,
a control process spins at the same duty (as far as the load generator leaves that much of its core) and does
nothing else: what it is late by, the machine is late by. At last two engines, the second beside the load
generator, with one port. Nobody is told another processor than there is: OPENBLAS_* is taken out of the
environment. Writes bench/results/density.json, docs/density.png and the tables of docs/performance.md.
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

from bench.crowd import table
from bench.crowd.contenders import BUILD, CONTENDER_CORE, CONTENDERS, LOAD_CORE, ROOT, Delays, ours, rival

RESULT, PLOT = ROOT / "bench/results/density.json", ROOT / "docs/density.png"
PAGE = ROOT / "docs/performance.md"
OUR_CALLS = (10, 24, 100, 400, 1000, 1200, 1400)
SPREAD_CALLS = 800
RIVAL_CALLS = (5, 10, 20, 40)
"""The last is more than most of them hold: their turns tell."""
FLOOR_CALLS = (100, 1000)
FIRST_GUESS_S = 0.0005
LOAD_GUESS_S = 0.0003
"""CPU of the load generator a call-second, until it has been measured."""
MOST_OF_A_CORE = 0.95
PARTS = ("ours", "spread", "floor", "rivals")
LONG_FROM = 1000


def machine() -> dict[str, Any]:
    """What this ran on."""
    load = os.getloadavg()
    return {
        "cores": os.cpu_count(),
        "processor": processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": [round(value, 2) for value in load],
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")


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
        "spread": [],
    }
    guess, load_guess = FIRST_GUESS_S, LOAD_GUESS_S
    if "ours" in asked.only:
        for calls in asked.calls:
            seconds = asked.seconds if calls < LONG_FROM else max(asked.seconds, asked.long)
            share = min(guess * calls, MOST_OF_A_CORE - load_guess * calls)
            found = ours(calls, seconds, asked.barge, folder, share=share)
            guess = float(found["cpu_s_per_call_s"])  # type: ignore[arg-type]
            load_guess = found["load"]["cpu_s"] / calls / seconds  # type: ignore[index]
            result["ours"].append(found)
            show("By Your Side", found)
    if "spread" in asked.only:
        cores = (CONTENDER_CORE, LOAD_CORE)
        result["spread"].append(ours(SPREAD_CALLS, asked.seconds, asked.barge, folder, cores=cores))
        show("By Your Side, two engines", result["spread"][-1])
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
    options.add_argument("--seconds", type=float, default=20, help="of talk at each number")
    options.add_argument("--long", type=float, default=60, help="of talk from 1,000 calls on")
    options.add_argument("--barge", type=float, default=0.3, help="share of answers that are interrupted")
    options.add_argument(
        "--only", nargs="+", choices=("ours", "spread", "floor", "rivals"), default=PARTS
    )
    options.add_argument(
        "--no-write", action="store_true", help="print, and leave the published result alone"
    )
    asked = options.parse_args()
    subprocess.run([str(ROOT / "script/setup-crowd")], check=True)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(asked, Path(folder))
    if asked.no_write:
        print("\n" + table.tables(result))
        return
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    plotter = str(BUILD / "plot/bin/python")
    subprocess.run([plotter, str(ROOT / "bench/crowd/plot.py"), str(RESULT), str(PLOT)], check=True)
    table.publish(result, PAGE)
    print("\n" + table.tables(result))
    print(f"written: {RESULT.relative_to(ROOT)}, {PLOT.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
