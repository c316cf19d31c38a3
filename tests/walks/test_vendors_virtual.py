"""The same vendors at virtual time: the calls' clock stands still while an answer is awaited in real time.

Two starts on one data directory: the model is slow in the first and quick in the second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.vendors.audio_server import SimulatedAudioServer, SpokenByEspeak
from tests.vendors.chat_script import Answer
from tests.vendors.chat_server import SimulatedChatServer
from tests.vendors.deepgram_server import SimulatedDeepgramServer
from tests.walks.conftest import README_CALL
from tests.walks.house import House, wait_for_end
from tests.walks.test_vendors import KEY, hear, simulated_model

SLOW_S = 0.6


@dataclass(frozen=True)
class Start:
    """What one start of the server gave, and what it asked vendors for."""

    record: dict[str, Any]
    wall_s: float
    model_requests: int
    ears_requests: int
    voice_requests: int


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Start, Start]]:
    data_dir: Path = tmp_path_factory.mktemp("virtual-vendors") / "data"
    first_token_s = SLOW_S

    def model_answer(body: dict[str, object]) -> Answer:
        return replace(simulated_model(body), first_token_s=first_token_s)

    with (
        SimulatedChatServer(model_answer, key=KEY) as model,
        SimulatedDeepgramServer(hear=hear, key=KEY) as ears,
        SimulatedAudioServer(say=SpokenByEspeak(), key=KEY) as voice,
    ):
        options = "model=simulated&key_env=SIMULATED_KEY"
        environment = {
            "BYOURSIDE_MIND": f"compatible?{options}&base_url={model.base_url}",
            "BYOURSIDE_SPEECH_TO_TEXT": f"deepgram?base_url={ears.base_url}",
            "BYOURSIDE_TEXT_TO_SPEECH": f"compatible?{options}&base_url={voice.base_url}",
            "SIMULATED_KEY": KEY,
            "DEEPGRAM_API_KEY": KEY,
        }
        found = []
        for delay_s in (SLOW_S, 0.0):
            first_token_s = delay_s
            before = len(model.requests), len(ears.sockets), len(voice.requests)
            house = House(data_dir, ("--virtual-time",), environment)
            house.start()
            try:
                with house.client(house.make_key()) as client:
                    began = time.monotonic()
                    placed = client.post("/v1/agent/calls", json=README_CALL)
                    assert placed.status_code == 200, placed.text
                    record = wait_for_end(client, placed.json()["callId"])
                    wall_s = time.monotonic() - began
            finally:
                house.stop()
            after = len(model.requests), len(ears.sockets), len(voice.requests)
            found.append(Start(record, wall_s, *(b - a for a, b in zip(before, after, strict=True))))
        yield found[0], found[1]


def test_a_model_holds_the_conversation_and_its_result_is_right(starts: tuple[Start, Start]) -> None:
    for start in starts:
        assert start.record["status"] == "completed", start.record["transcript"]
        assert start.record["mind"].startswith("llm:"), start.record["mind"]
        assert start.record["extracted"] == {"confirmed": True, "new_time": None}


def test_how_long_a_vendor_took_is_no_part_of_the_call(starts: tuple[Start, Start]) -> None:
    slow, quick = starts
    assert slow.model_requests == quick.model_requests >= 3
    assert slow.wall_s > SLOW_S * 3, "its answers were waited for"
    spoken = [[(turn["role"], turn["text"]) for turn in start.record["turns"]] for start in starts]
    assert spoken[0] == spoken[1]
    assert slow.record["durationSec"] == pytest.approx(quick.record["durationSec"], abs=SLOW_S / 2)
    waited_ms = max(turn["firstTokenMs"] or 0 for turn in slow.record["latency"]["turns"])
    assert waited_ms < SLOW_S * 1000


def test_speech_of_vendors_is_kept_as_well(starts: tuple[Start, Start]) -> None:
    first, second = starts
    assert first.ears_requests >= 2
    assert first.voice_requests >= 3
    assert (second.ears_requests, second.voice_requests) == (0, 0)
