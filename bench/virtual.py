"""Whole sandbox calls at virtual time on one core: how many a minute, cold and with speech kept?

Starts a server with `--virtual-time`, pinned with everything it starts to one core, places N calls over HTTP
(the README's with two more questions, to agreeable people, or `--mix` around all phones of the sandbox), each
with a webhook to a receiver in this process on the other core, and waits until every record and every last
webhook is there. Twice on the same directory: the first start has to ask the speech engines, the second has
everything from the first. Right is a call whose status, end, fields and turns are those its number must give
(bench/virtual_calls/expected.py), and whose last webhook is its record. All that as often as `--runs`, each
time on an empty directory; medians are told, and every run is kept in bench/results/virtual.json. Fails where
a call is not right, or where two calls to one number differ in any field but ids, moments and RTCP's.

    script/bench virtual --calls 100
    script/bench virtual --calls 100 --mix
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = str(ROOT)

from bench.machine import alone, end_with_children  # noqa: E402
from bench.virtual_calls.expected import strangers  # noqa: E402
from bench.virtual_calls.mailbox import open_mailbox  # noqa: E402
from bench.virtual_calls.server import Run, serve_and_call  # noqa: E402
from byourside_server.sandbox.persona import PERSONAS  # noqa: E402

RESULT = ROOT / "bench" / "results" / "virtual.json"
STARTS = ("cold", "kept")


def numbers_for(calls: int, *, mix: bool) -> list[str]:
    """The README's call to so many agreeable people, or around all phones."""
    if not mix:
        return [f"+1415555{number:04d}" for number in range(200, 200 + calls)]
    digits = ["23", *PERSONAS]
    return [f"+1415555{'01'}{digits[number % len(digits)]}" for number in range(calls)]


def both_starts(numbers: list[str], given: argparse.Namespace) -> dict[str, Run]:
    """One run: cold and kept, on a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="bys-virtual-") as folder:
        mailbox = open_mailbox()
        runs = {}
        for start in STARTS:
            with alone(given.lock):
                runs[start] = serve_and_call(Path(folder), numbers, given.core, mailbox)
    return runs


def medians(runs: list[dict[str, Run]], start: str) -> dict[str, Any]:
    rows = [run[start].as_json() for run in runs]
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def write(kind: str, calls: int, runs: list[dict[str, Run]], odd: list[str]) -> None:
    """Beside what the other kind of calls gave."""
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    kept[kind] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "loadAverage": round(os.getloadavg()[0], 1),
        "calls": calls,
        "notAlike": odd,
        "median": {start: medians(runs, start) for start in STARTS},
        "runs": [{start: run[start].as_json() for start in STARTS} for run in runs],
    }
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--mix", action="store_true", help="around all phones of the sandbox")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--lock", type=Path, help="hold this file's lock during each start")
    parser.add_argument("--no-write", action="store_true", help="leave the results file alone")
    given = parser.parse_args()
    end_with_children()
    numbers = numbers_for(given.calls, mix=given.mix)
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)) - {given.core} or {given.core})
    runs: list[dict[str, Run]] = []
    for number in range(1, given.runs + 1):
        runs.append(both_starts(numbers, given))
        for start in STARTS:
            run = runs[-1][start]
            print(f"run {number}, {start}: {json.dumps(run.as_json())}", flush=True)
            for fault in run.faults:
                print(f"  {fault}", flush=True)
    odd = strangers([record for run in runs for start in STARTS for record in run[start].records])
    what = "around all phones" if given.mix else "the README's with two more questions"
    print(f"\n{given.calls} calls ({what}) on one core; medians of {given.runs}\n")
    print("| speech | right | a call lasts | wall | calls a minute | CPU a call | of it engines |")
    print("|---|---|---|---|---|---|---|")
    for start in STARTS:
        row = medians(runs, start)
        worst = min(run[start].as_json()["right"] for run in runs)
        print(
            f"| {start} | {worst} of {given.calls} | {row['talkSPerCall']:.1f} s | {row['wallS']:.1f} s"
            f" | {row['callsPerMinute']:.0f} | {row['cpuSPerCall']:.3f} s"
            f" | {row['enginesCpuSPerCall']:.3f} s |"
        )
    print(f"\nnumbers whose calls were not alike in all runs: {', '.join(odd) or 'none'}")
    if not given.no_write:
        write("mix" if given.mix else "plain", given.calls, runs, odd)
    return 1 if odd or any(run[start].faults for run in runs for start in STARTS) else 0


if __name__ == "__main__":
    sys.exit(main())
