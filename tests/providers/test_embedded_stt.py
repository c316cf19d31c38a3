"""pocketsphinx is the real decoder in its real process; what it hears are the sandbox's recordings."""

import asyncio
import os
import signal

import pytest

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.embedded_stt import EmbeddedSpeechToText
from byourside_server.providers.recognition_message import (
    read_recognition,
    read_request,
    write_recognition,
    write_request,
)
from byourside_server.providers.recognition_worker import KEPT_GRAMMARS, Recogniser
from byourside_server.sandbox.clips import beep, hold_music, load_clip, noise, silence


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser()


def expecting(*kinds: str, phrases: tuple[str, ...] = ()) -> Expectation:
    return Expectation(frozenset(kinds), phrases)


def turn(clip_id: str) -> bytes:
    """The recording as voice activity detection cuts it."""
    return silence(200) + load_clip(clip_id).ulaw + silence(300)


@pytest.mark.parametrize(
    ("clip_id", "kinds", "words"),
    [
        ("yes", "yes_no", "yes"),
        ("yes_works", "yes_no", "yes that works for me"),
        ("no_does_not_work", "yes_no", "no that does not work for me"),
        ("no_need_to_reschedule", "yes_no", "i don't need to reschedule"),
        ("friday_three_thirty", "day time", "friday at three thirty"),
        ("seven_pm_friday", "day time", "seven p m on friday"),
        ("two_forty_nine_dollars", "money", "two hundred and forty nine dollars"),
        ("number_555_0128", "digits", "five five five zero one two eight"),
        ("my_name_is_john_smith", "name", "my name is john smith"),
        ("hello", "greeting voicemail", "hello"),
        ("do_not_call_again", "yes_no", "please don't call me again"),
        ("are_you_a_robot", "name", "are you a robot"),
    ],
)
def test_recordings_are_heard_word_for_word(
    recogniser: Recogniser, clip_id: str, kinds: str, words: str
) -> None:
    heard = recogniser.recognise(turn(clip_id), expecting(*kinds.split()))
    assert heard.text == words
    assert heard.confidence > 0.5


def test_a_voicemail_greeting_is_heard_by_its_tell_tale_words(recogniser: Recogniser) -> None:
    heard = recogniser.recognise(turn("voicemail_greeting"), expecting("greeting", "voicemail"))
    assert "leave a message after the tone" in heard.text


def test_an_answer_to_another_question_is_heard_for_what_it_is(recogniser: Recogniser) -> None:
    """Asked for yes or no, and told a time: not forced into a yes."""
    heard = recogniser.recognise(turn("friday_three_thirty"), expecting("yes_no"))
    assert heard.text == "friday at three thirty"


def test_a_name_that_no_dictionary_knows_can_be_expected(recogniser: Recogniser) -> None:
    heard = recogniser.recognise(
        turn("yes"), expecting("yes_no", phrases=("Voxplovia Ltd.", "ja'!", "grammar;"))
    )
    assert heard.text == "yes"


@pytest.mark.parametrize(
    "sound",
    [silence(1500), noise(1500, -40), beep(1000, 600), hold_music(3000), b"", b"\x00"],
    ids=["silence", "noise", "beep", "music", "nothing", "one sample"],
)
def test_what_is_no_speech_is_no_confident_answer(recogniser: Recogniser, sound: bytes) -> None:
    heard = recogniser.recognise(sound, expecting("yes_no"))
    assert heard.text == "" or heard.confidence < 0.5


@pytest.mark.parametrize(
    "before",
    [turn("voicemail_greeting"), noise(3000, -30), hold_music(3000)],
    ids=["voice", "noise", "music"],
)
@pytest.mark.parametrize("clip_id", ["yes_works", "no", "okay"])
def test_the_same_sound_is_heard_the_same_after_other_callers(
    recogniser: Recogniser, clip_id: str, before: bytes
) -> None:
    """Calls share a decoder: nothing of one voice may colour the next, not even its noise."""
    first = recogniser.recognise(turn(clip_id), expecting("yes_no"))
    recogniser.recognise(before, expecting("greeting", "voicemail"))
    assert recogniser.recognise(turn(clip_id), expecting("yes_no")) == first


def test_grammars_are_kept_and_the_oldest_let_go(recogniser: Recogniser) -> None:
    for number in range(KEPT_GRAMMARS + 3):
        recogniser.prepare(expecting("repeat", phrases=(f"phrase {number}",)))
    assert len(recogniser._grammars) == KEPT_GRAMMARS
    assert recogniser.recognise(turn("no"), expecting("yes_no")).text == "no"


def test_a_request_without_sound_builds_the_grammar_for_the_next(recogniser: Recogniser) -> None:
    before = list(recogniser._grammars)
    assert recogniser.recognise(b"", expecting("number", phrases=("only here",))) == Recognition("", 0.0)
    assert "only here" not in "".join(before)
    assert "only here" in list(recogniser._grammars)[-1]


def test_requests_and_answers_survive_the_pipe() -> None:
    expect = expecting("yes_no", "day", phrases=("Zoë", "a\nb"))
    audio = bytes(range(256))
    assert read_request(write_request(audio, expect)) == (audio, expect)
    answer = Recognition("half past ten", 0.25)
    assert read_recognition(write_recognition(answer)) == answer


def test_the_loop_runs_on_while_the_worker_listens() -> None:
    async def story() -> tuple[Recognition, list[int], list[int]]:
        ear = EmbeddedSpeechToText(workers=1)
        await ear.prepare(Expectation())
        running = ear.process_ids
        os.kill(running[0], signal.SIGSTOP)  # it listens for as long as is wanted here
        answer = asyncio.ensure_future(ear.transcribe(turn("yes_works"), expecting("yes_no")))
        for _ in range(3):
            await asyncio.sleep(0.005)
        assert not answer.done()
        os.kill(running[0], signal.SIGCONT)
        heard = await answer
        await ear.close()
        return heard, running, ear.process_ids

    heard, before, after = asyncio.run(story())
    assert heard.text == "yes that works for me"
    assert len(before) == 1
    assert after == []


def test_two_workers_share_the_work() -> None:
    async def story() -> tuple[list[Recognition], int]:
        ear = EmbeddedSpeechToText(workers=2)
        both = await asyncio.gather(
            ear.transcribe(turn("yes"), expecting("yes_no")), ear.transcribe(turn("no"), expecting("yes_no"))
        )
        count = len(ear.process_ids)
        await ear.close()
        return list(both), count

    heard, count = asyncio.run(story())
    assert [answer.text for answer in heard] == ["yes", "no"]
    assert count == 2


def test_more_than_a_minute_is_refused_at_once() -> None:
    ear = EmbeddedSpeechToText()
    with pytest.raises(ProviderError) as caught:
        asyncio.run(ear.transcribe(silence(61_000), expecting("yes_no")))
    assert caught.value.kind is ProviderErrorKind.BAD_INPUT
    assert ear.process_ids == [], "nobody was started for it"
