"""Streams cut into sentences, and words made fit for the ear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.conversation.for_the_ear import for_the_ear
from byourside_server.conversation.sentences import LONG_START, SentenceCutter, sentences_of


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith can see you at 2 p.m. on Friday.", "Does that work?"],
        ["It's at 2 p.m.", "Does that work?", "Yes."],
        ["At 2 p.m. Friday we open.", "Fine."],
        ["It costs $12.50.", "That's 3.5 percent!", "Really?!", "Yes."],
        ["Hello J. R. Smith.", "How are you?"],
        ['He said "Go."', "Then he left."],
        ["No.", "That's fine.", "Take no. 5, please."],
        ["Well... let me see.", "Fine."],
        ["Am 3. Mai um 14 Uhr.", "Passt das?"],
        ["We close at 5.", "Is that okay?"],
        ["We live in the U.S.", "We sell it."],
        ["Bring fruit, e.g. apples.", "Thank you."],
        ["The office of Acme Inc. is open.", "Come in."],
        ["¿Le viene bien?", "Sí."],
        ["See acme.com for more.", "Goodbye."],
    ],
    ids=lambda sentences: sentences[0][:25],
)
def test_sentences_end_where_a_reader_would_end_them(sentences: list[str]) -> None:
    assert sentences_of(" ".join(sentences)) == sentences


def test_sentences_in_chinese_and_japanese_need_no_space_between_them() -> None:
    assert sentences_of("您好。明天有空吗？谢谢！") == ["您好。", "明天有空吗？", "谢谢！"]
    assert sentences_of("もしもし。お元気ですか？") == ["もしもし。", "お元気ですか？"]


def test_a_new_line_ends_a_sentence_and_a_number_in_a_list_does_not() -> None:
    assert sentences_of("First\n1. Bring it\n2. Sign it") == ["First", "1. Bring it", "2. Sign it"]


def test_a_sentence_is_out_as_soon_as_the_next_word_begins() -> None:
    cutter = SentenceCutter()
    assert cutter.push("Good morning.") == []
    assert cutter.push(" Do") == ["Good morning."]
    assert cutter.finish() == ["Do"]


def test_a_decimal_cut_between_two_pieces_stays_whole() -> None:
    cutter = SentenceCutter()
    assert cutter.push("It is 3.") == []
    assert cutter.push("5 percent. ") == ["It is 3.5 percent."]


def test_a_long_first_sentence_is_begun_at_a_clause_and_later_ones_are_not() -> None:
    clause = "I'm calling about the appointment that you have tomorrow with Doctor Jones,"
    long_end = "which we would like to move to another day, if that is all right with you"
    cutter = SentenceCutter()
    assert cutter.push(f"{clause} which") == [clause]
    assert cutter.push(f" {long_end[6:]}, {long_end}") == []
    assert cutter.finish() == [f"{long_end}, {long_end}"]
    assert len(clause) < LONG_START


def in_pieces(text: str, size: int) -> list[str]:
    cutter = SentenceCutter(may_split_first=False)
    found: list[str] = []
    for start in range(0, len(text), size):
        found += cutter.push(text[start : start + size])
    return found + cutter.finish()


@given(st.text(alphabet='abI. ,?!\n3")p.m', max_size=60), st.integers(1, 9))
def test_however_a_text_is_cut_into_pieces_its_sentences_are_the_same(text: str, size: int) -> None:
    assert in_pieces(text, size) == sentences_of(text)


@given(st.text(max_size=60), st.integers(1, 9))
def test_no_mark_of_a_text_is_lost(text: str, size: int) -> None:
    assert "".join("".join(in_pieces(text, size)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Great!** *smiles* Let me *really* check.", "Great! Let me really check."),
        ("(pauses) Okay.", "Okay."),
        ("[laughs softly] All right.", "All right."),
        ("That works 😀👍🏽 fine ✅", "That works fine"),
        ("- the first thing", "the first thing"),
        ("## Next", "Next"),
        ("[Acme](https://acme.com/x) has it.", "Acme has it."),
        ("Write to john_smith@x.com.", "Write to john_smith@x.com."),
        ("Dial *67, please.", "Dial *67, please."),
        ("Call (555) 123-4567.", "Call (555) 123-4567."),
        ("See https://acme.com/a_b_c.", "See https://acme.com/a_b_c."),
        ("Assistant: Hello there.", "Hello there."),
        ("We are open 9-5.", "We are open 9-5."),
        ("`code` and __more__", "code and more"),
    ],
)
def test_marks_for_the_eye_are_not_spoken(written: str, spoken: str) -> None:
    assert for_the_ear(written) == spoken


@pytest.mark.parametrize(
    "written",
    ["(pauses)", "*sighs*", "---", "😀", "", "```", '{"name": "end_call", "arguments": {}}', "<tool_call>"],
)
def test_what_holds_no_words_is_nothing(written: str) -> None:
    assert for_the_ear(written) == ""
