"""Every way a call can end, played by sipp: our events, our messages, and sipp's verdict on them.

All calls are placed at once, each to a sipp of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from byourside_server.media.messages import FirstPacket, RowStats
from byourside_server.sip import events as sip
from byourside_server.sip.outgoing import TrunkAddress
from tests.media.bank_kit import tone
from tests.peers import sipp as play
from tests.peers.office import HOST, RATE_HZ, THEM, Office, Placed, all_at_once, share_of_tone, wave_of
from tests.peers.process import program
from tests.peers.sipp import Sipp, sipp

REFUSALS = {
    404: "Not Found",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    603: "Decline",
}
EARLY_MS, TALK_S = 700, 2.0
ROOT = Path(__file__).resolve().parents[2]
TONE_HZ = 1000.0

SCRIPTS = {
    **{
        str(status): play.invited() + play.reply(status, reason, again=True) + play.expect("ACK")
        for status, reason in REFUSALS.items()
    },
    "302": play.invited() + play.reply(302, "Moved Temporarily", headers="", again=True) + play.expect("ACK"),
    "answer": play.invited()
    + play.reply(180, "Ringing")
    + play.pause(300)
    + play.ANSWER
    + play.expect("ACK")
    + play.GOODBYE,
    "early media": play.invited()
    + play.reply(183, "Session Progress", sdp=True)
    + play.pause(EARLY_MS)
    + play.ANSWER
    + play.expect("ACK")
    + play.GOODBYE,
    "reliable progress": play.invited()
    + play.reply(183, "Session Progress", sdp=True, headers="Require: 100rel\nRSeq: 7001\n")
    + play.expect("PRACK")
    + play.reply_inside(200, "OK")
    + play.reply_to_invite(200, "OK", sdp=True)
    + play.expect("ACK")
    + play.GOODBYE,
    "rings for ever": play.invited()
    + play.reply(180, "Ringing")
    + play.expect("CANCEL")
    + play.reply(200, "OK")
    + play.reply_to_invite(487, "Request Terminated")
    + play.expect("ACK"),
    "answers the cancelled": play.invited()
    + play.reply(180, "Ringing")
    + play.expect("CANCEL")
    + play.reply(200, "OK")
    + play.reply_to_invite(200, "OK", sdp=True)
    + play.expect("ACK")
    + play.GOODBYE,
    "hangs up": play.invited()
    + play.reply(180, "Ringing")
    + play.ANSWER
    + play.expect("ACK")
    + play.pause(500)
    + play.request("BYE")
    + play.expect_response(200),
}


@dataclass
class Outcome:
    """One call, once it is over."""

    placed: Placed
    verdict: str
    stats: RowStats


async def hold(placed: Placed, name: str) -> None:
    """Our part of the script."""
    if name.isdigit():
        await placed.wait_for(sip.Refused)
        return
    if name in ("rings for ever", "answers the cancelled"):
        await placed.wait_for(sip.Progress)
        placed.hang_up()
        await placed.wait_for(sip.Cancelled)
        return
    if name == "early media":
        early = await placed.wait_for(sip.Progress)
        placed.connect(early.sdp)
    await placed.answered()
    if name == "answer":
        placed.say(tone(TALK_S, TONE_HZ))
        await asyncio.sleep(TALK_S + 0.3)
    if name != "hangs up":
        placed.hang_up()
    await placed.wait_for(sip.HungUp)


@pytest.fixture(scope="module")
def outcomes(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    folder = tmp_path_factory.mktemp("sipp")
    with contextlib.ExitStack() as stack:
        peers = {
            name: stack.enter_context(sipp(folder / name.replace(" ", "-"), steps))
            for name, steps in SCRIPTS.items()
        }

        async def one(name: str, peer: Sipp) -> Outcome:
            placed = await office.place(TrunkAddress((HOST, peer.port), HOST))
            await hold(placed, name)
            # On a thread: what sipp still has to hear from us goes through this loop.
            verdict = await asyncio.to_thread(peer.verdict)
            return Outcome(placed, verdict, await placed.close())

        async def story() -> list[Outcome]:
            return await all_at_once(*(one(name, peer) for name, peer in peers.items()))

        yield dict(zip(peers, office.run(story), strict=True))


@pytest.mark.parametrize("name", SCRIPTS)
def test_sipp_got_every_message_it_expected_and_no_other(outcomes: dict[str, Outcome], name: str) -> None:
    assert outcomes[name].verdict == "as expected"


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_told_as_it_came_and_acknowledged(outcomes: dict[str, Outcome], status: int) -> None:
    placed = outcomes[str(status)].placed
    [refused] = placed.all(sip.Refused)
    assert (refused.status, refused.reason, refused.local) == (status, REFUSALS[status], False)
    assert placed.sent() == ["INVITE", "ACK"]


def test_an_answered_call_rings_is_acknowledged_and_ends_with_our_bye(outcomes: dict[str, Outcome]) -> None:
    placed = outcomes["answer"].placed
    assert [event.status for event in placed.all(sip.Progress)] == [180]
    assert placed.moment_of(sip.Progress) < placed.moment_of(sip.Answered)
    assert placed.sent() == ["INVITE", "ACK", "BYE"]
    assert [event.by for event in placed.all(sip.HungUp)] == ["local"]


def test_what_we_say_comes_back_from_sipps_echo(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["answer"]
    middle = wave_of(outcome.placed.heard)[RATE_HZ // 2 : round(1.8 * RATE_HZ)]
    assert share_of_tone(middle, TONE_HZ) > 0.95
    assert outcome.stats.packets_lost == 0


def test_early_media_is_connected_before_the_answer(outcomes: dict[str, Outcome]) -> None:
    placed = outcomes["early media"].placed
    [progress] = placed.all(sip.Progress)
    assert progress.status == 183
    assert b"m=audio" in progress.sdp
    assert placed.moment_of(sip.Progress) < placed.moment_of(sip.Answered)
    # The echo of our silence: sound went both ways while it rang.
    assert placed.moment_of(FirstPacket) < placed.moment_of(sip.Answered)
    assert placed.all(FirstPacket)[0].early


def test_a_progress_that_is_sent_reliably_is_acknowledged_by_prack(outcomes: dict[str, Outcome]) -> None:
    """RFC 3262 §4."""
    placed = outcomes["reliable progress"].placed
    assert placed.sent() == ["INVITE", "PRACK", "ACK", "BYE"]


def test_a_call_given_up_is_cancelled_and_its_487_acknowledged(outcomes: dict[str, Outcome]) -> None:
    placed = outcomes["rings for ever"].placed
    assert placed.sent() == ["INVITE", "CANCEL", "ACK"]
    assert len(placed.all(sip.Cancelled)) == 1


def test_an_answer_that_crosses_our_cancel_is_acknowledged_and_hung_up(
    outcomes: dict[str, Outcome],
) -> None:
    """RFC 3261 §9.1."""
    placed = outcomes["answers the cancelled"].placed
    assert placed.sent() == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert len(placed.all(sip.Cancelled)) == 1
    assert not placed.all(sip.Answered)


def test_a_far_side_that_hangs_up_is_answered_and_told(outcomes: dict[str, Outcome]) -> None:
    placed = outcomes["hangs up"].placed
    assert [event.by for event in placed.all(sip.HungUp)] == ["remote"]
    assert placed.sent() == ["INVITE", "ACK", "200 BYE"]


def test_the_number_dialled_is_the_one_invited(office: Office, outcomes: dict[str, Outcome]) -> None:
    call_id = outcomes["answer"].placed.call.sip_call_id
    [invite] = [
        m for way, m in office.messages if way == "sent" and m.call_id == call_id and m.cseq[1] == "INVITE"
    ]
    assert invite.to.uri == f"sip:{THEM}@{HOST}"


def test_a_stopped_bench_leaves_no_sipp_behind() -> None:
    """`script/bench sip` in the middle of its first run."""
    program("sipp", "sip-tester")
    bench = subprocess.Popen(
        [sys.executable, "bench/sip.py", "--only", "ours", "--no-ramp", "--seconds", "30"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 10
        while len(started := children_of(bench.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert "sipp" in started.values()
        bench.terminate()
        assert bench.wait(15) == 128 + signal.SIGTERM
        assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    finally:
        if bench.poll() is None:
            bench.kill()
            bench.wait()


def children_of(pid: int) -> dict[int, str]:
    """What a process has started that still runs, by id and name."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            if int(rest.split()[1]) == pid:
                found[int(entry.name)] = name
    return found
