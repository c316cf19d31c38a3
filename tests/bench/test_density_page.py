"""The page's tables of density are those of the published result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.crowd.table import BEGIN, END, our_row, section

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULT = ROOT / "docs/performance.md", ROOT / "bench/results/density.json"


def published() -> dict[str, Any]:
    result: dict[str, Any] = json.loads(RESULT.read_text())
    return result


def test_the_performance_page_prints_the_measured_density() -> None:
    text = PAGE.read_text()
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == section(published()).strip()


def test_packets_that_were_left_out_or_came_too_late_are_told() -> None:
    row = published()["ours"][0]
    row["own"]["packets"] |= {"late": 12, "skipped": 3456}
    assert "12, 3,456" in our_row(row)
