"""Two starts at virtual time on one directory: the second goes on where the first one's calls have got to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.walks.conftest import README_CALL
from tests.walks.house import House, wait_for_end
from tests.walks.test_one_call import epoch

SILENT, DECLINED = "+14155550149", "+14155550143"
# More minutes together than any machine takes to stop and start; seconds at virtual time.
SILENT_CALLS = 4


def one_call(client: httpx.Client, number: str) -> dict[str, Any]:
    placed = client.post("/v1/agent/calls", json={**README_CALL, "to": number})
    assert placed.status_code == 200, placed.text
    return wait_for_end(client, placed.json()["callId"])


def test_nothing_is_earlier_than_what_happened_before_a_restart(tmp_path: Path) -> None:
    """Back at the machine's clock, what it had still to dial would wait for minutes."""
    house = House(tmp_path / "data", ("--virtual-time",))
    house.start()
    try:
        key = house.make_key()
        with house.client(key) as client:
            before = [one_call(client, SILENT) for _ in range(SILENT_CALLS)]
        house.stop()
        house.start()
        with house.client(key) as client:
            after = one_call(client, DECLINED)
    finally:
        house.stop()
    assert sum(call["durationSec"] for call in before) > 60
    assert epoch(after["createdAt"]) >= epoch(before[-1]["endedAt"])
