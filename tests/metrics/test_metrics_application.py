"""`/metrics` as Prometheus reads it, and what it costs the rest: nothing but a note."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from byourside_server.clock import ManualClock
from byourside_server.lines.media_figures import MediaFigures
from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_health import TargetHealth
from byourside_server.lines.trunks import Trunks
from byourside_server.measures import table
from byourside_server.measures.book import Book
from byourside_server.measures.route import ROUTE
from byourside_server.media.messages import EngineSums
from byourside_server.metrics.access import Access
from byourside_server.metrics.application import Metered
from byourside_server.metrics.observation import note
from byourside_server.metrics.readings import Readings
from byourside_server.store.backlog import Backlog
from byourside_server.store.database import StoreUnavailable
from tests.metrics.records import BUSY, COMPLETED, SECRET_WORDS

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TICKED = EngineSums(
    late_counts=(90, 5, 2, 1, 1, 0, 0, 0, 0, 0, 1),
    late_sum_s=1.25,
    late_ticks=2,
    over_ticks=1,
    cpu_s=3.5,
    packets_received=700,
    packets_sent=720,
    packets_lost=4,
    packets_late=3,
)


@dataclass
class FakeDesk:
    """A switchboard with a backlog, or with trouble."""

    clock: ManualClock = field(default_factory=ManualClock)
    live_calls: int = 3
    look: Callable[[], Awaitable[Backlog]] | None = None

    async def backlog(self) -> Backlog:
        if self.look is not None:
            return await self.look()
        return Backlog({"queued": 7, "dialing": 1, "in_progress": 2}, self.clock.epoch() - 42.0, 5)


def trunks_of(now: float = 1000.0) -> Trunks:
    """One trunk whose servers are in every state there is, and one that wants registration and has none."""
    made = [Trunk("main", "sip.example", breaks_after=1), Trunk("spare", "b.example", register=True)]
    trunks = Trunks([(trunk, cast(Any, None)) for trunk in made], cast(Any, None), lambda: now)
    main, spare = trunks.doors
    main.live_calls = 2
    closed, opened, silent, half = (TargetHealth(1) for _ in range(4))
    closed.pinged(now, 200, 0.03)
    opened.failed(now, "503")
    half.failed(now - 500.0, "503")
    silent.pinged(now - 90, 200, 0.09)
    silent.pinged(now - 60, None, None)
    silent.pinged(now - 30, None, None)
    main.health = {(f"10.0.0.{n}", 5060): each for n, each in enumerate((closed, opened, silent, half))}
    spare.registration, spare.registration_failed = "403 Forbidden", True
    return trunks


async def figures(patience_s: float) -> MediaFigures:
    return MediaFigures({"running": 2}, 3, TICKED)


@dataclass
class House:
    """The outermost application over a place that answers, one that breaks and one that nobody knows."""

    book: Book = field(default_factory=Book)
    desk: FakeDesk = field(default_factory=FakeDesk)
    access: Access = field(default_factory=Access)
    media: Callable[[float], Awaitable[MediaFigures]] | None = figures

    def app(self) -> Metered:
        readings = Readings(self.book, self.desk, trunks_of(), 200, self.media)
        return Metered(self.inside, readings, self.access)

    @staticmethod
    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/calls/"):
            scope[ROUTE] = "/calls/{call_id}"
            await PlainTextResponse("a call")(scope, receive, send)
        elif scope["path"] == "/broken":
            raise RuntimeError("broken")
        elif scope["path"] != "/left":
            await PlainTextResponse("nothing", 404)(scope, receive, send)

    def ask(self, *asked: tuple[str, str], headers: dict[str, str] | None = None) -> list[httpx.Response]:
        async def story() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self.app(), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
                return [await client.request(method, path, headers=headers) for method, path in asked]

        return asyncio.run(story())

    def scrape(self, accept: str = "") -> dict[str, Metric]:
        [answer] = self.ask(("GET", "/metrics"), headers={"Accept": accept})
        assert answer.status_code == 200, answer.text
        parse = openmetrics if "openmetrics" in answer.headers["content-type"] else plain
        return {family.name: family for family in parse(answer.text)}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    [found] = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return float(found)


def note_everything(book: Book) -> None:
    """Two calls, and one of whatever else is counted or timed."""
    for call in (COMPLETED, BUSY):
        note(book, call)
    for measure in table.MEASURES:
        labels = tuple(f"some-{label}" for label in measure.labels)
        if measure.kind == "histogram" and measure is not table.TICKS:
            book.observe(measure, 0.3, *labels)
        elif measure.kind == "counter":
            book.count(measure, *labels)


def full_house() -> House:
    house = House()
    note_everything(house.book)
    return house


def test_every_measure_of_the_table_is_on_the_page_as_what_it_is() -> None:
    families = full_house().scrape()
    for measure in table.MEASURES:
        family = families[measure.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (measure.kind, measure.help)


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_the_page_passes_the_rules_of_the_linter(accept: str) -> None:
    """Those of `promtool check metrics`, and each family but once, each series but once."""
    house = full_house()
    [answer] = house.ask(("GET", "/metrics"), headers={"Accept": accept})
    is_open = accept == OPENMETRICS
    assert answer.headers["content-type"].startswith("application/openmetrics" if is_open else "text/plain")
    assert answer.text.endswith("# EOF\n") is is_open
    described = re.findall(r"^# TYPE (\S+) ", answer.text, re.MULTILINE)
    assert len(described) == len(set(described))
    assert set(re.findall(r"^# HELP (\S+) .+", answer.text, re.MULTILINE)) == set(described)
    for family in (openmetrics if is_open else plain)(answer.text):
        series = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(series) == len(set(series))
        if family.type == "histogram":
            assert_rises_to_infinity(family)


def assert_rises_to_infinity(family: Metric) -> None:
    of_series: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    counts: dict[tuple[tuple[str, str], ...], float] = {}
    for sample in family.samples:
        labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        if sample.name.endswith("_bucket"):
            of_series.setdefault(labels, []).append((float(sample.labels["le"]), sample.value))
        if sample.name.endswith("_count"):
            counts[labels] = sample.value
    assert of_series
    for labels, buckets in of_series.items():
        assert buckets == sorted(buckets)
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)
        assert buckets[-1] == (float("inf"), counts[labels])


@pytest.mark.parametrize(
    "accept",
    ["application/openmetrics-text; version=xyz", "text/plain; version=1.x, */*", "*/*; q=abc", ";;,,"],
)
def test_a_reader_who_asks_for_what_can_not_be_read_gets_the_plain_page(accept: str) -> None:
    [answer] = full_house().ask(("GET", "/metrics"), headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")


def test_the_page_holds_nothing_of_a_person() -> None:
    [answer] = full_house().ask(("GET", "/metrics"))
    for secret in (*SECRET_WORDS, COMPLETED.id, "10.0.0"):
        assert secret.lower() not in answer.text.lower()


def test_queue_lines_engines_and_trunks_are_read_when_asked() -> None:
    families = House().scrape()
    assert value(families, "byourside_open_calls", state="queued") == 7
    assert value(families, "byourside_queue_oldest_seconds") == 42
    assert value(families, "byourside_webhooks_waiting") == 5
    assert value(families, "byourside_live_calls") == 3
    assert value(families, "byourside_live_calls_limit") == 200
    assert value(families, "byourside_media_engines", state="running") == 2
    assert value(families, "byourside_media_rows") == 3
    assert value(families, "byourside_media_packets_lost_total") == 4
    assert value(families, "byourside_media_tick_lateness_seconds_count") == 100
    assert value(families, "byourside_media_tick_lateness_seconds_bucket", le="0.005") == 98
    assert value(families, "byourside_scrape_part_up", part="store") == 1


def test_a_trunks_breakers_are_told_by_their_state() -> None:
    families = House().scrape()
    states = {
        state: value(families, "byourside_trunk_servers", trunk="main", breaker=state)
        for state in ("closed", "open", "half_open", "silent")
    }
    assert states == {"closed": 1, "open": 1, "half_open": 1, "silent": 1}
    assert value(families, "byourside_trunk_live_calls", trunk="main") == 2
    assert value(families, "byourside_trunk_options_round_trip_seconds", trunk="main") == 0.03
    assert value(families, "byourside_trunk_up", trunk="spare") == 0
    assert value(families, "byourside_trunk_registered", trunk="spare") == 0


def test_a_store_that_refuses_costs_its_own_figures_only() -> None:
    async def refuse() -> Backlog:
        raise StoreUnavailable("down")

    families = House(desk=FakeDesk(look=refuse)).scrape()
    assert value(families, "byourside_scrape_part_up", part="store") == 0
    assert "byourside_open_calls" not in families
    assert value(families, "byourside_media_rows") == 3


def test_a_store_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("byourside_server.metrics.readings.STORE_PATIENCE_S", 0.01)

    async def hang() -> Backlog:
        await asyncio.Event().wait()
        raise AssertionError

    families = House(desk=FakeDesk(look=hang)).scrape()
    assert value(families, "byourside_scrape_part_up", part="store") == 0


def test_an_engine_that_is_silent_shows() -> None:
    async def one_hangs(patience_s: float) -> MediaFigures:
        return MediaFigures({"running": 1, "silent": 1}, 3, TICKED)

    families = House(media=one_hangs).scrape()
    assert value(families, "byourside_media_engines", state="silent") == 1
    assert value(families, "byourside_scrape_part_up", part="media") == 0


def test_process_and_edition_are_told() -> None:
    families = House().scrape()
    assert value(families, "process_start_time_seconds") > 1e9
    [build] = families["byourside_build_info"].samples
    assert build.value == 1
    assert set(build.labels) == {"version", "python"}


def test_two_houses_in_one_process_do_not_count_into_each_other() -> None:
    first, second = House(), House()
    first.book.count(table.STORE_TROUBLE)
    assert value(second.scrape(), "byourside_store_refusals_total") == 0


def test_requests_count_by_template_method_and_status() -> None:
    house = House()
    asked = [("GET", "/calls/a"), ("GET", "/calls/b"), ("BREW", "/calls/c"), ("POST", "/nowhere/1")]
    house.ask(*asked, ("GET", "/broken"))
    left = {"type": "http", "path": "/left", "method": "GET", "headers": []}
    asyncio.run(house.app()(left, cast(Any, None), cast(Any, None)))
    assert house.book.counts(table.REQUESTS) == {
        ("/calls/{call_id}", "GET", "200"): 2,
        ("/calls/{call_id}", "other", "200"): 1,
        ("other", "POST", "404"): 1,
        ("other", "GET", "none"): 2,
    }
    assert sum(house.book.tallies(table.REQUEST_TIME)["/calls/{call_id}", "GET"].counts) == 2


def test_the_page_itself_is_counted_and_only_read() -> None:
    house = House()
    get, head, post = house.ask(("GET", "/metrics"), ("HEAD", "/metrics"), ("POST", "/metrics"))
    assert (get.status_code, head.status_code, post.status_code) == (200, 200, 405)
    assert head.content == b""
    assert int(head.headers["content-length"]) > 1000
    assert post.headers["allow"] == "GET, HEAD"
    assert get.headers["cache-control"] == "no-store"
    assert house.book.counts(table.REQUESTS)["/metrics", "POST", "405"] == 1


def test_off_is_a_path_that_nobody_knows() -> None:
    [answer] = House(access=Access("off")).ask(("GET", "/metrics"))
    assert (answer.status_code, answer.text) == (404, "nothing")


def test_a_stranger_hears_why() -> None:
    [answer] = House().ask(("GET", "/metrics"), headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 403
    assert "token" in answer.text
    [answer] = House(access=Access("token", "t" * 20)).ask(("GET", "/metrics"))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_what_is_no_http_passes_untouched() -> None:
    seen: list[str] = []

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    book = Book()
    app = Metered(inside, cast(Readings, SimpleNamespace(book=book)), Access("local"))
    asyncio.run(app({"type": "lifespan"}, cast(Any, None), cast(Any, None)))
    assert seen == ["lifespan"]
    assert book.counts(table.REQUESTS) == {}
