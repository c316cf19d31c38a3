"""The same request is the same call; the key says so without telling the agent key."""

from __future__ import annotations

from typing import Any

import pytest

from byourside_server.api.body import hash_of
from byourside_server.api.headers import IDEMPOTENCY_KEY
from byourside_server.errors import Refusal
from byourside_server.mcp.repeats import body_hash_of, canonical, idempotency_key_of, mark_of
from tests.api.conftest import KEY, STRANGER_KEY

BODY: dict[str, Any] = {"to": "+14155550123", "objective": "Confirm."}


def key_of(body: dict[str, Any], *, mark: str = "m", attempt: int = 1) -> str:
    return idempotency_key_of(mark, canonical(body), attempt)


@pytest.mark.parametrize(
    "same",
    [
        {"objective": "Confirm.", "to": "+14155550123"},
        {**BODY, "context": None, "fields": []},
        {**BODY, "objective": "  Confirm.\n"},
    ],
)
def test_order_blanks_and_absent_values_make_no_other_call(same: dict[str, Any]) -> None:
    assert key_of(same) == key_of(BODY)


@pytest.mark.parametrize(
    "other",
    [{**BODY, "to": "+14155550124"}, {**BODY, "objective": "Confirm!"}, {**BODY, "context": "Private."}],
)
def test_another_request_is_another_call(other: dict[str, Any]) -> None:
    assert key_of(other) != key_of(BODY)


def test_another_attempt_or_another_agent_key_is_another_call() -> None:
    assert len({key_of(BODY), key_of(BODY, attempt=2), key_of(BODY, mark="n")}) == 3


def test_the_key_is_one_that_the_api_takes() -> None:
    assert IDEMPOTENCY_KEY.fullmatch(key_of(BODY))


def test_the_body_is_hashed_as_the_api_hashes_it() -> None:
    """So that a repetition that comes over HTTP finds the call that came through /mcp, and the reverse."""
    body = canonical({**BODY, "fields": [{"name": "é", "type": "string"}], "maxDurationSec": 60})
    assert body_hash_of(body) == hash_of(body)


def test_a_mark_names_an_agent_key_and_holds_nothing_of_it() -> None:
    assert mark_of(KEY) == mark_of(KEY)
    assert mark_of(KEY) != mark_of(STRANGER_KEY)
    assert not any(mark_of(KEY)[at : at + 5] in KEY for at in range(12))


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800"])
def test_what_no_store_takes_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        canonical({**BODY, "fields": [{"name": text}]})
    assert refused.value.token == "invalid_json"
