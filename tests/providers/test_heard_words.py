"""What general recognisers write, in the house's spelling."""

import pytest

from byourside_server.providers.base import Expectation, ProviderError, ProviderErrorKind
from byourside_server.providers.heard_words import (
    LONGEST_PROMPT,
    house_spelling,
    prompt_of,
    refuse_too_long,
    two_letters,
)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("Yes, that works for me.", "yes that works for me"),
        ("At 3:30 P.M., please!", "at 3:30 pm please"),
        ("It’s $249.50 – or 10%.", "it's $249.50 or 10%"),
        ("Twenty-five", "twenty five"),
        ("My number is 555-0128.", "my number is 555-0128"),
        ("It's (415) 555-0123", "it's 415 555-0123"),
        ("It's jane.doe@example.com.", "it's jane.doe@example.com"),
        (" [BLANK_AUDIO] ", ""),
        ("(upbeat music)", ""),
        ("♪♪", ""),
        ("Ja, natürlich!", "ja natürlich"),
        ("... -- ?", ""),
        ("", ""),
    ],
)
def test_words_are_spelled_as_everywhere_in_the_house(written: str, spelled: str) -> None:
    assert house_spelling(written) == spelled


def test_a_prompt_holds_whole_phrases_and_has_an_end() -> None:
    assert prompt_of(Expectation()) == ""
    assert prompt_of(Expectation(phrases=("Voxplo", "By Your Side"))) == "Voxplo, By Your Side"
    long = prompt_of(Expectation(phrases=tuple(f"phrase {number}" for number in range(1000))))
    assert LONGEST_PROMPT - 20 < len(long) <= LONGEST_PROMPT
    assert long.endswith(tuple("0123456789"))


def test_a_minute_is_the_most() -> None:
    refuse_too_long(bytes(8000 * 60))
    with pytest.raises(ProviderError, match="61 s") as caught:
        refuse_too_long(bytes(8000 * 61))
    assert caught.value.kind is ProviderErrorKind.BAD_INPUT


def test_a_language_is_told_in_two_letters() -> None:
    assert [two_letters(each) for each in ("en-US", "de", "PT-br")] == ["en", "de", "pt"]
