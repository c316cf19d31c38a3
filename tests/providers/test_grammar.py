import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.providers.base import ANSWER_KINDS, Expectation
from byourside_server.providers.grammar import grammar_for, in_words, words_of
from byourside_server.providers.grammar_rules import RULES, RULES_OF_KIND
from byourside_server.providers.number_words import number_in_words
from byourside_server.providers.pronunciation import guess_pronunciation


def defined_rules(jsgf: str) -> set[str]:
    return set(re.findall(r"^(?:public )?<(\w+)> =", jsgf, re.MULTILINE))


@pytest.mark.parametrize("kind", sorted(ANSWER_KINDS))
def test_every_rule_a_grammar_uses_is_defined_in_it(kind: str) -> None:
    jsgf = grammar_for(Expectation(frozenset({kind})))
    assert set(re.findall(r"<(\w+)>", jsgf)) == defined_rules(jsgf)


def test_every_kind_of_answer_has_rules() -> None:
    assert set(RULES_OF_KIND) == ANSWER_KINDS


def test_no_rule_is_left_without_use() -> None:
    used = set().union(*(defined_rules(grammar_for(Expectation(frozenset({kind})))) for kind in ANSWER_KINDS))
    assert set(RULES) - used == set()


def test_a_yes_no_question_knows_no_weekday() -> None:
    words = words_of(grammar_for(Expectation(frozenset({"yes_no"}))))
    assert {"yes", "no"} <= words
    assert "wednesday" not in words


def test_day_and_time_together_allow_both_in_one_sentence() -> None:
    assert "<day_and_time>" in grammar_for(Expectation(frozenset({"day", "time"})))
    assert "<day_and_time>" not in grammar_for(Expectation(frozenset({"day"})))


def test_a_plea_not_to_be_called_again_is_heard_whatever_was_asked() -> None:
    for kind in ANSWER_KINDS:
        assert "<stop>" in grammar_for(Expectation(frozenset({kind})))


def test_expected_phrases_become_words() -> None:
    jsgf = grammar_for(Expectation(frozenset({"yes_no"}), ("Voxplo & Co., 249!",)))
    assert "voxplo and co two hundred forty nine" in jsgf


def test_phrases_without_a_word_are_dropped() -> None:
    bare = grammar_for(Expectation(frozenset({"yes_no"})))
    assert grammar_for(Expectation(frozenset({"yes_no"}), ("", "?!", "日本"))) == bare


def test_equal_expectations_give_equal_text_so_that_grammars_can_be_kept() -> None:
    one = grammar_for(Expectation(frozenset(["day", "time", "yes_no"])))
    assert one == grammar_for(Expectation(frozenset(["yes_no", "time", "day"])))


@given(st.text(max_size=80))
def test_no_phrase_can_break_out_of_the_grammar(phrase: str) -> None:
    assert re.fullmatch(r"([a-z']+( [a-z']+)*)?", in_words(phrase))


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "zero"),
        ("7", "seven"),
        ("13", "thirteen"),
        ("20", "twenty"),
        ("42", "forty two"),
        ("90", "ninety"),
        ("249", "two hundred forty nine"),
        ("1000", "one thousand"),
        ("12015", "twelve thousand fifteen"),
        ("0128", "zero one two eight"),
        ("5550128", "five five five zero one two eight"),
    ],
)
def test_numbers_are_spoken_out(digits: str, words: str) -> None:
    assert number_in_words(digits) == words


@pytest.mark.parametrize(
    ("word", "phones"),
    [("voxplo", "V AA K S P L OW"), ("knight", "N AY T"), ("shelby", "SH EH L B IY"), ("'", "")],
)
def test_unknown_words_are_spelled_into_phones(word: str, phones: str) -> None:
    assert guess_pronunciation(word) == phones


@given(st.text("abcdefghijklmnopqrstuvwxyz'", max_size=20))
def test_a_guess_uses_only_the_model_s_phones(word: str) -> None:
    """The 39 phones of the CMU dictionary."""
    known = (
        "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
    )
    assert set(guess_pronunciation(word).split()) <= set(known.split())
