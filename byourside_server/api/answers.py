"""How every answer looks: JSON, and for errors always `{"error": token, "message"?, "requestId"}`.

Knows the tokens of `errors` and no route.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from starlette.responses import Response

from byourside_server.calls.call import JsonValue
from byourside_server.errors import Refusal

# Seconds to wait where the house gave no figure of its own. Not for over_minute_cap: it may last for weeks.
DEFAULT_RETRY_AFTER_S: Mapping[str, float] = {
    "rate_limited": 30.0,
    "store_error": 5.0,
}


# Made once: json.dumps makes an encoder for every value that is not written in its own default way.
COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def json_bytes(value: JsonValue) -> bytes:
    """Compact UTF-8 JSON. NaN and infinities are a programmer's mistake and raise ValueError."""
    return COMPACT.encode(value).encode()


def answer(value: JsonValue, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json_bytes(value), status, headers, media_type="application/json")


def error_answer(
    token: str,
    status: int,
    request_id: str,
    message: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error answer in the one shape there is."""
    body: dict[str, JsonValue] = {"error": token}
    if message is not None:
        body["message"] = message
    body["requestId"] = request_id
    return answer(body, status, headers)


def refused(refusal: Refusal, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that is not carried out."""
    wait_s = retry_after_s(refusal)
    more = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return error_answer(
        refusal.token, refusal.status, request_id, refusal.message, {**more, **(headers or {})}
    )


def retry_after_s(refusal: Refusal) -> int | None:
    """Whole seconds for Retry-After (RFC 9110 §10.2.3), at least 1, or None where waiting won't help."""
    wait_s = refusal.retry_after_s
    if wait_s is None:
        wait_s = DEFAULT_RETRY_AFTER_S.get(refusal.token)
    return None if wait_s is None else max(1, math.ceil(wait_s))
