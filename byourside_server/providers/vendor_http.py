"""A vendor's HTTP door: where it is, which key opens it, and what its refusals mean.

Knows statuses and time; nothing of speech. Keys and what was sent never get into an error.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from byourside_server.providers.base import ProviderError, ProviderErrorKind

Result = TypeVar("Result")

IDLE_CONNECTION_S = 60.0  # an open connection saves the next turn of a call the handshake
_NEVER_SOUND = ("text/", "application/json", "application/problem+json", "image/")
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,60}")

KIND_OF_STATUS: Mapping[int, ProviderErrorKind] = {
    400: ProviderErrorKind.BAD_INPUT,
    401: ProviderErrorKind.BAD_CONFIGURATION,
    402: ProviderErrorKind.BAD_CONFIGURATION,
    403: ProviderErrorKind.BAD_CONFIGURATION,
    404: ProviderErrorKind.BAD_CONFIGURATION,
    405: ProviderErrorKind.BAD_CONFIGURATION,
    408: ProviderErrorKind.TIMED_OUT,
    413: ProviderErrorKind.BAD_INPUT,
    415: ProviderErrorKind.BAD_INPUT,
    422: ProviderErrorKind.BAD_INPUT,
    429: ProviderErrorKind.RATE_LIMITED,
    504: ProviderErrorKind.TIMED_OUT,
}
# The vendor's own token says more than its status: a used-up quota is a 429 that waiting does not cure.
KIND_OF_CODE: Mapping[str, ProviderErrorKind] = {
    "insufficient_quota": ProviderErrorKind.BAD_CONFIGURATION,
    "invalid_api_key": ProviderErrorKind.BAD_CONFIGURATION,
    "model_not_found": ProviderErrorKind.BAD_CONFIGURATION,
}


@dataclass(frozen=True)
class Endpoint:
    """One vendor's server. `key_variable` is the name of the environment variable that holds the key."""

    vendor: str
    base_url: str
    key_variable: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def lost(self, why: Exception) -> ProviderError:
        """The error that a connection which failed stands for."""
        what = f"{self.vendor}: the connection to {urlsplit(self.base_url).netloc} failed"
        return ProviderError(ProviderErrorKind.UNAVAILABLE, f"{what} ({type(why).__name__})")

    def refusal(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> ProviderError:
        """The error that an HTTP status stands for."""
        code = _code_in(body)
        kind = KIND_OF_CODE.get(code) or KIND_OF_STATUS.get(status)
        if kind is None:
            kind = ProviderErrorKind.UNAVAILABLE if status >= 500 else ProviderErrorKind.BAD_CONFIGURATION
        said = f"{self.vendor} answered HTTP {status}{code and f' ({code})'}{self._what_next(status)}"
        wait_s = _retry_after((headers or {}).get("retry-after"))
        return ProviderError(kind, said, retry_after_s=wait_s)

    def _what_next(self, status: int) -> str:
        if status in (401, 403):
            return f": the key in {self.key_variable} is not accepted"
        if status == 402:
            return f": the account of the key in {self.key_variable} has nothing to pay with"
        if status in (404, 405) or 300 <= status < 400:
            return f": check model and base_url ({self.base_url})"
        return ""


def _code_in(body: bytes) -> str:
    """The vendor's own token for the mistake, where it is one word: sentences may quote what was sent."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    error = answer["error"] if isinstance(answer.get("error"), dict) else answer
    for name in ("code", "type", "err_code"):
        if isinstance(error.get(name), str) and _TOKEN.fullmatch(error[name]):
            return str(error[name])
    return ""


def _retry_after(value: str | None) -> float | None:
    """Seconds; a date is not worth its clock."""
    try:
        seconds = float(value) if value is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < 86400 else None


@contextmanager
def translated(endpoint: Endpoint) -> Iterator[None]:
    """What goes wrong on the way becomes a ProviderError."""
    vendor = endpoint.vendor
    try:
        yield
    except TimeoutError as late:
        raise ProviderError(ProviderErrorKind.TIMED_OUT, f"{vendor} was too slow") from late
    except httpx.TimeoutException as late:
        raise ProviderError(ProviderErrorKind.TIMED_OUT, f"{vendor} could not be reached in time") from late
    except (httpx.HTTPError, httpx.StreamError) as broken:
        raise endpoint.lost(broken) from broken
    except httpx.InvalidURL as mistake:
        raise ProviderError(ProviderErrorKind.BAD_CONFIGURATION, f"{vendor}: base_url is no URL") from mistake


async def _within(seconds: float, step: Awaitable[Result]) -> Result:
    """One step of a generator: a limit across its yields would strike whoever holds it by then."""
    async with asyncio.timeout(max(0.0, seconds)):
        return await step


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes 30 ms, and every vendor is checked against the same."""
    return httpx.create_ssl_context()


class VendorHttp:
    """Requests to one endpoint over connections that stay open."""

    def __init__(self, endpoint: Endpoint, *, connect_s: float) -> None:
        self.endpoint = endpoint
        self._connect_s = connect_s
        self._client: httpx.AsyncClient | None = None
        self._is_closed = False

    def refuse_if_closed(self) -> None:
        if self._is_closed:
            raise ProviderError(ProviderErrorKind.UNAVAILABLE, f"{self.endpoint.vendor} is closed")

    def client(self) -> httpx.AsyncClient:
        """Made when first needed: it belongs to the loop that runs then."""
        self.refuse_if_closed()
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers=dict(self.endpoint.headers),
                verify=_certificates(),
                timeout=httpx.Timeout(None, connect=self._connect_s),
                limits=httpx.Limits(max_connections=None, keepalive_expiry=IDLE_CONNECTION_S),
            )
        return self._client

    async def sound(
        self, path: str, *, json_body: Mapping[str, object], first_s: float, gap_s: float
    ) -> AsyncGenerator[bytes, None]:
        """The body of a POST as it comes: the first of it within `first_s`. Raises ProviderError."""
        clock = asyncio.get_running_loop().time
        first_by = clock() + first_s
        with translated(self.endpoint):
            client = self.client()
            request = client.build_request("POST", self._url(path), json=dict(json_body))
            response = await _within(first_s, client.send(request, stream=True))
            try:
                await _within(first_by - clock(), self._refuse_what_is_no_sound(response))
                received = response.aiter_bytes()
                patience_s = first_by - clock()
                while data := await _within(patience_s, anext(received, b"")):
                    yield data
                    patience_s = gap_s
            finally:
                await response.aclose()

    async def json(
        self,
        path: str,
        *,
        fields: Mapping[str, str],
        files: Mapping[str, tuple[str, bytes, str]],
        within_s: float,
    ) -> Mapping[str, object]:
        """The JSON object that answers a form. Raises ProviderError."""
        vendor = self.endpoint.vendor
        with translated(self.endpoint):
            posted = self.client().post(self._url(path), data=dict(fields), files=dict(files))
            response = await _within(within_s, posted)
            await self._refuse_failure(response)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ProviderError(ProviderErrorKind.BAD_ANSWER, f"{vendor} answered with no JSON object")
        return answer

    async def _refuse_what_is_no_sound(self, response: httpx.Response) -> None:
        await self._refuse_failure(response)
        kind = response.headers.get("content-type", "").lower()
        if kind.startswith(_NEVER_SOUND):
            sent = f"{self.endpoint.vendor} sent {kind!r} where sound was asked for"
            raise ProviderError(ProviderErrorKind.BAD_ANSWER, sent)

    async def _refuse_failure(self, response: httpx.Response) -> None:
        if not 200 <= response.status_code < 300:
            body = await response.aread()
            raise self.endpoint.refusal(response.status_code, response.headers, body[:10_000])

    def _url(self, path: str) -> str:
        return self.endpoint.base_url.rstrip("/") + path

    async def close(self) -> None:
        """A second close does nothing."""
        self._is_closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
