"""Draws a density result: CPU, turns, lateness and missing packets against calls.

Arguments: RESULT.json PICTURE.png
"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FLOOR = "bare websocket"


def main(result_file, picture):
    with open(result_file) as file:
        result = json.load(file)
    ours, rivals, floor = result["ours"], result["rivals"], result["floor"]
    figure, (cpu, turn, late, lost) = plt.subplots(1, 4, figsize=(20, 4.6))
    calls = [row["calls"] for row in ours]
    cpu.plot(
        calls, [1000 * row["cpu_s_per_call_s"] for row in ours], "o-", label="By Your Side, all parts on"
    )
    for name, rows in rivals.items():
        cpu.plot(
            [row["calls"] for row in rows],
            [1000 * row["cpu_s_per_call_s"] for row in rows],
            "s--",
            label=name,
        )
    cpu.plot(
        [row["calls"] for row in floor],
        [1000 * row["cpu_s_per_call_s"] for row in floor],
        "^:",
        label="sockets alone",
    )
    cpu.set(
        xscale="log",
        yscale="log",
        xlabel="live calls",
        ylabel="ms CPU per call-second",
        title="CPU of one call",
    )
    cpu.grid(True, which="both", alpha=0.3)
    cpu.legend(fontsize=7)
    contenders = [("By Your Side", ours, "o-"), *((name, rows, "s--") for name, rows in rivals.items())]
    for name, rows, style in contenders:
        # The bare websocket says back what it hears: it answers nobody.
        heard = [row for row in rows if row.get("turn_s") and name != FLOOR]
        if heard:
            xs = [row["calls"] for row in heard]
            turn.plot(xs, [row["turn_s"]["p95"] for row in heard], style, label=name)
    turn.set(xscale="log", yscale="log", xlabel="live calls", ylabel="s", title="Last word to answer, p95")
    turn.grid(True, which="both", alpha=0.3)
    turn.legend(fontsize=7)
    for mark, style in (("p50", "-"), ("p99", "-"), ("p99.9", "-")):
        late.plot(
            calls, [row["lateness"]["late_ms"][mark] for row in ours], "o" + style, label=f"engine {mark}"
        )
    with_control = [row for row in ours if "control" in row]
    xs = [row["calls"] for row in with_control]
    late.plot(
        xs,
        [row["control"]["late_ms"]["p99"] for row in with_control],
        "x:",
        color="grey",
        label="control p99",
    )
    late.plot(
        xs,
        [row["own_lateness"]["late_ms"]["p99"] for row in with_control],
        "k--",
        label="engine p99, stalls left out",
    )
    late.axhline(5, color="red", linewidth=0.7)
    late.set(xlabel="live calls", ylabel="ms", yscale="symlog", title="How late a tick of 20 ms begins")
    late.grid(True, alpha=0.3)
    late.legend(fontsize=7)
    shares = [100 * row["own"]["packets"]["lost"] / max(1, row["load"]["sent"]) for row in ours]
    missing = [100 * row["load"]["missing_in_sequence"] / max(1, row["load"]["received"]) for row in ours]
    lost.plot(calls, shares, "o-", label="callers' packets lost by us")
    lost.plot(calls, missing, "s--", label="our packets missing at the callers")
    lost.set(xlabel="live calls", ylabel="% of packets", title="Lost packets")
    lost.grid(True, alpha=0.3)
    lost.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:3])
