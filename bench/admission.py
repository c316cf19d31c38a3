"""How many calls the engine lets in by itself, and how punctual it is with them.

    script/bench admission [--most 3000] [--seconds 120] [--no-write]

Callers come as fast as they are let in, more than one core can hold. Nobody says how many that is: the engine
measures how late its ticks are and how long they take, and whoever would hurt the others waits. In the last
half minute nobody new comes in; the lateness of those ticks is what the admitted calls had. Beside it a
control spins for half of its core, which is about what the load generator leaves, to tell the engine's
lateness from the machine's. Writes bench/results/admission.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.crowd.contenders import CONTENDER_CORE, LOAD_CORE, ROOT, lateness, on_core, own_lateness
from bench.crowd.ramp import HOLD_S
from bench.crowd.speech import write_all

RESULT = ROOT / "bench/results/admission.json"
CONTROL_SHARE = 0.5


def measure(most: int, seconds: float, folder: Path) -> dict[str, Any]:
    out = folder / "ramp"
    spin = [sys.executable, "-m", "bench.crowd.control", str(CONTROL_SHARE), f"{out}.control"]
    control = subprocess.Popen(on_core(LOAD_CORE, spin, 2), stdin=subprocess.PIPE)
    try:
        command = [sys.executable, "-m", "bench.crowd.ramp", str(most), str(seconds), str(out)]
        ramp = subprocess.run(
            on_core(CONTENDER_CORE, [*command, *write_all(folder)]),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        assert control.stdin
        control.stdin.close()
        control.wait()
    found: dict[str, Any] = json.loads(ramp.stdout)
    ticks, beside = Path(f"{out}.ticks"), Path(f"{out}.control.ticks")
    found["lateness"] = lateness(ticks, HOLD_S)
    found["control"] = lateness(beside, HOLD_S)
    found["own_lateness"] = own_lateness(ticks, beside, HOLD_S)
    return found


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--most", type=int, default=3000, help="callers that would come")
    options.add_argument(
        "--seconds", type=float, default=120, help="in all, the last 30 of them standing still"
    )
    options.add_argument(
        "--no-write", action="store_true", help="print, and leave the published result alone"
    )
    asked = options.parse_args()
    subprocess.run([str(ROOT / "script/setup-crowd")], check=True)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(asked.most, asked.seconds, Path(folder))
    late, own = found["lateness"]["late_ms"], found["own_lateness"]["late_ms"]
    print(f"{found['admitted']} of {asked.most} calls were let in; the others waited")
    print(f"ticks late p50 {late['p50']} ms, p99 {late['p99']} ms; p99 of our own {own['p99']} ms")
    print(f"work of a tick, nine in ten: {found['lateness']['work_ms']['p90']} ms of 20")
    sent = found["load"]["sent"]
    print(f"packets lost by us {found['lost_by_us']} of {sent}")
    if not asked.no_write:
        RESULT.write_text(json.dumps(found, indent=1) + "\n")
        print(f"written: {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
