"""The header `traceparent`, read as W3C Trace Context (level 2, §3.2) has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.calls.trace_context import TraceParent, parse_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_the_example_of_the_recommendation() -> None:
    found = parse_traceparent(f"00-{TRACE}-{SPAN}-01")
    assert found == TraceParent(int(TRACE, 16), int(SPAN, 16), sampled=True)


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("ff", True)])
def test_only_the_last_bit_says_whether_it_is_kept(flags: str, sampled: bool) -> None:
    """§3.2.2.5.1: the other flags are for later editions."""
    found = parse_traceparent(f"00-{TRACE}-{SPAN}-{flags}")
    assert found is not None
    assert found.sampled is sampled


def test_a_later_edition_may_say_more() -> None:
    """§3.2.2: a higher version is read as far as it is known."""
    assert parse_traceparent(f"01-{TRACE}-{SPAN}-01-what-will-be") is not None
    assert parse_traceparent(f"01-{TRACE}-{SPAN}-01what") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"01-{TRACE}-{SPAN}-01-{'x' * 200}",
        f"00-{TRACE.replace('0', '٠')}-{SPAN}-01",
    ],
)
def test_what_can_not_be_read_is_none(text: str) -> None:
    assert parse_traceparent(text) is None


@given(st.text(max_size=80))
def test_nothing_breaks_it(text: str) -> None:
    parse_traceparent(text)
