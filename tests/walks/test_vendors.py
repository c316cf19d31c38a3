"""A call whose mind, ears, voice and reader are vendors: simulated ones, behind real protocols on loopback.

The model is a script and the recogniser knows the sandbox's recordings; everything between them and the
record is the product: HTTP and websocket clients, chains, streaming, tools, verification, accounting.
In real time; `test_vendors_virtual` has the same at virtual time.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from byourside_server.providers.base import ToolCall, Usage
from byourside_server.sandbox.clips import all_clips
from tests.vendors.audio_server import SimulatedAudioServer, SpokenByEspeak
from tests.vendors.chat_script import Answer
from tests.vendors.chat_server import SimulatedChatServer
from tests.vendors.deepgram_server import SimulatedDeepgramServer
from tests.walks.conftest import README_CALL
from tests.walks.house import House, wait_for_end

KEY = "simulated-key"
CONTEXT = "The patient still owes 440 dollars for the crown that was made in March."
# The second sentence quotes the context, as a careless model might.
SAID = (
    "I'm calling about your appointment tomorrow at two p.m. Does that still work for you?",
    "Good to hear. By the way, the patient still owes 440 dollars for the crown. Do you need to reschedule?",
)
NOTE = ToolCall("call_1", "note_field", '{"name": "confirmed", "value": "true"}')
END = ToolCall("call_2", "end_call", '{"reason": "done", "goodbye": "Thank you. Goodbye."}')
TOKENS = Usage(prompt_tokens=1000, cached_tokens=800, completion_tokens=20)


def simulated_model(body: dict[str, object]) -> Answer:
    """Talks by the count of its own turns; reads a transcript by looking for the first yes."""
    asked: Any = body
    if "response_format" in asked:
        return Answer(json.dumps(read(asked)), usage=TOKENS)
    messages = asked["messages"]
    spoken = sum(1 for each in messages if each["role"] == "assistant" and each.get("content"))
    if "would have revealed" in json.dumps(messages[-1]):
        return Answer("Do you need to reschedule?", usage=TOKENS)
    if spoken >= len(SAID):
        return Answer("", tool_calls=(END,), usage=TOKENS)
    return Answer(SAID[spoken], tool_calls=(NOTE,) if spoken else (), pieces_ms=10, usage=TOKENS)


def read(asked: Any) -> dict[str, object]:
    """What a reader says that believes the first yes, and invents a new time."""
    lines = re.findall(r"^\{\"turn\".*\}$", asked["messages"][-1]["content"], re.MULTILINE)
    turns = [json.loads(line) for line in lines]
    yes = next(turn for turn in turns if turn["role"] == "contact" and "work" in turn["text"].lower())
    found = {"turn": yes["turn"], "quote": yes["text"]}
    if asked["response_format"]["json_schema"]["name"] == "objective":
        return {"reason": "The contact confirmed the appointment.", **found, "met": "yes"}
    return {
        "fields": {
            "confirmed": {**found, "value": True},
            "new_time": {"turn": yes["turn"], "quote": "Friday at 3", "value": "Friday at 3"},
        },
        "outcome": None,
        "summary": "The contact confirmed the appointment.",
    }


def hear(ulaw: bytes) -> str:
    """Which of the sandbox's recordings came, told by their middles."""
    probes = [(clip.ulaw[len(clip.ulaw) // 2 :][:1200], clip.text) for clip in all_clips()]
    found = sorted((ulaw.find(probe), text) for probe, text in probes if probe in ulaw)
    return " ".join(text for _, text in found)


def one_call(data_dir: Path, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """The record of the README's call with these vendors, and what the vendors saw of it."""
    with (
        SimulatedChatServer(simulated_model, key=KEY) as model,
        SimulatedDeepgramServer(hear=hear, key=KEY) as ears,
        SimulatedAudioServer(say=SpokenByEspeak(), key=KEY) as voice,
    ):
        named = "model=simulated&key_env=SIMULATED_KEY"
        house = House(
            data_dir,
            options,
            {
                "BYOURSIDE_MIND": f"compatible?{named}&base_url={model.base_url}"
                "&input_usd_per_mtok=1&cached_usd_per_mtok=0.1&output_usd_per_mtok=10",
                "BYOURSIDE_SPEECH_TO_TEXT": f"deepgram?base_url={ears.base_url}, embedded",
                "BYOURSIDE_TEXT_TO_SPEECH": f"compatible?{named}&base_url={voice.base_url}, embedded",
                "SIMULATED_KEY": KEY,
                "DEEPGRAM_API_KEY": KEY,
            },
        )
        house.start()
        try:
            key = house.make_key()
            with house.client(key) as client:
                wanted = {**README_CALL, "context": CONTEXT, "mustSay": ["This call is recorded."]}
                placed = client.post("/v1/agent/calls", json=wanted)
                assert placed.status_code == 200, placed.text
                record = wait_for_end(client, placed.json()["callId"])
        finally:
            house.stop()
        record["log"] = house.log()
        record["asked"] = len(model.requests)
        record["heard by the vendor"] = sum(len(socket.sound) for socket in ears.sockets)
        return record


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return one_call(tmp_path_factory.mktemp("vendors") / "data")


@pytest.fixture(scope="module")
def never_asked_ahead(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same at virtual time, where nobody is asked before a turn is over."""
    return one_call(tmp_path_factory.mktemp("vendors") / "data", ("--virtual-time",))


def test_the_models_call_comes_to_its_result(record: dict[str, Any]) -> None:
    assert record["status"] == "completed", record["log"]
    assert record["mind"].startswith("llm:"), record["mind"]
    assert record["extracted"] == {"confirmed": True, "new_time": None}, record["transcript"]
    assert record["endReason"] == "completed"


def test_what_a_reader_invents_is_taken_back(record: dict[str, Any]) -> None:
    """It named Friday at 3, which nobody said."""
    assert record["extractor"] != "embedded"
    assert record["evidence"]["new_time"] is None
    assert record["objectiveMet"] == "unknown"
    assert "new_time" in record["objectiveReason"]
    assert "work" in record["evidence"]["confirmed"]["quote"].lower()


def test_the_context_is_not_spoken_although_the_model_quotes_it(record: dict[str, Any]) -> None:
    spoken = " ".join(turn["text"] for turn in record["turns"] if turn["role"] == "agent")
    assert "440" not in spoken
    assert "crown" not in spoken
    assert "reschedule" in spoken


def test_disclosure_and_demanded_sentence_are_proved(record: dict[str, Any]) -> None:
    steps = {step["kind"]: step for step in record["steps"]}
    assert "AI assistant" in record["turns"][steps["disclosure"]["turn"]]["text"]
    said = record["turns"][steps["mustSay"]["turn"]]
    assert said["role"] == "agent"
    assert "This call is recorded." in said["text"]


def test_tokens_and_their_price_are_on_the_record(
    record: dict[str, Any], never_asked_ahead: dict[str, Any]
) -> None:
    """1,000 tokens in, 800 of them from the cache, 20 out: 0.00048 dollars a request at the prices given."""
    for call in (record, never_asked_ahead):
        usage = call["usage"]
        assert usage["requests"] + usage["failures"] == call["asked"] >= 6
        tokens = usage["promptTokens"] + usage["completionTokens"]
        assert tokens - usage["estimatedTokens"] == 1020 * usage["requests"], "those that were counted"
        assert 700 * usage["failures"] < usage["estimatedTokens"] < 1400 * usage["failures"], "broken off"
        assert usage["costUsd"] == pytest.approx(0.00048 * tokens / 1020, abs=1e-6)
    assert never_asked_ahead["usage"]["failures"] == 1, "the answer broken off because it would have leaked"
    asked_in_vain = record["asked"] - never_asked_ahead["asked"]
    assert 1 <= record["usage"]["failures"] <= 1 + asked_in_vain, "replies thought of ahead and called off"
    assert never_asked_ahead["usage"]["ahead"] is None
    ahead = record["usage"]["ahead"]
    assert ahead["asked"] == ahead["takenOver"] + ahead["dropped"] >= 1
    assert ahead["dropped"] <= asked_in_vain
    assert (ahead["droppedPromptTokens"] > 0) == (ahead["dropped"] > 0)


def test_the_vendor_listened_along_to_the_contact_alone(record: dict[str, Any]) -> None:
    """A second or more of speech, and far less than the whole call at 8,000 bytes a second."""
    assert 8000 < record["heard by the vendor"] < 8000 * record["durationSec"] / 2
