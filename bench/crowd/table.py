"""A density result as the tables of docs/performance.md, put between their markers.

Knows the JSON that bench/density.py writes; measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures of script/bench density -->", "<!-- end of the figures of density -->"
PICTURE = "![CPU, lateness and lost packets against calls](density.png)"
AT = 1000
"""The number of our calls that rivals are compared with."""
LEAST_FOR_MEMORY = 100
MARKS = ("p50", "p90", "p99", "p99.9", "p100")

Row = dict[str, Any]


def ms(row: Row) -> float:
    """CPU of a call-second in milliseconds."""
    return 1000 * float(row["cpu_s_per_call_s"])


def ms_engine(row: Row) -> float:
    """CPU of a call-second in milliseconds, of the engine without its port."""
    own = row["own"]
    return 1000 * float(own["engine_cpu_s"]) / float(own["seconds"]) / int(row["calls"])


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def seconds(found: Row | None, mark: str) -> str:
    return f"{found[mark]:.2f}" if found else "none"


def our_row(row: Row) -> list[object]:
    own, load = row["own"], row["load"]
    per_call_s = 1000 / (row["calls"] * own["seconds"])
    return [
        f"{row['calls']:,}" + (f" on {row['engines']} engines" if row.get("engines", 1) > 1 else ""),
        f"**{ms(row):.3f}**",
        f"{own['engine_cpu_s'] * per_call_s:.3f} + {own['port_cpu_s'] * per_call_s:.3f}",
        memory(row),
        f"{load['sent']:,}",
        f"{row['unaccounted']}, {own['packets']['lost']}, {own['dropped_by_kernel']}",
        f"{own['packets']['late']:,}, {own['packets']['skipped']:,}",
        load["missing_in_sequence"],
        f"{seconds(row.get('turn_s'), 'p50')} / {seconds(row.get('turn_s'), 'p95')}",
        f"{seconds(row.get('barge_in_s'), 'p50')} / {seconds(row.get('barge_in_s'), 'p95')}",
        f"{own['calls_fed']:,} fed, {own['calls_answered']:,} answered, {own['fed_lag_s']['p50']:.2f}",
    ]


def memory(row: Row) -> str:
    """With few calls the noise of both processes is larger than what the calls take."""
    own = row["own"]
    if row["calls"] < LEAST_FOR_MEMORY:
        return ""
    return f"{own['engine_kib_per_call']:.0f} + {own['port_kib_per_call']:.0f}"


OUR_HEAD = (
    "live calls",
    "ms CPU a call-second",
    "engine + port",
    "KiB a call, engine + port",
    "packets from the callers",
    "of them never seen, counted lost, dropped by the kernel",
    "too late, left out to catch up",
    "ours missing at the callers",
    "turn p50 / p95 s",
    "barge-in p50 / p95 s",
    "calls whose stubs were; p50 s from a piece's last sample to the stub",
)


def lateness_rows(rows: Sequence[Row]) -> Iterable[list[object]]:
    for row in rows:
        if "control" not in row:
            continue
        late, control = row["lateness"]["late_ms"], row["control"]["late_ms"]
        own = row["own_lateness"]
        calls = f"{row['calls']:,}"
        yield [calls, "engine", *(f"{late[mark]:.2f}" for mark in MARKS), row["lateness"]["ticks"]]
        busy = f"{100 * row['control_share']:.0f} % busy (engine: {ms_engine(row) * row['calls'] / 10:.0f} %)"
        share = f"control, {busy}"
        yield [calls, share, *(f"{control[mark]:.2f}" for mark in MARKS), row["control"]["ticks"]]
        yield [calls, "difference", *(f"{late[mark] - control[mark]:+.2f}" for mark in MARKS), ""]
        outside = own["late_ms"] or dict.fromkeys(MARKS, float("nan"))
        name = f"engine outside {own['stalls']} stalls"
        yield [calls, name, *(f"{outside[mark]:.2f}" for mark in MARKS), own["ticks"]]


def stage_rows(rows: Sequence[Row]) -> Iterable[list[object]]:
    """µs CPU of the engine a row and tick, by stage."""
    for row in rows:
        own = row["own"]
        row_ticks = row["calls"] * own["ticks"]
        yield [f"{row['calls']:,}", *(f"{1e6 * used / row_ticks:.2f}" for used in own["stages"].values())]


def ratio_rows(result: Row) -> Iterable[list[object]]:
    ours = next((row for row in result["ours"] if row["calls"] == AT), None)
    for name, rows in result["rivals"].items():
        for row in rows:
            times = f"{ms(row) / ms(ours):.0f}×" if ours else ""
            turn, barge = row.get("turn_s"), row.get("barge_in_s")
            yield [
                name,
                row["calls"],
                f"{ms(row):.1f}",
                f"{ms(row) * row['calls'] / 10:.0f} %",
                f"**{times}**" if times else "",
                f"{seconds(turn, 'p50')} / {seconds(turn, 'p95')}",
                f"{seconds(barge, 'p50')} / {seconds(barge, 'p95')}",
            ]
    for row in result["floor"]:
        times = f"{ms(row) / ms(ours):.2f}×" if ours else ""
        share = f"{ms(row) * row['calls'] / 10:.0f} %"
        yield ["sockets alone, in Python", f"{row['calls']:,}", f"{ms(row):.3f}", share, times, "", ""]


def tables(result: Row) -> str:
    """All tables of a result."""
    machine = result["machine"]
    lines = [
        f"{machine['cores']} cores ({machine['processor']}), Linux {machine['kernel']}, Python "
        f"{machine['python']}, {machine['at']}, load before {machine['load_before'][0]}.",
        "",
        *markdown(OUR_HEAD, [our_row(row) for row in [*result["ours"], *result.get("spread", [])]]),
        "The engine's stages, µs CPU a row and tick (`send` includes the kernel's share of receiving):",
        "",
        *markdown(
            ("live calls", *(result["ours"][0]["own"]["stages"] if result["ours"] else ())),
            stage_rows(result["ours"]),
        ),
        *markdown(
            ("calls", "ms late", *MARKS[:-1], "most", "ticks"),
            lateness_rows([row for row in result["ours"] if row["calls"] >= AT]),
        ),
        *markdown(
            (
                "beside us in the same run",
                "calls",
                "ms CPU a call-second",
                "of its core",
                f"times ours at {AT:,}",
                "turn p50 / p95 s",
                "barge-in p50 / p95 s",
            ),
            ratio_rows(result),
        ),
    ]
    return "\n".join(lines).strip()


def section(result: Row) -> str:
    """All that stands between the markers."""
    return f"{tables(result)}\n\n{PICTURE}"


def publish(result: Row, page: Path) -> None:
    """Put the tables between the markers of `page`."""
    put_between(page, BEGIN, END, f"{tables(result)}\n\n{PICTURE}")


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    """Put a text between two markers of a page, in place of what was there."""
    before, _, rest = page.read_text().partition(begin)
    _, found, after = rest.partition(end)
    assert found, f"{page} has no markers {begin} and {end}"
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
