"""The dashboard's password: made, kept salted and slow, and recognised."""

from __future__ import annotations

import hashlib

from byourside_server.accounts.password import ALPHABET, hash_password, make_password, password_matches


def test_a_password_is_six_groups_of_letters_nobody_mistakes() -> None:
    made = make_password()
    groups = made.split("-")
    assert [len(group) for group in groups] == [4] * 6
    assert set("".join(groups)) <= set(ALPHABET)
    assert not set("lo01") & set(ALPHABET)
    assert make_password() != made


def test_every_letter_is_as_likely_as_any_other() -> None:
    """Bytes 0..255 hold each of the 32 letters eight times."""
    letters = [make_password(lambda n, byte=byte: bytes([byte]) * n)[0] for byte in range(256)]  # type: ignore[misc]
    assert {letters.count(letter) for letter in ALPHABET} == {8}


def test_a_password_is_known_by_its_hash_alone() -> None:
    kept = hash_password("abcd-efgh")
    assert "abcd" not in kept
    assert password_matches("abcd-efgh", kept)
    assert password_matches(" abcd-efgh\n", kept), "as copied out of a terminal"
    assert not password_matches("abcd-efgi", kept)
    assert not password_matches("", kept)


def test_the_same_password_is_kept_differently_each_time() -> None:
    assert hash_password("same") != hash_password("same")


def test_the_hash_is_scrypt_as_anyone_computes_it() -> None:
    """RFC 7914, by the standard library; N=2^14, r=8, p=5 is one of OWASP's equal choices."""
    kind, n, r, p, salt, found = hash_password("x", lambda count: b"s" * count).split("$")
    assert (kind, n, r, p) == ("scrypt", "16384", "8", "5")
    again = hashlib.scrypt(b"x", salt=bytes.fromhex(salt), n=2**14, r=8, p=5, maxmem=2**26, dklen=32)
    assert found == again.hex()


def test_a_hash_of_other_costs_still_counts() -> None:
    """Costs are kept with the hash, so that raising them locks nobody out."""
    weak = hashlib.scrypt(b"old", salt=b"salt", n=2**10, r=8, p=1, dklen=32).hex()
    assert password_matches("old", f"scrypt$1024$8$1${b'salt'.hex()}${weak}")


def test_a_password_that_is_no_text_or_a_book_is_just_wrong() -> None:
    kept = hash_password("x")
    assert not password_matches("\udcff", kept)
    assert not password_matches("y" * 1_000_000, kept)
