"""Where a voice stops and begins, before the network is sure: pauses told early, clips held for a moment."""

from itertools import pairwise

import numpy as np
import pytest

from byourside_server.media.edges import DEAF_AFTER, WARY_AFTER
from byourside_server.media.g711 import ULAW_DECODE, encode_ulaw
from byourside_server.media.messages import (
    ClipEnded,
    SpeechPaused,
    SpeechPiece,
    SpeechResumed,
    SpeechStarted,
    SpeechStopped,
)
from byourside_server.media.rtp import FRAME_SAMPLES
from tests.media.bank_kit import SILENT_FRAME, Exchange, frames_of, silence, speech, tone

HOLD_MS = 64
AFTER_MS = 160


def listening() -> Exchange:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.bank.listen_along("a", True)
    return exchange


def pauses_told(exchange: Exchange, sound: bytes) -> list[tuple[int, int]]:
    """When each pause was told, and of what moment; ms."""
    told = []
    for tick, frame in enumerate(frames_of(sound)):
        exchange.say("a", frame)
        told += [((tick + 1) * 20, event.at_ms) for event in exchange.of_kind(SpeechPaused)]
        exchange.events.clear()
    return told


def loudest_end_ms(sound: bytes, dbfs: float = -45) -> int:
    """Behind the last 10 ms over that level."""
    samples = ULAW_DECODE[np.frombuffer(sound, np.uint8)].astype(np.float64) / 32768
    levels = 10 * np.log10(np.mean(samples[: len(samples) // 80 * 80].reshape(-1, 80) ** 2, axis=1) + 1e-12)
    return (int(np.flatnonzero(levels > dbfs)[-1]) + 1) * 10


def test_a_pause_is_told_long_before_the_end_of_the_turn() -> None:
    exchange = listening()
    sound = silence(1) + speech() + silence(1)
    paused = pauses_told(exchange, sound)
    told_ms, of_ms = paused[-1]
    end_ms = loudest_end_ms(sound)
    assert abs(of_ms - end_ms) <= 64, "the last voiced moment, within two chunks"
    assert 40 <= told_ms - end_ms <= 130, "two quiet chunks of the network alone come after 150 to 180"
    exchange = listening()
    exchange.say("a", sound)
    (stopped,) = exchange.of_kind(SpeechStopped)[-1:]
    assert stopped.end_ms >= of_ms


def test_all_sound_so_far_is_told_before_the_pause_is() -> None:
    exchange = listening()
    for frame in frames_of(silence(1) + speech() + silence(1)):
        exchange.say("a", frame)
        if exchange.of_kind(SpeechPaused):
            break
    pieces = exchange.of_kind(SpeechPiece)
    until_ms = pieces[-1].at_ms + len(pieces[-1].ulaw) // 8
    assert until_ms == len(exchange.sent["a"]) * 20
    assert isinstance(exchange.events[-1], SpeechPaused)


def test_a_voice_that_goes_on_resumes_the_turn() -> None:
    exchange = listening()
    exchange.say("a", silence(1) + speech() + silence(1))
    kinds = [type(event) for event in exchange.events if not isinstance(event, SpeechPiece)]
    edges = [kind for kind in kinds if kind in (SpeechPaused, SpeechResumed)]
    assert edges[0] is SpeechPaused, "the two sentences have a pause between them"
    assert all(one is not other for one, other in pairwise(edges)), "in turns"
    for at, kind in enumerate(kinds):
        if kind is SpeechStopped:
            assert kinds[at - 1] is SpeechPaused, "a turn ends in a pause"


def test_nobody_is_told_of_pauses_who_does_not_listen_along() -> None:
    exchange = Exchange()
    exchange.open("a")
    exchange.say("a", silence(1) + speech() + silence(1))
    assert not exchange.of_kind(SpeechPaused)
    assert not exchange.of_kind(SpeechResumed)
    assert exchange.of_kind(SpeechStopped)


# --- clips that stand still ---------------------------------------------------------------------------

CLIP = b"".join(bytes([1 + number % 100]) * FRAME_SAMPLES for number in range(150))


def speaking(*, hold_after_ms: int = HOLD_MS) -> Exchange:
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.bank.barge_in("a", True, AFTER_MS, hold_after_ms)
    exchange.bank.play("a", 1, CLIP)
    return exchange


def sent(exchange: Exchange) -> list[bytes]:
    return [packet.payload for packet in exchange.sent["a"]]


def burst(milliseconds: int, amplitude: int = 8000) -> bytes:
    """A click or a cough: noise out of nothing."""
    noise = np.random.default_rng(5).normal(0, amplitude, milliseconds * 8)
    return encode_ulaw(noise.clip(-32_000, 32_000).astype(np.int16)).tobytes()


def test_a_voice_silences_the_agent_before_it_is_sure_to_be_one() -> None:
    exchange = speaking()
    exchange.say("a", silence(1) + speech()[1600:])
    (started,) = exchange.of_kind(SpeechStarted)[:1]
    (ended,) = exchange.of_kind(ClipEnded)
    last = max(index for index, frame in enumerate(sent(exchange)) if frame != SILENT_FRAME)
    assert (last + 1) * 20 <= started.at_ms + 100, "SpeechStarted itself is told after 96 ms"
    assert not ended.complete
    assert ended.at_ms == ended.played_ms == (last + 1) * 20, "it counts as heard up to its last sample"


@pytest.mark.parametrize("milliseconds", [5, 40, 250], ids=["click", "knock", "cough"])
def test_what_is_no_voice_only_holds_the_agent_up(milliseconds: int) -> None:
    """A sound that the network does not call speech for 160 ms loses no word of ours."""
    exchange = speaking()
    exchange.say("a", silence(1) + burst(milliseconds) + silence(4))
    (ended,) = exchange.of_kind(ClipEnded)
    assert ended.complete
    sounding = b"".join(frame for frame in sent(exchange) if frame != SILENT_FRAME)
    assert sounding == CLIP, "gone on with to the sample"
    held_ms = sum(frame == SILENT_FRAME for frame in sent(exchange)[: len(CLIP) // FRAME_SAMPLES]) * 20
    assert held_ms <= milliseconds + 200


@pytest.mark.parametrize("alignment", range(8))
def test_a_stop_consonant_within_a_word_does_not_let_the_agent_go_on_for_a_moment(alignment: int) -> None:
    """80 ms as quiet as the line, behind the first tenth of a second of a voice ("tha-t is enough")."""
    exchange = speaking()
    word = speech()[1600:]
    exchange.say("a", silence(1) + bytes(silence(0.02) * alignment) + word[:800] + silence(0.08) + word[800:])
    (ended,) = exchange.of_kind(ClipEnded)
    assert not ended.complete, "it is an interruption"
    frames = sent(exchange)[: len(CLIP) // FRAME_SAMPLES]
    sounding = [at for at, frame in enumerate(frames) if frame != SILENT_FRAME]
    assert sounding == list(range(len(sounding))), "silent once, silent for good"


def test_who_may_not_interrupt_does_not_hold_the_agent_up_either() -> None:
    exchange = speaking()
    exchange.bank.barge_in("a", False, AFTER_MS, HOLD_MS)
    exchange.say("a", silence(1) + speech())
    assert sent(exchange)[: len(CLIP) // FRAME_SAMPLES] == frames_of(CLIP)


def test_leave_that_is_withdrawn_lets_the_agent_go_on() -> None:
    exchange = speaking()
    for frame in frames_of(silence(1) + speech()[1600:]):
        exchange.say("a", frame)
        if sent(exchange)[-1] == SILENT_FRAME:
            break
    exchange.bank.barge_in("a", False, AFTER_MS, HOLD_MS)
    exchange.say("a", silence(4))
    assert [event.complete for event in exchange.of_kind(ClipEnded)] == [True]


def test_a_line_that_holds_the_agent_up_for_nothing_is_believed_later_and_then_not_at_all() -> None:
    exchange = speaking()
    exchange.bank.play("a", 2, CLIP * 20)
    gaps = []
    for _ in range(DEAF_AFTER + 3):
        before = len(sent(exchange))
        exchange.say("a", silence(1) + burst(40) + silence(1))
        gaps.append(sent(exchange)[before:].count(SILENT_FRAME))
    assert all(gaps[:WARY_AFTER])
    assert gaps[-1] == 0


def test_the_next_line_of_the_row_is_believed_again() -> None:
    exchange = speaking()
    exchange.bank.play("a", 2, CLIP * 20)
    for _ in range(DEAF_AFTER):
        exchange.say("a", silence(1) + burst(40) + silence(1))
    exchange.close("a")
    exchange.open("b")
    exchange.bank.barge_in("b", True, AFTER_MS, HOLD_MS)
    exchange.bank.play("b", 1, CLIP)
    exchange.say("b", silence(1) + burst(40) + silence(1))
    frames = [packet.payload for packet in exchange.sent["b"]]
    assert SILENT_FRAME in frames[:100]


def test_noise_and_tones_under_our_words_do_not_stop_them() -> None:
    for sound in (tone(4, 440, 480), tone(4, 1000), burst(4000, 200), burst(4000, 3000)):
        exchange = speaking()
        exchange.say("a", sound)
        assert [event.complete for event in exchange.of_kind(ClipEnded)] == [True]


def test_a_clip_that_begins_over_a_voice_that_has_just_begun_is_held_at_once() -> None:
    """The turn was over, and they go on after all in the same moment."""
    exchange = Exchange()
    exchange.open("a")
    exchange.bank.start_recording("a")
    exchange.bank.barge_in("a", True, AFTER_MS, HOLD_MS)
    exchange.say("a", silence(1))
    begun = 0
    for at, frame in enumerate(frames_of(speech()[1600:])):
        exchange.say("a", frame)
        if at == 4:  # a tenth of a second of voice, most of it still in the jitter buffer
            exchange.bank.play("a", 1, CLIP)
            begun = len(sent(exchange))
    sounded = sum(frame != SILENT_FRAME for frame in sent(exchange)[begun:])
    assert sounded <= 3, "60 ms"
