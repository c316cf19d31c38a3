"""The same calls at virtual time: the same events, webhooks, results, words and recordings, in seconds.

The batch of real time is the measure. What may differ is time itself: how long engines took is real there and
fixed here (docs/decisions/virtual-time.md), so a call's length may differ by TOLERANCE_S.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.walks.conftest import BATCH, README_CALL, Batch, call_batch
from tests.walks.house import Open, undisturbed, wait_for_end, was_late
from tests.walks.test_one_call import assert_signed, epoch, wav_seconds

# Of a call's whole length. Real engines on a busy machine take up to half a second more, once a turn.
TOLERANCE_S = 3.0
# Of the machine's time. Where ten calls at once take over two fifths of it, it is so slow or so busy that
# the recognisers' queue makes late whom nobody else does: in a slow hour 45 % were left, and five were late.
SPARE = 0.6
RESULTS = (
    "status", "error", "answeredBy", "endedBy", "endReason",
    "outcome", "objectiveMet", "extracted", "analysis",
)  # fmt: skip


@pytest.fixture(scope="module")
def quick_batch(quick: Open) -> Iterator[Batch]:
    """The same batch at virtual time."""
    with call_batch(quick) as called:
        yield called


def length_s(record: dict[str, Any]) -> float:
    """From the POST to the last word about it, as the record tells it."""
    return epoch(record["endedAt"]) - epoch(record["createdAt"])


def said(turns: list[dict[str, Any]]) -> list[tuple[str, list[str], bool]]:
    """Who said what, and whether it was cut off; the agent's sentences in a row are one."""
    told: list[tuple[str, list[str], bool]] = []
    for turn in turns:
        role, words, cut = turn["role"], turn["text"].split(), turn["interrupted"]
        if told and told[-1][0] == role == "agent":
            told[-1] = (role, told[-1][1] + words, told[-1][2] or cut)
        else:
            told.append((role, words, cut))
    return told


@pytest.mark.parametrize("name", list(BATCH))
def test_the_results_are_those_of_real_time(batch: Batch, quick_batch: Batch, name: str) -> None:
    there, here = batch.records[name], quick_batch.records[name]
    assert {key: here[key] for key in RESULTS} == {key: there[key] for key in RESULTS}
    assert (here["sip"]["status"], here["sip"]["q850Cause"]) == (
        there["sip"]["status"],
        there["sip"]["q850Cause"],
    )


@pytest.mark.parametrize("name", list(BATCH))
def test_the_same_is_said_in_the_same_order(batch: Batch, quick_batch: Batch, name: str) -> None:
    """As far as this machine was in time in real time."""
    is_machine = batch.records[name]["answeredBy"] == "voicemail"
    there, here = said(undisturbed(batch.records[name])), said(quick_batch.records[name]["turns"])
    if was_late(batch.records[name]):
        # The last one may have been cut short by the late one.
        there = there[:-1]
        here = here[: len(there)]
    assert [(role, cut) for role, _, cut in here] == [(role, cut) for role, _, cut in there], (here, there)
    for (role, words, cut), (_, others, _) in zip(here, there, strict=True):
        if cut or (is_machine and role == "contact"):
            # Where exactly somebody is interrupted, or how much of a machine's greeting was understood before
            # it was known for one, is a matter of time: the same words up to there.
            shorter = max(1, min(len(words), len(others)) - cut)
            words, others = words[:shorter], others[:shorter]
        assert words == others


@pytest.mark.parametrize("name", list(BATCH))
def test_the_same_webhooks_come_signed_in_the_same_order(batch: Batch, quick_batch: Batch, name: str) -> None:
    there = batch.mail.wait_for_terminal(batch.records[name]["id"])
    here = quick_batch.mail.wait_for_terminal(quick_batch.records[name]["id"])
    kinds = [(each.payload["event"]["sequence"], each.payload["event"]["type"]) for each in here]
    assert kinds == [(each.payload["event"]["sequence"], each.payload["event"]["type"]) for each in there]
    moments = [epoch(each.payload["event"]["at"]) for each in here]
    assert moments == sorted(moments)
    for each in here:
        assert_signed(each.headers["x-bys-signature"], each.body, quick_batch.secret)
        signed_at = int(each.headers["x-bys-signature"].split(",")[0].removeprefix("t="))
        assert abs(time.time() - signed_at) < 300, "receivers compare it with their own clock"
    assert {**here[-1].payload, "event": None} == {**quick_batch.records[name], "event": None}


@pytest.mark.parametrize("name", list(BATCH))
def test_the_same_events_are_in_the_log(batch: Batch, quick_batch: Batch, name: str) -> None:
    assert events_of(quick_batch, name) == events_of(batch, name)


def events_of(batch: Batch, name: str) -> list[str]:
    with batch.house.client(batch.key) as client:
        call_id = batch.records[name]["id"]
        answer = client.get(f"/v1/agent/calls/{call_id}/events")
        assert answer.status_code == 200, answer.text
        return [each["event"]["type"] for each in answer.json()["events"]]


@pytest.mark.parametrize("name", list(BATCH))
def test_calls_and_recordings_are_as_long_as_in_real_time(
    batch: Batch, quick_batch: Batch, name: str
) -> None:
    there, here = batch.records[name], quick_batch.records[name]
    if not was_late(there):
        assert length_s(here) == pytest.approx(length_s(there), abs=TOLERANCE_S)
    if there["durationSec"] is None:
        assert here["durationSec"] is None
        assert not quick_batch.recording(name).exists()
        return
    if not was_late(there):
        assert here["durationSec"] == pytest.approx(there["durationSec"], abs=TOLERANCE_S)
    recorded = wav_seconds(quick_batch.recording(name).read_bytes())
    assert recorded == pytest.approx(here["durationSec"], abs=0.2)
    for turn in here["turns"]:
        assert 0 <= turn["startMs"] < turn["endMs"] <= recorded * 1000 + 40


def test_most_calls_were_in_time_when_placed_first(batch: Batch) -> None:
    """Else the tests above have compared beginnings alone, and no lengths, or what was placed anew.

    Where the machine had no time left for ten calls at once, those count that were placed anew, fewer at a
    time.
    """
    placed = batch.at_first if batch.spare > SPARE else batch.records
    late = [name for name, record in placed.items() if was_late(record)]
    assert len(late) < len(BATCH) / 2, f"late in real time with {batch.spare:.0%} to spare: {late}"


def test_a_call_whose_speech_is_kept_takes_a_fraction_of_its_time(quick_batch: Batch) -> None:
    with quick_batch.house.client(quick_batch.key) as client:
        began = time.monotonic()
        call_id = client.post("/v1/agent/calls", json=README_CALL).json()["callId"]
        record = wait_for_end(client, call_id)
        wall_s = time.monotonic() - began
    assert record["status"] == "completed"
    assert record["durationSec"] > 15
    assert wall_s < record["durationSec"] / 2


def test_what_was_said_and_heard_is_kept_for_the_next_start(quick_batch: Batch) -> None:
    kept = [path for path in (quick_batch.house.data_dir / "virtual-speech").rglob("*") if path.is_file()]
    assert len(kept) > 10
    assert all(len(path.name) == 64 for path in kept), "no half-written answers"


def test_the_sip_trace_is_whole(quick_batch: Batch) -> None:
    record = quick_batch.records["agreeable"]
    trace = quick_batch.house.data_dir / "traces" / f"{record['id']}.jsonl"
    lines = trace.read_text() if trace.exists() else ""
    assert "INVITE" in lines
    assert "BYE" in lines
