"""A call and its trunks: what is tried elsewhere, what is final, and that nobody's phone rings twice.

Real SIP on both sides over a wire of memory, in virtual time.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from byourside_server.calls.happened import Answered, Happening, Ringing
from byourside_server.lines.trunk import Trunk
from byourside_server.lines.trunk_names import Srv
from byourside_server.sip import sdp
from tests.lines.carriers import ANSWER, DEAF, Does, Town, attempts
from tests.lines.rehearsal import OFFICE, Zone, play

A, B, C = "10.1.0.1", "10.2.0.1", "10.3.0.1"
FIRST, SECOND = Trunk("first", A, 5060, domain="a.example"), Trunk("second", B, 5060, domain="b.example")
REFUSED_BY_TRUNK = (400, 401, 402, 403, 405, 420, 488, 500, 502, 503, 504, 302)
REFUSED_BY_DESTINATION = (404, 408, 410, 480, 484, 486, 487, 600, 603, 604, 607)


@pytest.mark.parametrize("status", REFUSED_BY_TRUNK)
def test_a_trunk_that_refuses_before_ringing_leaves_the_call_to_the_next(tmp_path: Path, status: int) -> None:
    async def story() -> None:
        town = Town((FIRST, SECOND), {A: [Does(status)], B: [Does(ANSWER, rings=180)]})
        ended = await town.call(tmp_path)
        assert ended.state == "post"
        assert attempts(ended) == [("first", A, status), ("second", B, 200)]
        assert ended.sip.trunk == "second"

    play(story)


@pytest.mark.parametrize("status", REFUSED_BY_DESTINATION)
def test_what_the_destination_says_is_final(tmp_path: Path, status: int) -> None:
    async def story() -> None:
        town = Town((FIRST, SECOND), {A: [Does(status)], B: [Does(ANSWER)]})
        ended = await town.call(tmp_path)
        assert attempts(ended) == [("first", A, status)]
        assert town.at[B].invites == []

    play(story)


@pytest.mark.parametrize("status", [500, 503, 403, 486])
@pytest.mark.parametrize("early_media", [False, True])
def test_a_call_that_rang_is_never_dialled_again(tmp_path: Path, status: int, early_media: bool) -> None:
    async def story() -> None:
        rings = Does(status, rings=183 if early_media else 180, early_media=early_media)
        town = Town((FIRST, SECOND), {A: [rings], B: [Does(ANSWER)]})
        ended = await town.call(tmp_path)
        assert attempts(ended) == [("first", A, status)]
        assert town.at[B].invites == []

    play(story)


def test_a_cause_of_the_destination_makes_a_gateways_500_final(tmp_path: Path) -> None:
    """RFC 3398 §8.2.6.1 and RFC 3326: 17 is user busy, whatever status a proxy made of it."""

    async def story() -> None:
        busy = Does(500, headers=(("Reason", 'Q.850;cause=17;text="User busy"'),))
        town = Town((FIRST, SECOND), {A: [busy], B: [Does(ANSWER)]})
        assert attempts(await town.call(tmp_path)) == [("first", A, 500)]

    play(story)


def test_a_silent_trunk_is_waited_for_to_the_end_of_its_transaction_before_the_next(tmp_path: Path) -> None:
    """An INVITE without any answer may still ring: the next leaves only after Timer B, 32 s."""

    async def story() -> None:
        town = Town((FIRST, SECOND), {A: [DEAF], B: [Does(ANSWER)]})
        started = asyncio.get_running_loop().time()
        answered: list[float] = []

        def told(happening: Happening) -> None:
            if isinstance(happening, Answered):
                answered.append(asyncio.get_running_loop().time() - started)

        ended = await town.call(tmp_path, told=told)
        assert attempts(ended) == [("first", A, None), ("second", B, 200)]
        assert 32 < answered[0] < 33
        assert town.at[A].ignored == 1

    play(story)


def test_a_short_ring_timeout_makes_no_unanswered_phone_of_a_silent_trunk(tmp_path: Path) -> None:
    async def story() -> None:
        brief = replace(FIRST, ring_timeout_s=10.0), replace(SECOND, ring_timeout_s=10.0)
        town = Town(brief, {A: [DEAF], B: [Does(rings=180)]})
        started = asyncio.get_running_loop().time()
        ended = await town.call(tmp_path)
        assert (ended.state, attempts(ended)) == ("no_answer", [("first", A, None), ("second", B, 487)])
        assert 42 < asyncio.get_running_loop().time() - started < 44
        alone = await Town(brief[:1], {A: [DEAF]}).call(tmp_path)
        assert (alone.state, alone.error, alone.sip.ring_s) == ("failed", "placement_failed", None)

    play(story)


def test_a_trunk_that_took_the_call_and_fell_silent_is_cancelled_and_not_followed(tmp_path: Path) -> None:
    """A 100 says that the call is on its way: what is on its way may ring."""

    async def story() -> None:
        town = Town((FIRST, SECOND), {A: [Does()], B: [Does(ANSWER)]})
        ended = await town.call(tmp_path)
        assert (ended.state, attempts(ended)) == ("no_answer", [("first", A, 487)])
        assert (town.at[A].cancelled, town.at[B].invites) == (1, [])

    play(story)


def test_every_server_of_a_trunk_is_tried_before_the_next_trunk(tmp_path: Path) -> None:
    async def story() -> None:
        zone = Zone(
            {"_sip._udp.carrier.example": [Srv(9, 1, 5060, "two.example."), Srv(1, 1, 5060, "one.example.")]},
            {"one.example": [A], "two.example": [B]},
        )
        trunks = (Trunk("carrier", "carrier.example", domain="carrier.example"), Trunk("spare", C, 5060))
        town = Town(trunks, {A: [Does(503)], B: [Does(500)], C: [Does(ANSWER)]}, zone)
        ended = await town.call(tmp_path)
        assert attempts(ended) == [("carrier", A, 503), ("carrier", B, 500), ("spare", C, 200)]

    play(story)


def test_a_trunk_that_refuses_us_is_not_asked_again_at_its_other_servers(tmp_path: Path) -> None:
    async def story() -> None:
        zone = Zone({}, {"carrier.example": [A, B]})
        trunks = (Trunk("carrier", "carrier.example", 5060), Trunk("spare", C, 5060))
        town = Town(trunks, {A: [Does(403)], B: [Does(403)], C: [Does(ANSWER)]}, zone)
        assert attempts(await town.call(tmp_path)) == [("carrier", A, 403), ("spare", C, 200)]

    play(story)


def test_where_every_trunk_refuses_the_last_word_counts(tmp_path: Path) -> None:
    async def story() -> None:
        town = Town((FIRST, SECOND), {A: [Does(403)], B: [Does(503)]})
        ended = await town.call(tmp_path)
        assert (ended.state, ended.error, ended.sip.status) == ("failed", "placement_failed", 503)
        assert attempts(ended) == [("first", A, 403), ("second", B, 503)]

    play(story)


def test_prefixes_decide_before_the_order_and_the_longest_first(tmp_path: Path) -> None:
    async def story() -> None:
        trunks = (
            Trunk("any", A, 5060),
            Trunk("american", B, 5060, prefixes=("+1",)),
            Trunk("bay", C, 5060, prefixes=("+1415", "+1510")),
        )
        town = Town(trunks, {A: [Does(ANSWER)], B: [Does(503)], C: [Does(503)]})
        assert [trunk for trunk, _, _ in attempts(await town.call(tmp_path))] == ["bay", "american", "any"]
        ended = await town.call(tmp_path, "+442079460123")
        assert [trunk for trunk, _, _ in attempts(ended)] == ["any"]

    play(story)


def test_a_number_that_no_trunk_takes_fails_and_says_why(tmp_path: Path) -> None:
    async def story() -> None:
        town = Town((Trunk("british", A, 5060, prefixes=("+44",)),), {A: [Does(ANSWER)]})
        ended = await town.call(tmp_path)
        assert (ended.state, ended.error) == ("failed", "placement_failed")
        assert ended.sip.reason == "no trunk takes this number: see prefixes"
        assert ended.sip.attempts == ()

    play(story)


def test_a_caller_id_the_trunk_may_not_show_takes_another(tmp_path: Path) -> None:
    async def story() -> None:
        trunks = (Trunk("first", A, 5060, caller_ids=("+12134932550",)), SECOND)
        town = Town(trunks, {A: [Does(ANSWER)], B: [Does(ANSWER)]})
        assert attempts(await town.call(tmp_path)) == [("second", B, 200)]

    play(story)


def test_a_full_trunk_is_passed_over_and_free_again_once_a_call_is_over(tmp_path: Path) -> None:
    async def story() -> None:
        town = Town((Trunk("small", A, 5060, max_calls=1), SECOND), {A: [Does(ANSWER)], B: [Does(ANSWER)]})
        one, two = await asyncio.gather(town.call(tmp_path), town.call(tmp_path))
        assert sorted([one.sip.trunk or "", two.sip.trunk or ""]) == ["second", "small"]
        assert (await town.call(tmp_path)).sip.trunk == "small"
        assert [door.live_calls for door in town.book.doors] == [0, 0]

    play(story)


def test_where_all_are_full_the_record_names_the_limit(tmp_path: Path) -> None:
    async def story() -> None:
        town = Town((Trunk("small", A, 5060, max_calls=1),), {A: [Does(ANSWER)]})
        one, two = await asyncio.gather(town.call(tmp_path), town.call(tmp_path))
        failed = one if one.error else two
        assert (failed.error, failed.sip.reason) == ("placement_failed", "small has its 1 calls at once")

    play(story)


def test_calls_over_the_rate_wait_for_their_moment_and_no_longer_than_five_seconds(tmp_path: Path) -> None:
    async def story() -> None:
        town = Town((Trunk("slow", A, 5060, calls_per_second=0.5),), {A: [Does(ANSWER, rings=180)]})
        started = asyncio.get_running_loop().time()
        rang: list[int] = []

        def told(happening: Happening) -> None:
            if isinstance(happening, Ringing):
                rang.append(round(asyncio.get_running_loop().time() - started))

        calls = await asyncio.gather(*(town.call(tmp_path, told=told) for _ in range(4)))
        assert rang == [0, 2, 4]
        assert [call.sip.reason for call in calls if call.error] == ["slow has its calls of this second"]

    play(story)


def test_over_the_rate_of_one_trunk_the_next_takes_the_call_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        trunks = (Trunk("slow", A, 5060, calls_per_second=0.5), SECOND)
        town = Town(trunks, {A: [Does(ANSWER)], B: [Does(ANSWER)]})
        calls = await asyncio.gather(town.call(tmp_path), town.call(tmp_path))
        assert sorted(call.sip.trunk or "" for call in calls) == ["second", "slow"]

    play(story)


def test_a_call_called_off_while_it_waits_for_its_moment_is_dialled_by_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        town = Town((Trunk("slow", A, 5060, calls_per_second=0.5),), {A: [Does(ANSWER)]})
        await town.call(tmp_path)
        cancelled = asyncio.Event()
        town.book.doors[0].pace.take(town.book.now())
        asyncio.get_running_loop().call_later(0.5, cancelled.set)
        ended = await town.call(tmp_path, cancelled=cancelled)
        await asyncio.sleep(10)
        assert (ended.state, ended.sip.attempts) == ("canceled", ())
        assert len(town.at[A].invites) == 1
        assert town.book.doors[0].live_calls == 0

    play(story)


def test_a_trunk_that_fails_five_calls_is_left_alone_and_tried_again_by_one(tmp_path: Path) -> None:
    async def story() -> None:
        town = Town((FIRST, SECOND), {A: [*[Does(503)] * 6, Does(ANSWER)], B: [Does(ANSWER)]})
        for _ in range(5):
            assert len((await town.call(tmp_path)).sip.attempts) == 2
        assert attempts(await town.call(tmp_path)) == [("second", B, 200)]
        await asyncio.sleep(10)
        # Half-open: one call tries and finds it broken still, so that it rests twice as long.
        assert attempts(await town.call(tmp_path)) == [("first", A, 503), ("second", B, 200)]
        await asyncio.sleep(11)
        assert attempts(await town.call(tmp_path)) == [("second", B, 200)]
        await asyncio.sleep(10)
        assert attempts(await town.call(tmp_path)) == [("first", A, 200)]
        assert attempts(await town.call(tmp_path)) == [("first", A, 200)]

    play(story)


def test_retry_after_is_kept(tmp_path: Path) -> None:
    """RFC 3261 §21.5.4: for so long no other request goes there."""

    async def story() -> None:
        town = Town((FIRST,), {A: [Does(503, headers=(("Retry-After", "30"),)), Does(ANSWER)]})
        assert not town.book.is_down("+14155550123")
        await town.call(tmp_path)
        assert town.book.is_down("+14155550123")
        ended = await town.call(tmp_path)
        assert ended.sip.attempts == ()
        assert (ended.sip.reason or "").startswith(f"first {A}:5060 is down for 30 s more: 503 to a call")
        await asyncio.sleep(30)
        assert not town.book.is_down("+14155550123")
        assert attempts(await town.call(tmp_path)) == [("first", A, 200)]

    play(story)


def test_a_trunk_is_down_for_a_number_only_where_all_that_take_it_are(tmp_path: Path) -> None:
    async def story() -> None:
        busy = Does(503, headers=(("Retry-After", "30"),))
        trunks = (Trunk("us", A, 5060, prefixes=("+1",)), Trunk("gb", B, 5060, prefixes=("+44",)))
        town = Town(trunks, {A: [busy], B: [Does(ANSWER)]})
        await town.call(tmp_path)
        assert town.book.is_down("+14155550123")
        assert not town.book.is_down("+442079460123")
        assert town.book.is_down("+4930123456"), "no trunk takes it at all"

    play(story)


def test_a_name_that_leads_nowhere_leaves_the_call_to_the_next_trunk(tmp_path: Path) -> None:
    async def story() -> None:
        town = Town((Trunk("gone", "gone.example"), SECOND), {B: [Does(ANSWER)]})
        assert attempts(await town.call(tmp_path)) == [("second", B, 200)]

    play(story)


def test_the_offer_is_made_as_each_trunk_wants_it(tmp_path: Path) -> None:
    """RFC 4568: required is RTP/SAVP; and the keys of one trunk are not shown to the next."""

    async def story() -> None:
        strict = replace(FIRST, srtp="required", codecs=("PCMA",), advertised_host="203.0.113.9")
        optional = replace(SECOND, srtp="optional")
        plain = Trunk("third", C, 5060)
        town = Town((strict, optional, plain), {A: [Does(488)], B: [Does(488)], C: [Does(ANSWER)]})
        assert [status for _, _, status in attempts(await town.call(tmp_path))] == [488, 488, 200]
        first, second, third = (sdp.parse(town.at[host].offers[0]) for host in (A, B, C))
        assert [offer.streams[0].protocol for offer in (first, second, third)] == [
            "RTP/SAVP",
            "RTP/AVP",
            "RTP/AVP",
        ]
        assert [codec.name for codec in first.streams[0].codecs] == ["PCMA", "telephone-event"]
        assert [codec.name for codec in second.streams[0].codecs] == ["PCMU", "PCMA", "telephone-event"]
        assert (first.host, second.host) == ("203.0.113.9", OFFICE)
        keys = [stream.crypto for stream in (first.streams[0], second.streams[0], third.streams[0])]
        assert keys[0]
        assert keys[1]
        assert not set(keys[0]) & set(keys[1])
        assert keys[2] == ()

    play(story)


def test_the_invite_speaks_as_its_trunk_wants_it(tmp_path: Path) -> None:
    async def story() -> None:
        plain = Trunk("plain", A, 5060, domain="a.example", number_format="digits", p_asserted_identity=True)
        town = Town((plain,), {A: [Does(ANSWER)]})
        await town.call(tmp_path)
        [invite] = town.at[A].invites
        assert invite.get("To") == "<sip:14155550123@a.example>"
        assert (invite.get("From") or "").startswith("<sip:14155550100@a.example>;tag=")
        assert invite.get("P-Asserted-Identity") == "<sip:14155550100@a.example>"
        assert invite.get("Privacy") is None

    play(story)


def test_privacy_hides_the_number_from_the_called_and_tells_the_carrier(tmp_path: Path) -> None:
    """RFC 3323 §4.1.1.3 and RFC 3325 §9.1."""

    async def story() -> None:
        town = Town((Trunk("shy", A, 5060, domain="a.example", privacy=True),), {A: [Does(ANSWER)]})
        await town.call(tmp_path)
        [invite] = town.at[A].invites
        assert (invite.get("From") or "").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=')
        assert invite.get("P-Asserted-Identity") == "<sip:+14155550100@a.example>"
        assert invite.get("Privacy") == "id"
        assert "4155550100" not in (invite.get("Contact") or "")

    play(story)
