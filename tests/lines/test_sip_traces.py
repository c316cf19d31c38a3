"""Traces on their way to disk, in virtual time: one file per call, soon enough, and never too large."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from byourside_server.clock import ManualClock
from byourside_server.lines.sip_traces import (
    LINGER_S,
    MOST_MESSAGES,
    WRITE_EVERY_S,
    SipTraces,
    read_trace,
    trace_path,
)
from byourside_server.sip.hop import Hop
from tests.lines.rehearsal import OFFICE, PHONE, play, rehearsal

OURS, THEIRS = (OFFICE, 5060), Hop(PHONE, 5060)


def message(sip_call_id: str, start_line: str = "SIP/2.0 180 Ringing", name: str = "Call-ID") -> bytes:
    return f"{start_line}\r\nCSeq: 1 INVITE\r\n{name}: {sip_call_id}\r\n\r\n".encode()


async def at_once(work: Callable[..., None], *arguments: object) -> None:
    work(*arguments)


def open_traces(tmp_path: Path) -> SipTraces:
    traces = SipTraces(tmp_path / "traces", ManualClock(epoch=1_800_000_000.0), at_once)
    (tmp_path / "traces").mkdir()
    return traces


def start_lines(tmp_path: Path, call_id: str) -> list[str]:
    return [passage.start_line for passage in read_trace(trace_path(tmp_path / "traces", call_id))]


def test_a_calls_attempts_share_its_file_and_strangers_have_none(tmp_path: Path) -> None:
    async def story() -> None:
        traces = open_traces(tmp_path)
        # The INVITE goes out before the call's name is known.
        traces.tap(OURS, "sent", message("first", "INVITE sip:a@b SIP/2.0"), THEIRS, 50.0)
        traces.watch("call-1", "first", 50.0)
        traces.watch("call-1", "second", 51.0)
        traces.watch("call-2", "third", 51.0)
        traces.tap(OURS, "received", message("second", name="i"), THEIRS, 52.5)
        traces.tap(OURS, "received", message("third"), THEIRS.over("tls"), 52.5)
        traces.tap(OURS, "received", message("nobody's"), THEIRS, 52.5)
        traces.tap(OURS, "received", b"no message", THEIRS, 52.5)
        await traces.stop()

    play(story)
    found = read_trace(trace_path(tmp_path / "traces", "call-1"))
    assert [(each.at, each.way, each.start_line) for each in found] == [
        (1_800_000_000.0, "sent", "INVITE sip:a@b SIP/2.0"),
        (1_800_000_002.5, "received", "SIP/2.0 180 Ringing"),
    ]
    [secure] = read_trace(trace_path(tmp_path / "traces", "call-2"))
    assert (secure.transport, secure.theirs) == ("TLS", THEIRS.address)
    assert len(list((tmp_path / "traces").iterdir())) == 2


def test_a_message_is_in_the_file_within_a_second_while_the_call_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        traces = open_traces(tmp_path)
        traces.watch("call-1", "one", 0.0)
        for moment in range(3):
            traces.tap(OURS, "received", message("one"), THEIRS, float(moment))
            await asyncio.sleep(WRITE_EVERY_S + 0.01)
            assert len(start_lines(tmp_path, "call-1")) == moment + 1

    play(story)


def test_what_is_said_after_the_end_is_kept_for_a_while_and_then_the_call_forgotten(tmp_path: Path) -> None:
    async def story() -> None:
        traces = open_traces(tmp_path)
        traces.watch("call-1", "one", 0.0)
        traces.close("call-1")
        await asyncio.sleep(LINGER_S - 0.5)
        traces.tap(OURS, "received", message("one"), THEIRS, 1.0)
        await asyncio.sleep(5.0)
        traces.tap(OURS, "received", message("one"), THEIRS, 2.0)
        await traces.stop()

    play(story)
    assert len(start_lines(tmp_path, "call-1")) == 1


def test_a_peer_gone_mad_does_not_fill_the_disk(tmp_path: Path) -> None:
    async def story() -> None:
        traces = open_traces(tmp_path)
        traces.watch("call-1", "one", 0.0)
        traces.watch("call-2", "two", 0.0)
        for moment in range(MOST_MESSAGES + 50):
            traces.tap(OURS, "received", message("one"), THEIRS, float(moment))
            traces.tap(OURS, "received", message("two") + b"x" * 60_000, THEIRS, float(moment))
        await traces.stop()

    play(story)
    assert len(start_lines(tmp_path, "call-1")) == MOST_MESSAGES
    assert trace_path(tmp_path / "traces", "call-2").stat().st_size < 1_200_000


def test_a_line_keeps_its_call_from_invite_to_bye(tmp_path: Path) -> None:
    async def story() -> None:
        traces = open_traces(tmp_path)
        async with rehearsal(tmp_path, traces=traces) as stage:
            stage.office.endpoint.tap(partial(traces.tap, OURS))
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            await running
            await asyncio.sleep(0.1)
        await traces.stop()

    play(story)
    methods = [
        line.split(" ")[0 if line.endswith("SIP/2.0") else 1] for line in start_lines(tmp_path, "call-1")
    ]
    assert methods == ["INVITE", "100", "180", "200", "ACK", "BYE", "200"]
