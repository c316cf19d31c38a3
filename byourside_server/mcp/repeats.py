"""When are two requests the same call?

A model whose tool call timed out sends it again. What it sends is put in one canonical form, and the
Idempotency-Key is made of that form, the agent key and the number of the attempt: so the repetition finds the
first call instead of ringing a second time. Knows no store; how long a key is remembered is the server's
business (24 hours).
"""

from __future__ import annotations

import hashlib
import json
import re

from byourside_server.calls.call import JsonValue
from byourside_server.calls.wire import Json
from byourside_server.errors import Refusal

KEY_PREFIX = "mcp-"
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def mark_of(agent_key: str) -> str:
    """Names an agent key of 256 random bits without telling it."""
    return hashlib.sha256(b"byourside mcp\n" + agent_key.encode()).hexdigest()[:16]


def canonical(arguments: Json) -> Json:
    """The request body: no nulls, no empty lists, no blanks around texts.

    Raises Refusal `invalid_json` for a NUL or half a surrogate pair, which no store takes.
    """
    body = {name: _trimmed(value) for name, value in arguments.items()}
    return {name: value for name, value in body.items() if value is not None and value != []}


def idempotency_key_of(mark: str, body: Json, attempt: int) -> str:
    """One key per agent key, body and attempt."""
    meaning = json.dumps([mark, body, attempt], sort_keys=True, separators=(",", ":"))
    return KEY_PREFIX + hashlib.sha256(meaning.encode()).hexdigest()


def body_hash_of(body: Json) -> str:
    """SHA-256 of the body's meaning, as the HTTP API takes it: a repetition may come by either way."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _trimmed(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        if UNSTORABLE.search(value):
            raise Refusal("invalid_json", "A text holds a NUL or half a surrogate pair: leave it out.")
        return value.strip()
    if isinstance(value, list):
        return [_trimmed(item) for item in value]
    if isinstance(value, dict):
        return {name: _trimmed(item) for name, item in value.items() if item is not None}
    return value
