"""One attempt to hand a webhook over: the only file of this room that touches the network.

The name is resolved here, every address is checked, and the connection goes to the address that was
checked, so a name that answers differently a moment later (DNS rebinding) gains nothing. TLS and `Host`
still speak of the name. No redirects, no proxies, no cookies; of the answer only a little is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

import httpx

from byourside_server import __version__
from byourside_server.webhooks.addresses import is_loopback, is_public

TIMEOUT_S = 10.0
EXCERPT_BYTES = 1_024
# The queue that Python's own HTTP server has for those who knock at once: who finds it full is not heard by
# Linux for 1, 2 and then 4 seconds, so that of many some time out, twice, and come five minutes later.
LOCAL_AT_ONCE = 5
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
DEFAULT_PORTS = {"https": 443, "http": 80}

Resolver = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True)
class Attempt:
    """What came of it."""

    status: int | None
    """The receiver's HTTP status; None where it never answered."""
    took_ms: int
    """From the first look at the name to the end."""
    error: str | None = None
    """Why there is no status, in a token: address_not_public, dns_failed, connect_failed, timed_out…"""
    excerpt: str | None = None
    """The beginning of the answer."""
    retry_after_s: float | None = None
    """Seconds the receiver asked to be left alone."""


class NotAllowed(Exception):
    """The URL leads where webhooks do not go; the text is the attempt's error token."""


async def resolve(host: str, port: int) -> list[str]:
    """The host's addresses, by the machine's own resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Sender:
    """Sends webhooks, each on a connection of its own."""

    def __init__(
        self,
        *,
        allow_local: bool = False,
        resolver: Resolver = resolve,
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allow_local` is the developer's setting that admits http://localhost, and nothing else."""
        self._allow_local = allow_local
        self._resolve = resolver
        self._timeout_s = timeout_s
        self._local_room = asyncio.Semaphore(LOCAL_AT_ONCE)
        # Made once: reading the world's certificates takes longer than sending a webhook.
        self._tls = tls or httpx.create_ssl_context()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """POST the body once; never raises for anything the receiver or the network does.

        Receivers on this machine are small and get a few at once; the wait for their turn is not theirs.
        """
        parts = urlsplit(url)
        async with self._local_room if self._is_local(parts) else contextlib.nullcontext():
            return await self._send(parts, headers, body)

    async def _send(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> Attempt:
        began = time.monotonic()
        status: int | None = None
        error: str | None = None
        excerpt: str | None = None
        retry_after_s: float | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                addresses = await self._checked_addresses(parts)
                status, excerpt, retry_after_s = await self._post(parts, addresses, headers, body)
        except NotAllowed as refused:
            error = str(refused)
        except (TimeoutError, httpx.TimeoutException):
            error = "timed_out"
        except httpx.ConnectError as trouble:
            error = "tls_failed" if "CERTIFICATE" in str(trouble).upper() else "connect_failed"
        except (httpx.HTTPError, httpx.InvalidURL):
            error = "connection_broken"
        took_ms = round((time.monotonic() - began) * 1000)
        return Attempt(status, took_ms, error, excerpt, retry_after_s)

    def _is_local(self, parts: SplitResult) -> bool:
        return self._allow_local and parts.scheme == "http" and parts.hostname in LOCAL_HOSTS

    async def _checked_addresses(self, parts: SplitResult) -> list[str]:
        host, local = ascii_host(parts), self._is_local(parts)
        if parts.scheme != "https" and not local:
            raise NotAllowed("not_https")
        try:
            port = parts.port or DEFAULT_PORTS[parts.scheme]
            addresses = await self._resolve(host, port)
        except (OSError, ValueError, UnicodeError):
            raise NotAllowed("dns_failed") from None
        allowed = is_loopback if local else is_public
        # All of them: one private address among public ones is an attack or a mistake, never a service.
        if not addresses or not all(allowed(address) for address in addresses):
            raise NotAllowed("address_not_public")
        return addresses

    async def _post(
        self, parts: SplitResult, addresses: list[str], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str, float | None]:
        for last, address in zip([False] * (len(addresses) - 1) + [True], addresses, strict=True):
            try:
                return await self._post_to(parts, address, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Nothing has been sent yet, so the name's next address may be tried.
                if last:
                    raise
        raise AssertionError("at least one address was checked")

    async def _post_to(
        self, parts: SplitResult, address: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str, float | None]:
        host = ascii_host(parts)
        named = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port is not None else ""
        literal = f"[{address}]" if ":" in address else address
        target = httpx.URL(parts._replace(netloc=literal + port, fragment="").geturl())
        all_headers = {
            "Content-Type": "application/json",
            "User-Agent": f"ByYourSide/{__version__}",
            **headers,
            "Host": named + port,
        }
        async with (
            httpx.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=self._timeout_s, verify=self._tls
            ) as client,
            client.stream(
                "POST",
                target,
                content=body,
                headers=all_headers,
                # RFC 6066 §3: without the dot that may end a name in DNS.
                extensions={"sni_hostname": host.rstrip(".")},
            ) as response,
        ):
            excerpt = await _beginning(response)
            return response.status_code, excerpt, retry_after(response.headers.get("Retry-After"))


def ascii_host(parts: SplitResult) -> str:
    """The URL's host as DNS, TLS and `Host` spell it. Raises NotAllowed where no name can look like that."""
    try:
        return (parts.hostname or "").encode("idna").decode("ascii")
    except UnicodeError:
        raise NotAllowed("dns_failed") from None


async def _beginning(response: httpx.Response) -> str:
    """The first bytes of the answer as text; raw, so that nothing can be unpacked to a great size."""
    read = b""
    async for piece in response.aiter_raw():
        read += piece
        if len(read) >= EXCERPT_BYTES:
            break
    return read[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\x00", "")


def retry_after(value: str | None) -> float | None:
    """Seconds of a `Retry-After`, given as seconds or a date; None for neither (RFC 9110 §10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        # Overflow: an offset such as +99999999999999, which must not cost more than the header.
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
