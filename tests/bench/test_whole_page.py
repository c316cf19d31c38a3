"""The page's tables of whole servers are those of the run that is stored."""

from __future__ import annotations

import json
from pathlib import Path

from bench.crowd.whole_table import BEGIN, END, table

ROOT = Path(__file__).resolve().parents[2]
PAGE, RESULT = ROOT / "docs/performance.md", ROOT / "bench/results/whole.json"


def test_the_tables_are_those_of_the_stored_run() -> None:
    published = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert published.strip() == table(json.loads(RESULT.read_text()))
