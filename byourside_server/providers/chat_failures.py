"""What went wrong between us and a chat-completions server, as a ProviderError with its cure.

Tables of statuses and codes. The server's own words never go into an error: a 401 may repeat the key, a 400
the conversation. Of them only short tokens (`code`, `param`) are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import openai

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.retry_after import retry_after
from byourside_server.providers.specification import bad_configuration, is_web_address

Kind = ProviderErrorKind

# status → whose fault; other 4xx are the request's, all 5xx the server's
KIND_OF_STATUS: Mapping[int, Kind] = {
    401: Kind.BAD_CONFIGURATION,
    402: Kind.BAD_CONFIGURATION,
    403: Kind.BAD_CONFIGURATION,
    404: Kind.BAD_CONFIGURATION,
    405: Kind.BAD_CONFIGURATION,
    408: Kind.TIMED_OUT,
    409: Kind.UNAVAILABLE,
    425: Kind.UNAVAILABLE,
    429: Kind.RATE_LIMITED,
}
# The server's own code or type says more than its status: a quota used up is a 429 that waiting does not
# cure, and a LiteLLM proxy without a database answers 400 to an unknown key.
KIND_OF_CODE: Mapping[str, Kind] = {
    "insufficient_quota": Kind.BAD_CONFIGURATION,
    "invalid_api_key": Kind.BAD_CONFIGURATION,
    "model_not_found": Kind.BAD_CONFIGURATION,
    "no_db_connection": Kind.BAD_CONFIGURATION,
    "rate_limit_exceeded": Kind.RATE_LIMITED,
    "context_length_exceeded": Kind.BAD_INPUT,
    "tool_use_failed": Kind.BAD_ANSWER,
}
CURES: Mapping[int | str, str] = {
    401: "the key was not accepted: check {key}",
    402: "the account behind {key} has no credit",
    403: "{key} may not use this model",
    404: "no such model or path: check model and base_url (most base URLs end in /v1)",
    405: "this path takes no chat completions: check base_url (most end in /v1)",
    429: "too many requests",
    "insufficient_quota": "the quota of {key} is used up",
    "model_not_found": "no such model: check model",
    "invalid_api_key": "the key was not accepted: check {key}",
    "no_db_connection": "the key was not accepted: check {key}",
}
# Mistakes of the operator's that servers report as a bad request or as their own error, known by their words:
# gateways an unknown model, Ollama, vLLM and llama.cpp (in this order) tools they were not set up for.
KNOWN_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"invalid model|model\b.{0,80}\b(?:not found|does not exist)", re.IGNORECASE),
        CURES["model_not_found"],
    ),
    (
        re.compile(r"does not support tools|--enable-auto-tool-choice|requires --jinja", re.IGNORECASE),
        "this model takes no tools, or its server was started without them",
    ),
)
_TOKEN = re.compile(r"[A-Za-z][\w.\[\]-]{0,63}")
CONNECTION_LOST = "the connection broke"


@dataclass(frozen=True)
class ChatEndpoint:
    """Where a model is and how it is called there. `key_env` is the variable that holds the key."""

    base_url: str
    model: str
    key: str | None = field(default=None, repr=False)
    key_env: str | None = None

    def __post_init__(self) -> None:
        """Raises ProviderError for a URL or key that no request could be made with."""
        if not is_web_address(self.base_url):
            raise bad_configuration(
                "base_url must be http(s)://host/path without a user name, such as https://api.openai.com/v1"
            )
        if self.key is not None and not (self.key.isascii() and self.key.isprintable() and self.key.strip()):
            raise bad_configuration(f"{self.key_env or 'the key'} holds characters that no key has")

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc

    def failure(self, kind: Kind, why: str, *, retry_after_s: float | None = None) -> ProviderError:
        """The error of this endpoint: model, host and why."""
        return ProviderError(kind, f"{self.model} at {self.host}: {why}", retry_after_s=retry_after_s)


def failure_of(error: openai.OpenAIError, endpoint: ChatEndpoint) -> ProviderError:
    """The ProviderError for what the library raised."""
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, endpoint)
    if isinstance(error, openai.APITimeoutError):
        return endpoint.failure(Kind.TIMED_OUT, "no connection in time")
    if isinstance(error, openai.APIConnectionError):
        return endpoint.failure(Kind.UNAVAILABLE, f"{CONNECTION_LOST} ({type(error.__cause__).__name__})")
    if isinstance(error, openai.APIError):
        return _of_event(error, endpoint)
    return endpoint.failure(Kind.UNAVAILABLE, type(error).__name__)


def _of_status(error: openai.APIStatusError, endpoint: ChatEndpoint) -> ProviderError:
    status, code = error.status_code, known_code(error)
    kind = KIND_OF_CODE.get(code) or KIND_OF_STATUS.get(status) or _kind_of_class(status)
    cure = CURES.get(code) or CURES.get(status, "")
    if not cure:
        kind, cure = _by_words(refusal_text(error), kind)
    said = cure.format(key=endpoint.key_env or "the key")
    why = f"HTTP {status}{_tokens_of(error)}{': ' if said else ''}{said}"
    return endpoint.failure(kind, why, retry_after_s=retry_after(error.response.headers))


def _by_words(text: str, kind: Kind) -> tuple[Kind, str]:
    for words, cure in KNOWN_WORDS:
        if words.search(text):
            return Kind.BAD_CONFIGURATION, cure
    return kind, ""


def known_code(error: openai.APIError) -> str:
    """The error's code or type where KIND_OF_CODE holds it, else ""."""
    return next((word for word in (error.code, error.type) if word in KIND_OF_CODE), None) or ""


def _kind_of_class(status: int) -> Kind:
    if status >= 500:
        return Kind.UNAVAILABLE
    return Kind.BAD_INPUT if status >= 400 else Kind.BAD_CONFIGURATION


def _of_event(error: openai.APIError, endpoint: ChatEndpoint) -> ProviderError:
    """An error sent in the middle of a stream; gateways put the status into its code."""
    code = error.code or ""
    status = int(code) if code.isascii() and code.isdigit() and len(code) == 3 else 500
    kind = KIND_OF_CODE.get(known_code(error)) or KIND_OF_STATUS.get(status) or _kind_of_class(status)
    return endpoint.failure(kind, f"it reported an error in mid-answer{_tokens_of(error)}")


def _tokens_of(error: openai.APIError) -> str:
    named = [("code", error.code), ("param", error.param)]
    kept = [f"{name} {value}" for name, value in named if isinstance(value, str) and _TOKEN.fullmatch(value)]
    return f" ({', '.join(kept)})" if kept else ""


def refusal_text(error: openai.APIStatusError) -> str:
    """All a server said with its refusal: to look words up in, never to show."""
    try:
        return f"{error.message} {json.dumps(error.body)}"
    except (TypeError, ValueError):
        return error.message
