"""A real Prometheus scrapes a server through five calls, and its answers are what stands on the records."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from byourside_server.measures import table
from byourside_server.measures.book import Measure
from tests.peers.prometheus import Answer, Prometheus
from tests.peers.promtool import ROOT, found
from tests.peers.watched import Watched

pytestmark = pytest.mark.skipif(
    found("prometheus") is None, reason="no Prometheus: run script/setup-prometheus"
)

PAGE = (ROOT / "docs" / "metrics.md").read_text()
[BLOCK] = re.findall(r"```promql\n(.*?)```", PAGE, re.DOTALL)
# What is asked → the query, as the page has it.
QUERIES: dict[str, str] = dict(re.findall(r"^# (.+)\n(.+)$", BLOCK, re.MULTILINE))
# Of the dashboard: title of the panel and legend → the query.
DRAWN: dict[tuple[str, str], str] = {
    (panel["title"], target["legendFormat"]): target["expr"]
    for panel in json.loads((ROOT / "docs" / "metrics-grafana.json").read_text())["panels"]
    for target in panel["targets"]
}
STAGES = {
    "endpoint": "endpointMs",
    "stt": "sttMs",
    "first_token": "firstTokenMs",
    "first_audio": "firstAudioMs",
    "first_packet": "firstPacketMs",
}


@pytest.fixture(scope="module")
def prometheus(watched: Watched) -> Prometheus:
    assert watched.prometheus is not None
    return watched.prometheus


def ours(query: str) -> str:
    """The same query of the server that had the calls, and not of the page beside it."""
    return re.sub(
        r"byourside_\w+(\{)?", lambda m: m[0] + ('job="byourside",' if m[1] else '{job="byourside"}'), query
    )


def interpolated(q: float, values: Sequence[float], measure: Measure) -> float:
    """`histogram_quantile` as Prometheus documents it: linear within the bucket that holds the rank."""
    below, lower, rank = 0, 0.0, q * len(values)
    for upper in measure.buckets:
        until = sum(value <= upper for value in values)
        if until >= rank:
            return lower + (upper - lower) * (rank - below) / (until - below)
        below, lower = until, upper
    return lower


def heard(watched: Watched, what: str) -> Iterable[dict[str, Any]]:
    """Every turn, or every silence, of the calls that were answered."""
    for record in watched.records.values():
        if record["latency"] is not None:
            yield from record["latency"][what]


def seconds(watched: Watched, name: str) -> list[float]:
    return [took / 1000 for turn in heard(watched, "turns") if (took := turn[name]) is not None]


def statuses(watched: Watched) -> Answer:
    ended = Counter(
        (record["status"], record["error"] or "none") for record in watched.records.values()
    )
    return {key: float(number) for key, number in ended.items()}


def dialled(watched: Watched) -> Answer:
    said = Counter(record["sip"]["status"] for record in watched.records.values())
    assert set(said) == {200, 486, 503}
    names = {200: "2xx", 486: "486", 503: "5xx"}
    return {("sandbox", names[status]): float(number) for status, number in said.items()}


def talked(watched: Watched) -> Answer:
    times = [each["durationSec"] for each in watched.records.values() if each["durationSec"] is not None]
    assert times
    return {(): sum(times) / len(times)}


def by_stage(watched: Watched) -> Answer:
    found = {stage: seconds(watched, name) for stage, name in STAGES.items()}
    return {
        (stage,): interpolated(0.95, took, table.STAGES) if took else math.nan
        for stage, took in found.items()
    }


def sound(watched: Watched) -> Answer:
    media = [record["media"] for record in watched.records.values() if record["media"] is not None]
    here = [each["mos"] for each in media]
    there = [each["farEnd"]["mos"] for each in media if each.get("farEnd")]
    return {
        (side,): interpolated(0.1, mos, table.CALL_MOS) if mos else math.nan
        for side, mos in (("here", here), ("far_end", there))
    }


def silent(watched: Watched) -> Answer:
    causes = Counter(silence["cause"] for silence in heard(watched, "silences"))
    return {(cause,): float(causes[cause]) for cause in ("recognition", "mind", "voice")}


# What is asked → by which labels, and what the records say.
EXPECTED: dict[str, tuple[tuple[str, ...], Callable[[Watched], Answer]]] = {
    "calls of the last hour, by how they ended": (("state", "error"), statuses),
    "share of calls that failed": ((), lambda watched: {(): 1 / len(watched.records)}),
    "what trunks said to INVITE": (("trunk", "sip_status"), dialled),
    "mean time on the phone, seconds": ((), talked),
    "response time at the 95th percentile, seconds": (
        (),
        lambda watched: {(): interpolated(0.95, seconds(watched, "totalMs"), table.RESPONSE)},
    ),
    "the same by stage": (("stage",), by_stage),
    "the worst tenth of calls by sound (MOS)": (("side",), sound),
    "silences of more than 2 s, by cause": (("cause",), silent),
    "share of webhook attempts that arrived": ((), lambda watched: {(): 1.0}),
    "share of the places that are taken": ((), lambda watched: {(): 0.0}),
    "how long the call that waits longest has waited, seconds": ((), lambda watched: {(): 0.0}),
}


def test_every_query_of_the_page_is_compared_with_something() -> None:
    assert list(EXPECTED) == list(QUERIES)
    assert len(BLOCK.strip().splitlines()) == 2 * len(QUERIES)


@pytest.mark.parametrize("asked", EXPECTED)
def test_prometheus_answers_what_the_records_say(
    watched: Watched, prometheus: Prometheus, asked: str
) -> None:
    labels, of_records = EXPECTED[asked]
    found = prometheus.by(ours(QUERIES[asked]), *labels, at=watched.seen_at)
    # A score is rounded on the record, and may lie in another bucket by that.
    close = 0.05 if "MOS" in asked else 1e-3
    assert found == pytest.approx(of_records(watched), rel=close, nan_ok=True)
    assert not all(math.isnan(value) for value in found.values())


def drawn(query: str, jobs: str) -> str:
    """A query of the dashboard as Grafana sends it, for these jobs."""
    return query.replace("$__rate_interval", "1h").replace("$job", jobs)


@pytest.mark.parametrize("where", DRAWN, ids=lambda where: f"{where[0]}: {where[1]}")
def test_every_line_of_the_dashboard_is_drawn(
    watched: Watched, prometheus: Prometheus, where: tuple[str, str]
) -> None:
    """Something came, in numbers, with every label that the legend shows."""
    found = prometheus.vector(drawn(DRAWN[where], "byourside|elsewhere"), watched.seen_at)
    assert [value for _, value in found if math.isfinite(value)]
    shown = set(re.findall(r"{{(\w+)}}", where[1]))
    assert all(shown <= set(labels) for labels, _ in found)


# Panels that ask what the page asks → under which of its headings.
ALIKE = {
    ("Time to answer the contact", "95 % within"): "response time at the 95th percentile, seconds",
    ("Stages of an answer, 95 % within", "{{stage}}"): "the same by stage",
    ("Sound, the worst tenth of calls (MOS)", "{{side}}"): "the worst tenth of calls by sound (MOS)",
}


@pytest.mark.parametrize("where", ALIKE, ids=lambda where: where[0])
def test_the_dashboard_draws_what_the_records_say(
    watched: Watched, prometheus: Prometheus, where: tuple[str, str]
) -> None:
    labels, of_records = EXPECTED[ALIKE[where]]
    found = prometheus.by(drawn(DRAWN[where], "byourside"), *labels, at=watched.seen_at)
    assert found == pytest.approx(of_records(watched), rel=0.05, nan_ok=True)


def test_the_dashboard_counts_the_calls_and_the_dialling(watched: Watched, prometheus: Prometheus) -> None:
    ended = drawn(DRAWN["Calls that ended", "{{state}}"], "byourside")
    failed = drawn(DRAWN["Calls that failed", "{{error}}"], "byourside")
    said = drawn(DRAWN["What trunks said to INVITE", "{{trunk}} {{sip_status}}"], "byourside")
    assert prometheus.by(f"{ended} > 0", "state", at=watched.seen_at) == {
        ("completed",): 1,
        ("declined",): 1,
        ("failed",): 1,
    }
    assert prometheus.by(failed, "error", at=watched.seen_at) == {("placement_failed",): 1}
    assert prometheus.by(said, "trunk", "sip_status", at=watched.seen_at) == dialled(watched)


def test_every_measure_arrives_as_what_it_is(watched: Watched, prometheus: Prometheus) -> None:
    """Names, kinds and help texts of the table, as Prometheus keeps them: by OpenMetrics, with a token."""
    kept = prometheus.asked("metadata")
    for measure in table.MEASURES:
        # OpenMetrics has a counter's name without its ending.
        [told] = kept[measure.name.removesuffix("_total")]
        assert (told["type"], told["help"]) == (measure.kind, measure.help)
    series = prometheus.asked("label/__name__/values")
    for measure in table.MEASURES:
        names = [f"{measure.name}_{part}" for part in ("bucket", "sum", "count")]
        assert set(names if measure.kind == "histogram" else [measure.name]) <= set(series)


def test_a_scrape_is_small_and_whole(watched: Watched, prometheus: Prometheus) -> None:
    for job in ("byourside", "elsewhere"):
        query = f'scrape_samples_scraped{{job="{job}"}} == scrape_samples_post_metric_relabeling'
        [(_, read)] = prometheus.vector(query, watched.seen_at)
        assert 500 < read < 2000


def test_our_rules_are_healthy_and_quiet_while_all_is_well(watched: Watched, prometheus: Prometheus) -> None:
    [group] = prometheus.asked("rules")["groups"]
    assert {rule["health"] for rule in group["rules"]} == {"ok"}
    assert prometheus.vector('ALERTS{job="byourside",alertstate="firing"}', watched.seen_at) == []


def test_a_rule_rings_in_the_real_one(watched: Watched, prometheus: Prometheus) -> None:
    """The page beside it had a call lost and a refusal of the database between two scrapes."""
    ringing = prometheus.by('ALERTS{job="elsewhere",alertstate="firing"}', "alertname", at=watched.seen_at)
    assert {("StoreRefuses",)} <= set(ringing)
