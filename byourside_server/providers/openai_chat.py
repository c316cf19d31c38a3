"""A language model behind the OpenAI chat-completions protocol, whoever serves it.

OpenAI, Azure, Groq, vLLM, Ollama, llama.cpp, LiteLLM and others differ in the base URL and in how much of the
protocol they know (`chat_request.Dialect`). The official library carries the requests; it never retries:
whom to ask next is the chain's decision. Knows nothing of calls and of what the tools do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import openai

from byourside_server.providers.base import (
    Completion,
    Generation,
    ProviderError,
    ProviderErrorKind,
    TextDelta,
    Usage,
)
from byourside_server.providers.chat_answer import ChatAnswer, MalformedAnswer, Tokens
from byourside_server.providers.chat_failures import (
    CONNECTION_LOST,
    ChatEndpoint,
    failure_of,
    known_code,
    refusal_text,
)
from byourside_server.providers.chat_patience import USUAL_PATIENCE, Patience, Watch
from byourside_server.providers.chat_request import FULL_DIALECT, Body, Dialect, body_of, json_object, simpler

log = logging.getLogger(__name__)

# A conversation's thoughts are 5 to 20 s apart; a kept connection saves each of them a TLS handshake.
KEEP_ALIVE_S = 60.0
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=KEEP_ALIVE_S)
# How a kept connection shows that the server had closed it just before the request.
STALE = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)
MALFORMED_REQUEST = frozenset({400, 422})
MTOK = 1_000_000
END = object()
Stream = openai.AsyncStream[object]


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens; cached ones cost as much as others where no price is given."""

    input_usd_per_mtok: float | None = None
    cached_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None

    def cost_usd(self, tokens: Tokens | None) -> float | None:
        """None where a price or the count is not known."""
        if tokens is None or self.input_usd_per_mtok is None or self.output_usd_per_mtok is None:
            return None
        cached = self.input_usd_per_mtok if self.cached_usd_per_mtok is None else self.cached_usd_per_mtok
        fresh_usd = (tokens.prompt - tokens.cached) * self.input_usd_per_mtok
        return (fresh_usd + tokens.cached * cached + tokens.completion * self.output_usd_per_mtok) / MTOK


class OpenAiChat:
    """A LanguageModel at one endpoint. What its server refuses to understand is remembered for its life."""

    def __init__(
        self,
        name: str,
        endpoint: ChatEndpoint,
        *,
        patience: Patience = USUAL_PATIENCE,
        prices: Prices = Prices(),
        dialect: Dialect = FULL_DIALECT,
    ) -> None:
        self.name = name
        self._endpoint = endpoint
        self._patience = patience
        self._prices = prices
        self._dialect = dialect
        self._client = _client(endpoint, patience)
        self._headers = _headers(endpoint.key)

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        """Text as it comes, with a schema all at once; last the Completion. Raises ProviderError.

        Closing the iterator early closes the connection at once.
        """
        watch, answer, said = Watch(self._patience), ChatAnswer(), ""
        stream, refusals = await self._open(request, watch)
        try:
            while (text := await self._next_text(stream, answer, watch)) is not None:
                said += text
                if text and request.schema is None:
                    yield TextDelta(text)
        finally:
            await stream.close()
        self._check_finished(answer, stream)
        rest = answer.finish()
        with self._failures(watch):
            calls = answer.tool_calls()
        if not said and not rest and not calls:
            raise self._bad_answer(f"neither text nor a tool call (finish_reason {answer.finish_reason})")
        if request.schema is not None:
            rest = said + rest if calls else self._document(said + rest)
        if rest:
            yield TextDelta(rest)
        yield Completion(calls, answer.finish_reason or "", self._usage(answer.tokens, refusals))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _open(self, request: Generation, watch: Watch) -> tuple[Stream, int]:
        """The stream of the request that was accepted, and how many were refused before."""
        dialect, refused = self._dialect, set[Dialect]()
        while True:
            body = body_of(self._endpoint.model, request, dialect)
            watch.restart()
            with self._failures(watch):
                try:
                    async with asyncio.timeout_at(watch.deadline):
                        stream = await self._post(body)
                except openai.APIStatusError as refusal:
                    refused.add(dialect)
                    concession = self._concession(dialect, body, refusal)
                    if concession is None or concession in refused:
                        raise
                    dialect = concession
                    continue
            self._dialect = dialect
            return stream, len(refused)

    def _concession(self, dialect: Dialect, body: Body, refusal: openai.APIStatusError) -> Dialect | None:
        # llama-cpp-python's server answers 500 to an answer format that it does not know.
        is_format = refusal.status_code == 500 and "response_format" in refusal_text(refusal)
        if refusal.status_code not in MALFORMED_REQUEST and not is_format:
            return None
        details = {"model": self.name, "status": refusal.status_code, "pii.vendor_message": refusal.message}
        log.info("a language model refused a request", extra=details)
        return None if known_code(refusal) else simpler(dialect, body, refusal_text(refusal))

    async def _post(self, body: Body) -> Stream:
        """Chunks come as plain dictionaries: the library's typed ones cost three times the CPU."""
        for last_try in (False, True):
            try:
                return await self._client.post(
                    "/chat/completions",
                    cast_to=object,
                    body=body,
                    options={"headers": self._headers},
                    stream=True,
                    stream_cls=Stream,
                )
            except openai.APIConnectionError as lost:
                if last_try or not isinstance(lost.__cause__, STALE):
                    raise
        raise AssertionError("unreachable")

    async def _next_text(self, stream: Stream, answer: ChatAnswer, watch: Watch) -> str | None:
        """What the next chunk adds to the text, None after the last."""
        watch.listen(answer)
        try:
            with self._failures(watch):
                async with asyncio.timeout_at(watch.deadline):
                    chunk = await anext(stream, END)
                return None if chunk is END else answer.receive(chunk)
        except ProviderError:
            if answer.finish_reason is None:
                raise
            return None  # only the count of tokens was still to come

    def _check_finished(self, answer: ChatAnswer, stream: Stream) -> None:
        if answer.finish_reason is not None:
            return
        if answer.has_chunks:
            raise self._endpoint.failure(ProviderErrorKind.UNAVAILABLE, "the answer was cut off")
        kind = stream.response.headers.get("content-type", "none").partition(";")[0][:60]
        shown = kind if kind.isascii() and kind.isprintable() else "unreadable"
        raise self._bad_answer(f"no chat-completions stream came (content type {shown}): check base_url")

    def _document(self, text: str) -> str:
        """The JSON object in `text`, without the fence that models put around one."""
        document = text[max(0, text.find("{")) : text.rfind("}") + 1]
        if json_object(document) is None:
            raise self._bad_answer("the text is not the JSON object it had to be")
        return document

    def _bad_answer(self, why: str) -> ProviderError:
        return self._endpoint.failure(ProviderErrorKind.BAD_ANSWER, why)

    def _usage(self, tokens: Tokens | None, failures: int) -> Usage:
        counted = tokens or Tokens()
        return Usage(
            requests=1,
            failures=failures,
            prompt_tokens=counted.prompt,
            cached_tokens=counted.cached,
            completion_tokens=counted.completion,
            cost_usd=self._prices.cost_usd(tokens),
            models=(self.name,),
        )

    @contextmanager
    def _failures(self, watch: Watch) -> Iterator[None]:
        """Whatever may happen between us and the server, as ProviderError."""
        try:
            yield
        except TimeoutError:
            raise self._endpoint.failure(ProviderErrorKind.TIMED_OUT, watch.complaint) from None
        except openai.OpenAIError as error:
            raise failure_of(error, self._endpoint) from None
        except httpx2.HTTPError as error:
            why = f"{CONNECTION_LOST} ({type(error).__name__})"
            raise self._endpoint.failure(ProviderErrorKind.UNAVAILABLE, why) from None
        except MalformedAnswer as error:
            raise self._bad_answer(str(error)) from None
        except UnicodeEncodeError:
            raise self._endpoint.failure(
                ProviderErrorKind.BAD_INPUT, "the request holds half a character"
            ) from None
        except (ValueError, RecursionError):
            raise self._bad_answer("a chunk that is no JSON") from None


def _client(endpoint: ChatEndpoint, patience: Patience) -> openai.AsyncOpenAI:
    timeout = openai.Timeout(None, connect=patience.connect_s)
    return openai.AsyncOpenAI(
        api_key=endpoint.key or "none",
        base_url=endpoint.base_url,
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultAsyncHttpxClient(limits=LIMITS, timeout=timeout),
    )


def _headers(key: str | None) -> dict[str, str | openai.Omit]:
    """The key or none, whatever OPENAI_… variables the library finds: they may be another vendor's."""
    return {
        "Authorization": f"Bearer {key}" if key else openai.omit,
        "OpenAI-Organization": openai.omit,
        "OpenAI-Project": openai.omit,
    }
