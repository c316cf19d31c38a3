"""The client: place a call, follow it, fetch what came of it.

Knows the API's paths and how to repeat a request without doing its work twice. HTTP itself is
`transport.py`, the question whether a repeat is worth it `retry.py`.
"""

import json
import random
import re
import time
import uuid
from datetime import datetime, timezone
from typing import Any, BinaryIO, Callable, Dict, Iterator, Optional, Sequence, Union, cast
from urllib.parse import quote, urlencode, urlsplit

from ._version import __version__
from .deadline import Deadline, Sleep
from .errors import ByoursideError, map_error
from .recording import Destination, keep_whole
from .records import TERMINAL_STATUSES, CallList, CallRecord, Field, PlacedCall, Record, Voicemail
from .retry import pause_before_next_try
from .stream import LiveEvent, live_events
from .transport import Answer, HttpTransport, Transport

DEFAULT_BASE_URL = "https://api.byourside.ai"
CALLS_PATH = "/v1/agent/calls"
DEFAULT_TIMEOUT_S = 30.0
DEFAULT_RETRIES = 3

# A header's value must not carry line ends or other alphabets.
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")

# Faults of a transport's own code, shown as they are; anything else it raises is a broken connection.
_MISTAKES = (AssertionError, AttributeError, LookupError, NameError, TypeError)


class Client:
    """A phone for your program. Raises ByoursideError for everything the API or the network refuses.

    `base_url` is the server, hosted or your own. `transport` replaces HTTP for JSON requests:
    `transport(method, url, headers, body) -> (status, parsed_json)`, body a dict or None. `sleep` replaces
    time.sleep. `timeout` (seconds) bounds each wait for the network, `retries` the repeats of a request
    that met passing trouble; 0 turns them off.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = DEFAULT_BASE_URL,
        transport: Optional[Transport] = None,
        sleep: Optional[Sleep] = None,
        timeout: Optional[float] = DEFAULT_TIMEOUT_S,
        *,
        retries: int = DEFAULT_RETRIES,
    ) -> None:
        key = api_key.strip() if isinstance(api_key, str) else ""
        if not key:
            raise ByoursideError("no_api_key")
        if not _HEADER_SAFE.fullmatch(key):
            raise ByoursideError("no_api_key", 0, "The API key holds characters that no key has.")
        self._api_key = key
        self._base_url = _checked_base_url(base_url)
        self._http = HttpTransport(timeout)
        self._transport = transport
        self._sleep: Sleep = time.sleep if sleep is None else sleep
        self._retries = retries

    def __repr__(self) -> str:
        return f"Client(base_url={self._base_url!r})"

    def place_call(
        self,
        to: str,
        objective: str,
        context: Optional[str] = None,
        fields: Optional[Sequence[Field]] = None,
        webhook_url: Optional[str] = None,
        caller_id: Optional[str] = None,
        *,
        metadata: Optional[Dict[str, Any]] = None,
        max_duration_sec: Optional[int] = None,
        language: Optional[str] = None,
        voicemail: Optional[Voicemail] = None,
        scheduled_at: Union[str, datetime, None] = None,
        must_say: Optional[Sequence[str]] = None,
        must_ask: Optional[Sequence[str]] = None,
        hang_up_on: Optional[Sequence[str]] = None,
        idempotency_key: Optional[str] = None,
    ) -> PlacedCall:
        """Have `to` called toward `objective`; answers at once with `callId` and `status`.

        Every try carries the same Idempotency-Key (`idempotency_key`, or a fresh one), so that a repeat
        after a lost answer gets the first call's answer and not a second call. `scheduled_at` is an
        ISO 8601 time with its offset, or a datetime with its time zone. `must_say` and `must_ask` are
        sentences and questions spoken word for word; the record's `steps` prove it. `hang_up_on` names
        who is not talked to: some of "ivr", "screening" and "unknown".
        """
        request: Dict[str, Any] = {
            "to": to,
            "objective": objective,
            "context": context,
            "fields": None if fields is None else list(fields),
            "webhookUrl": webhook_url,
            "callerId": caller_id,
            "metadata": metadata,
            "maxDurationSec": max_duration_sec,
            "language": language,
            "voicemail": voicemail,
            "scheduledAt": _moment(scheduled_at),
            "mustSay": None if must_say is None else list(must_say),
            "mustAsk": None if must_ask is None else list(must_ask),
            "hangUpOn": None if hang_up_on is None else list(hang_up_on),
        }
        given = {name: value for name, value in request.items() if value is not None}
        return cast(PlacedCall, _record(self._post(CALLS_PATH, given, idempotency_key)))

    def get_call(self, call_id: str) -> CallRecord:
        """The call as it stands now."""
        return self._get_call(call_id, None)

    def list_calls(
        self, limit: int = 20, before: Optional[str] = None, status: Optional[str] = None
    ) -> CallList:
        """The account's calls, most recent first: at most `limit` (100 is the most).

        `before` is the `next_cursor` of an earlier list and continues it.
        """
        query = {"limit": limit, "before": before, "status": status}
        given = {name: value for name, value in query.items() if value is not None}
        answer = self._request("GET", f"{CALLS_PATH}?{urlencode(given)}")
        calls = answer.body.get("calls") if isinstance(answer.body, dict) else answer.body
        if not isinstance(calls, list):
            raise _not_ours(answer)
        listed = CallList(cast(CallRecord, _record(Answer(answer.status, call))) for call in calls)
        cursor = answer.body.get("nextCursor") if isinstance(answer.body, dict) else None
        listed.next_cursor = cursor if isinstance(cursor, str) else None
        return listed

    def wait_for_call(
        self,
        call_id: str,
        timeout: float = 180,
        interval: float = 5,
        on_update: Optional[Callable[[CallRecord], object]] = None,
    ) -> CallRecord:
        """The call once it is over, asked for every `interval` seconds.

        `on_update` is given each record that differs from the one before: a new status, a turn spoken.
        After `timeout` seconds raises ByoursideError with code `timeout` and status 0.
        """
        deadline = Deadline(timeout, self._sleep)
        last: Optional[CallRecord] = None
        while True:
            record = self._get_call(call_id, deadline)
            if on_update is not None and record != last:
                on_update(record)
            if record.get("status") in TERMINAL_STATUSES:
                return record
            last = record
            left = deadline.remaining()
            if left <= 0:
                sentence = f"Call {call_id} was still {record.get('status')} after {timeout:g} s."
                raise ByoursideError("timeout", 0, sentence)
            deadline.sleep(max(0.0, min(interval, left)))

    def listen(self, call_id: str) -> Iterator[LiveEvent]:
        """The call's events from its beginning, each turn as it is spoken, until the call is over.

        A broken connection is taken up again where it broke. Goes over HTTP even where the client has a
        `transport` of its own.
        """
        url = self._base_url + _call_path(call_id) + "/events"
        headers = dict(self._headers(), Accept="text/event-stream")
        tries = 0
        while True:
            tries += 1
            try:
                for event in live_events(self._http.lines(url, dict(headers))):
                    tries = 0
                    headers["Last-Event-ID"] = event.id
                    yield event
                    if event.data.get("status") in TERMINAL_STATUSES:
                        return
                raise ByoursideError("network_error", 0, "The stream ended before the call did.")
            except ByoursideError as error:
                pause = pause_before_next_try(error, max(tries, 1), self._retries, random.random())
                if pause is None:
                    raise
            self._sleep(pause)

    def cancel_call(self, call_id: str) -> CallRecord:
        """Take back a call that waits, or hang up one that runs; a call that is over is `call_ended`."""
        return cast(CallRecord, _record(self._post(_call_path(call_id) + "/cancel", None, None)))

    def download_recording(self, call_id: str, destination: Destination) -> int:
        """Write the call's recording (WAV) to a path or a binary file; returns its size in bytes.

        A path holds the whole recording or is left as it was. Goes over HTTP even where the client
        has a `transport` of its own, which can carry JSON alone.
        """
        url = self._base_url + _call_path(call_id) + "/recording"
        headers = dict(self._headers(), Accept="audio/wav, application/json")

        def fill(out: BinaryIO) -> None:
            def fetch() -> Answer:
                out.seek(0)
                out.truncate()
                return self._http.download(url, dict(headers), out)

            self._persist(fetch, None)

        return keep_whole(destination, fill)

    def _get_call(self, call_id: str, deadline: Optional[Deadline]) -> CallRecord:
        return cast(CallRecord, _record(self._request("GET", _call_path(call_id), deadline=deadline)))

    def _post(self, path: str, body: Optional[Dict[str, Any]], idempotency_key: Optional[str]) -> Answer:
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        if not _IDEMPOTENCY_KEY.fullmatch(key):
            raise ByoursideError("invalid_idempotency_key")
        try:
            return self._request("POST", path, body, {"Idempotency-Key": key})
        except ByoursideError as error:
            error.idempotency_key = key
            raise

    def _request(
        self,
        method: str,
        path: str,
        body: Optional[Dict[str, Any]] = None,
        more_headers: Optional[Dict[str, str]] = None,
        deadline: Optional[Deadline] = None,
    ) -> Answer:
        url = self._base_url + path
        headers = self._headers()
        headers.update(more_headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
            json.dumps(
                body, allow_nan=False
            )  # what JSON can't say is the caller's mistake, told before anything is sent

        def send() -> Answer:
            # A copy for every try: what a transport does to its arguments must not reach the next.
            return self._send(method, url, dict(headers), None if body is None else dict(body))

        return self._persist(send, deadline)

    def _headers(self) -> Dict[str, str]:
        return {
            "Authorization": "Bearer " + self._api_key,
            "Accept": "application/json",
            "User-Agent": "byourside-python/" + __version__,
        }

    def _send(self, method: str, url: str, headers: Dict[str, str], body: Optional[Dict[str, Any]]) -> Answer:
        if self._transport is None:
            return self._http.send(method, url, headers, body)
        try:
            status, parsed = self._transport(method, url, headers, body)
        except (ByoursideError, *_MISTAKES):
            raise
        except Exception as fault:
            sentence = f"Could not reach the API: {str(fault) or type(fault).__name__}."
            raise ByoursideError("network_error", 0, sentence) from fault
        return Answer(status, parsed)

    def _persist(self, attempt: Callable[[], Answer], deadline: Optional[Deadline]) -> Answer:
        """The successful answer of `attempt`, repeated while that may help and the wait allows it."""
        tries = 0
        while True:
            tries += 1
            try:
                answer = attempt()
                if 200 <= answer.status < 300:
                    return answer
                raise map_error(answer.status, answer.body, retry_after=answer.retry_after)
            except ByoursideError as error:
                pause = pause_before_next_try(error, tries, self._retries, random.random())
                if pause is None or (deadline is not None and pause > deadline.remaining()):
                    raise
            if deadline is None:
                self._sleep(pause)
            else:
                deadline.sleep(pause)


def _checked_base_url(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"base_url must be an http:// or https:// URL, not {base_url!r}")
    return base_url.rstrip("/")


def _call_path(call_id: str) -> str:
    if not call_id:
        # Without an id the path would be that of the list.
        raise ByoursideError("not_found", 0, "A call id is needed.")
    return f"{CALLS_PATH}/{quote(call_id, safe='')}"


def _moment(moment: Union[str, datetime, None]) -> Optional[str]:
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ValueError("scheduled_at needs a time zone, for example datetime.now(timezone.utc)")
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _record(answer: Answer) -> Record:
    if not isinstance(answer.body, dict):
        raise _not_ours(answer)
    return Record(answer.body)


def _not_ours(answer: Answer) -> ByoursideError:
    sentence = f"The server answered HTTP {answer.status}, but not as this API does; is base_url right?"
    return ByoursideError("http_error", answer.status, sentence)
