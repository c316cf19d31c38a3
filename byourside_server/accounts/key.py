"""How secrets are made, recognised and compared.

Randomness comes in as a callable that gives n bytes, so that a test can hand in its own.
A key is 256 random bits, so one SHA-256 protects it: slow hashes are for passwords that people choose.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

RandomBytes = Callable[[int], bytes]

KEY_PREFIX = "bys_ak_"
WEBHOOK_SECRET_PREFIX = "whsec_"

_KEY_BYTES = 32
_WEBHOOK_SECRET_BYTES = 24
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# 62 ** 43 > 2 ** 256 > 62 ** 42: 43 letters hold every value of 32 bytes, padded with "0".
_KEY_LETTERS = 43
_KEY = re.compile(rf"{KEY_PREFIX}[0-9A-Za-z]{{{_KEY_LETTERS}}}")


def make_key(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """Return a new agent key: `bys_ak_` and 32 random bytes in 43 base62 letters."""
    value = int.from_bytes(random_bytes(_KEY_BYTES), "big")
    return KEY_PREFIX + _base62(value, _KEY_LETTERS)


def looks_like_key(value: object) -> bool:
    """True for a string of a key's exact form; saves the look-up for what can't be one."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def hash_key(key: str) -> str:
    """Return the SHA-256 of a key in hex, the only form in which it is kept."""
    return hashlib.sha256(key.encode("utf-8")).hexdigest()


def key_matches(key: str, stored_hash: str) -> bool:
    """True where `key` has this hash; takes the same time wherever they differ."""
    return hmac.compare_digest(hash_key(key).encode("ascii"), stored_hash.encode("utf-8"))


def last4(key: str) -> str:
    """Return the last four characters, enough to tell keys apart and too few to guess one."""
    return key[-4:]


def make_webhook_secret(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """Return a new webhook secret: `whsec_` and 24 random bytes in base64, as Standard Webhooks writes it."""
    return WEBHOOK_SECRET_PREFIX + base64.b64encode(random_bytes(_WEBHOOK_SECRET_BYTES)).decode("ascii")


def make_id(prefix: str, random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """Return `prefix`, an underscore and 16 random bytes in 22 base62 letters, for example `key_…`."""
    return f"{prefix}_{_base62(int.from_bytes(random_bytes(16), 'big'), 22)}"


def _base62(value: int, letters: int) -> str:
    written = []
    for _ in range(letters):
        value, digit = divmod(value, 62)
        written.append(_BASE62[digit])
    assert value == 0, "more bytes than letters can hold"
    return "".join(reversed(written))
