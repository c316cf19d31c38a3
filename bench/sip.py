"""What does a call's signalling cost, how fast is a call up, and when is a core full: ours beside sippy.

One caller process on one core, sipp as the callee on another; INVITE, 180, 200, ACK, a second, BYE, 200 over
UDP on loopback. CPU time is the caller's whole process, set-up is from dialling to the ACK. The same
callee, rate and description for both stacks. Needs sipp; makes build/sippy with script/setup-sippy.

    script/bench sip
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.machine import alone, end_with_children  # noqa: E402

CALLERS = ROOT / "bench" / "sip_callers"
STACKS = {
    "ours": (sys.executable, "ours.py"),
    "sippy": (str(ROOT / "build" / "sippy" / "bin" / "python"), "sippys.py"),
}
RAMP = (200, 300, 400, 600, 800, 1000, 1300, 1600, 2000)
RAMP_S = 6.0
# A rate is kept up while every call succeeds and 99 of 100 are up, and all dialled, within half of T1.
PROMPT_MS = 250.0
LOAD_CORE, CALLEE_CORE = 0, 1


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def callee() -> Iterator[int]:
    """sipp on a port of its own, on a core of its own."""
    port = free_port()
    command = ["sipp", "-sf", str(CALLERS / "callee.xml"), "-i", "127.0.0.1", "-p", str(port), "-nostdin"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {CALLEE_CORE}),
    )
    try:
        time.sleep(0.7)
        if process.poll() is not None:
            raise SystemExit(f"sipp ended at once with {process.returncode}; try {' '.join(command)}")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def place(stack: str, rate: float, seconds: float) -> dict[str, object]:
    python, script = STACKS[stack]
    with callee() as port:
        options = f"--callee {port} --port {free_port()} --rate {rate} --seconds {seconds} --core {LOAD_CORE}"
        done = subprocess.run(
            [python, str(CALLERS / script), *options.split()],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=seconds + 120,
        )
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f"{stack} failed:\n{done.stdout}{done.stderr}")
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return figures


def keeps_up(run: dict[str, object]) -> bool:
    setup = run["setup_ms"]
    assert isinstance(setup, dict)
    late = run["dialled_late_ms"]
    assert isinstance(late, float)
    return not run["failed"] and setup["p99"] <= PROMPT_MS and late <= PROMPT_MS


def median(runs: list[dict[str, object]], *path: str) -> float:
    def pick(run: object) -> float:
        for key in path:
            assert isinstance(run, dict)
            run = run[key]
        assert isinstance(run, (int, float))
        return run

    return round(statistics.median(pick(run) for run in runs), 3)


def spread(runs: list[dict[str, object]]) -> str:
    costs = [run["cpu_ms_per_call"] for run in runs]
    return f"{min(costs):.2f} to {max(costs):.2f}"  # type: ignore[type-var,str-format]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=100.0, help="calls a second (default 100)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run (default 30)")
    parser.add_argument("--runs", type=int, default=3, help="of each stack, in turns (default 3)")
    parser.add_argument("--only", choices=tuple(STACKS), help="one stack; the results file is left alone")
    parser.add_argument("--no-ramp", action="store_true", help="do not look for the rate that fills a core")
    parser.add_argument("--lock", type=Path, help="hold this file's lock during each run")
    given = parser.parse_args()
    end_with_children()
    if shutil.which("sipp") is None:
        raise SystemExit("sipp is not installed; on Debian: apt-get install sip-tester")
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("this takes two cores: one for the caller, one for the callee")
    stacks = [given.only] if given.only else list(STACKS)
    if "sippy" in stacks:
        subprocess.run([str(ROOT / "script" / "setup-sippy")], check=True, stdout=subprocess.DEVNULL)
    results: dict[str, dict[str, object]] = {stack: {} for stack in stacks}
    steady: dict[str, list[dict[str, object]]] = {stack: [] for stack in stacks}
    for number in range(given.runs):
        for stack in stacks:
            with alone(given.lock):
                run = place(stack, given.rate, given.seconds)
            steady[stack].append(run)
            print(f"{stack:6s} run {number + 1}: {json.dumps(run)}", flush=True)
    for stack in stacks:
        runs = steady[stack]
        results[stack] = {
            "runs": runs,
            "cpu_ms_per_call": median(runs, "cpu_ms_per_call"),
            "setup_ms": {share: median(runs, "setup_ms", share) for share in ("p50", "p95", "p99")},
        }
        ramp: list[dict[str, object]] = []
        for rate in () if given.no_ramp else RAMP:
            with alone(given.lock):
                run = place(stack, rate, RAMP_S)
            ramp.append(run)
            print(f"{stack:6s} at {rate}/s: {json.dumps(run)}", flush=True)
            if not keeps_up(run):
                break
        results[stack]["ramp"] = ramp
        results[stack]["kept_up_per_s"] = max((run["rate"] for run in ramp if keeps_up(run)), default=None)
    print()
    for stack in stacks:
        figures = results[stack]
        print(f"{stack:6s} {figures['cpu_ms_per_call']} ms CPU a call at {given.rate:.0f}/s", end=" ")
        print(f"(runs {spread(steady[stack])}), set-up {figures['setup_ms']} ms", end="")
        print(f", kept up {figures['kept_up_per_s']} calls/s on a core")
    if not given.only and not given.no_ramp:
        machine = {"cores": os.cpu_count(), "load_average": os.getloadavg(), "python": sys.version.split()[0]}
        path = ROOT / "bench" / "results" / "sip.json"
        path.write_text(json.dumps({"machine": machine, **results}, indent=1) + "\n")
        print(f"written to {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
