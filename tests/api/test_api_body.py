"""Bodies are taken strictly: what gets through can be stored and sent on unchanged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byourside_server.api.body import MAX_DEPTH, hash_of, parse_object
from byourside_server.errors import Refusal

NOT_ACCEPTED: dict[str, bytes] = {
    "empty": b"",
    "blank": b"  \n",
    "cut off": b'{"to": "+1415',
    "array": b"[]",
    "string": b'"hello"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "trailing": b"{} {}",
    "trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "comment": b'{"a": 1} // why',
    "form": b"to=%2B14155550123&objective=hi",
    "NaN": b'{"metadata": {"x": NaN}}',
    "Infinity": b'{"x": Infinity}',
    "-Infinity": b'{"x": -Infinity}',
    "beyond a double": b'{"x": 1e999}',
    "endless integer": b'{"x": ' + b"9" * 5000 + b"}",
    "same name twice": b'{"to": "a", "to": "b"}',
    "same name twice inside": b'{"metadata": {"a": 1, "a": 2}}',
    "NUL": b'{"objective": "a\\u0000b"}',
    "raw control character": b'{"objective": "a\nb"}',
    "NUL in a name": b'{"a\\u0000": 1}',
    "half a surrogate pair": b'{"objective": "\\ud83d"}',
    "other half": b'{"metadata": {"x": ["\\ude00"]}}',
    "half a pair in a name": b'{"metadata": {"\\ud83d": 1}}',
    "latin-1": '{"objective": "café"}'.encode("latin-1"),
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "overlong": b'{"a": "\xc0\xaf"}',
    "gzip": b"\x1f\x8b\x08\x00",
    "deep arrays": b'{"metadata": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "a little too deep": b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
    "unclosed deep": b"[" * 200_000,
}


@pytest.mark.parametrize("body", NOT_ACCEPTED.values(), ids=NOT_ACCEPTED.keys())
def test_what_is_no_clean_json_object_is_invalid_json(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        parse_object(body)
    assert refused.value.token == "invalid_json"
    assert (refused.value.message or "").startswith("The body must be a JSON object: ")


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse_object(b'{"objective": "\\ud83d\\ude00"}') == {"objective": "😀"}


def test_the_deepest_that_is_allowed_is_read() -> None:
    assert "a" in parse_object(b'{"a":' * (MAX_DEPTH - 1) + b"1" + b"}" * (MAX_DEPTH - 1))


def test_spacing_and_order_make_no_other_request_but_values_do() -> None:
    first = parse_object(b'{"to":"+1","objective":"x"}')
    assert hash_of(first) == hash_of(parse_object(b'{ "objective": "x",\n "to": "+1" }'))
    assert hash_of(first) != hash_of(parse_object(b'{"to":"+1","objective":"y"}'))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_and_what_is_read_can_be_stored(body: bytes) -> None:
    try:
        value = parse_object(body)
    except Refusal as refusal:
        token = refusal.token
    else:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        assert json.loads(text.encode("utf-8")) == value
        assert "\x00" not in text
        return
    assert token == "invalid_json"
