"""Several models behind one door: scripted models and virtual time; then real HTTP for the whole chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace

import pytest

from byourside_server.providers.base import (
    AnswerSchema,
    Completion,
    Generation,
    LanguageModel,
    Message,
    ProviderError,
    ProviderErrorKind,
    TextDelta,
    ToolCall,
    Usage,
)
from byourside_server.providers.language_chain import LanguageChain
from byourside_server.providers.language_registry import OPTIONS, VENDORS, open_language_model
from tests.vendors.chat_server import Answer, SimulatedChatServer

Kind = ProviderErrorKind
ASK = Generation((Message("user", "Hello?"),))


class ScriptedModel:
    """Does what its script says, request by request: words, or an error; None breaks off after words."""

    def __init__(self, name: str, *script: str | ProviderError | None) -> None:
        self.name = name
        self.script = list(script)
        self.asked = 0
        self.closed_answers = 0
        self.is_closed = False

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        self.asked += 1
        step = self.script.pop(0) if self.script else f"{self.name} speaking"
        try:
            if isinstance(step, ProviderError):
                raise step
            yield TextDelta(step or "Well,")
            if step is None:
                raise ProviderError(Kind.UNAVAILABLE, f"{self.name} broke off")
            usage = Usage(
                requests=1, prompt_tokens=10, completion_tokens=2, cost_usd=0.5, models=(self.name,)
            )
            yield Completion(usage=usage)
        finally:
            self.closed_answers += 1

    async def close(self) -> None:
        self.is_closed = True


class House:
    """A chain of scripted models with a clock that only moves when told."""

    def __init__(self, *models: LanguageModel) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.chain = LanguageChain(models, monotonic=lambda: self.now, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def ask(self) -> tuple[str, Completion]:
        return asyncio.run(hear(self.chain))


async def hear(model: LanguageModel, request: Generation = ASK) -> tuple[str, Completion]:
    said = ""
    async for piece in model.generate(request):
        if isinstance(piece, Completion):
            return said, piece
        said += piece.text
    raise AssertionError("an answer without Completion")


def down(
    name: str = "it", kind: ProviderErrorKind = Kind.UNAVAILABLE, wish: float | None = None
) -> ProviderError:
    return ProviderError(kind, f"{name} is down", retry_after_s=wish)


def test_the_first_model_that_answers_is_heard_and_failures_are_counted() -> None:
    one, two, three = ScriptedModel("one", down()), ScriptedModel("two", down()), ScriptedModel("three")
    said, completion = House(one, two, three).ask()
    assert said == "three speaking"
    assert completion.usage == Usage(
        requests=1, failures=2, prompt_tokens=10, completion_tokens=2, cost_usd=0.5, models=("three",)
    )


def test_the_log_says_of_every_failure_whose_it_was_why_and_how_long_it_rests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = ScriptedModel("one", down("one"), down("one", Kind.RATE_LIMITED, wish=3600.0))
    two = ScriptedModel("two", down("two", Kind.BAD_INPUT))
    house = House(one, two, ScriptedModel("three"))
    house.ask()
    house.ask()
    told = [
        (record.__dict__["model"], record.__dict__["why"], record.__dict__.get("rest_s"))
        for record in caplog.records
    ]
    assert told == [("one", "one is down", 0.0), ("two", "two is down", None), ("one", "one is down", 600.0)]


def test_a_model_that_writes_no_json_goes_on_talking() -> None:
    """Whoever reads transcripts with it must not silence the calls that talk with it."""
    no_json = down(kind=Kind.BAD_ANSWER)
    one, two = ScriptedModel("one", no_json, no_json, no_json), ScriptedModel("two")
    house = House(one, two)
    document = replace(ASK, schema=AnswerSchema("fields", {"type": "object"}))
    for _ in range(3):
        assert asyncio.run(hear(house.chain, document))[0] == "two speaking"
    assert house.ask()[0] == "one speaking"


def test_a_model_that_talks_nonsense_rests() -> None:
    one, two = ScriptedModel("one", *[down(kind=Kind.BAD_ANSWER)] * 2), ScriptedModel("two")
    house = House(one, two)
    assert [house.ask()[0] for _ in range(3)] == ["two speaking"] * 3
    assert one.asked == 2


def test_an_answer_that_broke_off_after_words_is_not_begun_again_by_another() -> None:
    """The contact has heard the beginning; what to do now is the mind's decision."""
    one, two = ScriptedModel("one", None), ScriptedModel("two")
    with pytest.raises(ProviderError, match="one broke off"):
        House(one, two).ask()
    assert two.asked == 0


def test_an_answer_without_end_is_a_failure() -> None:
    class Endless(ScriptedModel):
        async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
            return
            yield

    assert House(Endless("mute"), ScriptedModel("two")).ask()[0] == "two speaking"


def test_a_model_that_failed_twice_in_a_row_rests_for_15_seconds() -> None:
    one, two = ScriptedModel("one", down(), down()), ScriptedModel("two")
    house = House(one, two)
    heard = [house.ask()[0] for _ in range(3)]
    assert heard == ["two speaking"] * 3
    assert one.asked == 2
    house.now += 14.9
    house.ask()
    assert one.asked == 2
    house.now += 0.2
    assert house.ask()[0] == "one speaking"


def test_failures_with_an_answer_between_them_do_not_count_together() -> None:
    one = ScriptedModel("one", down(), "fine", down(), "fine", "fine")
    house = House(one, ScriptedModel("two"))
    assert [house.ask()[0] for _ in range(5)] == ["two speaking", "fine", "two speaking", "fine", "fine"]


def test_a_model_that_fails_after_its_rest_rests_again_at_once() -> None:
    one = ScriptedModel("one", down(), down(), down())
    house = House(one, ScriptedModel("two"))
    house.ask(), house.ask()
    house.now += 15.1
    house.ask()
    house.ask()
    assert one.asked == 3


def test_an_operators_mistake_rests_for_a_minute_after_the_first_failure() -> None:
    one = ScriptedModel("one", down(kind=Kind.BAD_CONFIGURATION))
    house = House(one, ScriptedModel("two"))
    house.ask()
    house.now += 59.9
    house.ask()
    assert one.asked == 1
    house.now += 0.2
    assert house.ask()[0] == "one speaking"


def test_a_bad_request_says_nothing_about_the_model() -> None:
    """One call's text that a vendor's filter refuses must not take the model from all other calls."""
    one = ScriptedModel("one", *[down(kind=Kind.BAD_INPUT)] * 3)
    house = House(one, ScriptedModel("two"))
    assert [house.ask()[0] for _ in range(4)] == ["two speaking"] * 3 + ["one speaking"]


@pytest.mark.parametrize(("wish", "rest_s"), [(8.0, 8.0), (1e9, 600.0)])
def test_a_rate_limit_is_honoured(wish: float, rest_s: float) -> None:
    one = ScriptedModel("one", down(kind=Kind.RATE_LIMITED, wish=wish))
    house = House(one, ScriptedModel("two"))
    house.ask()
    house.now += rest_s - 0.1
    assert house.ask()[0] == "two speaking"
    house.now += 0.2
    assert house.ask()[0] == "one speaking"


def test_a_short_rate_limit_of_the_last_model_is_waited_out_once() -> None:
    limited = down("two", Kind.RATE_LIMITED, 0.3)
    house = House(ScriptedModel("one", down()), ScriptedModel("two", limited))
    said, completion = house.ask()
    assert (said, house.slept, completion.usage.failures) == ("two speaking", [0.3], 2)
    house = House(ScriptedModel("one", limited, limited))
    with pytest.raises(ProviderError) as caught:
        house.ask()
    assert (caught.value.kind, caught.value.retry_after_s, house.slept) == (Kind.RATE_LIMITED, 0.3, [0.3])


def test_a_rate_limit_is_not_waited_out_where_another_model_is_left_or_it_is_long() -> None:
    house = House(ScriptedModel("one", down(kind=Kind.RATE_LIMITED, wish=0.1)), ScriptedModel("two"))
    assert (house.ask()[0], house.slept) == ("two speaking", [])
    house = House(ScriptedModel("one", down(kind=Kind.RATE_LIMITED, wish=0.6)))
    with pytest.raises(ProviderError):
        house.ask()
    assert house.slept == []


def test_where_all_rest_the_one_whose_rest_ends_first_is_asked() -> None:
    one = ScriptedModel("one", down(kind=Kind.BAD_CONFIGURATION))
    two = ScriptedModel("two", down(kind=Kind.RATE_LIMITED, wish=30.0))
    house = House(one, two)
    with pytest.raises(ProviderError):
        house.ask()
    assert house.ask()[0] == "two speaking"
    assert one.asked == 1


def test_while_one_request_tries_a_rested_model_the_others_go_on_without_it() -> None:
    one, two = ScriptedModel("one", down(), down()), ScriptedModel("two")
    house = House(one, two)
    house.ask(), house.ask()
    house.now += 15.1

    async def story() -> str:
        trial = house.chain.generate(ASK)
        await anext(trial)
        other, _ = await hear(house.chain)
        await anext(trial)
        return other

    assert asyncio.run(story()) == "two speaking"
    assert house.ask()[0] == "one speaking"


def test_if_all_fail_the_error_names_each_model_and_why() -> None:
    one = ScriptedModel("openai/one", down("one", Kind.TIMED_OUT))
    two = ScriptedModel("groq/two", down("two", Kind.RATE_LIMITED, 9.0))
    with pytest.raises(ProviderError) as caught:
        House(one, two).ask()
    assert caught.value.kind is Kind.RATE_LIMITED
    assert caught.value.retry_after_s == 9.0
    assert str(caught.value) == (
        "no language model answered: "
        "openai/one (timed_out: one is down); groq/two (rate_limited: two is down)"
    )


def test_a_thought_given_up_closes_the_model_and_counts_as_no_failure() -> None:
    one = ScriptedModel("one")
    house = House(one, ScriptedModel("two"))

    async def story() -> None:
        for closed in range(1, 4):
            pieces = house.chain.generate(ASK)
            await anext(pieces)
            await pieces.aclose()
            assert one.closed_answers == closed

    asyncio.run(story())
    assert one.asked == 3
    assert house.ask()[0] == "one speaking"


def test_closing_the_chain_closes_every_model() -> None:
    models = ScriptedModel("one"), ScriptedModel("two")
    asyncio.run(House(*models).chain.close())
    assert all(model.is_closed for model in models)


# From here on with real HTTP.

SPEC = "compatible?model=first&base_url={0}&first_token_timeout_s=0.5, compatible?model=second&base_url={0}"
FAULTS_BEFORE_TEXT = [
    "slow_first_token",
    "hang",
    "rate_limited",
    "server_error",
    "empty_everything",
    "wrong_content_type",
]


@pytest.mark.parametrize("fault", FAULTS_BEFORE_TEXT)
def test_every_fault_before_the_first_word_is_covered_by_the_next_model(fault: str) -> None:
    def answer(body: dict[str, object]) -> Answer:
        return Answer("One moment.", fault=fault if body["model"] == "first" else None)

    async def story() -> tuple[str, Completion]:
        async with SimulatedChatServer(answer) as server:
            chain = open_language_model(SPEC.format(server.base_url), {})
            try:
                return await hear(chain)
            finally:
                await chain.close()

    said, completion = asyncio.run(story())
    assert said == "One moment."
    assert completion.usage.failures == 1
    assert completion.usage.models == ("compatible/second",)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("stall_midway", Kind.TIMED_OUT),
        ("cut_off_midway", Kind.UNAVAILABLE),
        ("malformed_json_chunk", Kind.BAD_ANSWER),
        ("error_midway", Kind.UNAVAILABLE),
    ],
)
def test_every_fault_after_the_first_word_goes_out(fault: str, kind: ProviderErrorKind) -> None:
    async def story() -> list[object]:
        answer = Answer("One moment, I will have a look.", fault=fault)
        gap_s = 0.5 if kind is Kind.TIMED_OUT else 30
        async with SimulatedChatServer(lambda _: answer) as server:
            spec = f"compatible?model=a&base_url={server.base_url}&gap_timeout_s={gap_s}, ollama?model=b"
            chain = open_language_model(spec, {})
            try:
                await hear(chain)
            except ProviderError as error:
                return [error.kind, [body["model"] for body in server.requests]]
            finally:
                await chain.close()
        raise AssertionError("it did not fail")

    assert asyncio.run(story()) == [kind, ["a"]]


def test_a_tool_call_comes_through_the_chain() -> None:
    call = ToolCall("call_1", "end_call", '{"reason":"completed"}')

    async def story() -> Completion:
        async with SimulatedChatServer(lambda _: Answer(tool_calls=(call,))) as server:
            chain = open_language_model(f"vllm?model=m&base_url={server.base_url}/", {})
            _, completion = await hear(chain)
            await chain.close()
            return completion

    assert asyncio.run(story()).tool_calls == (call,)


def test_a_wrong_key_is_named_by_its_variable() -> None:
    async def story() -> ProviderError:
        async with SimulatedChatServer(lambda _: Answer("Yes."), key="sk-right") as server:
            spec = f"openai?model=m&base_url={server.base_url}&key_env=MY_KEY"
            right = open_language_model(spec, {"MY_KEY": " sk-right\n"})
            assert (await hear(right))[0] == "Yes."
            await right.close()
            wrong = open_language_model(spec, {"MY_KEY": "sk-wrong"})
            with pytest.raises(ProviderError) as caught:
                await hear(wrong)
            await wrong.close()
            return caught.value

    error = asyncio.run(story())
    assert error.kind is Kind.BAD_CONFIGURATION
    assert "check MY_KEY" in str(error)
    assert "sk-" not in str(error)


# How operators write chains, and what comes of it.


@pytest.mark.parametrize(
    ("spec", "environ", "complaint"),
    [
        ("openai?model=m", {}, "set the environment variable OPENAI_API_KEY"),
        ("openai?model=m", {"OPENAI_API_KEY": "  "}, "set the environment variable OPENAI_API_KEY"),
        ("groq?model=m", {"OPENAI_API_KEY": "k"}, "set the environment variable GROQ_API_KEY"),
        ("azure?model=m", {"AZURE_OPENAI_API_KEY": "k"}, "base_url=https://NAME.openai.azure.com/openai/v1/"),
        ("vllm?model=m&base_url=http://h/v1&key_env=VLLM", {}, "set the environment variable VLLM"),
        ("vllm?model=m", {}, "base_url=http://127.0.0.1:8000/v1"),
        ("ollama", {}, "write ollama\\?model=NAME"),
        ("ollama?model=m&temprature=1", {}, "no option 'temprature'"),
        ("ollama?model=m&base_ulr=http://h/v1", {}, "did you mean 'base_url'"),
        ("openai?modle=m", {}, "did you mean 'model'"),
        ("embedded, ollama?model=m", {}, "alone or at the end of a chain"),
        ("ollama?model=m&gap_timeout_s=0", {}, "longer than 0 seconds"),
        ("ollama?model=m&usage=maybe", {}, "one of on, off"),
        ("ollama?model=m&base_url=localhost", {}, "base_url must be"),
        ("gpt-5?model=m", {}, "no language model is called 'gpt-5'; known are: openai, groq"),
        ("", {}, "no name"),
    ],
)
def test_a_mistake_in_a_chain_is_named_with_its_cure(
    spec: str, environ: Mapping[str, str], complaint: str
) -> None:
    with pytest.raises(ProviderError, match=complaint) as caught:
        open_language_model(spec, environ)
    assert caught.value.kind is Kind.BAD_CONFIGURATION


def test_every_vendor_opens_with_a_model_a_place_and_a_key() -> None:
    environ = {vendor.key_env: "key" for vendor in VENDORS.values() if vendor.key_env}
    for name, vendor in VENDORS.items():
        where = f"&base_url={vendor.example_url}" if vendor.base_url is None else ""
        assert open_language_model(f"{name}?model=m{where}", environ).name == f"{name}/m"


def test_the_documented_options_are_those_that_are_known() -> None:
    values = {
        "base_url": "http://127.0.0.1:1/v1",
        "key_env": "KEY",
        "usage": "off",
        "token_limit": "max_tokens",
        "answer_format": "prompt",
    }
    written = "&".join(f"{name}={values.get(name, '1')}" for name in OPTIONS)
    assert open_language_model(f"compatible?{written}", {"KEY": "k"}).name == "compatible/1"
    with pytest.raises(ProviderError) as caught:
        open_language_model("ollama?model=m&zzzzzzzz=1", {})
    assert sorted(OPTIONS) == str(caught.value).partition("it knows ")[2].split(", ")


def test_a_chain_says_who_is_in_it() -> None:
    chain = open_language_model("ollama?model=llama3, openai?model=gpt-5-mini", {"OPENAI_API_KEY": "k"})
    assert chain.name == "ollama/llama3, openai/gpt-5-mini"
