"""The figures of bench/results/whole.json as the tables of docs/performance.md."""

from __future__ import annotations

from typing import Any

BEGIN, END = "<!-- figures of script/bench whole -->", "<!-- end of the figures of whole -->"
RIVAL_CALLS = 10


def table(result: dict[str, Any]) -> str:
    ran = result["machine"]
    lines = [
        f"{ran['cores']} cores ({ran['processor']}), Python {ran['python']}, {ran['at']}, load before "
        f"{ran['load_before'][0]}.",
        "",
        "| live calls | ms CPU a call-second | engine + server | KiB a call, engine + server "
        "| engine's ticks late p50 / p99 ms | turn p50 / p95 s | barge-in p50 / p95 s "
        "| missing at the callers | fewest / median agent's turns on a record |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        cpu, kib, late = row["ms_per_call_s"], row["kib_per_call"], row["lateness"]["late_ms"]
        turn, barge, records = row["turn_s"], row["barge_in_s"], row["records"]
        lines.append(
            f"| {row['live']:,} | **{sum(cpu.values()):.2f}** | {cpu['engine']:.2f} + {cpu['server']:.2f} "
            f"| {kib['engine']:.0f} + {kib['server']:.0f} | {late['p50']:.2f} / {late['p99']:.2f} "
            f"| {turn['p50']:.2f} / {turn['p95']:.2f} | {barge['p50']:.2f} / {barge['p95']:.2f} "
            f"| {row['load']['missing_in_sequence']:,} of {row['load']['received']:,} "
            f"| {records['agent_turns_fewest']} / {records['agent_turns_median']} |"
        )
    lines += [
        "",
        f"| {RIVAL_CALLS} calls beside us in the same run | ms CPU a call-second "
        f"| {' | '.join('times ours at ' + format(row['live'], ',') for row in result['rows'])} |",
        f"|---|---|{'---|' * len(result['rows'])}",
    ]
    for name, ms in result["rivals"].items():
        times = (f"{ms / sum(row['ms_per_call_s'].values()):.1f}×" for row in result["rows"])
        lines.append(f"| {name} | {ms:.1f} | {' | '.join(times)} |")
    return "\n".join(lines)
