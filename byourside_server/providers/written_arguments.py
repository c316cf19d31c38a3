"""Arguments for a class nobody here has seen, out of text: `speed=1.2` becomes what its signature asks for.

Reads annotations: str, int, float, bool, Literal, Enum, lists of them, unions. An argument that no text can
stand for, such as a client or a tokenizer, is no option. Pure but for looking at the class.
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from byourside_server.providers.specification import Options, bad_configuration

TRUTHS: Mapping[str, bool] = {
    "true": True,
    "on": True,
    "yes": True,
    "false": False,
    "off": False,
    "no": False,
}
_MOST_CHOICES_NAMED = 12


@dataclass(frozen=True)
class Kind:
    """One thing a value may be. Of several, the one of the lowest rank that can read a text is it."""

    rank: int
    wanted: str
    read: Callable[[str], object]
    """Raises ValueError for what it cannot read."""


def written_arguments(
    owner: str, build: type, options: Options, *, given: Mapping[str, object], hidden: frozenset[str]
) -> dict[str, object]:
    """Arguments for `build`: `given`, and what the options say. `hidden` parameters are no options.

    Raises ProviderError (BAD_CONFIGURATION) for a value of the wrong kind or where a needed one is missing.
    """
    arguments = dict(given)
    missing = []
    for parameter in _parameters(build):
        name = parameter.name
        if name in given or name in hidden:
            continue
        kinds = _kinds(build, parameter)
        text = options.optional(name) if kinds else None
        if text is not None:
            arguments[name] = _value(owner, name, kinds, text)
        elif parameter.default is parameter.empty:
            missing.append(name)
    if missing:
        raise bad_configuration(f"{owner!r} needs the option {', '.join(map(repr, missing))}")
    return arguments


def takes(build: Callable[..., object], name: str) -> bool:
    """Whether `build` has a parameter called `name`, or takes any."""
    parameters = inspect.signature(build).parameters.values()
    return any(each.name == name or each.kind is each.VAR_KEYWORD for each in parameters)


def _parameters(build: type) -> list[inspect.Parameter]:
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each for each in inspect.signature(build).parameters.values() if each.kind in named]


def _value(owner: str, name: str, kinds: Sequence[Kind], text: str) -> object:
    for kind in kinds:
        try:
            return kind.read(text)
        except ValueError:
            continue
    wanted = " or ".join(kind.wanted for kind in kinds)
    raise bad_configuration(f"{owner!r}: option {name!r} must be {wanted}, not {text!r}")


def _kinds(build: type, parameter: inspect.Parameter) -> list[Kind]:
    """What the parameter's value may be; empty where no text can stand for it."""
    members = _members(_annotation(build, parameter))
    found = (_kind(member) for member in members)
    return sorted((kind for kind in found if kind is not None), key=lambda kind: kind.rank)


def _annotation(build: type, parameter: inspect.Parameter) -> object:
    """The annotation; where there is none that can be read, the kind of the default, or else text."""
    by_default = type(parameter.default) if isinstance(parameter.default, str | int | float) else str
    if parameter.annotation is parameter.empty:
        return by_default
    alone = types.SimpleNamespace(__annotations__={"value": parameter.annotation})
    names = getattr(inspect.unwrap(build.__init__), "__globals__", {})  # type: ignore[misc]
    try:
        return get_type_hints(alone, names)["value"]
    except (NameError, AttributeError, TypeError):  # names that only a type checker has
        return by_default


def _members(annotation: object) -> list[object]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]


def _kind(annotation: object) -> Kind | None:
    origin = get_origin(annotation)
    if origin is Literal:
        return _choice({str(value): value for value in get_args(annotation)})
    if origin in (list, Sequence):
        return _list_of(get_args(annotation)[0])
    if annotation in (Any, object):
        return Kind(5, "text", str)
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, Enum):
        return _choice({str(member.value): member for member in annotation})
    if annotation is bool:
        return Kind(1, "true or false", _truth)
    if annotation is int:
        return Kind(2, "a whole number", int)
    if annotation is float:
        return Kind(3, "a number", _number)
    return Kind(5, "text", annotation) if issubclass(annotation, str) else None


def _choice(values: Mapping[str, object]) -> Kind:
    def read(text: str) -> object:
        if text not in values:
            raise ValueError
        return values[text]

    named = list(values)[:_MOST_CHOICES_NAMED]
    more = ", …" if len(values) > len(named) else ""
    return Kind(0, f"one of {', '.join(named)}{more}", read)


def _list_of(annotation: object) -> Kind | None:
    """Parts between commas; in a chain of engines a comma is written %2C."""
    part = _kind(annotation)
    if part is None:
        return None
    return Kind(
        6, f"{part.wanted} between commas (%2C)", lambda text: [part.read(each) for each in text.split(",")]
    )


def _truth(text: str) -> bool:
    if text.lower() not in TRUTHS:
        raise ValueError
    return TRUTHS[text.lower()]


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value
