"""A language model over HTTP, against a simulated server that misbehaves in every known way.

The shapes on the wire are those of OpenAI's API reference for chat completions; the faults are those met with
compatible servers. Waits are real, on loopback, and short.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byourside_server.providers.base import (
    AnswerSchema,
    Completion,
    Generation,
    Message,
    ProviderError,
    ProviderErrorKind,
    TextDelta,
    Tool,
    ToolCall,
    Usage,
)
from byourside_server.providers.chat_answer import ChatAnswer, MalformedAnswer
from byourside_server.providers.chat_failures import ChatEndpoint
from byourside_server.providers.chat_patience import Patience
from byourside_server.providers.chat_request import FULL_DIALECT, Dialect
from byourside_server.providers.openai_chat import OpenAiChat, Prices
from byourside_server.providers.retry_after import retry_after
from tests.vendors.chat_server import FAULTS, Answer, SimulatedChatServer

Kind = ProviderErrorKind
KEY = "sk-simulated-0123456789"
TEXT = "Good morning, this is the clinic. Does Tuesday at three suit you?"
ASK = Generation((Message("system", "You phone people."), Message("user", "Hello?")))
END_CALL = Tool("end_call", "Hang up.", {"type": "object", "properties": {"reason": {"type": "string"}}})
SCHEMA = AnswerSchema(
    "report",
    {
        "type": "object",
        "properties": {"met": {"type": "boolean"}},
        "required": ["met"],
        "additionalProperties": False,
    },
)
HASTY = Patience(connect_s=30.0, first_token_s=0.5, gap_s=30.0, whole_s=60.0)
# A machine that is busy with something else is no server that is too slow.
PATIENT = Patience(connect_s=30.0, first_token_s=30.0, gap_s=30.0, whole_s=60.0)


@dataclass
class Heard:
    """What came out of one generation, and what the server saw of it."""

    pieces: list[str]
    completion: Completion
    requests: list[dict[str, object]]
    headers: list[dict[str, str]]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def chat(server: SimulatedChatServer, patience: Patience = PATIENT, **changes: object) -> OpenAiChat:
    endpoint = ChatEndpoint(server.base_url, "gpt-test", KEY, "TEST_KEY")
    return OpenAiChat("test/gpt-test", endpoint, patience=patience, **changes)  # type: ignore[arg-type]


async def listen(model: OpenAiChat, request: Generation = ASK) -> tuple[list[str], Completion]:
    pieces: list[str] = []
    async for piece in model.generate(request):
        if isinstance(piece, Completion):
            return pieces, piece
        pieces.append(piece.text)
    raise AssertionError("an answer without Completion")


def hear(
    answer: Answer | Callable[[dict[str, object]], Answer],
    request: Generation = ASK,
    patience: Patience = PATIENT,
    **changes: object,
) -> Heard:
    async def story() -> Heard:
        async with SimulatedChatServer(answer if callable(answer) else lambda _: answer) as server:
            model = chat(server, patience, **changes)
            try:
                pieces, completion = await listen(model, request)
            finally:
                await model.close()
            return Heard(pieces, completion, server.requests, server.headers)

    return asyncio.run(story())


def failure(answer: Answer, request: Generation = ASK, patience: Patience = PATIENT) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        hear(answer, request, patience)
    return caught.value


def test_text_comes_piece_by_piece_and_the_completion_last() -> None:
    heard = hear(
        Answer(TEXT, pieces_ms=2, usage=Usage(prompt_tokens=120, cached_tokens=100, completion_tokens=14))
    )
    assert heard.text == TEXT
    assert len(heard.pieces) > 5
    assert heard.completion == Completion(
        (),
        "stop",
        Usage(
            requests=1,
            prompt_tokens=120,
            cached_tokens=100,
            completion_tokens=14,
            models=("test/gpt-test",),
        ),
    )


def test_the_request_says_all_that_was_asked() -> None:
    call = ToolCall("call_7", "look_up", '{"day":"Tuesday"}')
    request = Generation(
        (
            Message("system", "Be brief."),
            Message("user", "Is Tuesday free?"),
            Message("assistant", "", (call,)),
            Message("tool", "free", tool_call_id="call_7"),
        ),
        tools=(END_CALL,),
        max_tokens=80,
        temperature=0.2,
    )
    heard = hear(Answer("Yes."), request)
    assert heard.requests == [
        {
            "model": "gpt-test",
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 80,
            "temperature": 0.2,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "end_call",
                        "description": "Hang up.",
                        "parameters": {"type": "object", "properties": {"reason": {"type": "string"}}},
                    },
                }
            ],
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Is Tuesday free?"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_7",
                            "type": "function",
                            "function": {"name": "look_up", "arguments": '{"day":"Tuesday"}'},
                        }
                    ],
                },
                {"role": "tool", "content": "free", "tool_call_id": "call_7"},
            ],
        }
    ]


def test_malformed_arguments_of_an_earlier_call_are_not_sent_again() -> None:
    """vLLM parses the arguments of earlier tool calls and fails on them."""
    broken = Message("assistant", "One moment.", (ToolCall("call_1", "end_call", '{"reason": "comp'),))
    heard = hear(Answer("Yes."), Generation((*ASK.messages, broken)))
    assert '"arguments": "{}"' in json.dumps(heard.requests)


def test_the_key_is_sent_and_nothing_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The official library reads OPENAI_… variables of its own accord; they may belong to another vendor."""
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-somebody-elses")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-somebody-elses")
    (headers,) = hear(Answer("Yes.")).headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert "somebody" not in json.dumps(headers)


def test_without_a_key_no_authorization_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-elses")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer sk-somebody-elses")

    async def story() -> dict[str, str]:
        async with SimulatedChatServer(lambda _: Answer("Yes.")) as server:
            model = OpenAiChat("ollama/llama3", ChatEndpoint(server.base_url, "llama3"))
            await listen(model)
            await model.close()
            return server.headers[0]

    assert "authorization" not in asyncio.run(story())


def test_tool_calls_are_put_together_by_their_index() -> None:
    calls = (
        ToolCall("call_1", "press_keys", '{"digits":"4155550123#"}'),
        ToolCall("call_2", "end_call", '{"reason":"completed"}'),
    )
    heard = hear(Answer("Goodbye.", tool_calls=calls))
    assert heard.text == "Goodbye."
    assert heard.completion.tool_calls == calls
    assert heard.completion.finish_reason == "tool_calls"


@pytest.mark.parametrize("fault", ["tools_at_index_0", "missing_tool_index", "repeated_tool_names"])
def test_parallel_calls_are_told_apart_however_they_are_numbered(fault: str) -> None:
    calls = (
        ToolCall("call_1", "press_keys", '{"digits":"4155550123#"}'),
        ToolCall("call_2", "end_call", '{"reason":"completed"}'),
    )
    assert hear(Answer(tool_calls=calls, fault=fault)).completion.tool_calls == calls


def test_a_call_without_an_id_gets_one() -> None:
    calls = (ToolCall("call_1", "press_keys", '{"d":1}'), ToolCall("call_2", "end_call", '{"r":2}'))
    made = hear(Answer(tool_calls=calls, fault="missing_tool_ids")).completion.tool_calls
    assert [(call.name, call.arguments) for call in made] == [
        ("press_keys", '{"d":1}'),
        ("end_call", '{"r":2}'),
    ]
    assert len({call.id for call in made}) == 2
    assert all(call.id for call in made)


def test_a_tool_call_without_text_is_an_answer() -> None:
    heard = hear(Answer(TEXT, fault="empty_text_with_tool_call"))
    assert heard.pieces == []
    assert [call.name for call in heard.completion.tool_calls] == ["end_call"]


def test_malformed_arguments_are_handed_on_as_the_model_wrote_them() -> None:
    (call,) = hear(Answer("Bye.", fault="malformed_tool_arguments")).completion.tool_calls
    with pytest.raises(ValueError):
        json.loads(call.arguments)


def test_reasoning_is_not_text() -> None:
    assert hear(Answer("Yes.", reasoning="They ask for Tuesday, I must not tell why.")).text == "Yes."


def test_thoughts_in_the_text_itself_are_not_spoken() -> None:
    """Servers without a reasoning parser send `<think>…</think>` as content, cut anywhere."""
    pieces = ("\n<th", "ink>They ask, ", "I must </", "think>\n\nYes, ", "Tuesday <think>.")
    assert hear(Answer(pieces=pieces)).text == "Yes, Tuesday <think>."
    assert failure(Answer("<think>and so on, without an end")).kind is Kind.BAD_ANSWER


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=8),
    st.integers(1, 40),
)
def test_the_text_is_what_the_server_sent_however_it_was_cut(pieces: list[str], packet_bytes: int) -> None:
    """Multi-byte characters fall apart between packets, deltas are cut anywhere; mere white space is none."""
    text = "".join(pieces)
    if not text.strip() or "<" in text:
        return
    answer = Answer(pieces=tuple(pieces), packet_bytes=packet_bytes)
    assert hear_on_one_loop(answer) == text


def hear_on_one_loop(answer: Answer) -> str:
    """For many examples: one server, one client, one loop."""
    CURRENT[0] = answer
    if not HOUSE:
        server = SimulatedChatServer(lambda _: CURRENT[0]).start()
        HOUSE.append((asyncio.Runner(), chat(server), server))
    runner, model, _ = HOUSE[0]
    return "".join(runner.run(listen(model))[0])


CURRENT = [Answer()]
HOUSE: list[tuple[asyncio.Runner, OpenAiChat, SimulatedChatServer]] = []


@pytest.fixture(scope="module", autouse=True)
def _close_house() -> object:
    yield
    while HOUSE:
        runner, model, server = HOUSE.pop()
        runner.run(model.close())
        runner.close()
        server.stop()


# fault → what it is called, and a word of the message
FAILING: dict[str, tuple[ProviderErrorKind, str]] = {
    "slow_first_token": (Kind.TIMED_OUT, "no first word in 0.5 s"),
    "hang": (Kind.TIMED_OUT, "no first word in 0.5 s"),
    "stall_midway": (Kind.TIMED_OUT, "fell silent for 0.5 s"),
    "cut_off_midway": (Kind.UNAVAILABLE, "connection broke"),
    "end_without_finish": (Kind.UNAVAILABLE, "cut off"),
    "closed_without_answer": (Kind.UNAVAILABLE, "connection broke"),
    "cut_off_error": (Kind.UNAVAILABLE, "connection broke"),
    "error_midway": (Kind.UNAVAILABLE, "in mid-answer"),
    "malformed_json_chunk": (Kind.BAD_ANSWER, "no JSON"),
    "rate_limited": (Kind.RATE_LIMITED, "HTTP 429"),
    "server_error": (Kind.UNAVAILABLE, "HTTP 500"),
    "empty_everything": (Kind.BAD_ANSWER, "neither text nor a tool call"),
    "wrong_content_type": (Kind.BAD_ANSWER, "text/html"),
}
# faults that a good client gets along with
HARMLESS = FAULTS - set(FAILING)


@pytest.mark.parametrize("fault", sorted(FAILING))
def test_every_fault_is_an_error_of_its_kind(fault: str) -> None:
    kind, words = FAILING[fault]
    hasty = replace(PATIENT, gap_s=0.5) if fault == "stall_midway" else HASTY
    error = failure(Answer(TEXT, fault=fault), patience=hasty if kind is Kind.TIMED_OUT else PATIENT)
    assert error.kind is kind
    assert words in str(error)
    assert "gpt-test at 127.0.0.1:" in str(error)


@pytest.mark.parametrize("fault", sorted(HARMLESS))
def test_every_other_fault_still_brings_the_answer(fault: str) -> None:
    request = Generation(ASK.messages, (END_CALL,), None, max_tokens=50, temperature=0.2)
    heard = hear(Answer(TEXT, fault=fault), request)
    assert heard.text == ("" if fault == "empty_text_with_tool_call" else TEXT)


def test_the_faults_that_break_off_still_hand_on_what_came_before() -> None:
    async def story() -> tuple[str, ProviderErrorKind]:
        said = ""
        async with SimulatedChatServer(lambda _: Answer(TEXT, fault="cut_off_midway")) as server:
            model = chat(server)
            try:
                async for piece in model.generate(ASK):
                    assert isinstance(piece, TextDelta)
                    said += piece.text
            except ProviderError as error:
                return said, error.kind
            finally:
                await model.close()
        raise AssertionError("it was not cut off")

    said, kind = asyncio.run(story())
    assert kind is Kind.UNAVAILABLE
    assert said
    assert TEXT.startswith(said)


# status, code → kind, the cure named
STATUSES: list[tuple[int, str | None, ProviderErrorKind, str]] = [
    (400, None, Kind.BAD_INPUT, "HTTP 400"),
    (400, "context_length_exceeded", Kind.BAD_INPUT, "context_length_exceeded"),
    (401, "invalid_api_key", Kind.BAD_CONFIGURATION, "check TEST_KEY"),
    (402, None, Kind.BAD_CONFIGURATION, "TEST_KEY has no credit"),
    (403, None, Kind.BAD_CONFIGURATION, "TEST_KEY may not use this model"),
    (404, "model_not_found", Kind.BAD_CONFIGURATION, "check model"),
    (404, None, Kind.BAD_CONFIGURATION, "check model and base_url"),
    (405, None, Kind.BAD_CONFIGURATION, "check base_url"),
    (422, None, Kind.BAD_INPUT, "HTTP 422"),
    (429, None, Kind.RATE_LIMITED, "too many requests"),
    (429, "insufficient_quota", Kind.BAD_CONFIGURATION, "the quota of TEST_KEY is used up"),
    (500, None, Kind.UNAVAILABLE, "HTTP 500"),
    (503, None, Kind.UNAVAILABLE, "HTTP 503"),
]


@pytest.mark.parametrize(("status", "code", "kind", "words"), STATUSES)
def test_a_status_tells_whose_fault_it_is_and_what_to_mend(
    status: int, code: str | None, kind: ProviderErrorKind, words: str
) -> None:
    error = failure(Answer(status=status, error={"code": code}))
    assert error.kind is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (400, "Invalid model name passed in model=x. Call `/v1/models`", "no such model"),  # LiteLLM
        (400, "registry.ollama.ai/library/x does not support tools", "takes no tools"),  # Ollama
        (400, '"auto" tool choice requires --enable-auto-tool-choice to be set', "takes no tools"),  # vLLM
        (500, "tools param requires --jinja flag", "takes no tools"),  # llama.cpp
    ],
)
def test_an_operators_mistake_is_known_by_the_servers_words(status: int, said: str, words: str) -> None:
    error = failure(Answer(status=status, error={"message": said, "code": str(status)}))
    assert error.kind is Kind.BAD_CONFIGURATION
    assert words in str(error)


def test_neither_the_key_nor_the_servers_words_get_into_an_error(caplog: pytest.LogCaptureFixture) -> None:
    said = {"message": f"{KEY} asked about +14155550123", "code": "+14155550123", "param": KEY + "!"}
    with caplog.at_level(logging.DEBUG, "byourside_server"):
        for status in (400, 401, 429, 500):
            error = failure(Answer(status=status, error=said))
            assert KEY not in str(error)
            assert "4155550123" not in str(error)
    assert KEY not in caplog.text
    assert KEY not in repr(ChatEndpoint("http://127.0.0.1/v1", "m", KEY))


def test_nobody_listening_is_unavailable() -> None:
    async def story() -> None:
        async with SimulatedChatServer(lambda _: Answer()) as server:
            model = chat(server)
        await listen(model)

    with pytest.raises(ProviderError, match="ConnectError") as caught:
        asyncio.run(story())
    assert caught.value.kind is Kind.UNAVAILABLE


def test_the_whole_answer_has_its_time() -> None:
    """Each piece comes in time, but there is no end to them."""
    patience = Patience(first_token_s=1.0, gap_s=1.0, whole_s=0.3)
    error = failure(Answer("word " * 200, pieces_ms=20), ASK, patience)
    assert error.kind is Kind.TIMED_OUT
    assert "not finished in 0.3 s" in str(error)


def test_reasoning_without_end_is_no_first_word() -> None:
    error = failure(Answer("Yes.", reasoning="so " * 200, pieces_ms=10), patience=HASTY)
    assert "no first word" in str(error)


def test_a_reader_who_takes_his_time_is_not_held_against_the_model() -> None:
    async def story() -> str:
        said = ""
        async with SimulatedChatServer(lambda _: Answer(TEXT)) as server:
            model = chat(server, replace(PATIENT, gap_s=1.0))
            async for piece in model.generate(ASK):
                if isinstance(piece, TextDelta):
                    if not said:
                        await asyncio.sleep(1.2)  # longer than the gap between two pieces may be
                    said += piece.text
            await model.close()
        return said

    assert asyncio.run(story()) == TEXT


def test_a_server_that_stalls_after_its_last_word_has_answered() -> None:
    """Only the count of tokens is missing then; it is not waited for as long as for words."""
    heard = hear(Answer(TEXT, fault="stall_after_finish"), patience=Patience(gap_s=30.0, whole_s=60.0))
    assert heard.text == TEXT
    assert heard.completion.usage.prompt_tokens == 0


def test_closing_early_hangs_up_on_the_server() -> None:
    async def story() -> bool:
        async with SimulatedChatServer(lambda _: Answer(TEXT, fault="stall_midway")) as server:
            model = chat(server)
            pieces = model.generate(ASK)
            assert isinstance(await anext(pieces), TextDelta)
            assert not server.hung_up.is_set()
            await pieces.aclose()
            has_left = await asyncio.to_thread(server.hung_up.wait, 30.0)
            await model.close()
            return has_left

    assert asyncio.run(story())


@pytest.mark.parametrize("fault", ["hang", "slow_first_token", "stall_midway"])
def test_a_cancelled_thought_hangs_up_on_the_server(fault: str) -> None:
    async def story() -> bool:
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()

        def answer(_: dict[str, object]) -> Answer:
            loop.call_soon_threadsafe(arrived.set)
            return Answer(TEXT, fault=fault)

        async with SimulatedChatServer(answer) as server:
            model = chat(server)
            thought = asyncio.create_task(listen(model))
            await arrived.wait()
            thought.cancel()
            await asyncio.wait([thought])
            assert thought.cancelled()
            has_left = await asyncio.to_thread(server.hung_up.wait, 30.0)
            await model.close()
            return has_left

    assert asyncio.run(story())


def test_one_connection_serves_one_thought_after_the_other() -> None:
    """A handshake saved with each; the official client only keeps connections that were read to the end."""

    async def story() -> int:
        async with SimulatedChatServer(lambda _: Answer(TEXT)) as server:
            model = chat(server)
            for _ in range(3):
                await listen(model)
            await model.close()
            return server.connections

    assert asyncio.run(story()) == 1


def test_a_kept_connection_that_the_server_had_closed_is_opened_again_once() -> None:
    """The closing and the next request cross on the wire; no answer was begun, so it is safe to ask again."""

    async def story() -> tuple[list[str], int]:
        answers = iter([Answer("One."), Answer(fault="closed_without_answer"), Answer("Two.")])
        async with SimulatedChatServer(lambda _: next(answers)) as server:
            model = chat(server)
            said = ["".join((await listen(model))[0]) for _ in range(2)]
            await model.close()
            return said, len(server.requests)

    assert asyncio.run(story()) == (["One.", "Two."], 3)


REFUSED_ONCE: list[tuple[str, str, str | None]] = [
    ("refuse_temperature", "temperature", None),
    ("refuse_max_tokens", "max_tokens", "max_completion_tokens"),
    ("refuse_usage", "stream_options", None),
]


@pytest.mark.parametrize(("fault", "dropped", "instead"), REFUSED_ONCE)
def test_what_a_server_does_not_know_is_left_out_from_then_on(
    fault: str, dropped: str, instead: str | None
) -> None:
    request = Generation(ASK.messages, max_tokens=50, temperature=0.2)

    async def story() -> tuple[list[dict[str, object]], list[int]]:
        async with SimulatedChatServer(lambda _: Answer("Yes.", fault=fault)) as server:
            model = chat(server)
            failures = [(await listen(model, request))[1].usage.failures for _ in range(2)]
            await model.close()
            return server.requests, failures

    requests, failures = asyncio.run(story())
    assert [dropped in body for body in requests] == [True, False, False]
    assert instead is None or [instead in body for body in requests] == [False, True, True]
    assert failures == [1, 0]


def test_a_schema_is_asked_for_strictly_where_it_is_closed() -> None:
    heard = hear(Answer('{"met": true}'), Generation(ASK.messages, schema=SCHEMA))
    assert heard.text == '{"met": true}'
    (request,) = heard.requests
    assert request["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "report", "schema": SCHEMA.schema, "strict": True},
    }


@pytest.mark.parametrize("change", [{"additionalProperties": True}, {"required": []}, {"required": None}])
def test_a_schema_that_strict_mode_would_refuse_is_asked_for_without_it(change: dict[str, object]) -> None:
    """Strict mode wants every object closed and all its properties required, also inside others."""
    inner = {**SCHEMA.schema, **change}
    outer = {
        "type": "object",
        "properties": {"items": {"type": "array", "items": inner}},
        "required": ["items"],
        "additionalProperties": False,
    }
    for schema in (inner, outer):
        request = Generation(ASK.messages, schema=AnswerSchema("report", schema))
        assert "strict" not in json.dumps(hear(Answer('{"met": true}'), request).requests)


@pytest.mark.parametrize(
    ("fault", "formats"),
    [
        ("refuse_json_schema", ["json_schema", "json_object", "json_object"]),
        ("refuse_json_schema_as_a_fault", ["json_schema", "json_object", "json_object"]),
        ("refuse_response_format", ["json_schema", "json_object", None, None]),
    ],
)
def test_a_server_without_json_schema_finds_it_in_the_prompt(fault: str, formats: list[str | None]) -> None:
    request = Generation(ASK.messages, schema=SCHEMA)

    async def story() -> tuple[list[dict[str, object]], list[str]]:
        answer = Answer('```json\n{"met": true}\n```', fault=fault)
        async with SimulatedChatServer(lambda _: answer) as server:
            model = chat(server)
            texts = ["".join((await listen(model, request))[0]) for _ in range(2)]
            await model.close()
            return server.requests, texts

    requests, texts = asyncio.run(story())
    assert texts == ['{"met": true}'] * 2
    asked = [body.get("response_format") for body in requests]
    assert [wanted["type"] if isinstance(wanted, dict) else None for wanted in asked] == formats
    assert '"met"' in json.dumps(requests[-1]["messages"]).replace('\\"', '"')


def test_text_that_is_not_the_document_asked_for_is_a_bad_answer() -> None:
    error = failure(Answer("I would rather not."), Generation(ASK.messages, schema=SCHEMA))
    assert error.kind is Kind.BAD_ANSWER


def test_a_refusal_that_no_concession_cures_is_raised_and_nothing_is_learnt() -> None:
    async def story() -> list[dict[str, object]]:
        async with SimulatedChatServer(lambda _: Answer(status=400)) as server:
            model = chat(server)
            for _ in range(2):
                with pytest.raises(ProviderError) as caught:
                    await listen(model, Generation(ASK.messages, schema=SCHEMA))
                assert caught.value.kind is Kind.BAD_INPUT
            await model.close()
            return server.requests

    requests = asyncio.run(story())
    assert [json.dumps(body).count("response_format") for body in requests] == [1, 1, 0, 1, 1, 0]


def asked_before_giving_up(answer: Answer, request: Generation) -> int:
    async def story() -> int:
        async with SimulatedChatServer(lambda _: answer) as server:
            model = chat(server)
            with pytest.raises(ProviderError) as caught:
                await listen(model, request)
            assert caught.value.kind is Kind.BAD_INPUT
            await model.close()
            return len(server.requests)

    return asyncio.run(story())


def test_no_concession_is_made_twice() -> None:
    """vLLM's words, which name the field under both its names."""
    error = {"message": "'max_tokens' or 'max_completion_tokens' is too large: 9000"}
    assert (
        asked_before_giving_up(Answer(status=400, error=error), Generation(ASK.messages, max_tokens=9000))
        == 2
    )


def test_a_conversation_that_is_too_long_is_not_sent_again() -> None:
    answer = Answer(status=400, error={"code": "context_length_exceeded"})
    assert asked_before_giving_up(answer, Generation(ASK.messages, schema=SCHEMA)) == 1


def test_a_request_without_what_was_refused_has_its_own_time_for_the_first_word() -> None:
    """Else a slow server would never be learnt: refusal and answer together take too long."""
    patience = Patience(first_token_s=2.0)
    answer = Answer("Yes.", fault="refuse_temperature", first_token_s=1.2)
    assert hear(answer, Generation(ASK.messages, temperature=0.2), patience).text == "Yes."


@pytest.mark.parametrize("index", [0, None, "0", [], {}])
def test_a_call_without_arguments_is_one_with_none_whatever_its_index(index: object) -> None:
    call = {"index": index, "id": "call_1", "function": {"name": "end_call"}}
    answer = ChatAnswer()
    answer.receive({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]})
    assert answer.tool_calls() == (ToolCall("call_1", "end_call", "{}"),)


WORDS = st.sampled_from(["a", "<think>", "</think>", " ", "call_1"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)


def some(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """An object with any of these fields, each of any kind; or something else."""
    return VALUES | st.fixed_dictionaries({}, optional={n: VALUES | field for n, field in fields.items()})


CALL_DELTAS = some(index=st.integers(0, 1), id=WORDS, function=some(name=WORDS, arguments=WORDS))
DELTAS = some(content=WORDS, tool_calls=st.lists(CALL_DELTAS, max_size=2))
CHOICES = st.lists(some(delta=DELTAS, finish_reason=WORDS), max_size=1)
CHUNKS = some(choices=CHOICES, usage=some(prompt_tokens=st.integers(), prompt_tokens_details=VALUES))


@settings(max_examples=300, deadline=None)
@given(st.lists(CHUNKS, max_size=3))
def test_whatever_a_server_sends_is_an_answer_or_malformed(chunks: list[object]) -> None:
    answer = ChatAnswer()
    try:
        said = "".join(answer.receive(chunk) for chunk in chunks) + answer.finish()
        calls = answer.tool_calls()
    except MalformedAnswer:
        return
    assert isinstance(said, str)
    assert all(call.id and call.name and call.arguments for call in calls)
    assert answer.tokens is None or 0 <= answer.tokens.cached <= answer.tokens.prompt


def test_a_dialect_can_be_set_from_the_start() -> None:
    dialect = Dialect(usage=False, token_limit="max_completion_tokens", reasoning_effort="minimal")
    (request,) = hear(Answer("Yes."), Generation(ASK.messages, max_tokens=9), dialect=dialect).requests
    assert "stream_options" not in request
    assert request["max_completion_tokens"] == 9
    assert request["reasoning_effort"] == "minimal"
    assert FULL_DIALECT.usage


def test_cost_is_reckoned_from_prices_and_cached_tokens() -> None:
    usage = Usage(prompt_tokens=1_000, cached_tokens=800, completion_tokens=100)
    prices = Prices(input_usd_per_mtok=2.0, cached_usd_per_mtok=0.5, output_usd_per_mtok=8.0)
    cost = hear(Answer(TEXT, usage=usage), prices=prices).completion.usage.cost_usd
    assert cost == pytest.approx((200 * 2.0 + 800 * 0.5 + 100 * 8.0) / 1e6)
    without_cached = hear(Answer(TEXT, usage=usage), prices=Prices(2.0, None, 8.0)).completion.usage.cost_usd
    assert without_cached == pytest.approx((1_000 * 2.0 + 100 * 8.0) / 1e6)


def test_the_cost_of_uncounted_tokens_is_not_known() -> None:
    heard = hear(Answer(TEXT, fault="no_usage"), prices=Prices(2.0, None, 8.0))
    assert heard.completion.usage == Usage(requests=1, models=("test/gpt-test",))


# header values → seconds (RFC 9110 §10.2.3; `retry-after-ms` is OpenAI's and Azure's own)
RETRY_AFTER: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after": "2"}, 2.0),
    ({"retry-after": "0.25"}, 0.25),
    ({"retry-after-ms": "150", "retry-after": "1"}, 0.15),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0.0),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "-3"}, None),
    ({"retry-after": "inf"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), RETRY_AFTER)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_rate_limit_brings_the_servers_wish() -> None:
    assert failure(Answer(fault="rate_limited")).retry_after_s == 2.0
    assert failure(Answer(fault="rate_limited", headers={"Retry-After-Ms": "40"})).retry_after_s == 0.04


@pytest.mark.parametrize(
    "base_url",
    ["api.openai.com/v1", "ftp://host/v1", "http://", "http://user:secret@host/v1", "http://host:99999/"],
)
def test_a_base_url_that_leads_nowhere_is_refused_at_once(base_url: str) -> None:
    with pytest.raises(ProviderError, match="base_url must be") as caught:
        ChatEndpoint(base_url, "m")
    assert "secret" not in str(caught.value)


def test_a_key_with_odd_characters_is_refused_without_being_shown() -> None:
    with pytest.raises(ProviderError, match="TEST_KEY holds characters") as caught:
        ChatEndpoint("http://127.0.0.1/v1", "m", "sk-“quoted”", "TEST_KEY")
    assert "quoted" not in str(caught.value)


def test_half_a_character_in_the_conversation_is_bad_input() -> None:
    error = failure(Answer("Yes."), Generation((Message("user", "broken \ud83d"),)))
    assert error.kind is Kind.BAD_INPUT
