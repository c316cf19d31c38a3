"""How engines and their options are written, and what an operator is told about a mistake."""

import pytest

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.specification import Options, Specification, parse_chain


def test_a_chain_is_links_with_options_as_in_a_query() -> None:
    assert parse_chain("openai?model=tts-1&base_url=http://127.0.0.1:8000/v1, embedded") == (
        Specification("openai", {"model": "tts-1", "base_url": "http://127.0.0.1:8000/v1"}),
        Specification("embedded", {}),
    )


def test_commas_and_ampersands_in_a_value_are_percent_encoded() -> None:
    (link,) = parse_chain("openai?instructions=calm%2C%20slow%20%26%20kind")
    assert link.options == {"instructions": "calm, slow & kind"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no name"),
        ("openai,", "has no name"),
        ("?model=x", "has no name"),
        ("openai?model", "name=value"),
        ("openai?model=", "'model' of 'openai' has no value"),
        ("openai?model=a&model=b", "twice"),
    ],
)
def test_a_malformed_chain_is_told_where(text: str, told: str) -> None:
    with pytest.raises(ProviderError, match=told) as caught:
        parse_chain(text)
    assert caught.value.kind is ProviderErrorKind.BAD_CONFIGURATION


def test_options_are_read_with_their_defaults() -> None:
    options = Options(Specification("x", {"model": "m", "gap_s": "2.5"}))
    assert options.text("model", "other") == "m"
    assert options.text("voice", "alloy") == "alloy"
    assert options.optional("format") is None
    assert options.number("gap_s", 1.0) == 2.5
    assert options.number("other_s", 1.0) == 1.0
    assert options.optional_number("speed") is None
    options.refuse_unknown()


@pytest.mark.parametrize("value", ["fast", "-1", "nan", "inf", "1e12"])
def test_a_number_must_be_one(value: str) -> None:
    with pytest.raises(ProviderError, match="'gap_s' must be a number"):
        Options(Specification("x", {"gap_s": value})).number("gap_s", 1.0)


def test_an_unknown_option_is_named_with_the_one_that_was_meant() -> None:
    options = Options(Specification("openai", {"modle": "x"}))
    options.text("model", "y")
    options.text("voice", "z")
    with pytest.raises(ProviderError, match="'openai' has no option 'modle': did you mean 'model'"):
        options.refuse_unknown()


def test_an_option_like_none_is_answered_with_those_that_are() -> None:
    options = Options(Specification("openai", {"colour": "red"}))
    options.text("voice", "z")
    options.text("model", "y")
    with pytest.raises(ProviderError, match="no option 'colour'; it knows model, voice"):
        options.refuse_unknown()
