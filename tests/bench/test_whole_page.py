"""The page's tables of whole servers are those of the run that is stored."""

from __future__ import annotations

import json

from bench.whole import BEGIN, END, PAGE, RESULT, table


def test_the_tables_are_those_of_the_stored_run() -> None:
    published = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert published.strip() == table(json.loads(RESULT.read_text()))
