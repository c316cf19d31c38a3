import asyncio

import pytest

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind, Recognition
from byourside_server.providers.registry import open_speech_to_text, open_text_to_speech
from byourside_server.providers.simulated import ScriptedSpeechToText, ToneTextToSpeech
from byourside_server.sandbox.clips import load_clip, silence


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ProviderError, match=r"'shouting'.*embedded, espeak, flite") as caught:
        open_text_to_speech("shouting")
    assert caught.value.kind is ProviderErrorKind.BAD_CONFIGURATION
    with pytest.raises(ProviderError, match=r"'mind reading'.*embedded, pocketsphinx"):
        open_speech_to_text("mind reading")


def test_simulated_engines_say_in_their_name_that_they_are() -> None:
    assert open_text_to_speech("simulated-tone").name.startswith("simulated")
    assert open_speech_to_text("simulated-script").name.startswith("simulated")


def test_the_tone_voice_gives_equal_words_equal_tones() -> None:
    ulaw = asyncio.run(ToneTextToSpeech().synthesize("yes no Yes"))
    assert len(ulaw) == 3 * 320 * 8
    first, second, third = (ulaw[at * 2560 : (at + 1) * 2560] for at in range(3))
    assert first == third != second


def test_the_scripted_ear_finds_the_recording_inside_a_turn() -> None:
    """Voice activity detection cuts a turn at will: the recording's loud part is enough."""
    yes, no = load_clip("yes_works"), load_clip("no_thank_you")
    ear = ScriptedSpeechToText({yes.ulaw: yes.text, no.ulaw: no.text}, script=["something else"])
    turns = [silence(120) + yes.ulaw[400:-400] + silence(60), no.ulaw, silence(500), silence(500)]

    async def story() -> list[Recognition]:
        return [await ear.transcribe(turn, Expectation()) for turn in turns]

    heard = [(answer.text, answer.confidence) for answer in asyncio.run(story())]
    assert heard == [(yes.text, 1.0), (no.text, 1.0), ("something else", 1.0), ("", 0.0)]
