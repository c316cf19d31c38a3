"""Our traces through Rotel, a collector that nobody here wrote: as it reads them, and as it hands them on."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from tests.peers.process import wait_for
from tests.peers.rotel import AGENT, Rotel
from tests.peers.watched import CALLERS, Watched

pytestmark = pytest.mark.skipif(not AGENT.exists(), reason="no Rotel: run script/setup-rotel")

# One span as Rotel writes it down.
WRITTEN = re.compile(
    r"^Span #\d+\n\s+Trace ID\s+: (\w+)\n\s+Parent ID\s+: (\w*)\n\s+ID\s+: (\w+)\n\s+Name\s+: (.+)\n"
    r"\s+Kind\s+: (\w+)\n",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def rotel(watched: Watched) -> Rotel:
    """With everything handed on: it sends what it gathered a moment after the server has stopped."""
    rotel = watched.rotel
    assert rotel is not None
    wait_for(lambda: len(watched.handed_on.spans) >= len(read_by(rotel)) > 0, "handed on")
    return rotel


def read_by(rotel: Rotel) -> list[tuple[str, ...]]:
    """Of every span trace, parent, id, name, kind."""
    return WRITTEN.findall(rotel.said)


def test_the_collector_takes_every_span(watched: Watched, rotel: Rotel) -> None:
    """What the server counts as sent by the last scrape was taken, and nothing failed."""
    assert re.search(r'byourside_spans_total{result="failed"} 0\.0', watched.page)
    assert re.search(r'byourside_spans_total{result="left_out"} 0\.0', watched.page)
    assert "collector" not in watched.log
    logged = [line for line in rotel.said.splitlines() if re.match(r"\W*\[\w*\d{4}-\d\d-\d\dT", line)]
    assert logged
    assert not [line for line in logged if re.search("WARN|ERROR", line)]


def test_each_call_is_read_as_one_trace_below_its_caller(watched: Watched, rotel: Rotel) -> None:
    found = read_by(rotel)
    assert {trace for trace, *_ in found} == {caller[3:35] for caller in CALLERS.values()}
    for name, caller in CALLERS.items():
        spans = [span for span in found if span[0] == caller[3:35]]
        ids = {span[2] for span in spans}
        assert len(ids) == len(spans), "told once"
        [root] = [span for span in spans if span[3] == "call"]
        assert root[1] == caller[36:52]
        assert {span[1] for span in spans if span is not root} <= ids
        record = watched.records[name]
        [handed_on] = [span for span in watched.handed_on.spans if span.span_id.hex() == root[2]]
        created_at = datetime.fromisoformat(record["createdAt"]).timestamp()
        assert handed_on.start_time_unix_nano / 1e9 == pytest.approx(created_at, abs=0.001)
        assert sum(span[3].startswith("turn ") for span in spans) == len(record["turns"])
    kinds = {name: kind for _, _, _, name, kind in found}
    assert (kinds["call"], kinds["dialing"], kinds["webhook"]) == (
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_CLIENT",
    )
    assert sum(name == "webhook" for _, _, _, name, _ in found) == watched.webhooks


def test_what_it_hands_on_is_what_it_read(watched: Watched, rotel: Rotel) -> None:
    """Decoded and encoded by another library, every id, name and moment is still there."""
    onward = {
        (span.trace_id.hex(), span.parent_span_id.hex(), span.span_id.hex(), span.name)
        for span in watched.handed_on.spans
    }
    assert onward == {span[:4] for span in read_by(rotel)}
    for span in watched.handed_on.spans:
        assert f"Start time: {span.start_time_unix_nano}\n" in rotel.said
        assert f"End time: {span.end_time_unix_nano}\n" in rotel.said
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    [dialing] = [
        span
        for span in watched.handed_on.spans
        if span.name == "dialing" and span.trace_id.hex() == CALLERS["trunk failure"][3:35]
    ]
    assert (dialing.status.code, dialing.status.message) == (2, "placement_failed")
    assert watched.handed_on.resource["service.name"] == "byourside"


def test_nothing_that_was_said_reaches_it(watched: Watched, rotel: Rotel) -> None:
    record = watched.records["agreeable"]
    assert record["id"] in rotel.said
    said = [turn["text"] for turn in record["turns"]]
    for secret in (record["to"], record["callerId"], record["objective"], *said):
        assert secret not in rotel.said
