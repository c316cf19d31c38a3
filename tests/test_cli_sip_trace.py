"""The SIP trace at the terminal: printed, made shareable, written as a capture file."""

from __future__ import annotations

from pathlib import Path

import pytest

from byourside_server.lines.sip_traces import trace_path
from byourside_server.sip.trace import Passage, encode
from tests.test_cli import Operator, empty, operator

__all__ = ["empty", "operator"]
TRACE_ID = "0b9d3b0c-6f6e-4d0e-9f0e-1c1f3b1b2a3c"


@pytest.fixture
def traced(operator: Operator) -> Operator:
    """A directory with the trace of one call that was asked for and never answered."""
    invite = "INVITE sip:+14155550123@carrier SIP/2.0\r\nTo: <sip:+14155550123@carrier>\r\n\r\n"
    passage = Passage(1.5, "sent", "UDP", ("192.0.2.1", 5060), ("192.0.2.2", 5060), invite)
    directory = operator.config.traces_dir
    directory.mkdir()
    trace_path(directory, TRACE_ID).write_text(encode(passage), encoding="ascii")
    return operator


def test_a_calls_sip_messages_are_printed_with_or_without_numbers(traced: Operator) -> None:
    shown = "\n".join(traced.does("sip-trace", TRACE_ID))
    assert "UDP 192.0.2.1:5060 --> 192.0.2.2:5060  INVITE sip:+14155550123@carrier SIP/2.0" in shown
    hidden = "\n".join(traced.does("sip-trace", TRACE_ID, "--hide-numbers"))
    assert "INVITE sip:" in hidden
    assert "4155550123" not in hidden


def test_a_calls_sip_messages_become_a_capture_file(traced: Operator, tmp_path: Path) -> None:
    target = tmp_path / "call.pcap"
    assert traced.does("sip-trace", TRACE_ID, "--pcap", str(target)) == [f"1 messages are in {target}"]
    assert target.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("another",), "holds no trace of another"),
        (("../config",), "no call's id"),
        ((TRACE_ID, "--pcap", "/nowhere/call.pcap"), "was not written: No such file"),
    ],
)
def test_a_trace_that_cannot_be_shown_says_why(traced: Operator, words: tuple[str, ...], why: str) -> None:
    assert why in traced.fails("sip-trace", *words)
