"""`traceparent` on a POST goes with the call, and what can't be read is as good as none."""

from __future__ import annotations

import pytest

from byourside_server.calls.call import CallRequest
from byourside_server.calls.wire_request import kept_request, request_document
from tests.api.conftest import Browser, FakeDesk

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CALL = {"to": "+14155550123", "objective": "Confirm the appointment."}


def test_it_goes_with_the_call_and_over_the_store(api: Browser, desk: FakeDesk) -> None:
    answer = api.post("/v1/agent/calls", json={**CALL}, headers={"traceparent": TRACEPARENT})
    assert answer.status_code == 200
    assert desk.calls[0].request.traceparent == TRACEPARENT
    assert kept_request(request_document(desk.calls[0].request)) == desk.calls[0].request


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("traceparent", "")],
        [("traceparent", "00-nonsense")],
        [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
    ],
)
def test_what_can_not_be_read_places_the_call_all_the_same(
    api: Browser, desk: FakeDesk, headers: list[tuple[str, str]]
) -> None:
    """W3C Trace Context §4.3: then a trace of its own begins."""
    assert api.post("/v1/agent/calls", json={**CALL}, headers=headers).status_code == 200
    assert desk.calls[0].request.traceparent is None


def test_it_is_no_part_of_the_body(api: Browser, desk: FakeDesk) -> None:
    api.post("/v1/agent/calls", json={**CALL, "traceparent": TRACEPARENT})
    assert desk.calls[0].request.traceparent is None
    assert "traceparent" not in request_document(CallRequest("+14155550123", "Say hello."))
