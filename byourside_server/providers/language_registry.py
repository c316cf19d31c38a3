"""Which language models an operator can name, and what each name stands for.

`openai?model=gpt-5-mini, ollama?model=llama3` is a chain, tried in its order. Every vendor here speaks the
chat-completions protocol; they differ in where they are and in whether they want a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from byourside_server.clock import SystemClock
from byourside_server.measures.book import Book
from byourside_server.providers.base import LanguageModel
from byourside_server.providers.chat_failures import ChatEndpoint
from byourside_server.providers.chat_patience import USUAL_PATIENCE, Patience
from byourside_server.providers.chat_request import AnswerFormat, Dialect, TokenLimit
from byourside_server.providers.language_chain import LanguageChain
from byourside_server.providers.measured import MeasuredModel
from byourside_server.providers.openai_chat import OpenAiChat, Prices
from byourside_server.providers.specification import (
    Options,
    Specification,
    bad_configuration,
    missing_key,
    parse_chain,
)

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Vendor:
    """Where a vendor's models are; None where only the operator knows. `key_env` names the key's variable."""

    base_url: str | None = None
    key_env: str | None = None
    example_url: str = ""


VENDORS: Mapping[str, Vendor] = {
    "openai": Vendor("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "groq": Vendor("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "azure": Vendor(None, "AZURE_OPENAI_API_KEY", "https://NAME.openai.azure.com/openai/v1/"),
    "ollama": Vendor("http://127.0.0.1:11434/v1"),
    "vllm": Vendor(None, None, "http://127.0.0.1:8000/v1"),
    "llamacpp": Vendor(None, None, "http://127.0.0.1:8080/v1"),
    "compatible": Vendor(None, None, "https://host/v1"),
}

USAGE: Mapping[str, bool] = {"on": True, "off": False}
TOKEN_LIMITS: Mapping[str, TokenLimit] = {
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_completion_tokens",
}
ANSWER_FORMATS: Mapping[str, AnswerFormat] = {
    "json_schema": "json_schema",
    "json_object": "json_object",
    "prompt": "prompt",
}

# option → what it sets; printed in the documentation
OPTIONS: Mapping[str, str] = {
    "model": "the model's name at the vendor; required",
    "base_url": "where the API is, up to and with /v1",
    "key_env": "the environment variable that holds the key",
    "connect_timeout_s": "longest wait for a connection",
    "first_token_timeout_s": "longest wait for the first word or tool call, from the request on",
    "gap_timeout_s": "longest silence inside an answer",
    "total_timeout_s": "longest whole answer",
    "usage": "off where the server must not be asked to count tokens",
    "token_limit": "max_tokens or max_completion_tokens: the field that carries the limit",
    "answer_format": "json_schema, json_object or prompt: how a JSON answer is asked for",
    "reasoning_effort": "sent as it is, such as minimal or none",
    "input_usd_per_mtok": "US dollars per million tokens of input",
    "cached_usd_per_mtok": "US dollars per million tokens of input out of the vendor's cache",
    "output_usd_per_mtok": "US dollars per million tokens of output",
}


def open_language_model(
    spec: str,
    environ: Mapping[str, str],
    *,
    monotonic: Callable[[], float] | None = None,
    book: Book | None = None,
) -> LanguageModel:
    """The chain that `spec` names, keys out of `environ`, timed in `book`. Connects to nothing yet.

    Raises ProviderError (BAD_CONFIGURATION) naming the option or the variable to set.
    """
    links = parse_chain(spec)
    models: list[LanguageModel] = [open_chat_model(link, environ) for link in links]
    if book is not None:
        models = [MeasuredModel(model, book) for model in models]
    return LanguageChain(models, monotonic=monotonic or SystemClock().monotonic)


def open_chat_model(link: Specification, environ: Mapping[str, str]) -> OpenAiChat:
    """One model. Raises ProviderError (BAD_CONFIGURATION)."""
    vendor = VENDORS.get(link.name)
    if link.name == "embedded":
        raise bad_configuration("'embedded' asks no model: it may only stand alone or at the end of a chain")
    if vendor is None:
        raise bad_configuration(f"no language model is called {link.name!r}; known are: {', '.join(VENDORS)}")
    options = Options(link)
    # First of all: what is written with a slip is missing under its right name.
    options.refuse_unknown(OPTIONS)
    endpoint = _endpoint(link.name, vendor, options, environ)
    patience, prices, dialect = _patience(options), _prices(options), _dialect(options)
    return OpenAiChat(
        f"{link.name}/{endpoint.model}", endpoint, patience=patience, prices=prices, dialect=dialect
    )


def _endpoint(name: str, vendor: Vendor, options: Options, environ: Mapping[str, str]) -> ChatEndpoint:
    model, base_url = options.optional("model"), options.optional("base_url") or vendor.base_url
    key_env = options.optional("key_env") or vendor.key_env
    if model is None:
        raise bad_configuration(f"{name!r} needs its model: write {name}?model=NAME")
    if base_url is None:
        raise bad_configuration(
            f"{name!r} needs to know where: write {name}?model={model}&base_url={vendor.example_url}"
        )
    key = environ.get(key_env, "").strip() if key_env else ""
    if key_env and not key:
        raise missing_key(name, key_env)
    return ChatEndpoint(base_url, model, key or None, key_env)


def _patience(options: Options) -> Patience:
    return Patience(
        connect_s=_seconds(options, "connect_timeout_s", USUAL_PATIENCE.connect_s),
        first_token_s=_seconds(options, "first_token_timeout_s", USUAL_PATIENCE.first_token_s),
        gap_s=_seconds(options, "gap_timeout_s", USUAL_PATIENCE.gap_s),
        whole_s=_seconds(options, "total_timeout_s", USUAL_PATIENCE.whole_s),
    )


def _prices(options: Options) -> Prices:
    return Prices(
        options.optional_number("input_usd_per_mtok"),
        options.optional_number("cached_usd_per_mtok"),
        options.optional_number("output_usd_per_mtok"),
    )


def _dialect(options: Options) -> Dialect:
    return Dialect(
        usage=_choice(options, "usage", USAGE, "on"),
        token_limit=_choice(options, "token_limit", TOKEN_LIMITS, "max_tokens"),
        answer_format=_choice(options, "answer_format", ANSWER_FORMATS, "json_schema"),
        reasoning_effort=options.optional("reasoning_effort"),
    )


def _seconds(options: Options, name: str, default: float) -> float:
    value = options.number(name, default)
    if not value:
        raise bad_configuration(f"option {name!r} must be longer than 0 seconds")
    return value


def _choice(options: Options, name: str, choices: Mapping[str, Choice], default: str) -> Choice:
    given = options.text(name, default)
    if given not in choices:
        raise bad_configuration(f"option {name!r} must be one of {', '.join(choices)}, not {given!r}")
    return choices[given]
