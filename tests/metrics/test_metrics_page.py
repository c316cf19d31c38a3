"""docs/metrics.md and the rules beside it speak of what is measured, and of nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from byourside_server.measures.book import Measure
from byourside_server.measures.table import MEASURES
from byourside_server.metrics.access import MARKS_OF_A_PROXY, READERS
from byourside_server.spans.post import FLUSH_S, MOST_WAITING
from byourside_server.spans.story import Span, span_of_delivery, spans_of
from byourside_server.store.courier import Sent
from byourside_server.webhooks.sender import Attempt
from tests.metrics.records import BUSY, COMPLETED, NOW
from tests.metrics.test_metrics_application import full_house

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "metrics.md").read_text()
RULES: list[dict[str, Any]] = yaml.safe_load((DOCS / "metrics-alerts.yml").read_text())["groups"][0]["rules"]
WORDS = re.compile(r"byourside_[a-z_]+")
# What a histogram is read by.
ENDINGS = ("_bucket", "_count", "_sum")


def test_the_page_prints_the_codes_own_table() -> None:
    row = r"^\| `(byourside_\w+)` \| (\w+) \| ([^|]*?) ?\| (.+) \|$"
    printed = re.findall(row, PAGE, re.MULTILINE)
    assert printed == [
        (each.name, each.kind, ", ".join(f"`{label}`" for label in each.labels), each.help)
        for each in MEASURES
    ]


def test_whatever_else_is_on_a_scrape_is_named_on_the_page() -> None:
    for family in full_house().scrape().values():
        assert f"`{family.name}" in PAGE, family.name


def test_the_page_names_every_reader_and_every_limit() -> None:
    assert re.findall(r"^\| `(\w+)` \| (?:This|Whoever|Everybody|Nobody)", PAGE, re.MULTILINE) == [
        "local",
        "token",
        "open",
        "off",
    ]
    assert {"local", "token", "open", "off"} == set(READERS)
    assert "x-forwarded-for" in MARKS_OF_A_PROXY
    assert f"({MOST_WAITING:,};" in PAGE
    assert f"within {FLUSH_S:.0f} s" in PAGE


def measure_of(word: str) -> Measure | None:
    names = {each.name: each for each in MEASURES}
    for ending in ENDINGS:
        found = names.get(word.removesuffix(ending))
        if word.endswith(ending) and found is not None and found.kind == "histogram":
            return found
    found = names.get(word)
    return None if found is None or found.kind == "histogram" else found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_rules_ask_for_what_there_is(rule: dict[str, Any]) -> None:
    """Names as they are scraped, labels as they are given, brackets in pairs, and a sentence for people."""
    expression = rule["expr"]
    assert expression.count("(") == expression.count(")")
    assert set(re.findall(r"\b([a-z_]+)=~?\"", expression)) <= {
        "job",
        *(label for word in WORDS.findall(expression) for label in labels_of(word)),
    }
    for word in WORDS.findall(expression):
        measure = measure_of(word)
        assert measure is not None, word
        if measure.kind != "gauge":
            assert re.search(rf"(rate|increase)\({word}", expression), f"{word} only grows"
    if "histogram_quantile" in expression:
        assert re.search(r"sum by \([^)]*\ble\b", expression)
    used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert used <= {label for word in WORDS.findall(expression) for label in labels_of(word)}
    assert rule["labels"]["severity"] in ("page", "warn")
    assert rule["annotations"]["summary"].endswith((".", ")."))


def labels_of(word: str) -> tuple[str, ...]:
    measure = measure_of(word)
    return () if measure is None else measure.labels


def test_queries_on_the_page_and_in_summaries_name_what_there_is() -> None:
    summaries = " ".join(rule["annotations"]["summary"] for rule in RULES)
    for word in WORDS.findall(PAGE + summaries):
        histogram = next((each for each in MEASURES if each.name == word), None)
        assert word == "byourside_server" or measure_of(word) or histogram, word


def test_the_dashboard_draws_what_there_is() -> None:
    """And what only grows by its growth; tests/peers asks a real Prometheus each of its queries."""
    panels = json.loads((DOCS / "metrics-grafana.json").read_text())["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len(set(places)) == len(places)
    for expression in (target["expr"] for panel in panels for target in panel["targets"]):
        assert 'job=~"$job"' in expression
        for word in WORDS.findall(expression):
            measure = measure_of(word)
            assert measure is not None, word
            assert measure.kind == "gauge" or re.search(rf"(rate|increase)\({word}", expression), word


def every_span() -> list[Span]:
    sent = Sent(COMPLETED.id, "evt_1", 1, NOW, Attempt(200, 5), "delivered")
    failed = replace(COMPLETED, state="failed", error="internal_error")
    wrong = replace(COMPLETED, report=replace(COMPLETED.report, outcome="wrong_number"))  # type: ignore[type-var]
    told = [span for call in (COMPLETED, BUSY, failed, wrong) for span in spans_of(call)]
    return [*told, span_of_delivery(sent)]


def test_the_page_lists_every_span_with_its_place_and_attributes() -> None:
    rows = re.findall(r"^\| `([a-z_ ]+)` \| ([^|]+) \| [^|]+ \| ([^|]*)\|$", PAGE.split("## Traces")[1], re.M)
    printed = {name: (under.strip("`"), set(re.findall(r"`([\w.]+)`", said))) for name, under, said in rows}
    spans = every_span()
    names = {(span.key): span.name for span in spans}
    made: dict[str, tuple[str, set[str]]] = {}
    for span in spans:
        under = "the caller's span" if span.parent is None else names[span.parent]
        made.setdefault(span.name, (under, set()))[1].update(span.attributes)
    assert made == printed
