"""Spans as a collector receives them: real OTLP over HTTP, decoded from its protobuf."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import pytest

from byourside_server.calls.call import Call
from byourside_server.errors import ConfigError
from byourside_server.spans.export import open_exporter
from byourside_server.spans.story import place_of, span_id, span_of_delivery, spans_of
from byourside_server.store.courier import Sent
from byourside_server.webhooks.sender import Attempt
from tests.metrics.records import COMPLETED, NOW, SECRET_WORDS
from tests.spans.collector import Collector, collector, value_of

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def sent(call: Call, endpoint: str) -> bool:
    exporter = open_exporter(f"{endpoint}/v1/traces", "9.9")
    place = place_of(call)
    webhook = Sent(call.id, "evt_1", 1, NOW + 13, Attempt(503, 20, excerpt="Hallway"), "retried")
    spans = [exporter.span(call.id, place, span) for span in (*spans_of(call), span_of_delivery(webhook))]
    try:
        return exporter.send(spans)
    finally:
        exporter.close()


def received(call: Call) -> Collector:
    with collector() as kept:
        assert sent(call, kept.url)
    return kept


def test_the_tree_arrives_whole_with_its_own_moments() -> None:
    kept = received(COMPLETED)
    assert kept.paths == ["/v1/traces"]
    spans = {span.name: span for span in kept.spans if span.name not in ("turn agent", "turn contact")}
    ids = {span.span_id: span for span in kept.spans}
    assert len(ids) == len(kept.spans)
    root = spans["call"]
    assert root.span_id == span_id(COMPLETED.id, "call").to_bytes(8)
    assert root.parent_span_id == b""
    assert {span.trace_id for span in kept.spans} == {place_of(COMPLETED).trace_id.to_bytes(16)}
    for name, parent in (("dialing", "call"), ("conversation", "call"), ("silence", "conversation")):
        assert ids[spans[name].parent_span_id].name == parent
    assert ids[spans["stt"].parent_span_id].name == "turn agent"
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (
        round(NOW * 1e9),
        round((NOW + 12.4) * 1e9),
    )
    [ringing] = spans["dialing"].events
    assert (ringing.name, ringing.time_unix_nano) == ("ringing", round((NOW + 1) * 1e9))


def test_what_failed_says_so_and_nothing_personal_is_sent() -> None:
    kept = received(COMPLETED)
    failed = {span.name: span.status.message for span in kept.spans if span.status.code == 2}
    assert failed == {"webhook": "5xx"}
    for body in kept.bodies:
        assert not [secret for secret in SECRET_WORDS if secret.encode().lower() in body.lower()]
    attributes = [each for span in kept.spans for each in span.attributes]
    assert {value_of(each) for each in attributes if each.key == "byourside.trunk"} == {"second"}


def test_the_service_is_named_and_the_operators_own_name_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = received(COMPLETED).resource
    assert (resource["service.name"], resource["service.version"]) == ("byourside", "9.9")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "front desk")
    assert received(COMPLETED).resource["service.name"] == "front desk"


def test_a_callers_span_is_the_parent() -> None:
    """W3C Trace Context: the trace goes on, and its span is the one above ours."""
    call = replace(COMPLETED, request=replace(COMPLETED.request, traceparent=CALLER))
    [root] = [span for span in received(call).spans if span.name == "call"]
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (CALLER[3:35], CALLER[36:52])


def test_a_collector_that_refuses_is_told_as_such() -> None:
    with collector() as kept:
        kept.status = 400
        assert not sent(COMPLETED, kept.url)


def test_without_the_library_the_operator_hears_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"byourside-server\[otel\]"):
        open_exporter("http://127.0.0.1:4318/v1/traces", "9.9")
