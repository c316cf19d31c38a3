"""Whole calls at virtual time, as Prometheus and an OpenTelemetry collector see them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.spans.collector import Collector, collector
from tests.walks.conftest import README_CALL
from tests.walks.house import House, free_port, mailbox, wait_for_end

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
# Looked at without a key or a password, or not there at all.
STRAY = ("/sign-in", "/calls/abc/recording", "/assets/1/x.css", "/docs", "/mcp", "/nowhere/at/all", "/v1/no")
FLAGS = ("--allow-local-webhooks", "--virtual-time")


@dataclass(frozen=True)
class Watched:
    """A server, two finished calls of it, one scrape afterwards, and what the collector got."""

    house: House
    answered: dict[str, Any]
    busy: dict[str, Any]
    page: str
    told: Collector
    refused: list[bytes]

    def value(self, name: str, **labels: str) -> float:
        [found] = [
            sample.value
            for family in text_string_to_metric_families(self.page)
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        ]
        return float(found)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with collector() as told, mailbox() as mail:
        environment = {"BYOURSIDE_OTEL_ENDPOINT": told.url}
        house = House(tmp_path_factory.mktemp("watched") / "data", FLAGS, environment)
        house.start()
        try:
            with house.client(house.make_key()) as client:
                body = {**README_CALL, "webhookUrl": mail.url}
                placed = client.post("/v1/agent/calls", json=body, headers={"traceparent": CALLER})
                answered = wait_for_end(client, placed.json()["callId"])
                mail.wait_for_terminal(answered["id"])
                placed = client.post("/v1/agent/calls", json={**README_CALL, "to": "+14155550141"})
                busy = wait_for_end(client, placed.json()["callId"])
                for path in STRAY:
                    httpx.get(f"{house.base_url}{path}")
                refused = refusals(house)
                page = httpx.get(f"{house.base_url}/metrics", timeout=20)
            assert page.status_code == 200, page.text
            watched = Watched(house, answered, busy, page.text, told, refused)
        finally:
            stopped_in_s = -time.monotonic()
            assert house.stop() == 0, house.log()
            stopped_in_s += time.monotonic()
        assert stopped_in_s < 20
        yield watched


def refusals(house: House) -> list[bytes]:
    """First lines of what a reader gets who does not come straight from this machine."""
    found = []
    for asked in (
        b"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: phone.example.com\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", house.port), timeout=20) as wire:
            wire.sendall(asked)
            found.append(wire.recv(1000).split(b"\r\n")[0])
    return found


def test_the_page_agrees_with_the_records(watched: Watched) -> None:
    record = watched.answered
    assert watched.value("byourside_calls_total", state="completed", error="none") == 1
    assert watched.value("byourside_calls_total", state="declined", error="none") == 1
    talked_s = watched.value("byourside_call_duration_seconds_sum")
    assert talked_s == pytest.approx(record["durationSec"], abs=0.01)
    turns = record["latency"]["turns"]
    assert len(turns) >= 2
    assert watched.value("byourside_turn_response_seconds_count") == len(turns)
    for stage, field in (("endpoint", "endpointMs"), ("stt", "sttMs"), ("first_packet", "firstPacketMs")):
        took_s = sum(turn[field] for turn in turns if turn[field] is not None) / 1000
        assert watched.value("byourside_turn_stage_seconds_sum", stage=stage) == pytest.approx(took_s)
    assert watched.value("byourside_dial_attempts_total", trunk="sandbox", sip_status="486") == 1
    assert watched.value("byourside_answering_seconds_count", verdict="human", by="words") == 1
    assert watched.value("byourside_webhook_attempts_total", result="delivered", answer="2xx") == 6
    posts = {"route": "/v1/agent/calls", "method": "POST", "status": "200"}
    assert watched.value("byourside_http_requests_total", **posts) == 2
    assert watched.value("byourside_open_calls", state="in_progress") == 0
    assert watched.value("byourside_trunk_up", trunk="sandbox") == 1


def test_the_page_holds_nobody(watched: Watched) -> None:
    for record in (watched.answered, watched.busy):
        for secret in (record["id"], record["to"], record["callerId"], record["objective"]):
            assert secret not in watched.page


def test_one_trace_tells_the_whole_call_and_hangs_on_its_caller(watched: Watched) -> None:
    spans = [span for span in watched.told.spans if span.trace_id.hex() == CALLER[3:35]]
    names = [span.name for span in spans]
    [root] = [span for span in spans if span.name == "call"]
    assert root.parent_span_id.hex() == CALLER[36:52]
    ids = {span.span_id for span in spans}
    assert len(ids) == len(spans), "told once"
    assert {span.parent_span_id for span in spans if span is not root} <= ids
    assert names.count("webhook") == 6
    assert names.count("turn agent") + names.count("turn contact") == len(watched.answered["turns"])
    stages = len(watched.answered["latency"]["turns"])
    assert [names.count(name) for name in ("endpoint", "stt", "first_audio", "first_packet")] == [stages] * 4
    assert {"queued", "dialing", "conversation", "analysis"} <= set(names)


def test_the_spans_hold_nothing_that_was_said(watched: Watched) -> None:
    told = b"".join(watched.told.bodies)
    for turn in watched.answered["turns"]:
        assert turn["text"].encode() not in told
    assert watched.answered["to"].encode() not in told
    assert watched.answered["id"].encode() in told, "what stands on the record can be looked up"


def test_the_busy_call_is_a_trace_of_its_own(watched: Watched) -> None:
    others = [span for span in watched.told.spans if span.trace_id.hex() != CALLER[3:35]]
    assert sorted(span.name for span in others) == ["call", "dialing", "queued"]
    assert len({span.trace_id for span in others}) == 1


def test_requests_are_told_by_templates_never_by_paths(watched: Watched) -> None:
    routes = {
        sample.labels["route"]
        for family in text_string_to_metric_families(watched.page)
        for sample in family.samples
        if sample.name == "byourside_http_requests_total"
    }
    assert routes == {
        "/healthz",
        "/v1/agent/calls",
        "/v1/agent/calls/{call_id}",
        "/sign-in",
        "/calls/{call_id}/recording",
        "/assets",
        "/mcp",
        "/docs",
        "/metrics",
        "other",
    }


def test_whoever_does_not_come_straight_from_this_machine_is_refused(watched: Watched) -> None:
    """A bare nginx, any proxy with its header, a page in a browser by a name that leads here."""
    assert watched.refused == [b"HTTP/1.1 403 Forbidden"] * 3
    refused = {"route": "/metrics", "method": "GET", "status": "403"}
    assert watched.value("byourside_http_requests_total", **refused) == 3


def test_a_collector_that_is_away_costs_its_spans_and_a_line_in_the_log(tmp_path: Path) -> None:
    """And a token opens the page from behind a proxy, to whoever shows it."""
    token = "a-token-for-the-scraper"
    environment = {
        "BYOURSIDE_OTEL_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "BYOURSIDE_METRICS": "token",
        "BYOURSIDE_METRICS_TOKEN": token,
    }
    house = House(tmp_path / "data", FLAGS, environment)
    house.start()
    try:
        with house.client(house.make_key()) as client:
            for _ in range(2):
                placed = client.post("/v1/agent/calls", json={**README_CALL, "to": "+14155550141"})
                assert wait_for_end(client, placed.json()["callId"])["status"] == "declined"
        assert httpx.get(f"{house.base_url}/metrics").status_code == 401
        shown = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "203.0.113.9"}
        page = httpx.get(f"{house.base_url}/metrics", headers=shown)
        assert 'byourside_calls_total{error="none",state="declined"} 2.0' in page.text
    finally:
        began = time.monotonic()
        assert house.stop() == 0, house.log()
    assert time.monotonic() - began < 20
    assert house.log().count("collector") == 1
    assert token not in house.log()
