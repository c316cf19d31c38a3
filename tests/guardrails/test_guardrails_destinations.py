"""The CSV files: well-formed, sourced, in step with phonenumbers and with the docs."""

from __future__ import annotations

import csv
import re
from datetime import date
from importlib.resources import files
from itertools import product
from pathlib import Path

import phonenumbers
import pytest

from byourside_server.guardrails.destinations import (
    ALLOWED_FILE,
    BLOCKED_FILES,
    COLUMNS,
    FICTIONAL_FILE,
    PrefixRow,
    PrefixTable,
    packaged_rows,
    packaged_tables,
    rows_from_csv,
)
from byourside_server.guardrails.listing import blocked_table

ALL_FILES = (ALLOWED_FILE, FICTIONAL_FILE, *BLOCKED_FILES)
HEAD = ",".join(COLUMNS) + "\n"
LINE = "1900,US,premium,Pay per call,somebody,2026-01-31\n"


def rows_of(*prefixes: str) -> list[PrefixRow]:
    return [PrefixRow(prefix, ("US",), "premium", prefix, "test", date(2026, 1, 31)) for prefix in prefixes]


def found(table: PrefixTable, e164: str) -> str | None:
    row = table.lookup(e164)
    return row.prefix if row else None


def test_the_files_in_the_folder_are_the_files_that_are_read() -> None:
    folder = files("byourside_server.guardrails").joinpath("data")
    assert {entry.name for entry in folder.iterdir()} == set(ALL_FILES)


@pytest.mark.parametrize("name", ALL_FILES)
def test_each_file_has_the_columns_and_every_line_a_source_and_a_date(name: str) -> None:
    text = files("byourside_server.guardrails").joinpath("data", name).read_text(encoding="utf-8")
    lines = list(csv.DictReader(text.splitlines()))
    assert lines
    for line in lines:
        assert tuple(line) == COLUMNS
        assert re.fullmatch(r"[1-9][0-9x]*\$?", line["prefix"]), line
        assert re.fullmatch(r"[A-Z]{2}( [A-Z]{2})*|001", line["country"]), line
        assert re.fullmatch(r"[a-z_]+", line["kind"]), line
        assert len(line["reason"]) > 5
        assert len(line["source"]) > 5
        assert date(2000, 1, 1) < date.fromisoformat(line["source_date"]) < date(2100, 1, 1)


@pytest.mark.parametrize("name", ALL_FILES)
def test_each_file_is_sorted_so_that_changes_are_easy_to_read(name: str) -> None:
    prefixes = [row.prefix for row in packaged_rows(name)]
    assert prefixes == sorted(prefixes)


def test_no_prefix_is_blocked_twice() -> None:
    prefixes = [row.prefix for name in BLOCKED_FILES for row in packaged_rows(name)]
    assert len(prefixes) == len(set(prefixes)) > 200


def test_the_six_published_countries_and_no_others_are_open() -> None:
    assert packaged_tables().countries() == {"US", "CA", "GB", "AU", "NZ", "IL"}
    assert {row.prefix for row in packaged_tables().allowed.rows} == {"1", "44", "61", "64", "972"}


def test_a_blocked_row_lies_in_an_open_country_code_or_in_no_country() -> None:
    """A row for a closed country would promise a reason and change nothing."""
    for row in packaged_tables().blocked.rows:
        opened = packaged_tables().allowed.lookup(row.prefix.replace("x", "2").rstrip("$"))
        assert opened is not None or row.countries == ("001",), row


def test_every_area_code_that_is_neither_american_nor_canadian_is_a_territory_row() -> None:
    """phonenumbers is asked about every area code, at exchanges that are in use everywhere."""
    foreign = {}
    for npa, exchange in product(range(200, 1000), (200, 234, 345, 456, 567, 789)):
        region = phonenumbers.region_code_for_number(phonenumbers.parse(f"+1{npa}{exchange}2345"))
        if region not in {None, "US", "CA"}:
            foreign[f"1{npa}"] = (region,)
    listed = {
        row.prefix: row.countries for row in packaged_rows("territories.csv") if row.prefix.startswith("1")
    }
    assert listed == foreign


def test_no_row_blocks_a_whole_american_or_canadian_area_code_or_a_toll_free_one() -> None:
    for npa in range(200, 1000):
        number = phonenumbers.parse(f"+1{npa}2345678")
        ordinary = phonenumbers.number_type(number) in {
            phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
            phonenumbers.PhoneNumberType.TOLL_FREE,
        }
        if ordinary and phonenumbers.region_code_for_number(number) in {"US", "CA"}:
            assert packaged_tables().blocked.lookup(f"+1{npa}2345678") is None


def test_the_longest_prefix_wins() -> None:
    table = PrefixTable(rows_of("44", "4477", "4477003"))
    assert found(table, "+447700312345") == "4477003"
    assert found(table, "+447700412345") == "4477"
    assert found(table, "+441234567890") == "44"
    assert found(table, "+33142685300") is None
    assert found(table, "+4") is None


def test_x_stands_for_any_digit_and_a_longer_pattern_wins_over_a_shorter_prefix() -> None:
    table = PrefixTable(rows_of("1809", "1xxx976"))
    assert found(table, "+14159761234") == "1xxx976"
    assert found(table, "+18099761234") == "1xxx976"
    assert found(table, "+18099751234") == "1809"
    assert found(table, "+14159751234") is None


def test_a_dollar_ends_the_number() -> None:
    table = PrefixTable(rows_of("44118xxx$"))
    assert found(table, "+44118118") == "44118xxx$"
    assert found(table, "+441189012345") is None
    assert found(table, "+4411811") is None


def test_a_prefix_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="1900 is listed twice"):
        PrefixTable(rows_of("1900", "1900"))


def test_blocking_rows_that_are_there_already_changes_nothing() -> None:
    tables = packaged_tables().blocking(rows_of("1900", "1712432"))
    assert len(tables.blocked.rows) == len(packaged_tables().blocked.rows) + 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "first line"),
        ("prefix,reason\n", "first line"),
        (HEAD + "1900,US,premium\n", "own.csv line 2: 3 columns instead of 6"),
        (HEAD + LINE + LINE.replace("1900", "+1900"), "own.csv line 3: '\\+1900' is no prefix"),
        (HEAD + LINE.replace("1900", "0900"), "is no prefix"),
        (HEAD + LINE.replace("1900", "19$0"), "is no prefix"),
        (HEAD + LINE.replace("1900", "١٩٠٠"), "is no prefix"),
        (HEAD + LINE.replace("somebody", " "), "source is empty"),
        (HEAD + LINE.replace("2026-01-31", "31.1.2026"), "line 2"),
    ],
)
def test_a_wrong_line_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        rows_from_csv(text, "own.csv")


def test_a_right_line_is_read() -> None:
    assert rows_from_csv(HEAD + LINE, "own.csv") == (
        PrefixRow("1900", ("US",), "premium", "Pay per call", "somebody", date(2026, 1, 31)),
    )


def test_the_docs_show_the_table_as_it_is() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "guardrails.md").read_text(encoding="utf-8")
    shown = docs.split("<!-- counts -->\n")[1].split("<!-- /counts -->")[0]
    assert shown.strip() == blocked_table().strip()
    total = sum(len(packaged_rows(name)) for name in BLOCKED_FILES)
    assert f"{total} prefixes" in docs
