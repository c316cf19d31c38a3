"""Truth: the published README and API page, the numbering plans named in the CSV files, phonenumbers."""

from __future__ import annotations

import csv
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from byourside_server.errors import Refusal
from byourside_server.guardrails.check import Destination, check_caller_id, check_destination
from byourside_server.guardrails.destinations import (
    DestinationTables,
    PrefixTable,
    packaged_tables,
    rows_from_csv,
)

SIX = {"AU", "CA", "GB", "IL", "NZ", "US"}
ORDINARY_TYPES = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.TOLL_FREE,
}

with (Path(__file__).parent / "numbers.csv").open(encoding="utf-8", newline="") as opened:
    NUMBERS = [(row["number"], row["expected"], row["reason"]) for row in csv.DictReader(opened)]


def verdict(to: object) -> str:
    """The country of an accepted number, or the token of its refusal."""
    try:
        return check_destination(to).country
    except Refusal as refusal:
        return refusal.token


@pytest.mark.parametrize(("number", "expected", "reason"), NUMBERS, ids=[f"{n}: {r}" for n, _, r in NUMBERS])
def test_every_number_of_the_table_gets_its_verdict(number: str, expected: str, reason: str) -> None:
    assert verdict(number) == expected, reason


def test_the_table_holds_over_150_different_numbers_each_with_a_reason() -> None:
    assert len({number for number, _, _ in NUMBERS}) == len(NUMBERS) >= 150
    assert all(reason.strip() for _, _, reason in NUMBERS)


def test_every_country_is_accepted_and_both_refusals_are_met_in_the_table() -> None:
    assert {expected for _, expected, _ in NUMBERS} == SIX | {"invalid_number", "destination_blocked"}


@pytest.mark.parametrize(
    "value", [None, 14155550123, 1.5, True, ["+14155550123"], {"to": 1}, b"+14155550123"]
)
def test_what_is_no_string_is_an_invalid_number(value: object) -> None:
    assert verdict(value) == "invalid_number"


def test_a_newline_behind_the_number_is_no_part_of_e164() -> None:
    """`$` in a regular expression matches before a final newline; fullmatch does not."""
    assert verdict("+14155550123\n") == "invalid_number"


def test_fictional_numbers_say_so_and_ordinary_numbers_say_what_they_are() -> None:
    assert check_destination("+14155550123") == Destination("+14155550123", "US", "fictional")
    assert check_destination("+447700900123") == Destination("+447700900123", "GB", "fictional")
    assert check_destination("+12134932550").kind == "fixed_line_or_mobile"
    assert check_destination("+447400123456").kind == "mobile"
    assert check_destination("+18005551234").kind == "toll_free"


def test_fictional_lines_are_accepted_in_every_area_code_of_the_two_countries_and_in_no_other() -> None:
    """The sandbox's personas live on +1 NPA 555 01NN."""
    for npa in range(200, 1000):
        ordinary, fictional = verdict(f"+1{npa}5552368"), verdict(f"+1{npa}5550142")
        assert fictional == ordinary


def test_a_refusal_names_the_field_the_number_and_the_reason() -> None:
    with pytest.raises(Refusal) as caught:
        check_destination("+18095550123")
    assert caught.value.message is not None
    assert "`to` +18095550123" in caught.value.message
    assert "Dominican Republic" in caught.value.message


def test_a_closed_country_is_told_which_countries_are_open() -> None:
    with pytest.raises(Refusal, match="AU, CA, GB, IL, NZ, US"):
        check_destination("+33142685300")


def test_an_operator_can_block_a_range_of_their_own() -> None:
    own = rows_from_csv(
        "prefix,country,kind,reason,source,source_date\n"
        "1712432,US,irsf,Conference lines,own bills,2026-01-31\n",
        "own.csv",
    )
    tables = packaged_tables().blocking(own)
    assert check_destination("+17124321234").country == "US"
    with pytest.raises(Refusal, match="Conference lines"):
        check_destination("+17124321234", tables)
    assert check_destination("+17124331234", tables).country == "US"


@pytest.mark.parametrize(
    "number",
    ["+12423456789", "+441481234567", "+61891641234", "+19002345678", "+447012345678", "+97215112345678"],
)
def test_without_any_rows_the_library_is_a_second_lock(number: str) -> None:
    """A territory, or a costly type, that a later numbering plan moves to where no row looks."""
    shipped = packaged_tables()
    no_rows = DestinationTables(PrefixTable([]), shipped.allowed, shipped.fictional)
    with pytest.raises(Refusal) as caught:
        check_destination(number, no_rows)
    assert caught.value.token == "destination_blocked"


@given(st.text(max_size=20))
@example("+14155550123\r")
def test_text_without_the_shape_is_always_an_invalid_number(text: str) -> None:
    digits = text[1:]
    shaped = (
        text[:1] == "+"
        and 7 <= len(digits) <= 15
        and digits.isascii()
        and digits.isdigit()
        and digits[0] != "0"
    )
    if not shaped:
        assert verdict(text) == "invalid_number"


SHAPED = st.from_regex(r"\A\+[1-9][0-9]{6,14}\Z")
IN_SIX = st.builds(
    lambda code, rest: f"+{code}{rest}",
    st.sampled_from(["1", "44", "61", "64", "972"]),
    st.from_regex(r"\A[0-9]{7,10}\Z"),
)


@settings(max_examples=500, deadline=None)
@given(SHAPED | IN_SIX)
def test_no_number_outside_the_six_countries_and_no_costly_type_is_ever_accepted(number: str) -> None:
    """The library is the second opinion: what passes is an assignable number of one of the six."""
    answer = verdict(number)
    if answer in SIX and check_destination(number).kind != "fictional":
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed)
        assert phonenumbers.region_code_for_number(parsed) == answer
        assert phonenumbers.number_type(parsed) not in {
            PhoneNumberType.PREMIUM_RATE,
            PhoneNumberType.PERSONAL_NUMBER,
            PhoneNumberType.PAGER,
            PhoneNumberType.VOICEMAIL,
        }
    elif answer not in SIX:
        assert answer in {"invalid_number", "destination_blocked"}


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_random_valid_numbers_of_the_six_are_refused_only_by_a_row_or_a_costly_type(
    data: st.DataObject,
) -> None:
    """Numbers are drawn from the library's own patterns, so that valid ones are common."""
    region = data.draw(st.sampled_from(sorted(SIX)))
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    described = data.draw(st.sampled_from([metadata.fixed_line, metadata.mobile, metadata.toll_free]))
    assert described is not None
    pattern = described.national_number_pattern
    assert pattern is not None
    national = data.draw(st.from_regex(pattern, fullmatch=True, alphabet="0123456789"))
    number = f"+{metadata.country_code}{national}"
    parsed = phonenumbers.parse(number)
    if phonenumbers.number_type(parsed) not in ORDINARY_TYPES:
        return
    if phonenumbers.format_number(parsed, PhoneNumberFormat.E164) != number:
        return
    row = packaged_tables().blocked.lookup(number)
    expected = "destination_blocked" if row else phonenumbers.region_code_for_number(parsed)
    assert verdict(number) == expected


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS - SIX))
def test_the_example_numbers_of_every_other_region_are_blocked(region: str) -> None:
    """Every region of the library outside the six, each type of number it has an example of."""
    for number_type in range(11):
        number = phonenumbers.example_number_for_type(region, number_type)
        if number is None or phonenumbers.region_code_for_number(number) != region:
            continue
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if len(e164) >= 8:
            assert verdict(e164) == "destination_blocked", e164


@pytest.mark.parametrize("region", sorted(SIX))
def test_the_example_numbers_of_the_six_are_accepted_and_their_costly_ones_blocked(region: str) -> None:
    costly = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.PERSONAL_NUMBER, PhoneNumberType.PAGER}
    for number_type in sorted(ORDINARY_TYPES | costly):
        number = phonenumbers.example_number_for_type(region, number_type)
        if number is None:
            continue
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        if len(e164) < 8:
            continue
        expected = (
            "destination_blocked" if number_type in costly else phonenumbers.region_code_for_number(number)
        )
        assert verdict(e164) == expected, e164


OWNED = {"+12134932550", "+442079460123"}


def test_a_caller_id_on_the_account_is_shown() -> None:
    assert check_caller_id("+442079460123", OWNED, "+12134932550") == "+442079460123"


def test_without_a_caller_id_the_accounts_default_is_shown() -> None:
    assert check_caller_id(None, OWNED, "+12134932550") == "+12134932550"


@pytest.mark.parametrize("value", [12134932550, "", "2134932550", "+1 213 493 2550", ["+12134932550"], False])
def test_a_caller_id_that_is_no_e164_string_is_invalid(value: object) -> None:
    with pytest.raises(Refusal) as caught:
        check_caller_id(value, OWNED, "+12134932550")
    assert caught.value.token == "invalid_caller_id"


@pytest.mark.parametrize(
    ("value", "default"), [("+14155550123", "+12134932550"), (None, None), (None, "+14155550123")]
)
def test_a_number_not_on_the_account_is_never_shown(value: str | None, default: str | None) -> None:
    """The API page: `callerId` or the account default must be a number on the account."""
    with pytest.raises(Refusal) as caught:
        check_caller_id(value, OWNED, default)
    assert caught.value.token == "caller_id_not_owned"
