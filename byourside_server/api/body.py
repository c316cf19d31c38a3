"""A request's body: read up to a limit, then JSON taken strictly (RFC 8259, with I-JSON's caution).

No framework parses here, so no framework's error can answer. Strict means: UTF-8, one object, no name
twice, no NaN or number beyond a double, no NUL or lone surrogate in any string, at most 64 levels deep:
whatever passes can be stored, sent on and read back the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import re

from starlette.requests import Request

from byourside_server.calls.call import JsonValue
from byourside_server.errors import Refusal

MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 64
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


async def read_body(request: Request) -> bytes:
    """The whole body. Raises Refusal `body_too_large`, by the announced length or by what arrives."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 12 or int(announced) > MAX_BODY_BYTES):
        raise _too_large()
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def parse_object(body: bytes) -> dict[str, JsonValue]:
    """The JSON object in a body. Raises Refusal `invalid_json` that says what is wrong with it."""
    if not body:
        raise _bad("it is empty")
    try:
        value: JsonValue = STRICT.decode(body.decode("utf-8"))
    except UnicodeDecodeError as wrong:
        raise _bad(f"byte {wrong.start} is not UTF-8") from None
    except json.JSONDecodeError as wrong:
        raise _bad(f"{wrong.msg}, line {wrong.lineno} column {wrong.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        # Python's own limit on the digits of an integer; JSONDecodeError is a ValueError too.
        raise _bad("a number in it is out of range") from None
    if not isinstance(value, dict):
        raise _bad("it is not an object")
    if b"\\u" in body or body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        # Only an escape can hide what can't be stored: raw, UTF-8 and JSON themselves refuse it.
        _check_storable(value)
    return value


def hash_of(value: JsonValue) -> str:
    """SHA-256 of the body's meaning: spacing and the order of names don't make it another request."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _check_storable(value: JsonValue) -> None:
    waiting: list[tuple[JsonValue, int]] = [(value, 1)]
    while waiting:
        found, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(found, str) and UNSTORABLE.search(found):
            raise _bad("a string in it holds a NUL or half a surrogate pair")
        if isinstance(found, list):
            waiting += [(item, depth + 1) for item in found]
        elif isinstance(found, dict):
            waiting += [(name, depth) for name in found]
            waiting += [(item, depth + 1) for item in found.values()]


def _no_name_twice(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _bad("an object in it has the same name twice")
    return found


def _no_constant(name: str) -> JsonValue:
    raise _bad(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _bad("a number in it is out of range")
    return value


def _bad(why: str) -> Refusal:
    return Refusal("invalid_json", f"The body must be a JSON object: {why}.")


def _too_deep() -> Refusal:
    return _bad(f"it is nested more than {MAX_DEPTH} levels deep")


def _too_large() -> Refusal:
    return Refusal("body_too_large", f"The body is larger than {MAX_BODY_BYTES // 1024} KiB.")


# Made once: json.loads makes a decoder for every text it is given such hooks for.
STRICT = json.JSONDecoder(
    parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_no_name_twice
)
