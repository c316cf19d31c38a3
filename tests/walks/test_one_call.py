"""The README's call, whole: POST, a real phone on loopback, the record, the recording, the webhooks."""

from __future__ import annotations

import hashlib
import hmac
import wave
from datetime import datetime
from typing import Any

import pytest

from tests.walks.conftest import Batch

# name → published status, answeredBy, a field's value
EXPECTED: dict[str, tuple[str, str | None]] = {
    "agreeable": ("completed", "human"),
    "no answer": ("no_answer", None),
    "busy": ("declined", None),
    "voicemail": ("voicemail", "voicemail"),
    "voicemail with message": ("voicemail", "voicemail"),
    "declined": ("declined", None),
    "trunk failure": ("failed", None),
    "interrupts": ("completed", "human"),
    "hangs up": ("completed", "human"),
    "says no": ("completed", "human"),
}


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def wav_seconds(data: bytes) -> float:
    """Length of a µ-law WAV, read by hand: the standard library's reader takes PCM only."""
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    at = 12
    while data[at : at + 4] != b"data":
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    assert at + 8 + size <= len(data) + 1
    return size / 16000


@pytest.mark.parametrize("name", list(EXPECTED))
def test_every_persona_ends_in_its_published_status(batch: Batch, name: str) -> None:
    record = batch.records[name]
    assert (record["status"], record["answeredBy"]) == EXPECTED[name], record


def test_the_readme_call_has_the_right_result(batch: Batch) -> None:
    record = batch.records["agreeable"]
    assert record["extracted"] == {"confirmed": True, "new_time": None}, record["transcript"]
    assert record["objectiveMet"] == "yes"
    assert record["error"] is None
    assert record["summary"]
    assert record["endedBy"] == "agent"
    assert record["endReason"] == "completed"


def test_evidence_is_the_contacts_own_words_at_their_place(batch: Batch) -> None:
    record = batch.records["agreeable"]
    found = record["evidence"]["confirmed"]
    turn = record["turns"][found["turn"]]
    assert turn["role"] == "contact"
    assert found["quote"] in turn["text"]
    assert turn["startMs"] <= found["startMs"] < found["endMs"] <= turn["endMs"]
    assert record["evidence"]["new_time"] is None


def test_a_no_is_a_false_and_the_objective_is_not_met(batch: Batch) -> None:
    record = batch.records["says no"]
    assert record["extracted"]["confirmed"] is False, record["transcript"]
    assert record["objectiveMet"] == "no"


def test_an_interrupted_agent_stops_answers_and_still_gets_there(batch: Batch) -> None:
    record = batch.records["interrupts"]
    assert any(turn["interrupted"] for turn in record["turns"] if turn["role"] == "agent"), record["turns"]
    assert record["extracted"]["confirmed"] is True, record["transcript"]


def test_a_contact_who_hangs_up_gives_no_results(batch: Batch) -> None:
    record = batch.records["hangs up"]
    assert record["endedBy"] == "contact"
    assert record["endReason"] == "hung_up"
    assert record["extracted"] == {"confirmed": None, "new_time": None}
    assert record["objectiveMet"] != "yes"


def test_a_message_is_left_after_the_beep_where_asked(batch: Batch) -> None:
    turns = batch.records["voicemail with message"]["turns"]
    said = [turn["text"] for turn in turns if turn["role"] == "agent"]
    assert any("call us back about your appointment" in text for text in said)
    assert not any("call us back" in t["text"] for t in batch.records["voicemail"]["turns"])


def test_times_duration_and_recording_agree_within_a_fifth_of_a_second(batch: Batch) -> None:
    for name in ("agreeable", "says no", "interrupts", "hangs up", "voicemail"):
        record = batch.records[name]
        length = wav_seconds(batch.recording(name).read_bytes())
        between = epoch(record["endedAt"]) - epoch(record["startedAt"])
        assert record["durationSec"] == pytest.approx(between, abs=0.002), name
        assert record["durationSec"] == pytest.approx(length, abs=0.2), name
        assert epoch(record["createdAt"]) <= epoch(record["startedAt"])
        for turn in record["turns"]:
            assert 0 <= turn["startMs"] < turn["endMs"] <= length * 1000 + 40, (name, turn)


def test_turns_stand_in_order_of_speaking(batch: Batch) -> None:
    turns = batch.records["agreeable"]["turns"]
    assert [turn["index"] for turn in turns] == list(range(len(turns)))
    starts = [turn["startMs"] for turn in turns]
    assert starts == sorted(starts)
    assert turns[0]["role"] == "contact"


def test_the_line_itself_is_on_the_record(batch: Batch) -> None:
    assert batch.records["busy"]["sip"]["status"] == 486
    assert batch.records["busy"]["sip"]["trunk"] == "sandbox"
    [only] = batch.records["busy"]["sip"]["attempts"]
    assert (only["trunk"], only["status"]) == ("sandbox", 486)
    assert batch.records["busy"]["sip"]["q850Cause"] == 17
    assert batch.records["declined"]["sip"]["status"] == 603
    assert batch.records["trunk failure"]["sip"]["status"] == 503
    assert batch.records["trunk failure"]["error"] == "placement_failed"
    assert batch.records["no answer"]["sip"]["ringSec"] > 5
    assert batch.records["agreeable"]["sip"]["status"] == 200


def test_the_recording_comes_over_http_whole_and_in_parts(batch: Batch) -> None:
    record = batch.records["agreeable"]
    with batch.house.client(batch.key) as client:
        path = f"/v1/agent/calls/{record['id']}/recording"
        assert record["recordingUrl"].endswith(path)
        whole = client.get(path)
        assert whole.headers["content-type"] == "audio/wav"
        assert whole.content == batch.recording("agreeable").read_bytes()
        part = client.get(path, headers={"Range": "bytes=44-99"})
        assert part.status_code == 206
        assert part.content == whole.content[44:100]
        missing = client.get(f"/v1/agent/calls/{batch.records['busy']['id']}/recording")
        assert (missing.status_code, missing.json()["error"]) == (404, "not_found")


def test_the_recording_opens_in_other_peoples_software(batch: Batch) -> None:
    """Format tag 7 (µ-law) is refused by `wave` with the tag's number: proof that the header is read."""
    with pytest.raises(wave.Error, match="unknown format: 7"), wave.open(str(batch.recording("agreeable"))):
        pass


@pytest.mark.parametrize("name", list(EXPECTED))
def test_webhooks_come_signed_in_order_and_end_with_the_terminal_one(batch: Batch, name: str) -> None:
    record = batch.records[name]
    deliveries = batch.mail.wait_for_terminal(record["id"])
    events = [delivery.payload["event"] for delivery in deliveries]
    kinds = [event["type"] for event in events]
    assert [event["sequence"] for event in events] == sorted({event["sequence"] for event in events})
    assert kinds[0] == "call.queued"
    assert kinds[-1] == f"call.{record['status']}"
    assert len(kinds) == len(set(kinds))
    if record["startedAt"]:
        assert kinds[1:-1] == ["call.dialing", "call.ringing", "call.in_progress", "call.ended"]
    for delivery in deliveries:
        assert_signed(delivery.headers["x-bys-signature"], delivery.body, batch.secret)
        assert delivery.headers["webhook-id"] == delivery.payload["event"]["id"]
    last: dict[str, Any] = dict(deliveries[-1].payload)
    del last["event"]
    assert last == record


def assert_signed(header: str, body: str, secret: str) -> None:
    """The published formula, written out: hex = HMAC-SHA256(secret, f"{t}.{raw_body}")."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(secret.encode(), f"{parts['t']}.{body}".encode(), hashlib.sha256).hexdigest()
    assert parts["v1"] == expected


def test_calls_are_listed_most_recent_first_and_only_to_their_owner(batch: Batch) -> None:
    with batch.house.client(batch.key) as client:
        listed = client.get("/v1/agent/calls", params={"limit": 100}).json()["calls"]
        created = [record["createdAt"] for record in listed]
        assert created == sorted(created, reverse=True)
        assert all(record in listed for record in batch.records.values())
    with batch.house.client("bys_ak_" + "0" * 43) as stranger:
        assert stranger.get("/v1/agent/calls").json()["error"] == "unauthorized"
