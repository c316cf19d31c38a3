"""Truth: the published key prefix `bys_ak_`, FIPS 180-4 for SHA-256, Standard Webhooks for `whsec_`."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.accounts.key import (
    hash_key,
    key_matches,
    last4,
    looks_like_key,
    make_id,
    make_key,
    make_webhook_secret,
)

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def value_of(letters: str) -> int:
    value = 0
    for letter in letters:
        value = value * 62 + BASE62.index(letter)
    return value


@given(st.binary(min_size=32, max_size=32))
def test_a_key_holds_all_of_its_32_random_bytes_at_one_length(random: bytes) -> None:
    key = make_key(lambda count: random[:count])
    assert key.startswith("bys_ak_")
    assert len(key) == 50
    assert value_of(key.removeprefix("bys_ak_")) == int.from_bytes(random, "big")
    assert looks_like_key(key)


def test_two_keys_are_never_the_same() -> None:
    assert len({make_key() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"bys_ak_" + b"0" * 43,
        "",
        "bys_ak_",
        "bys_ak_YOUR_KEY",
        "bys_ak_" + "0" * 42,
        "bys_ak_" + "0" * 44,
        "bys_sk_" + "0" * 43,
        "bys_ak_" + "0" * 42 + "-",
        " bys_ak_" + "0" * 43,
        "bys_ak_" + "0" * 43 + "\n",
        "bys_ak_" + "٣" * 43,
    ],
)
def test_what_is_no_key_does_not_look_like_one(value: object) -> None:
    assert not looks_like_key(value)


def test_a_key_is_kept_as_its_sha_256() -> None:
    """FIPS 180-4's example: SHA-256 of "abc"."""
    assert hash_key("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_only_the_key_itself_matches_its_hash() -> None:
    key = make_key()
    assert key_matches(key, hash_key(key))
    assert not key_matches(key[:-1], hash_key(key))
    assert not key_matches(make_key(), hash_key(key))
    assert not key_matches(key, "")
    assert not key_matches(key, "é")


def test_the_last_four_characters_tell_keys_apart() -> None:
    assert last4("bys_ak_" + "0" * 39 + "wxyz") == "wxyz"


def test_a_webhook_secret_is_whsec_and_24_random_bytes_in_base64() -> None:
    """Standard Webhooks: between 24 and 64 random bytes, base64, prefixed `whsec_`."""
    random = bytes(range(24))
    secret = make_webhook_secret(lambda count: random[:count])
    assert secret.startswith("whsec_")
    assert base64.b64decode(secret.removeprefix("whsec_"), validate=True) == random
    assert make_webhook_secret() != make_webhook_secret()


def test_an_id_says_what_it_names() -> None:
    assert make_id("key", lambda count: b"\xff" * count) == "key_7n42DGM5Tflk9n8mt7Fhc7"
    assert len(make_id("acct")) == len("acct_") + 22
