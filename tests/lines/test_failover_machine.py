"""Carriers that do anything, call after call: nobody's phone rings twice, and a destination's no is final.

Hypothesis draws what each INVITE meets; every call goes through the real line, route, book and SIP stack.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from byourside_server.calls.onward import onward
from byourside_server.lines.trunk import Trunk
from tests.lines.carriers import ANSWER, DEAF, Does, Town
from tests.lines.rehearsal import Zone, play

# Two servers of one trunk, and two trunks of one server each.
HOSTS = ("10.1.0.1", "10.1.0.2", "10.2.0.1", "10.3.0.1")
TRUNKS = (
    Trunk("pair", "pair.example", 5060, ring_timeout_s=30.0),
    Trunk("second", HOSTS[2], 5060, ring_timeout_s=30.0),
    Trunk("third", HOSTS[3], 5060, ring_timeout_s=30.0),
)
FINALS = (None, ANSWER, 302, 401, 403, 404, 408, 480, 486, 488, 500, 503, 504, 600, 603)

behaviour = st.one_of(
    st.just(DEAF),
    st.builds(
        Does,
        final=st.sampled_from(FINALS),
        rings=st.sampled_from([None, None, 180, 183]),
        early_media=st.booleans(),
        after_s=st.sampled_from([0.05, 0.3, 3.0]),
        headers=st.sampled_from([(), (), (("Retry-After", "20"),), (("Reason", "Q.850;cause=17"),)]),
    ),
)
towns = st.tuples(*(st.lists(behaviour, min_size=1, max_size=3) for _ in HOSTS))
# Seconds before each call, and after how many of its own it is called off, if at all.
calls = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, 15.0]), st.sampled_from([None, None, 0.01, 0.2, 5.0])),
    min_size=1,
    max_size=4,
)


@given(towns, calls)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_whatever_trunks_do_at_most_one_invite_rings_and_it_is_the_last(
    scripts: tuple[list[Does], ...], wanted: list[tuple[float, float | None]]
) -> None:
    async def story() -> None:
        zone = Zone({}, {"pair.example": [HOSTS[0], HOSTS[1]]})
        town = Town(TRUNKS, dict(zip(HOSTS, scripts, strict=True)), zone)
        with tempfile.TemporaryDirectory() as folder:
            for before_s, off_after_s in wanted:
                await asyncio.sleep(before_s)
                await one_call(town, Path(folder), off_after_s)
        assert [door.live_calls for door in town.book.doors] == [0, 0, 0]

    play(story)


async def one_call(town: Town, folder: Path, off_after_s: float | None) -> None:
    carriers = list(town.at.values())
    rang = sum(carrier.rang for carrier in carriers)
    reached = sum(len(carrier.invites) + carrier.ignored for carrier in carriers)
    cancelled = asyncio.Event()
    if off_after_s is not None:
        asyncio.get_running_loop().call_later(off_after_s, cancelled.set)
    ended = await town.call(folder, cancelled=cancelled)
    # Time enough for anything that was sent too much.
    await asyncio.sleep(40)
    attempts = ended.sip.attempts
    assert sum(carrier.rang for carrier in carriers) - rang <= 1
    assert sum(len(carrier.invites) + carrier.ignored for carrier in carriers) - reached == len(attempts)
    assert len({(each.trunk, each.target) for each in attempts}) == len(attempts), "a server twice"
    for earlier in attempts[:-1]:
        assert earlier.status is None or onward(earlier.status, local=False) != "final"
        assert earlier.status != ANSWER
    if ended.state == "post":
        assert attempts[-1].status == ANSWER
    assert ended.state in ("post", "no_answer", "declined", "failed", "canceled")
