"""Chains of engines in virtual time: who is asked when, who rests, and how long the contact waits at most."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest

from byourside_server.providers.base import (
    Expectation,
    ProviderError,
    Recognition,
    StreamingSpeechToText,
    TextToSpeech,
)
from byourside_server.providers.speech_chain import SpeechToTextChain, TextToSpeechChain
from byourside_server.providers.speech_chain_stream import (
    ChainStream,
    StreamingSpeechToTextChain,
    chain_of_ears,
)
from tests.lines.rehearsal import play
from tests.providers.scripted_speech import (
    Kind,
    ScriptedEars,
    ScriptedStream,
    ScriptedStreamingEars,
    ScriptedVoice,
    Step,
    failing,
)

GOOD: list[Step] = [(0.2, b"a" * 400), (0.1, b"b" * 800)]
LATE: list[Step] = [(1.3, b"late")]
HANGING: list[Step] = [(3600.0, b"never")]
ANY = Expectation()


def now() -> float:
    return asyncio.get_running_loop().time()


async def said(voice: TextToSpeech, text: str = "Hello.") -> tuple[bytes, float]:
    """The sound, and after how long its first piece came."""
    began, first_after, sound = now(), 0.0, b""
    async for piece in voice.stream(text):
        first_after = first_after or now() - began
        sound += piece
    return sound, round(first_after, 2)


def in_virtual_time(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """The story must have come to its end: a loop that stops early would pass everything."""
    ended = []

    async def whole() -> None:
        await story()
        ended.append(True)

    play(whole)
    assert ended


# the voice


def test_while_the_first_voice_speaks_no_other_is_asked() -> None:
    async def story() -> None:
        first, second = ScriptedVoice("first", [GOOD]), ScriptedVoice("second", [GOOD])
        chain = TextToSpeechChain([first, second])
        assert chain.name == "first, second"
        assert await said(chain) == (b"a" * 400 + b"b" * 800, 0.2)
        assert second.asked_at == []

    in_virtual_time(story)


def test_a_voice_that_fails_is_replaced_at_once_and_rests_15_seconds() -> None:
    async def story() -> None:
        first = ScriptedVoice("first", [[(0.05, failing())], GOOD])
        second = ScriptedVoice("second", [[(0.2, b"second")]])
        chain = TextToSpeechChain([first, second])
        assert await said(chain) == (b"second", 0.25)
        assert await said(chain) == (b"second", 0.2)
        await asyncio.sleep(14.0)
        assert len(first.asked_at) == 1
        assert await said(chain) == (b"second", 0.2)
        await asyncio.sleep(1.0)
        assert await said(chain) == (b"a" * 400 + b"b" * 800, 0.2)

    in_virtual_time(story)


def test_a_voice_that_is_late_is_given_up_after_a_second_and_rests() -> None:
    async def story() -> None:
        first = ScriptedVoice("first", [LATE])
        second = ScriptedVoice("second", [[(0.2, b"second")]])
        chain = TextToSpeechChain([first, second])
        assert await said(chain) == (b"second", 1.2)
        assert first.taken_back == 1
        assert await said(chain) == (b"second", 0.2)

    in_virtual_time(story)


def test_the_last_voice_is_asked_after_1_6_seconds_however_long_the_chain() -> None:
    async def story() -> None:
        hanging = [ScriptedVoice(f"hanging {number}", [HANGING]) for number in range(4)]
        last = ScriptedVoice("last", [[(2.0, b"last")]])
        chain = TextToSpeechChain([*hanging, last])
        began = now()
        assert await said(chain) == (b"last", 3.6)
        assert last.asked_at[0] - began == pytest.approx(1.6, abs=0.01)
        assert [len(voice.asked_at) for voice in hanging] == [1, 1, 0, 0]

    in_virtual_time(story)


def test_the_time_for_all_can_be_set() -> None:
    async def story() -> None:
        chain = TextToSpeechChain(
            [ScriptedVoice("hanging", [HANGING]), ScriptedVoice("last", [[(0.1, b"last")]])],
            first_audio_s=0.5,
            budget_s=0.3,
        )
        assert await said(chain) == (b"last", 0.4)

    in_virtual_time(story)


def test_one_that_had_less_than_its_time_does_not_rest_for_it() -> None:
    async def story() -> None:
        second = ScriptedVoice("second", [[(0.8, b"second")]])
        chain = TextToSpeechChain(
            [ScriptedVoice("first", [HANGING]), second, ScriptedVoice("third", [[(0.1, b"third")]])]
        )
        assert await said(chain) == (b"third", 1.7)
        assert await said(chain) == (b"second", 0.8)

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("error", "rests_s"),
    [
        (failing(Kind.UNAVAILABLE), 15.0),
        (failing(Kind.TIMED_OUT), 15.0),
        (failing(Kind.BAD_ANSWER), 15.0),
        (failing(Kind.RATE_LIMITED), 15.0),
        (failing(Kind.RATE_LIMITED, 30.0), 30.0),
        (failing(Kind.RATE_LIMITED, 3600.0), 60.0),
        (failing(Kind.RATE_LIMITED, 1.0), 15.0),
        (failing(Kind.BAD_CONFIGURATION), 60.0),
        (failing(Kind.BAD_INPUT), 0.0),
    ],
    ids=lambda value: f"{value.kind.value}-{value.retry_after_s}" if isinstance(value, ProviderError) else "",
)
def test_how_long_an_engine_rests_depends_on_what_it_did(error: ProviderError, rests_s: float) -> None:
    """A wrong key does not come right by itself; a text that cannot be said says nothing of the next."""

    async def story() -> None:
        first = ScriptedVoice("first", [[(0.0, error)], GOOD])
        chain = TextToSpeechChain([first, ScriptedVoice("second", [[(0.0, b"second")]])])
        await said(chain)
        if rests_s:
            await asyncio.sleep(rests_s - 0.1)
            assert (await said(chain))[0] == b"second"
            await asyncio.sleep(0.2)
        assert (await said(chain))[0] != b"second"

    in_virtual_time(story)


def test_a_voice_that_breaks_off_raises_and_the_rest_is_said_by_the_next() -> None:
    async def story() -> None:
        first = ScriptedVoice("first", [[(0.1, b"half"), (0.1, failing())], GOOD])
        chain = TextToSpeechChain([first, ScriptedVoice("second", [[(0.1, b"second")]])])
        stream = chain.stream("Hello there.")
        assert await anext(stream) == b"half"
        with pytest.raises(ProviderError, match="scripted unavailable"):
            await anext(stream)
        assert await said(chain, "there.") == (b"second", 0.1)

    in_virtual_time(story)


def test_a_voice_that_breaks_off_over_its_input_rests_too() -> None:
    """Whatever it calls it: asked again for the rest, it would break off again."""

    async def story() -> None:
        first = ScriptedVoice("first", [[(0.1, b"half"), (0.1, failing(Kind.BAD_INPUT))], GOOD])
        chain = TextToSpeechChain([first, ScriptedVoice("second", [[(0.1, b"second")]])])
        with pytest.raises(ProviderError):
            await said(chain)
        assert (await said(chain))[0] == b"second"

    in_virtual_time(story)


def test_a_sentence_wanted_whole_is_said_anew_by_the_next_voice() -> None:
    async def story() -> None:
        first = ScriptedVoice("first", [[(0.1, b"half"), (0.1, failing())]])
        chain = TextToSpeechChain([first, ScriptedVoice("second", [GOOD])])
        assert await chain.synthesize("Hello.") == b"a" * 400 + b"b" * 800

    in_virtual_time(story)


def test_where_all_rest_the_last_is_asked_all_the_same() -> None:
    async def story() -> None:
        first = ScriptedVoice("first", [[(0.1, failing())]])
        last = ScriptedVoice("last", [[(0.1, failing(Kind.TIMED_OUT))], [(0.1, b"last")]])
        chain = TextToSpeechChain([first, last])
        with pytest.raises(ProviderError, match=r"scripted unavailable; scripted timed_out") as caught:
            await said(chain)
        assert caught.value.kind is Kind.TIMED_OUT
        assert await said(chain) == (b"last", 0.1)
        assert len(first.asked_at) == 1

    in_virtual_time(story)


def test_a_voice_without_sound_has_failed_and_a_text_without_words_has_none() -> None:
    async def story() -> None:
        first = ScriptedVoice("first", [[(0.1, b"")]])
        chain = TextToSpeechChain([first, ScriptedVoice("second", [[(0.1, b"second")]])])
        assert await chain.synthesize("...") == b""
        assert await said(chain) == (b"second", 0.2)

    in_virtual_time(story)


def test_a_listener_who_leaves_takes_the_voice_back_and_blames_nobody() -> None:
    async def story() -> None:
        first = ScriptedVoice("first", [HANGING, [(0.1, b"one"), (0.1, b"two")], GOOD])
        chain = TextToSpeechChain([first, ScriptedVoice("second", [GOOD])])
        speaking = asyncio.create_task(chain.synthesize("Hello."))
        await asyncio.sleep(0.3)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        stream = chain.stream("Hello.")
        assert await anext(stream) == b"one"
        await stream.aclose()  # type: ignore[attr-defined]
        assert first.taken_back == 2
        assert (await said(chain))[0] == b"a" * 400 + b"b" * 800
        assert len(first.asked_at) == 3

    in_virtual_time(story)


def test_a_failure_is_logged_with_the_engines_name_and_without_the_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        first = ScriptedVoice("first", [[(0.1, failing())]])
        await said(TextToSpeechChain([first, ScriptedVoice("second", [GOOD])]), "A secret.")

    with caplog.at_level(logging.WARNING, "byourside_server.providers"):
        in_virtual_time(story)
    (record,) = caplog.records
    assert (record.getMessage(), record.__dict__["engine"]) == ("speech engine failed", "first")
    assert "secret" not in str(record.__dict__)


def test_all_voices_are_closed() -> None:
    async def story() -> None:
        voices = [ScriptedVoice(name, [GOOD]) for name in "abc"]
        chain = TextToSpeechChain(voices)
        await chain.close()
        await chain.close()
        assert [voice.closed for voice in voices] == [1, 1, 1]
        with pytest.raises(ProviderError, match="closed"):
            await chain.synthesize("Hello.")

    in_virtual_time(story)


# the ears


async def heard(ears: SpeechToTextChain, ulaw: bytes = b"sound") -> tuple[str, float]:
    began = now()
    recognition = await ears.transcribe(ulaw, ANY)
    return recognition.text, round(now() - began, 2)


def test_while_the_first_ears_answer_no_others_are_asked() -> None:
    async def story() -> None:
        second = ScriptedEars("second", [(0.1, "second")])
        chain = SpeechToTextChain([ScriptedEars("first", [(0.9, "first")]), second])
        assert await heard(chain) == ("first", 0.9)
        assert second.asked_at == []

    in_virtual_time(story)


def test_ears_that_fail_are_replaced_at_once_and_rest() -> None:
    async def story() -> None:
        first = ScriptedEars("first", [(0.1, failing()), (0.1, "first")])
        second = ScriptedEars("second", [(0.2, "second")])
        chain = SpeechToTextChain([first, second])
        assert await heard(chain) == ("second", 0.3)
        assert await heard(chain) == ("second", 0.2)
        await asyncio.sleep(15.0)
        assert await heard(chain) == ("first", 0.1)
        assert second.heard == [b"sound", b"sound"]

    in_virtual_time(story)


def test_late_ears_are_joined_by_the_next_and_the_first_answer_counts() -> None:
    async def story() -> None:
        first = ScriptedEars("first", [(1.1, "first")])
        second = ScriptedEars("second", [(0.5, "second")])
        chain = SpeechToTextChain([first, second])
        assert await heard(chain) == ("first", 1.1)
        assert second.taken_back == 1
        assert await heard(chain) == ("first", 1.1)  # it was first in the end: it does not rest

    in_virtual_time(story)


def test_ears_that_were_overtaken_are_taken_back_and_rest() -> None:
    async def story() -> None:
        first = ScriptedEars("first", [(3600.0, "first")])
        chain = SpeechToTextChain([first, ScriptedEars("second", [(0.2, "second")])])
        assert await heard(chain) == ("second", 1.2)
        assert first.taken_back == 1
        assert await heard(chain) == ("second", 0.2)

    in_virtual_time(story)


def test_late_ears_still_count_where_the_joined_ones_fail() -> None:
    async def story() -> None:
        first = ScriptedEars("first", [(1.5, "first")])
        chain = SpeechToTextChain([first, ScriptedEars("second", [(0.1, failing())])])
        assert await heard(chain) == ("first", 1.5)

    in_virtual_time(story)


def test_the_last_ears_are_asked_after_1_6_seconds() -> None:
    async def story() -> None:
        hanging = [ScriptedEars(f"hanging {number}", [(3600.0, "")]) for number in range(3)]
        chain = SpeechToTextChain([*hanging, ScriptedEars("last", [(0.4, "last")])])
        assert await heard(chain) == ("last", 2.0)
        assert [each.taken_back for each in hanging] == [1, 1, 0]

    in_virtual_time(story)


def test_where_all_ears_fail_all_reasons_are_told() -> None:
    async def story() -> None:
        chain = SpeechToTextChain(
            [ScriptedEars("a", [(0.1, failing())]), ScriptedEars("b", [(0.1, failing(Kind.TIMED_OUT))])]
        )
        with pytest.raises(ProviderError, match="scripted unavailable; scripted timed_out"):
            await heard(chain)

    in_virtual_time(story)


def test_a_recognition_that_is_taken_back_takes_all_of_it_back() -> None:
    async def story() -> None:
        both = [ScriptedEars("a", [(3600.0, "")]), ScriptedEars("b", [(3600.0, "")])]
        waiting = asyncio.create_task(SpeechToTextChain(both).transcribe(b"", ANY))
        await asyncio.sleep(1.5)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert [each.taken_back for each in both] == [1, 1]

    in_virtual_time(story)


def test_ears_are_ready_where_any_of_them_is() -> None:
    async def story() -> None:
        good, bad = ScriptedEars("good", [(0.1, "")]), ScriptedEars("bad", [(0.1, "")], failing())
        await SpeechToTextChain([bad, good]).prepare(ANY)
        assert (good.prepared, bad.prepared) == (1, 1)
        with pytest.raises(ProviderError):
            await SpeechToTextChain([bad, bad]).prepare(ANY)

    in_virtual_time(story)


# ears that listen along


def test_a_chain_listens_along_where_its_first_engine_does() -> None:
    along, whole = ScriptedStreamingEars("along", [(0.1, "")]), ScriptedEars("whole", [(0.1, "")])
    assert isinstance(chain_of_ears([along, whole]), StreamingSpeechToText)
    assert not isinstance(chain_of_ears([whole, along]), StreamingSpeechToText)


def listening(
    script: list[tuple[float, str | ProviderError]], openings: list[ProviderError | None] | None = None
) -> tuple[ScriptedStreamingEars, ScriptedEars, StreamingSpeechToTextChain]:
    along = ScriptedStreamingEars("along", script, openings=openings or [])
    whole = ScriptedEars("whole", [(0.3, "whole")])
    return along, whole, StreamingSpeechToTextChain([along, whole])


def test_the_stream_is_the_first_engines() -> None:
    async def story() -> None:
        along, whole, chain = listening([(0.1, "along")])
        stream = await chain.open_stream()
        stream.push(b"one")
        stream.push(b"two")
        assert (await stream.finish(ANY)).text == "along"
        stream.push(b"three")
        await stream.finish(ANY)
        assert along.heard == [b"onetwo", b"three"]
        assert whole.heard == []
        await stream.close()
        assert along.streams[0].is_closed

    in_virtual_time(story)


def test_where_the_stream_fails_the_next_engine_hears_the_whole_turn() -> None:
    async def story() -> None:
        along, whole, chain = listening([(0.1, failing()), (0.1, "along")])
        stream = await chain.open_stream()
        stream.push(b"one")
        stream.push(b"two")
        assert (await stream.finish(ANY)).text == "whole"
        assert whole.heard == [b"onetwo"]
        stream.push(b"three")
        began = now()
        assert (await stream.finish(ANY)).text == "whole"
        assert now() - began == pytest.approx(0.3, abs=0.01)
        assert whole.heard == [b"onetwo", b"three"]
        await asyncio.sleep(15.0)
        stream.push(b"four")
        assert (await stream.finish(ANY)).text == "along"
        assert along.heard == [b"onetwo", b"three", b"four"]  # also what it was not asked about was ended

    in_virtual_time(story)


@pytest.mark.parametrize("opening", [None, failing()], ids=["a stream that fails", "no stream"])
def test_whoever_hears_a_turn_is_told_what_is_expected(opening: ProviderError | None) -> None:
    """An embedded recogniser behind a vendor is far better with it."""
    yes_no = Expectation(frozenset({"yes_no"}), ("two p m",))

    async def story() -> None:
        along, whole, chain = listening([(0.1, failing())], [opening])
        stream = await chain.open_stream()
        stream.push(b"one")
        assert (await stream.finish(yes_no)).text == "whole"
        assert whole.expected == [yes_no]
        assert along.expected == ([yes_no] if opening is None else [])

    in_virtual_time(story)


def test_a_late_stream_is_joined_by_the_next_engine() -> None:
    async def story() -> None:
        along, _, chain = listening([(3600.0, "along")])
        stream = await chain.open_stream()
        stream.push(b"one")
        began = now()
        assert (await stream.finish(ANY)).text == "whole"
        assert now() - began == pytest.approx(1.3, abs=0.01)
        assert along.taken_back == 1

    in_virtual_time(story)


def test_a_stream_that_cannot_be_opened_is_done_without_and_tried_again() -> None:
    async def story() -> None:
        along, whole, chain = listening([(0.1, "along")], [failing(), None])
        stream = await chain.open_stream()
        stream.push(b"one")
        assert (await stream.finish(ANY)).text == "whole"
        assert along.streams == []
        await asyncio.sleep(16.0)
        stream.push(b"two")
        assert (await stream.finish(ANY)).text == "along"  # heard whole, while the stream is opened beside
        stream.push(b"three")
        assert (await stream.finish(ANY)).text == "along"
        assert along.heard == [b"two", b"three"]
        assert len(along.streams) == 1
        assert whole.heard == [b"one"]

    in_virtual_time(story)


def test_a_stream_that_opens_in_mid_turn_gets_that_turn_from_its_beginning() -> None:
    async def story() -> None:
        along, _, chain = listening([(0.1, "along")], [failing(), None])
        stream = await chain.open_stream()
        await asyncio.sleep(16.0)
        stream.push(b"one")
        finishing = asyncio.create_task(stream.finish(ANY))
        await asyncio.sleep(0)
        stream.push(b"two")
        await finishing
        stream.push(b"three")
        await stream.finish(ANY)
        assert along.heard == [b"one", b"twothree"]

    in_virtual_time(story)


def test_nothing_pushed_is_nothing_heard_and_nobody_is_asked() -> None:
    async def story() -> None:
        along, whole, chain = listening([(0.1, "along")])
        stream = await chain.open_stream()
        assert await stream.finish(ANY) == Recognition("", 0.0)
        assert along.heard == whole.heard == []

    in_virtual_time(story)


def test_a_closed_stream_gives_no_words() -> None:
    async def story() -> None:
        _, _, chain = listening([(0.1, "along")])
        stream = await chain.open_stream()
        await stream.close()
        await stream.close()
        stream.push(b"one")
        with pytest.raises(ProviderError):
            await stream.finish(ANY)

    in_virtual_time(story)


def test_a_chain_of_one_has_nobody_to_turn_to() -> None:
    async def story() -> None:
        along = ScriptedStreamingEars("along", [(0.1, failing()), (0.1, "along")])
        stream = await StreamingSpeechToTextChain([along]).open_stream()
        stream.push(b"one")
        with pytest.raises(ProviderError):
            await stream.finish(ANY)
        stream.push(b"two")
        assert (await stream.finish(ANY)).text == "along"

    in_virtual_time(story)


class Settling(ScriptedStream):
    """Tells its words in a pause: what it was given."""

    async def settle(self, expect: Expectation) -> AsyncGenerator[Recognition, None]:
        yield Recognition(bytes(self.pushed).decode(), 0.9)


async def early_words(stream: ChainStream) -> list[str]:
    return [words.text async for words in stream.settle(ANY)]


def test_early_words_are_the_first_engines_where_it_tells_any() -> None:
    async def story() -> None:
        along, _, chain = listening([(0.1, "along")])
        stream = await chain.open_stream()
        stream.push(b"one")
        assert await early_words(stream) == [], "this one only listens"
        stream._stream = Settling(along)
        stream.push(b"two")
        assert await early_words(stream) == ["two"]
        stream._stream = None
        assert await early_words(stream) == [], "its stream is being opened anew"

    in_virtual_time(story)
