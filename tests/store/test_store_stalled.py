"""A whole server whose PostgreSQL falls silent in mid-way, asked over HTTP; truth: docs/api.md."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from byourside_server.store.database import GLANCE_S, PING_S, WRITE_S
from byourside_server.store.liveness import LEASE_S
from tests.store.stalling_proxy import StallingProxy, stalling_proxy
from tests.walks.house import House, opened, wait_for_end

# A phone that declines: nobody speaks, so that nobody minds what the machine is busy with.
CALL = {"to": "+14155550143", "objective": "Ask whether they are coming."}
# What a busy machine adds to a time that is waited out.
SLACK_S = 1.5
# A heartbeat every 5 s takes the lease back; the round that finds lost items goes once a minute.
DIALLED_AGAIN_S = 30.0


@dataclass
class Asked:
    """One answer, and how long it took."""

    status: int
    body: dict[str, Any]
    headers: httpx.Headers
    took_s: float


@dataclass
class Office:
    """A server on a PostgreSQL that stands behind a proxy."""

    client: httpx.Client
    proxy: StallingProxy

    def ask(self, method: str, path: str, body: object = None) -> Asked:
        began = time.monotonic()
        answer = self.client.request(method, path, json=body)
        return Asked(answer.status_code, answer.json(), answer.headers, time.monotonic() - began)


@pytest.fixture
def office(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    parts = urlsplit(postgres_url)
    [folder] = parse_qs(parts.query)["host"]
    with stalling_proxy(f"{folder}/.s.PGSQL.5432") as proxy:
        # For the commands that make keys, too.
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}{parts.path}"
        monkeypatch.setenv("BYOURSIDE_DATABASE_URL", url)
        with opened(House(tmp_path / "data")) as server, server.house.client(server.key) as client:
            try:
                yield Office(client, proxy)
            finally:
                proxy.go_on()
        assert "Traceback" not in server.house.log()


def test_a_database_that_falls_silent_is_told_and_refused_in_time_and_all_is_well_when_it_goes_on(
    office: Office,
) -> None:
    well = office.ask("GET", "/healthz")
    assert (well.status, well.body["status"], well.body.get("store")) == (200, "ok", None)
    before = office.ask("POST", "/v1/agent/calls", CALL)
    assert before.status == 200
    wait_for_end(office.client, before.body["callId"])

    office.proxy.stall()
    silent_at = time.monotonic()
    ill = office.ask("GET", "/healthz")
    assert (ill.status, ill.body["status"], ill.body["store"]) == (200, "degraded", "down")
    assert ill.took_s < PING_S + SLACK_S
    refused = office.ask("POST", "/v1/agent/calls", CALL)
    assert (refused.status, refused.body["error"]) == (503, "store_error")
    assert set(refused.body) == {"error", "message", "requestId"}
    assert refused.headers["Retry-After"] == "1"
    assert refused.took_s < max(GLANCE_S, WRITE_S) + SLACK_S
    # So long that the lease on calls is lost, too.
    while time.monotonic() - silent_at < LEASE_S:
        again = office.ask("GET", "/healthz")
        assert (again.body["store"], again.took_s < PING_S + SLACK_S) == ("down", True)

    office.proxy.go_on()
    assert office.ask("GET", "/healthz").body == well.body
    after = office.ask("POST", "/v1/agent/calls", CALL)
    assert after.status == 200
    assert wait_for_end(office.client, after.body["callId"], DIALLED_AGAIN_S)["status"] == "declined"
    told = office.ask("GET", "/v1/agent/calls").body
    placed = [call["id"] for call in told["calls"]]
    assert sorted(placed) == sorted([before.body["callId"], after.body["callId"]]), "the refused one is none"
