"""Who picked up: cadence, words, tones, and speech that began before the answer."""

from __future__ import annotations

import pytest

from byourside_server.conversation.cadence import FEATURES, features, machine_likelihood
from byourside_server.conversation.pickup import Pickup
from byourside_server.conversation.verdicts import Verdicts

Bursts = tuple[tuple[float, float], ...]

HELLO: Bursts = ((0.4, 0.9),)
HELLO_JOHN: Bursts = ((0.4, 1.9),)
BUSINESS: Bursts = ((0.5, 3.3),)
LONG_BUSINESS: Bursts = ((0.4, 1.8), (2.1, 4.6))
PERSONAL_MACHINE: Bursts = ((0.5, 2.4), (2.7, 4.2), (4.5, 7.3), (7.6, 9.9))


def pickup_of(bursts: Bursts) -> Pickup:
    pickup = Pickup()
    for start, end in bursts:
        pickup.hear_burst(start, end)
    return pickup


@pytest.mark.parametrize(
    ("bursts", "text", "quiet_s", "verdict", "by"),
    [
        (HELLO, "hello", 0.6, "human", "words"),
        (HELLO, "", 0.6, "human", "cadence"),
        (HELLO_JOHN, "hello this is john", 0.6, "human", "words"),
        (BUSINESS, "good morning acme dental this is anna how can i help you", 1.2, "human", "words"),
        (BUSINESS, "", 1.2, "human", "cadence"),
        (LONG_BUSINESS, "good morning acme dental this is anna how can i help you", 1.2, "human", "words"),
        (LONG_BUSINESS, "", 2.5, "unknown", "cadence"),
        (PERSONAL_MACHINE, "", 2.5, "voicemail", "cadence"),
        (PERSONAL_MACHINE, "hi you've reached daniel please leave a message", 2.5, "voicemail", "words"),
        (HELLO_JOHN, "please leave a message", 0.6, "voicemail", "words"),
        (LONG_BUSINESS, "for sales press one", 2.5, "ivr", "words"),
        (LONG_BUSINESS, "please state your name and why you are calling", 2.5, "screening", "words"),
    ],
)
def test_cadence_and_words_tell_who_picked_up(
    bursts: Bursts, text: str, quiet_s: float, verdict: str, by: str
) -> None:
    pickup = pickup_of(bursts)
    finding = pickup.find(text)
    assert (pickup.quiet_needed(text), finding.verdict, finding.by) == (quiet_s, verdict, by)


def test_dates_and_digits_made_of_a_long_greeting_are_no_greeting() -> None:
    """A recogniser led by a grammar must answer something."""
    pickup = pickup_of(PERSONAL_MACHINE)
    assert pickup.find("twelve the twenty ninth of april is better", 0.98).verdict == "voicemail"


def test_a_machines_words_that_were_hardly_heard_are_not_believed() -> None:
    words = "thank you for calling and i'll get back to you"
    assert pickup_of(BUSINESS).find(words, 0.25).verdict == "human"
    assert pickup_of(BUSINESS).find(words, 0.5).verdict == "voicemail"


def test_words_that_only_a_machine_says_are_believed_however_faint() -> None:
    assert pickup_of(HELLO).find("after the tone", 0.21).verdict == "voicemail"


def test_nobody_greets_before_he_picks_up() -> None:
    finding = pickup_of(((-2.0, 1.1),)).find("hello this is laura")
    assert (finding.verdict, finding.by) == ("voicemail", "early_media")


def test_a_person_who_greets_over_the_end_of_an_announcement_is_none() -> None:
    assert pickup_of(((-3.0, 0.2), (0.9, 1.4))).find("hello").verdict == "human"


def test_every_figure_of_the_cadence_is_named() -> None:
    assert len(features(HELLO)) == len(FEATURES) == 15
    assert machine_likelihood(()) == 0.5


def test_more_sentences_are_more_of_a_machine() -> None:
    likelihoods = [machine_likelihood(each) for each in (HELLO, HELLO_JOHN, LONG_BUSINESS, PERSONAL_MACHINE)]
    assert likelihoods == sorted(likelihoods)
    assert likelihoods[0] < 0.2
    assert likelihoods[-1] > 0.9


def test_one_calling_tone_of_a_fax_is_waited_for_and_the_second_believed() -> None:
    pickup, verdicts = Pickup(), Verdicts()
    assert verdicts.of_tone("fax_cng", 0.5, pickup, has_conversed=False) is None
    finding = verdicts.of_tone("fax_cng", 4.0, pickup, has_conversed=False)
    assert finding is not None
    assert finding.verdict == "fax"


def test_the_calling_tone_after_a_greeting_is_its_beep() -> None:
    finding = Verdicts().of_tone("fax_cng", 6.0, pickup_of(BUSINESS), has_conversed=False)
    assert finding is not None
    assert (finding.verdict, finding.by) == ("voicemail", "beep")


def test_a_tone_in_the_middle_of_a_talk_says_nothing_of_who_answered() -> None:
    verdicts = Verdicts()
    verdicts.reach(pickup_of(HELLO).find("hello"), 1.5)
    for kind in ("beep", "fax_ced", "sit", "busy", "music"):
        assert verdicts.of_tone(kind, 12.0, Pickup(), has_conversed=True) is None


def test_a_verdict_keeps_its_moment_and_the_one_before() -> None:
    verdicts = Verdicts()
    verdicts.reach(pickup_of(HELLO).find("hello"), 1.5)
    verdicts.reach(pickup_of(HELLO).find("hello"), 9.0)
    assert verdicts.answering is not None
    assert (verdicts.answering.verdict, verdicts.answering.time_ms) == ("human", 1500)
    verdicts.reach(pickup_of(PERSONAL_MACHINE).find("at the tone"), 10.25)
    assert verdicts.answering.verdict == "voicemail"
    assert (verdicts.answering.time_ms, verdicts.answering.revised) == (10250, "human")
