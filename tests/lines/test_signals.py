"""What signalling tells a line while people talk: holds, keys, and that nobody is there any more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from byourside_server.conversation import events as talk
from byourside_server.conversation.mind import Decision
from byourside_server.lines.keypad import QUIET_S, Keypad
from byourside_server.media import messages as sound
from byourside_server.sip import events as sip
from byourside_server.sip import keys, sdp
from tests.lines.rehearsal import PHONE, Rehearsal, play, rehearsal, until

ASK = Decision("Does that work?", asks="confirmed", patience_s=5)


def clips_since(stage: Rehearsal, begun: list[int]) -> list[int]:
    return [number for number in stage.clips_begun if number not in begun]


def test_a_call_on_hold_is_quiet_and_waits(tmp_path: Path) -> None:
    """RFC 3264 §8.4, through the whole line: a minute of hold, then the question is asked again."""

    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK] * 9) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            stage.say()
            await until(lambda: len(stage.transcript) == 2)
            stage.phone.do(lambda now: stage.incoming.call.hold(now))
            await asyncio.sleep(0.5)
            begun = stage.clips_begun
            stage.say()
            await asyncio.sleep(60)
            assert not running.done()
            assert clips_since(stage, begun) == []
            assert len(stage.transcript) == 2, "what comes over the line on hold is not said to us"
            stage.phone.do(lambda now: stage.incoming.call.resume(now))
            await until(lambda: bool(clips_since(stage, begun)), 8)
            stage.hang_up()
            await running
            assert stage.ended.end_reason == "hung_up"

    play(story)


def test_a_call_answered_on_hold_is_greeted_once_it_is_connected(tmp_path: Path) -> None:
    """RFC 3725: a controller that puts two calls together answers with no address first."""

    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK] * 9) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.ring()
            port = await stage.far.open("phone", stage.phone_heard.append)
            nowhere = sdp.offer("0.0.0.0", port, (sdp.PCMU,), direction="inactive").encode()
            stage.phone.do(lambda now: stage.incoming.call.answer(nowhere, now))
            await asyncio.sleep(30)
            assert stage.clips_begun == []
            here = sdp.offer(PHONE, port, (sdp.PCMU,)).encode()
            stage.phone.do(lambda now: stage.incoming.call.reoffer(here, now))
            await until(lambda: bool(stage.clips_begun), 3)
            stage.hang_up()
            await running

    play(story)


def test_early_media_that_is_moved_is_followed(tmp_path: Path) -> None:
    """RFC 3311: an UPDATE before the answer."""

    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK] * 9) as stage:
            running = asyncio.create_task(stage.line.run())
            await until(lambda: bool(stage.heard_by_phone(sip.InviteReceived)))
            call = stage.incoming.call
            for port in (7000, 7002):
                body = sdp.offer(PHONE, port, (sdp.PCMU,)).encode()
                if port == 7000:
                    stage.phone.do(lambda now, body=body: call.ring(now, 183, body, reliable=True))  # type: ignore[misc]
                else:
                    stage.phone.do(lambda now, body=body: call.reoffer(body, now))  # type: ignore[misc]
                await asyncio.sleep(0.2)
            ports = [each.port for each in stage.near.asked if isinstance(each, sound.Connect)]
            assert ports == [7000, 7002]
            stage.cancelled.set()
            await running

    play(story)


@pytest.mark.parametrize("ways", ["info", "sound", "both"])
def test_a_key_is_one_key_however_it_comes(tmp_path: Path, ways: str) -> None:
    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK] * 9) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            heard: list[str] = []
            stage.line._conversation.receive_digit = (  # type: ignore[method-assign]
                lambda digit, at, now: heard.append(digit)
            )
            await asyncio.sleep(0.5)
            for key in "557#":
                if ways != "sound":
                    stage.phone.do(lambda now, key=key: stage.incoming.call.press(key, now))  # type: ignore[misc]
                await asyncio.sleep(0.1)
                if ways != "info":
                    stage.line._inbox.put_nowait(sound.DigitHeard("call-1", key, 0, early=False))
                await asyncio.sleep(0.3)
            assert "".join(heard) == "557#"
            stage.hang_up()
            await running

    play(story)


def test_a_way_that_falls_quiet_gives_way_to_the_other() -> None:
    keypad = Keypad()
    assert keypad.pressed_by_sound(1.0)
    assert keypad.pressed_by_info(keys.relay("5"), keys.RELAY_TYPE, 1.0 + QUIET_S - 0.1) is None
    assert keypad.pressed_by_info(keys.relay("6"), keys.RELAY_TYPE, 1.0 + QUIET_S) == "6"
    assert not keypad.pressed_by_sound(1.1 + QUIET_S)
    assert keypad.pressed_by_info(b"hook", "text/plain", 99.0) is None
    assert keypad.pressed_by_sound(99.0)


@pytest.mark.parametrize("takes_events", [True, False])
def test_keys_go_out_as_events_else_by_info(tmp_path: Path, takes_events: bool) -> None:
    """RFC 4733 where it was agreed on; else INFO, since our phones take it."""

    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK] * 9) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            codecs = (sdp.PCMU, sdp.TELEPHONE_EVENT) if takes_events else (sdp.PCMU,)
            body = sdp.offer(PHONE, stage.phone_port, codecs).encode()
            stage.phone.do(lambda now: stage.incoming.call.reoffer(body, now))
            await asyncio.sleep(0.2)
            stage.line._conversation._events.append(talk.PressKeys("42"))
            stage.say()
            await asyncio.sleep(4)
            told = [keys.key_of(each.body, each.content_type) for each in infos(stage)]
            asked = [each.digits for each in stage.near.asked if isinstance(each, sound.SendDtmf)]
            assert (told, asked) == (([], ["42"]) if takes_events else (["4", "2"], []))
            stage.hang_up()
            await running

    play(story)


def infos(stage: Rehearsal) -> list[sip.InfoReceived]:
    found: list[sip.InfoReceived] = stage.heard_by_phone(sip.InfoReceived)
    return found


def test_a_far_side_that_is_gone_is_the_networks_end(tmp_path: Path) -> None:
    """RFC 4028 §10 as the record shows it."""

    async def story() -> None:
        async with rehearsal(tmp_path, decisions=[ASK] * 99) as stage:
            running = asyncio.create_task(stage.line.run())
            await stage.pick_up()
            await asyncio.sleep(0.5)
            call = stage.line._leg._dialled
            stage.office.do(call._on_expired)
            await asyncio.wait_for(running, 5)
            assert (stage.ended.state, stage.ended.ended_by) == ("post", "network")
            assert stage.ended.end_reason == "line_lost"
            await until(lambda: bool(stage.heard_by_phone(sip.HungUp)), 1)

    play(story)
