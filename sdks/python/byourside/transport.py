"""HTTP by the standard library: one request, one answer, no opinion about either.

Follows no redirect (a redirected POST would turn into a GET, and the key would travel to another host)
and raises `network_error` for everything that is not an answer. Retries are the client's.
"""

import email.utils
import http.client
import ipaddress
import json
import math
import ssl
import time
import urllib.error
import urllib.request
from typing import Any, BinaryIO, Callable, Dict, Iterator, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from .errors import ByoursideError, map_error

CHUNK_BYTES = 64 * 1024

# What may stand in for HTTP: (method, url, headers, body) -> (status, parsed JSON).
Transport = Callable[[str, str, Dict[str, str], Optional[Dict[str, Any]]], Tuple[int, Any]]


class Answer(NamedTuple):
    """An HTTP answer: its status, its parsed JSON (None if it is none), and Retry-After in seconds."""

    status: int
    body: object
    retry_after: Optional[float] = None


class HttpTransport:
    """The built-in transport. `timeout` bounds connecting and every single wait for bytes."""

    def __init__(self, timeout: Optional[float] = 30.0) -> None:
        self._timeout = timeout
        self._tls: Optional[ssl.SSLContext] = None

    def __call__(
        self, method: str, url: str, headers: Dict[str, str], body: Optional[Dict[str, Any]]
    ) -> Tuple[int, Any]:
        answer = self.send(method, url, headers, body)
        return answer.status, answer.body

    def send(self, method: str, url: str, headers: Dict[str, str], body: Optional[Dict[str, Any]]) -> Answer:
        """One request with its JSON answer."""
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with self._opener(url).open(request, timeout=self._timeout) as response:
                return _answer(response, response.read())
        except (OSError, http.client.HTTPException, UnicodeError) as fault:
            raise self._network_error(url, fault) from fault

    def download(self, url: str, headers: Dict[str, str], out: BinaryIO) -> Answer:
        """One GET whose successful body is written to `out` as it comes; a refusal's JSON is returned."""
        request = urllib.request.Request(url, headers=headers, method="GET")
        try:
            response = self._opener(url).open(request, timeout=self._timeout)
        except (OSError, http.client.HTTPException, UnicodeError) as fault:
            raise self._network_error(url, fault) from fault
        with response:
            if response.status != 200:
                return _answer(response, self._read(url, response, None))
            promised = response.headers.get("Content-Length", "")
            received = 0
            while True:
                chunk = self._read(url, response, CHUNK_BYTES)
                if not chunk:
                    break
                out.write(chunk)
                received += len(chunk)
            # read(n) ends quietly where the connection broke.
            if promised.isdigit() and received != int(promised):
                raise ByoursideError(
                    "network_error", 0, f"The connection broke after {received} of {promised} bytes."
                )
            return _answer(response, b"")

    def lines(self, url: str, headers: Dict[str, str]) -> Iterator[bytes]:
        """The lines of one GET's successful answer, each as it comes. Raises ByoursideError for a refusal."""
        request = urllib.request.Request(url, headers=headers, method="GET")
        try:
            response = self._opener(url).open(request, timeout=self._timeout)
        except (OSError, http.client.HTTPException, UnicodeError) as fault:
            raise self._network_error(url, fault) from fault
        with response:
            if response.status != 200:
                answer = _answer(response, self._read(url, response, None))
                raise map_error(answer.status, answer.body, retry_after=answer.retry_after)
            kind = response.headers.get("Content-Type", "")
            if not kind.startswith("text/event-stream"):
                sentence = "The server does not stream events; is it a By Your Side server of this edition?"
                raise ByoursideError("http_error", response.status, sentence)
            while True:
                try:
                    line = response.readline()
                except (OSError, http.client.HTTPException) as fault:
                    raise self._network_error(url, fault) from fault
                if not line:
                    return
                yield line

    def _read(self, url: str, response: Any, size: Optional[int]) -> bytes:
        try:
            return bytes(response.read(size))
        except (OSError, http.client.HTTPException) as fault:
            raise self._network_error(url, fault) from fault

    def _opener(self, url: str) -> urllib.request.OpenerDirector:
        # Built by hand: the stock opener also follows redirects and raises on every status from 300.
        opener = urllib.request.OpenerDirector()
        if self._tls is None and url.startswith("https:"):
            self._tls = ssl.create_default_context()
        if not _is_loopback(url):
            opener.add_handler(urllib.request.ProxyHandler())
        opener.add_handler(urllib.request.HTTPHandler())
        opener.add_handler(urllib.request.HTTPSHandler(context=self._tls))
        opener.add_handler(urllib.request.UnknownHandler())
        return opener

    def _network_error(self, url: str, fault: Exception) -> ByoursideError:
        reason = fault.reason if isinstance(fault, urllib.error.URLError) else fault
        # From 3.10 on socket.timeout is TimeoutError; before, neither is the other.
        if "timed out" in str(reason):
            why = f"no answer within {self._timeout or 0:g} s"
        else:
            why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        parts = urlsplit(url)
        return ByoursideError("network_error", 0, f"Could not reach {parts.scheme}://{parts.netloc}: {why}.")


def retry_after_seconds(header: Optional[str], now: float) -> Optional[float]:
    """Seconds asked for by a Retry-After header, which holds seconds or an HTTP date (RFC 9110 §10.2.3)."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - now
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _answer(response: Any, raw: bytes) -> Answer:
    try:
        body: object = json.loads(raw.decode("utf-8"))
    except ValueError:
        body = None
    retry_after = retry_after_seconds(response.headers.get("Retry-After"), time.time())
    return Answer(response.status, body, retry_after)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
