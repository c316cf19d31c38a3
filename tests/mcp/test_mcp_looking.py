"""The tools that look at calls, and what every tool says of itself."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import pytest
from mcp_types import AudioContent, ResourceLink, Tool

from byourside_server.calls.call import Evidence, Report
from byourside_server.mcp import looking
from byourside_server.media.recording import wav_header
from tests.api.conftest import KEY, STRANGER_KEY
from tests.mcp.conftest import CALL, OnceDesk, ask, client_of, data_of, error_of, server_over, text_of

REPORT = Report(
    summary="The appointment is confirmed.",
    extracted={"confirmed": True, "new_time": None},
    evidence={"confirmed": Evidence(1, "Yes, that works.", 1000, 1900), "new_time": None},
    objective_met="yes",
    objective_reason="The contact agreed.",
    outcome="confirmed",
)


@pytest.fixture
def call_id(desk: OnceDesk) -> str:
    return str(data_of(ask(server_over(desk), "place_call", CALL))["callId"])


def tools_of(desk: OnceDesk) -> dict[str, Tool]:
    async def run() -> list[Tool]:
        async with client_of(server_over(desk)) as client:
            return (await client.list_tools()).tools

    return {tool.name: tool for tool in asyncio.run(run())}


def test_there_are_six_tools_each_with_title_words_and_both_schemas(desk: OnceDesk) -> None:
    tools = tools_of(desk)
    assert list(tools) == [
        "place_call",
        "wait_for_call",
        "get_call",
        "list_calls",
        "cancel_call",
        "get_recording",
    ]
    for tool in tools.values():
        assert tool.title
        assert tool.description
        assert tool.output_schema is not None
        assert tool.output_schema["type"] == "object"
        for name, argument in tool.input_schema["properties"].items():
            assert argument.get("description"), (tool.name, name)


def test_only_what_reaches_a_phone_is_not_read_only(desk: OnceDesk) -> None:
    hints = {name: tool.annotations for name, tool in tools_of(desk).items()}
    ringing = {name for name, hint in hints.items() if hint and not hint.read_only_hint}
    assert ringing == {"place_call", "cancel_call"}
    for name, hint in hints.items():
        assert hint is not None
        assert hint.idempotent_hint, name
        assert hint.destructive_hint is hint.open_world_hint is (name in ringing), name


def test_the_number_is_shown_to_be_e164(desk: OnceDesk) -> None:
    assert tools_of(desk)["place_call"].input_schema["properties"]["to"]["pattern"] == r"^\+[1-9][0-9]{6,14}$"


def test_a_finished_call_has_its_result_typed_and_in_words(desk: OnceDesk, call_id: str) -> None:
    desk.say(call_id, "agent", "Does 2pm work?")
    desk.say(call_id, "contact", "Yes, that works.")
    desk.become(call_id, state="completed", report=REPORT, ended_at=desk.clock.epoch())
    result = ask(server_over(desk), "get_call", {"callId": call_id})
    state = data_of(result)
    assert (state["status"], state["done"], state["next"]) == ("completed", True, None)
    assert state["extracted"] == {"confirmed": True, "new_time": None}
    assert state["evidence"]["confirmed"]["quote"] == "Yes, that works."
    assert state["turnsHeard"] == 2
    for words in ("The appointment is confirmed.", '"confirmed": true', "Contact: Yes, that works."):
        assert words in text_of(result)


def test_a_call_that_is_not_over_says_what_to_do(desk: OnceDesk, call_id: str) -> None:
    state = data_of(ask(server_over(desk), "get_call", {"callId": call_id}))
    assert not state["done"]
    assert "wait_for_call" in state["next"]


def test_a_long_talk_is_cut_in_the_words_and_whole_in_the_data(desk: OnceDesk, call_id: str) -> None:
    for number in range(40):
        desk.say(call_id, "contact", f"Sentence {number}.")
    result = ask(server_over(desk), "get_call", {"callId": call_id})
    assert "Sentence 9." not in text_of(result)
    assert "10 earlier lines" in text_of(result)
    assert "Sentence 9." in data_of(result)["transcript"]


def test_a_list_goes_on_where_its_page_ended(desk: OnceDesk) -> None:
    server = server_over(desk)
    for last in "123":
        ask(server, "place_call", {**CALL, "to": f"+1415555012{last}"})
    page = data_of(ask(server, "list_calls", {"limit": 2}))
    assert [call["to"][-1] for call in page["calls"]] == ["3", "2"]
    rest = data_of(ask(server, "list_calls", {"limit": 2, "before": page["nextCursor"]}))
    assert [call["to"][-1] for call in rest["calls"]] == ["1"]
    assert rest["nextCursor"] is None
    assert "no such calls" in text_of(ask(server, "list_calls", {"status": "voicemail"}))


def test_a_call_is_called_off_once(desk: OnceDesk, call_id: str) -> None:
    server = server_over(desk)
    assert data_of(ask(server, "cancel_call", {"callId": call_id}))["error"] == "canceled"
    assert error_of(ask(server, "cancel_call", {"callId": call_id})).startswith("call_ended:")


@pytest.mark.parametrize("tool", ["get_call", "wait_for_call", "cancel_call", "get_recording"])
@pytest.mark.parametrize("given", ["call-0", "nobody", "../keys", ""])
def test_a_call_of_another_account_is_as_good_as_none(
    desk: OnceDesk, call_id: str, tool: str, given: str
) -> None:
    said = error_of(ask(server_over(desk, STRANGER_KEY), tool, {"callId": given}))
    assert said.startswith("not_found:")
    assert desk.calls[0].state == "queued"


def recorded(desk: OnceDesk, call_id: str, seconds: float) -> bytes:
    frames = int(seconds * 8000)
    sound = wav_header(frames) + bytes(2 * frames)
    (desk.recordings / f"{call_id}.wav").write_bytes(sound)
    desk.end(call_id)
    return sound


def test_a_recording_is_a_link_with_its_length(desk: OnceDesk, call_id: str) -> None:
    sound = recorded(desk, call_id, 1.5)
    result = ask(server_over(desk), "get_recording", {"callId": call_id})
    assert data_of(result) == {
        "callId": call_id,
        "url": f"http://api.test/v1/agent/calls/{call_id}/recording",
        "mimeType": "audio/wav",
        "sizeBytes": len(sound),
        "durationSec": 1.5,
        "audioIncluded": False,
    }
    [_, link] = result.content
    assert isinstance(link, ResourceLink)
    assert (link.uri, link.size, link.mime_type) == (data_of(result)["url"], len(sound), "audio/wav")


def test_the_sound_comes_along_where_it_is_asked_for_and_short(
    desk: OnceDesk, call_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = recorded(desk, call_id, 0.5)
    wanted: dict[str, Any] = {"callId": call_id, "includeAudio": True}
    result = ask(server_over(desk), "get_recording", wanted)
    audio = result.content[-1]
    assert isinstance(audio, AudioContent)
    assert base64.b64decode(audio.data) == sound
    monkeypatch.setattr(looking, "MAX_AUDIO_BYTES", len(sound) - 1)
    assert error_of(ask(server_over(desk), "get_recording", wanted)).startswith("too_large:")


def test_a_live_call_has_no_recording_yet(desk: OnceDesk, call_id: str) -> None:
    (desk.recordings / f"{call_id}.wav").write_bytes(wav_header(0))
    said = error_of(ask(server_over(desk), "get_recording", {"callId": call_id}))
    assert said.startswith("not_found:")
    assert "recordingUrl" in said


def test_a_fault_of_the_server_is_in_its_log_and_not_in_the_answer(
    desk: OnceDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.fault = RuntimeError(f"secret {KEY}")
    with caplog.at_level(logging.ERROR):
        said = error_of(ask(server_over(desk), "get_call", {"callId": "call-0"}))
    assert said.startswith("internal_error:")
    assert "secret" not in said
    assert "tool failed" in caplog.messages
