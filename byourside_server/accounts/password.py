"""How the dashboard's password is made, kept and compared.

A password is made here and never chosen, so it holds 120 random bits; it is kept salted and slow all the
same, since nobody can tell where a copy of a database goes. Randomness comes in as in `key`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from byourside_server.accounts.key import RandomBytes

# RFC 7914 §2; 16 MiB and five passes: one of the equal choices of OWASP's password storage cheat sheet.
COST_N, BLOCK_R, PARALLEL_P = 2**14, 8, 5
SALT_BYTES, HASH_BYTES = 16, 32
# Without letters and digits that are mistaken for each other when a password is copied by hand.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
GROUPS, GROUP_LETTERS = 6, 4
MAX_PASSWORD_BYTES = 1_024


def make_password(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """Return a new password: six groups of four letters, 120 random bits."""
    assert len(ALPHABET) == 32
    letters = [ALPHABET[byte & 31] for byte in random_bytes(GROUPS * GROUP_LETTERS)]
    groups = ("".join(letters[at : at + GROUP_LETTERS]) for at in range(0, len(letters), GROUP_LETTERS))
    return "-".join(groups)


def hash_password(password: str, random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """Return `scrypt$N$r$p$salt$hash`, the only form in which a password is kept.

    Takes a tenth of a second.
    """
    salt = random_bytes(SALT_BYTES)
    found = _scrypt(password, salt, COST_N, BLOCK_R, PARALLEL_P)
    return f"scrypt${COST_N}${BLOCK_R}${PARALLEL_P}${salt.hex()}${found.hex()}"


def password_matches(password: str, stored: str) -> bool:
    """True where `password` has this hash; takes the same time wherever they differ, a tenth of a second."""
    kind, n, r, p, salt, expected = stored.split("$")
    assert kind == "scrypt"
    found = _scrypt(password, bytes.fromhex(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, bytes.fromhex(expected))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    given = password.strip().encode("utf-8", "surrogatepass")[:MAX_PASSWORD_BYTES]
    # OpenSSL's default limit is just below what N=2^14, r=8 needs.
    return hashlib.scrypt(given, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=HASH_BYTES)
