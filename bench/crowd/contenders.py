"""Starts, feeds and measures one contender at one number of calls: ours over RTP, others over a websocket.

The contender has one core to itself, the load generator (and the control, where asked) the other.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.crowd.speech import answer, write_all
from bench.machine import cpu_s, peak_kib, plain_environment, udp_errors

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "crowd"
CONTENDER_CORE, LOAD_CORE = 1, 0
SETTLE_S = 4.0
READY_TIMEOUT_S = 120
CALM_TICKS = 50
"""The first second, in which everybody arrives, is no steady state."""


@dataclass(frozen=True)
class Delays:
    """How long the stub vendors take, seconds."""

    stt: float = 0.0
    first_token: float = 0.0
    first_audio: float = 0.0

    @property
    def arguments(self) -> list[str]:
        return [str(value) for value in asdict(self).values()]


@dataclass(frozen=True)
class Contender:
    """A rival as a command: interpreter, script and how it finds the end of a turn."""

    name: str
    interpreter: str
    script: str
    turn: str = ""


CONTENDERS = (
    Contender("Pipecat, smart turn", "pipecat", "pipecat_phone.py", "smart"),
    Contender("Pipecat, time-out", "pipecat", "pipecat_phone.py", "timeout"),
    Contender("LiveKit Agents, vad", "livekit", "livekit_phone.py", "vad"),
    Contender("LiveKit Agents, turn detector", "livekit", "livekit_phone.py", "detector"),
    Contender("bare websocket", "livekit", "stream_floor.py"),
)


def on_core(core: int, command: Sequence[str], priority: int = 0) -> list[str]:
    """The command pinned to a core; with real-time priority where it is given and granted."""
    pinned = ["taskset", "-c", str(core), *command]
    return may_come_first(pinned, priority) if priority else pinned


def may_come_first(command: Sequence[str], priority: int = 1) -> list[str]:
    """The command with real-time priority, where that is granted."""
    asked = subprocess.run(["chrt", "-r", "1", "true"], capture_output=True, check=False)
    return ["chrt", "-r", str(priority), *command] if asked.returncode == 0 else list(command)


def percentiles(samples: np.ndarray, marks: tuple[float, ...] = (50, 95, 99)) -> dict[str, float] | None:
    """Named percentiles, or None where there is nothing to rank."""
    if not len(samples):
        return None
    return {f"p{mark:g}": round(float(np.percentile(samples, mark)), 4) for mark in marks}


def heard(out: Path) -> dict[str, object]:
    """Turns and interruptions as the load generator timed them, seconds."""
    kinds = {"turn_s": "turns", "barge_in_s": "barges"}
    return {name: percentiles(np.fromfile(f"{out}.{ending}", np.float32)) for name, ending in kinds.items()}


def ours(
    calls: int,
    seconds: float,
    barge: float,
    folder: Path,
    *,
    share: float | None = None,
    module: str = "engine",
    cores: Sequence[int] = (CONTENDER_CORE,),
) -> dict[str, object]:
    """Hold the crowd with our engine; with `share`, a control spins beside it for that share of its core.

    One engine for each of `cores`; port and stubs on the contender's.
    """
    out = folder / f"{module}{calls}"
    errors = udp_errors()
    control = None
    if share is not None:
        command = [sys.executable, "-m", "bench.crowd.control", f"{share:.3f}", f"{out}.control"]
        control = subprocess.Popen(
            on_core(LOAD_CORE, command, 2), stdin=subprocess.PIPE, env=plain_environment()
        )
    load = subprocess.Popen(
        on_core(
            LOAD_CORE,
            [
                str(BUILD / "rtp_load"),
                str(calls),
                str(seconds),
                str(barge),
                "1",
                str(out),
                *write_all(folder),
            ],
            1,
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert load.stdin is not None
    assert load.stdout is not None
    ports = [int(port) for port in load.stdout.readline().split()]
    command = [sys.executable, "-m", f"bench.crowd.{module}", str(calls), str(out)]
    command.append(",".join(map(str, cores)))
    engine = subprocess.Popen(
        on_core(CONTENDER_CORE, command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=plain_environment(),
    )
    assert engine.stdin is not None
    assert engine.stdout is not None
    engine.stdin.write(json.dumps(ports) + "\n")
    engine.stdin.flush()
    answered = json.loads(engine.stdout.readline())
    load.stdin.write(" ".join(map(str, answered)) + "\n")
    load.stdin.flush()
    counts = json.loads(load.stdout.readline())
    load.wait()
    engine.stdin.close()
    figures = json.loads(engine.stdout.readline())
    engine.wait()
    found: dict[str, object] = {"calls": calls, "engines": len(cores), "load": counts, "own": figures}
    found |= heard(out)
    found["udp_errors"] = {name: count - errors[name] for name, count in udp_errors().items()}
    if "packets" in figures:
        packets = figures["packets"]
        came = packets["received"] + packets["late"] + packets["duplicate"]
        # Sent by the callers and never seen by the engine; those sent before it listened are among them.
        found["unaccounted"] = counts["sent"] - came
    cpu = figures["engine_cpu_s"] + figures.get("port_cpu_s", 0.0)
    found["cpu_s_per_call_s"] = round(cpu / calls / figures["seconds"], 7)
    if control is not None:
        assert control.stdin
        control.stdin.close()
        control.wait()
    for name, file in (("lateness", f"{out}.ticks"), ("control", f"{out}.control.ticks")):
        if Path(file).exists():
            found[name] = lateness(Path(file), seconds)
    if control is not None:
        found["control_share"] = share
        found["own_lateness"] = own_lateness(Path(f"{out}.ticks"), Path(f"{out}.control.ticks"), seconds)
    return found


def ticks_of(path: Path, seconds: float) -> np.ndarray:
    """The steady ticks of a file: due, lateness, work; seconds."""
    ticks = np.fromfile(path).reshape(-1, 3)
    steady = int((seconds - 1) * 50)
    return (
        ticks[-steady - CALM_TICKS : -CALM_TICKS] if len(ticks) > steady + CALM_TICKS else ticks[CALM_TICKS:]
    )


LATE_MARKS = (50.0, 90.0, 99.0, 99.9, 100.0)
LATE_BOUNDS_MS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Ticks are counted between these, one count more than there are bounds."""


def lateness(path: Path, seconds: float) -> dict[str, object]:
    """Percentiles of a tick file, milliseconds."""
    ticks = ticks_of(path, seconds)
    return {
        "ticks": len(ticks),
        "late_ms": percentiles(ticks[:, 1] * 1000, LATE_MARKS),
        "work_ms": percentiles(ticks[:, 2] * 1000, LATE_MARKS),
        "counts": np.histogram(ticks[:, 1] * 1000, [-1.0, *LATE_BOUNDS_MS, np.inf])[0].tolist(),
    }


STALL_S = 0.002
AROUND_S = 0.25


def own_lateness(engine: Path, control: Path, seconds: float) -> dict[str, object]:
    """The engine's lateness outside the moments in which the control was held up, too.

    A stall of the machine is where the control woke, or worked, more than 2 ms longer than its custom; the
    engine's ticks until a quarter of a second after it are left out, in which it catches up.
    """
    theirs, ours_ticks = ticks_of(control, seconds), ticks_of(engine, seconds)
    held_up = theirs[:, 1] + np.maximum(0, theirs[:, 2] - np.median(theirs[:, 2]))
    stalls = theirs[held_up > STALL_S, 0]
    touched = np.zeros(len(ours_ticks), bool)
    for moment in stalls:
        touched |= (ours_ticks[:, 0] > moment - AROUND_S / 5) & (ours_ticks[:, 0] < moment + AROUND_S)
    rest = ours_ticks[~touched, 1] * 1000
    return {"stalls": len(stalls), "ticks": len(rest), "late_ms": percentiles(rest, LATE_MARKS)}


def rival(
    contender: Contender, calls: int, seconds: float, barge: float, folder: Path, delays: Delays
) -> dict[str, object]:
    """Hold calls with a rival and measure it as we measure ourselves."""
    sound = folder / "answer.ul"
    sound.write_bytes(answer())
    port = free_port()
    out = folder / "rival"
    arguments = [str(port)]
    if contender.turn:
        arguments += [str(sound), contender.turn, *delays.arguments]
    command = [
        str(BUILD / contender.interpreter / "bin/python"),
        str(ROOT / "bench/crowd" / contender.script),
    ]
    with (folder / "rival.log").open("ab") as log:
        server = subprocess.Popen(
            on_core(CONTENDER_CORE, [*command, *arguments]),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=plain_environment(),
        )
    try:
        wait_until_ready(server)
        load_command = [sys.executable, "-m", "bench.crowd.stream_load", f"ws://127.0.0.1:{port}/"]
        load_command += [str(calls), str(seconds + SETTLE_S), str(barge), "1", str(out), *write_all(folder)]
        load = subprocess.Popen(on_core(LOAD_CORE, load_command, 1), stdout=subprocess.PIPE, text=True)
        time.sleep(1 + SETTLE_S)
        started, used = time.monotonic(), cpu_s(server.pid)
        time.sleep(max(1.0, seconds - 2))
        spent, lasted = cpu_s(server.pid) - used, time.monotonic() - started
        memory = peak_kib(server.pid)
        assert load.stdout
        counts = json.loads(load.stdout.readline())
        load.wait()
    finally:
        server.terminate()
        server.wait()
    return {
        "calls": calls,
        "load": counts,
        "cpu_s_per_call_s": round(spent / lasted / calls, 7),
        "cpu_cores": round(spent / lasted, 4),
        "memory_kib": memory,
        **heard(out),
    }


def wait_until_ready(server: subprocess.Popen[str]) -> None:
    """Until it says so; raises RuntimeError where it ends instead."""
    assert server.stdout
    until = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < until:
        line = server.stdout.readline()
        if line.strip() == "ready":
            return
        if not line:
            raise RuntimeError("the contender ended before it was ready: see rival.log")
    raise RuntimeError("the contender was not ready in time")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
