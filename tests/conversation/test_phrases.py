"""The table of own sentences: complete in every language, and English where there is none."""

from __future__ import annotations

from dataclasses import fields

import pytest

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.disclosure import disclosure, introduction
from byourside_server.conversation.phrases import has_phrases, phrases_for

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "nl")
SAYS_MACHINE = ("automat", "autom")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_there_and_ends_like_one(language: str) -> None:
    phrases = phrases_for(language)
    assert has_phrases(language)
    for field in fields(phrases):
        value = getattr(phrases, field.name)
        for text in value if isinstance(value, tuple) else [value]:
            assert isinstance(text, frozenset) or (text.strip() == text and text[-1] in ".?"), field.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_disclosure_says_that_a_machine_speaks_and_for_whom(language: str) -> None:
    brief = Brief("Say hello.", language=f"{language}-XX", on_behalf_of="Acme")
    for text in (disclosure(brief), introduction(brief)):
        assert "Acme" in text
        assert any(word in text.lower() for word in SAYS_MACHINE)
        assert "{" not in text
    assert (
        disclosure(Brief("Say hello.", language=language)) != disclosure(Brief("", language="en"))
        or language == "en"
    )


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_sentence_was_left_in_english(language: str) -> None:
    english, other = phrases_for("en"), phrases_for(language)
    assert not any(getattr(english, f.name) == getattr(other, f.name) for f in fields(english))


@pytest.mark.parametrize(
    ("tag", "known"), [(None, True), ("pt-BR", True), ("DE_at", True), ("xx", False), ("eng", False)]
)
def test_a_tag_goes_by_its_first_part(tag: str | None, known: bool) -> None:
    assert has_phrases(tag) is known


def test_an_unknown_language_is_served_in_english() -> None:
    assert phrases_for("xx") is phrases_for("en")
