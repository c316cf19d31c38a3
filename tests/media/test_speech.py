"""Turns and interruptions on a recorded voice (assets/two_sentences.ul)."""

import numpy as np
import pytest

from byourside_server.media.g711 import ULAW_DECODE, encode_ulaw
from byourside_server.media.messages import ClipEnded, SpeechPaused, SpeechPiece, SpeechStarted, SpeechStopped
from tests.media.bank_kit import SILENT_FRAME, Exchange, frames_of, silence, speech, tone

VOICE_FROM_MS, VOICE_TO_MS = 130, 4060
"""Where the asset's level first and last exceeds -46 dBFS."""


def noise(seconds: float, dbfs: float, seed: int = 3) -> bytes:
    sound = np.random.default_rng(seed).normal(0, 10 ** (dbfs / 20), round(seconds * 8000))
    return encode_ulaw((sound * 32767).clip(-32768, 32767).astype(np.int16)).tobytes()


def heard_by(exchange: Exchange, sound: bytes) -> tuple[list[SpeechStarted], list[SpeechStopped]]:
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.say("a", sound)
    return exchange.of_kind(SpeechStarted), exchange.of_kind(SpeechStopped)


@pytest.mark.parametrize("pause_s", [0.5, 0.51, 0.52, 0.57, 3.0])
def test_a_turn_begins_and_ends_where_the_voice_does(pause_s: float) -> None:
    started, stopped = heard_by(Exchange(), silence(pause_s) + speech() + silence(1))
    assert len(started) == len(stopped) == 1
    one_tick_of_delay = 20
    voice_from = pause_s * 1000 + one_tick_of_delay + VOICE_FROM_MS
    assert started[0].at_ms == stopped[0].start_ms
    assert started[0].at_ms == pytest.approx(voice_from, abs=150)
    assert stopped[0].end_ms == pytest.approx(pause_s * 1000 + one_tick_of_delay + VOICE_TO_MS, abs=100)


def test_the_audio_of_a_turn_is_cut_from_the_recording() -> None:
    exchange = Exchange()
    _, (turn,) = heard_by(exchange, silence(1) + speech() + silence(1))
    exchange.close("a")
    contact, _ = exchange.recorded("a")
    start = turn.audio_at_ms * 8
    assert contact[start : start + len(turn.ulaw)] == turn.ulaw
    assert turn.start_ms - 220 <= turn.audio_at_ms <= turn.start_ms - 200
    assert len(turn.ulaw) / 8 >= turn.end_ms - turn.audio_at_ms + 190


def test_the_decision_falls_soon_after_the_onset_and_the_end() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    delay_ms = {}
    for tick, frame in enumerate(frames_of(silence(1) + speech() + silence(1))):
        exchange.say("a", frame)
        for event in exchange.events:
            if isinstance(event, SpeechStarted):
                delay_ms["start"] = tick * 20 + 20 - event.at_ms
            elif isinstance(event, SpeechStopped):
                delay_ms["stop"] = tick * 20 + 20 - event.end_ms
        exchange.events.clear()
    assert 96 <= delay_ms["start"] <= 96 + 20
    assert 192 <= delay_ms["stop"] <= 192 + 20


def test_two_turns_with_a_second_between_are_two() -> None:
    started, stopped = heard_by(Exchange(), speech() + silence(1) + speech() + silence(1))
    assert len(started) == len(stopped) == 2


@pytest.mark.parametrize(
    "sound",
    [
        silence(4),
        noise(4, -55),
        noise(4, -34),
        tone(4, 440, 480),
        tone(4, 1000),
        b"\x00" * 16_000,
    ],
    ids=["silence", "faint noise", "noise", "ringback", "beep", "stuck line"],
)
def test_what_is_not_speech_starts_no_turn(sound: bytes) -> None:
    started, _ = heard_by(Exchange(), sound)
    assert started == []


def test_speech_in_noise_is_heard() -> None:
    """15 dB of signal to noise."""
    voice = speech()
    sound = np.concatenate([np.frombuffer(part, np.uint8) for part in (noise(1, -39), noise(1, -39, 4))])
    background = np.resize(ULAW_DECODE[sound], len(voice) + 16_000).astype(int)
    background[8000 : 8000 + len(voice)] += ULAW_DECODE[np.frombuffer(voice, np.uint8)]
    noisy = encode_ulaw(background.clip(-32768, 32767).astype(np.int16)).tobytes()
    started, _ = heard_by(Exchange(), noisy)
    assert [1000 <= event.at_ms <= 1500 for event in started] == [True]


def test_a_turn_is_cut_at_thirty_seconds_and_goes_on_as_another() -> None:
    endless = (speech()[1600:32_000]) * 10
    started, stopped = heard_by(Exchange(), endless + silence(1))
    assert len(started) == len(stopped) == 2
    assert len(stopped[0].ulaw) / 8000 == pytest.approx(30, abs=0.3)
    assert started[1].at_ms - stopped[0].end_ms < 300


def test_hanging_up_in_mid_word_still_delivers_the_words() -> None:
    exchange = Exchange()
    heard_by(exchange, speech()[:16_000])
    assert exchange.of_kind(SpeechStopped) == []
    exchange.close("a")
    (turn,) = exchange.of_kind(SpeechStopped)
    assert turn.ulaw.endswith(speech()[8000:15_840])


@pytest.mark.parametrize("after_ms", [0, 300, 800])
def test_speech_over_a_clip_silences_it_within_one_tick(after_ms: int) -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.bank.barge_in("a", True, after_ms)
    exchange.bank.play("a", 1, b"\x01" * 160 * 250)
    exchange.say("a", silence(1) + speech())
    (ended,) = exchange.of_kind(ClipEnded)
    assert not ended.complete
    frames = [packet.payload for packet in exchange.sent["a"]]
    last_sounding = max(index for index, frame in enumerate(frames) if frame != SILENT_FRAME)
    assert ended.at_ms == ended.played_ms == (last_sounding + 1) * 20
    (started,) = exchange.of_kind(SpeechStarted)
    spoken_ms = max(after_ms, 96)
    assert 0 <= ended.at_ms - started.at_ms - spoken_ms <= 32 + 20


def test_the_decision_and_the_silence_share_a_tick() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.barge_in("a", True, 0)
    exchange.bank.play("a", 1, b"\x01" * 160 * 250)
    for frame in frames_of(silence(1) + speech()):
        exchange.say("a", frame)
        if exchange.of_kind(SpeechStarted):
            break
    assert exchange.sent["a"][-1].payload != SILENT_FRAME
    exchange.tick()
    assert exchange.sent["a"][-1].payload == SILENT_FRAME


@pytest.mark.parametrize("enabled_then_disabled", [False, True])
def test_without_leave_nobody_interrupts(enabled_then_disabled: bool) -> None:
    exchange = Exchange()
    exchange.open("a")
    if enabled_then_disabled:
        exchange.bank.barge_in("a", True, 0)
        exchange.bank.barge_in("a", False, 0)
    exchange.bank.play("a", 1, b"\x01" * 160 * 150)
    exchange.say("a", speech())
    (ended,) = exchange.of_kind(ClipEnded)
    assert ended.complete


def test_a_word_shorter_than_the_limit_does_not_interrupt() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.barge_in("a", True, 700)
    exchange.bank.play("a", 1, b"\x01" * 160 * 150)
    exchange.say("a", silence(0.5) + speech()[1000:4600] + silence(1.5))
    assert len(exchange.of_kind(SpeechStarted)) == 1
    assert all(ended.complete for ended in exchange.of_kind(ClipEnded))


def pieces_of(exchange: Exchange) -> list[SpeechPiece]:
    return exchange.of_kind(SpeechPiece)


def test_those_who_listen_along_are_told_all_of_a_turn_as_it_goes() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.bank.listen_along("a", True)
    told_after_ms = []
    for tick, frame in enumerate(frames_of(silence(1) + speech() + silence(1))):
        exchange.say("a", frame)
        told = sum(len(piece.ulaw) for piece in pieces_of(exchange))
        if exchange.of_kind(SpeechStarted) and not exchange.of_kind(SpeechStopped):
            told_after_ms.append((tick + 1) * 20 - pieces_of(exchange)[0].at_ms - told // 8)
    (turn,) = exchange.of_kind(SpeechStopped)
    pieces = pieces_of(exchange)
    assert b"".join(piece.ulaw for piece in pieces) == turn.ulaw
    assert pieces[0].at_ms == turn.audio_at_ms
    assert [piece.at_ms for piece in pieces[1:]] == [
        piece.at_ms + len(piece.ulaw) // 8 for piece in pieces[:-1]
    ]
    assert max(told_after_ms) < 100, "no sound waits longer than a piece is long"
    along = [event for event in exchange.events if isinstance(event, SpeechPiece | SpeechPaused)]
    in_pauses = {id(along[at - 1]) for at, event in enumerate(along) if isinstance(event, SpeechPaused)}
    flowing = [piece for piece in pieces[2:-1] if id(piece) not in in_pauses]
    assert all(len(piece.ulaw) <= 800 for piece in flowing), "a pause moves the next one forward"
    assert sum(len(piece.ulaw) == 800 for piece in flowing) >= len(flowing) - len(in_pauses)
    kinds = [type(event) for event in exchange.events if isinstance(event, SpeechPiece | SpeechStopped)]
    assert kinds[-1] is SpeechStopped, "the last piece comes before the end is told"


def test_nothing_is_told_along_where_nobody_listens() -> None:
    exchange = Exchange()
    exchange.open("b")
    exchange.bank.listen_along("b", True)
    heard_by(exchange, speech() + silence(1))
    assert pieces_of(exchange) == []
    exchange.bank.listen_along("a", True)
    exchange.bank.listen_along("a", False)
    exchange.say("a", speech() + silence(1))
    assert pieces_of(exchange) == []


def test_who_begins_to_listen_in_mid_speech_is_told_it_from_its_beginning() -> None:
    exchange = Exchange()
    heard_by(exchange, speech()[:24_000])
    exchange.bank.listen_along("a", True)
    exchange.say("a", speech()[24_000:] + silence(1))
    (turn,) = exchange.of_kind(SpeechStopped)
    assert b"".join(piece.ulaw for piece in pieces_of(exchange)) == turn.ulaw


def test_a_row_given_to_another_line_is_not_listened_to() -> None:
    exchange = Exchange()
    exchange.open("b")
    exchange.bank.listen_along("b", True)
    exchange.close("b")
    heard_by(exchange, speech() + silence(1))
    assert pieces_of(exchange) == []


def test_speech_cuts_a_clip_that_has_run_dry_and_waits_for_more() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.barge_in("a", True, 160)
    exchange.bank.play("a", 1, b"\x01" * 800, last=False)
    exchange.say("a", silence(1) + speech()[:8000])
    (ended,) = exchange.of_kind(ClipEnded)
    assert (ended.complete, ended.played_ms) == (False, 100)
