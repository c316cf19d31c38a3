"""The Node client against a real server: a call placed and waited for, listed, its recording saved."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.walks.conftest import README_CALL
from tests.walks.house import Open, wait_for_end

PACKAGE = Path(__file__).resolve().parents[2] / "sdks" / "node" / "index.mjs"
# A busy line: the call is over in a second.
STORY = """
import { readFileSync } from "node:fs";
import { ByoursideError, Client } from "%(package)s";

const { apiKey, baseUrl, answered, path } = JSON.parse(readFileSync(0, "utf8"));
const client = new Client({ apiKey, baseUrl });
const request = { to: "+14155550141", objective: "Ask the time.", idempotencyKey: "node-walk" };
const [first, again] = await Promise.all([client.placeCall(request), client.placeCall(request)]);
const seen = [];
const options = { interval: 0.05, onUpdate: (call) => seen.push(call.status) };
const done = await client.waitForCall(first.callId, options);
const listed = await client.listCalls({ limit: 100 });
const size = await client.downloadRecording(answered, path);
let refused = null;
try {
  await client.placeCall({ to: "+19001234567", objective: "Sell something" });
} catch (error) {
  refused = [error instanceof ByoursideError, error.code, error.status];
}
const ended = await client.cancelCall(first.callId).catch((error) => error.code);
const found = listed.some((call) => call.callId === first.callId);
console.log(JSON.stringify({ same: first.callId === again.callId, done, seen, found, size, refused, ended }));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_node_client_places_waits_lists_and_downloads(quick: Open, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with quick.house.client(quick.key) as client:
        answered = wait_for_end(client, client.post("/v1/agent/calls", json=README_CALL).json()["callId"])
    given = {
        "apiKey": quick.key,
        "baseUrl": quick.house.base_url,
        "answered": answered["id"],
        "path": str(path),
    }
    told = subprocess.run(
        ["node", "--input-type=module", "-e", STORY % {"package": PACKAGE.as_uri()}],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    result = json.loads(told.stdout)
    assert result["same"], "one key, one call"
    assert result["done"]["status"] == "declined"
    assert result["seen"][-1] == "declined"
    assert result["found"]
    assert result["size"] == path.stat().st_size > 100_000
    assert path.read_bytes() == quick.house.recording(answered["id"]).read_bytes()
    assert result["refused"] == [True, "destination_blocked", 400]
    assert result["ended"] == "call_ended"
