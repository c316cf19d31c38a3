"""A class's arguments out of text. The annotations are of the kinds that LiveKit's plugins 1.8 have."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest

from byourside_server.providers.base import ProviderError, ProviderErrorKind
from byourside_server.providers.specification import Options, Specification
from byourside_server.providers.written_arguments import takes, written_arguments

if TYPE_CHECKING:
    from nowhere import Unknown  # type: ignore[import-not-found]


class Pace(Enum):
    SLOW = "slow"
    FAST = "fast"


class Code(str):
    """A string of a class of its own, as plugins have for languages."""


class NotGiven:
    """As plugins mark an argument that was left out."""


class Client:
    """What no text can stand for."""


class Build:
    def __init__(  # type: ignore[no-untyped-def]
        self,
        voice: str,
        count: int = 1,
        speed: float | None = None,
        is_loud: bool = False,
        mode: Literal["a", "b"] = "a",
        model: Literal["small", "large"] | str = "small",
        pace: Literal["fast", "slow"] | float | NotGiven = NotGiven(),  # noqa: B008
        enumerated: Pace = Pace.SLOW,
        names: list[str] | NotGiven = NotGiven(),  # noqa: B008
        voices: str | list[float] = "x",
        language: Code | None = None,
        noted: Annotated[int, "a note"] = 0,
        whatever: Any = None,
        unknown: Unknown = 3,
        bare=2.5,
        client: Client | None = None,
        table: dict[str, str] | None = None,
        secret: str = "",
        *rest: object,
    ) -> None: ...


def arguments(**given: str) -> dict[str, object]:
    options = Options(Specification("x:Build", {"voice": "v", **given}))
    found = written_arguments("x:Build", Build, options, given={}, hidden=frozenset({"secret"}))
    options.refuse_unknown()
    del found["voice"]
    return found


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "3", 3),
        ("speed", "1.5", 1.5),
        ("speed", "2", 2.0),
        ("is_loud", "true", True),
        ("is_loud", "Off", False),
        ("mode", "b", "b"),
        ("model", "large", "large"),
        ("model", "another", "another"),
        ("pace", "slow", "slow"),
        ("pace", "0.5", 0.5),
        ("enumerated", "fast", Pace.FAST),
        ("names", "a,b", ["a", "b"]),
        ("voices", "a,b", "a,b"),
        ("language", "de", Code("de")),
        ("noted", "7", 7),
        ("whatever", "7", "7"),
        ("unknown", "7", 7),
        ("bare", "7", 7.0),
    ],
)
def test_a_value_becomes_what_the_signature_asks_for(name: str, text: str, value: object) -> None:
    found = arguments(**{name: text})
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("count", "3.5", "must be a whole number, not '3.5'"),
        ("count", "true", "must be a whole number"),
        ("speed", "fast", "must be a number, not 'fast'"),
        ("speed", "nan", "must be a number"),
        ("is_loud", "2", "must be true or false"),
        ("mode", "c", "must be one of a, b, not 'c'"),
        ("pace", "quick", "must be one of fast, slow or a number"),
        ("enumerated", "SLOW", "must be one of slow, fast"),
        ("cuont", "3", "has no option 'cuont': did you mean 'count'?"),
        ("zzz", "1", "has no option 'zzz'; it knows bare, count"),
        ("client", "1", "has no option 'client'"),
        ("table", "1", "has no option 'table'"),
        ("secret", "1", "has no option 'secret'"),
        ("rest", "1", "has no option 'rest'"),
    ],
)
def test_what_cannot_be_is_told_by_name(name: str, text: str, told: str) -> None:
    with pytest.raises(ProviderError) as raised:
        arguments(**{name: text})
    assert raised.value.kind is ProviderErrorKind.BAD_CONFIGURATION
    assert told in str(raised.value)


def test_what_is_needed_is_asked_for() -> None:
    options = Options(Specification("x:Build", {}))
    with pytest.raises(ProviderError, match="'x:Build' needs the option 'voice'"):
        written_arguments("x:Build", Build, options, given={}, hidden=frozenset())


def test_what_is_given_is_neither_needed_nor_an_option() -> None:
    options = Options(Specification("x:Build", {}))
    given = {"voice": "v", "client": 1}
    assert written_arguments("x:Build", Build, options, given=given, hidden=frozenset()) == given


def test_whether_a_method_takes_an_argument() -> None:
    assert takes(Build, "client")
    assert not takes(Build, "stranger")
    assert takes(lambda **named: named, "stranger")
