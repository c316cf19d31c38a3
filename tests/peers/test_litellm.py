"""The door to language models against a real LiteLLM proxy: a server that nobody here wrote.

`script/setup-litellm` installs it. Its models answer with LiteLLM's own `mock_response`, or are forwarded to
the simulated chat server, so that deltas, tool calls and errors pass through LiteLLM. Loopback only.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from byourside_server.providers.base import (
    AnswerSchema,
    Completion,
    Generation,
    Message,
    ProviderError,
    ProviderErrorKind,
    Tool,
    ToolCall,
    Usage,
)
from byourside_server.providers.language_registry import open_language_model
from tests.vendors.chat_server import Answer, SimulatedChatServer

Kind = ProviderErrorKind
LITELLM = Path(__file__).resolve().parents[2] / ".venv-litellm" / "bin" / "litellm"
pytestmark = pytest.mark.skipif(not LITELLM.exists(), reason="no LiteLLM: run script/setup-litellm")

MASTER_KEY = "sk-simulated-master"
START_PATIENCE_S = 90.0
SCRIPTED = "Yes, Tuesday at three suits me well."
FORWARDED = "Grüß Gott, ¿le va bien el martes a las tres? 👍 It does."
CALLS = (
    ToolCall("call_1", "press_keys", '{"digits":"4155550123#"}'),
    ToolCall("call_2", "end_call", '{"reason":"completed"}'),
)
TOOLS = tuple(
    Tool(name, "Simulated.", {"type": "object", "properties": {argument: {"type": "string"}}})
    for name, argument in (("press_keys", "digits"), ("end_call", "reason"))
)
SCHEMA = AnswerSchema(
    "report",
    {
        "type": "object",
        "properties": {"met": {"type": "boolean"}},
        "required": ["met"],
        "additionalProperties": False,
    },
)
ASK = Generation((Message("system", "You phone people."), Message("user", "Hello?")))

# model → what the simulated server behind LiteLLM says for it
BEHIND: dict[str, Answer] = {
    "talks": Answer(FORWARDED, usage=Usage(prompt_tokens=120, cached_tokens=100, completion_tokens=14)),
    "acts": Answer("Goodbye.", tool_calls=CALLS),
    "reports": Answer('{"met": true}'),
    "fails": Answer(fault="server_error"),
    "breaks-off": Answer(FORWARDED, fault="cut_off_midway"),
    "hangs": Answer(fault="hang"),
}
# model → LiteLLM's own answer
MOCKED = {"scripted": SCRIPTED, "limited": "litellm.RateLimitError"}


@dataclass(frozen=True)
class Proxy:
    """LiteLLM, and what stands behind it."""

    base_url: str
    behind: SimulatedChatServer

    def generate(
        self, models: str, request: Generation = ASK, key: str = MASTER_KEY, **options: str
    ) -> tuple[str, Completion]:
        """Ask a chain of LiteLLM's models."""
        asked = "&".join(
            [f"base_url={self.base_url}", "key_env=KEY", *(f"{n}={v}" for n, v in options.items())]
        )
        spec = ",".join(f"compatible?model={model}&{asked}" for model in models.split(","))

        async def story() -> tuple[str, Completion]:
            chain, said = open_language_model(spec, {"KEY": key}), ""
            try:
                async for piece in chain.generate(request):
                    if isinstance(piece, Completion):
                        return said, piece
                    said += piece.text
            finally:
                await chain.close()
            raise AssertionError("an answer without Completion")

        return asyncio.run(story())

    def failure(self, models: str, key: str = MASTER_KEY, **options: str) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            self.generate(models, ASK, key, **options)
        return caught.value


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One proxy for all: it takes some ten seconds to start."""
    directory = tmp_path_factory.mktemp("litellm")
    with SimulatedChatServer(lambda body: BEHIND[str(body["model"])]) as behind:
        config = directory / "config.yaml"
        config.write_text(json.dumps(configuration(behind.base_url)))  # every JSON document is YAML
        port = free_port()
        process = subprocess.Popen(
            [LITELLM, "--config", config, "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"],
            cwd=directory,
            env=environment(directory),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout is not None
            wait_for(process.stdout, "Uvicorn running on")
            yield Proxy(f"http://127.0.0.1:{port}/v1", behind)
        finally:
            process.kill()  # it would wait for the model that hangs
            process.wait(20)


def configuration(behind: str) -> dict[str, object]:
    forwarded = [(name, {"api_base": behind}) for name in BEHIND]
    mocked = [(name, {"api_base": behind, "mock_response": says}) for name, says in MOCKED.items()]
    return {
        "model_list": [
            {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_key": "none", **how}}
            for name, how in [*forwarded, *mocked]
        ],
        "general_settings": {"master_key": MASTER_KEY},
        "litellm_settings": {"num_retries": 0, "telemetry": False},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }


def environment(home: Path) -> dict[str, str]:
    """Nothing is fetched: price lists, news and the like come out of the package."""
    local = (
        "MODEL_COST_MAP",
        "ANTHROPIC_BETA_HEADERS",
        "BLOG_POSTS",
        "POLICY_TEMPLATES",
        "AUTOROUTER_PRESETS",
    )
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        "DISABLE_ADMIN_UI": "True",
        **{f"LITELLM_LOCAL_{name}": "True" for name in local},
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(output: IO[str], words: str) -> None:
    """Read on until a line with `words`, and then for ever, so that the pipe never fills."""
    found = threading.Event()
    lines: list[str] = []

    def read() -> None:
        for line in output:
            lines.append(line)
            if words in line:
                found.set()

    threading.Thread(target=read, daemon=True).start()
    assert found.wait(START_PATIENCE_S), "LiteLLM did not start:\n" + "".join(lines[-30:])


def test_a_scripted_answer_comes_with_its_tokens(proxy: Proxy) -> None:
    said, completion = proxy.generate("scripted")
    assert said == SCRIPTED
    assert completion.finish_reason == "stop"
    assert completion.usage.prompt_tokens > 0
    assert completion.usage.completion_tokens > 0
    assert completion.usage.models == ("compatible/scripted",)


def test_text_and_tokens_come_through_unchanged(proxy: Proxy) -> None:
    said, completion = proxy.generate("talks", input_usd_per_mtok="2", output_usd_per_mtok="8")
    assert said == FORWARDED
    usage = completion.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (120, 100, 14)
    assert usage.cost_usd == pytest.approx((120 * 2 + 14 * 8) / 1e6)


def test_tool_calls_come_through_whole(proxy: Proxy) -> None:
    said, completion = proxy.generate("acts", Generation(ASK.messages, TOOLS))
    assert said == "Goodbye."
    assert completion.tool_calls == CALLS
    assert completion.finish_reason == "tool_calls"


def test_a_conversation_with_tool_calls_arrives_as_it_was_sent(proxy: Proxy) -> None:
    messages = (
        *ASK.messages,
        Message("assistant", "", CALLS[:1]),
        Message("tool", "pressed", tool_call_id="call_1"),
    )
    proxy.generate("talks", Generation(messages, TOOLS, max_tokens=60, temperature=0.3))
    seen = proxy.behind.requests[-1]
    assert [message["role"] for message in seen["messages"]] == ["system", "user", "assistant", "tool"]  # type: ignore[attr-defined]
    assert json.dumps(CALLS[0].arguments) in json.dumps(seen["messages"])
    assert (seen["max_tokens"], seen["temperature"]) == (60, 0.3)


def test_a_document_is_asked_for_by_its_schema(proxy: Proxy) -> None:
    said, _ = proxy.generate("reports", Generation(ASK.messages, schema=SCHEMA))
    assert json.loads(said) == {"met": True}
    wanted = proxy.behind.requests[-1]["response_format"]
    assert isinstance(wanted, dict)
    assert wanted["json_schema"]["schema"] == SCHEMA.schema


@pytest.mark.parametrize("key", ["sk-wrong", "wrong"])
def test_a_wrong_key_is_the_operators_mistake(proxy: Proxy, key: str) -> None:
    """Without a database this proxy answers 400 `no_db_connection` to `sk-…` and 401 to other keys."""
    error = proxy.failure("scripted", key=key)
    assert error.kind is Kind.BAD_CONFIGURATION
    assert "the key was not accepted: check KEY" in str(error)
    assert key not in str(error).replace("compatible/scripted", "")


def test_an_unknown_model_is_the_operators_mistake(proxy: Proxy) -> None:
    error = proxy.failure("nobody")
    assert error.kind is Kind.BAD_CONFIGURATION
    assert "no such model" in str(error)


def test_a_rate_limit_is_one_and_the_next_model_answers(proxy: Proxy) -> None:
    assert proxy.failure("limited").kind is Kind.RATE_LIMITED
    said, completion = proxy.generate("limited,talks")
    assert said == FORWARDED
    assert (completion.usage.failures, completion.usage.models) == (1, ("compatible/talks",))


def test_a_failing_vendor_behind_it_is_covered_by_the_next_model(proxy: Proxy) -> None:
    assert proxy.failure("fails").kind is Kind.UNAVAILABLE
    assert proxy.generate("fails,scripted")[0] == SCRIPTED


def test_a_vendor_that_hangs_behind_it_is_left_in_time(proxy: Proxy) -> None:
    said, completion = proxy.generate("hangs,scripted", first_token_timeout_s="0.5")
    assert (said, completion.usage.failures) == (SCRIPTED, 1)


def test_an_answer_that_breaks_off_behind_it_is_an_error(proxy: Proxy) -> None:
    assert proxy.failure("breaks-off").kind in (Kind.UNAVAILABLE, Kind.BAD_ANSWER)
