"""Messages between the processes."""

import dataclasses
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byourside_server.media import messages
from byourside_server.media.messages import Command, Event
from byourside_server.media.wire import TYPES, MessageReader, encode

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
FIELDS = {
    str: st.text(),
    bytes: st.binary(max_size=300),
    int: INT64,
    int | None: st.none() | INT64,
    float: st.floats(allow_nan=False),
    float | None: st.none() | st.floats(allow_nan=False),
    bool: st.booleans(),
    tuple[int, ...]: st.lists(INT64, max_size=20).map(tuple),
}


def any_of(kind: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(
        kind, **{name: FIELDS[hint] if hint in FIELDS else any_of(hint) for name, hint in hints.items()}
    )


ANY_MESSAGE = st.one_of([any_of(kind) for kind in TYPES])


@given(st.lists(ANY_MESSAGE, max_size=5), st.integers(1, 50))
def test_messages_survive_in_any_portions(sent: list[Command | Event], portion: int) -> None:
    data = b"".join(encode(message) for message in sent)
    reader, found = MessageReader(), []
    for at in range(0, len(data), portion):
        found += reader.receive(data[at : at + portion])
    assert found == sent


def test_every_message_has_a_number_on_the_wire() -> None:
    spoken = set(typing.get_args(messages.Command)) | set(typing.get_args(messages.Event))
    assert spoken == set(TYPES)
    assert all(dataclasses.is_dataclass(kind) for kind in TYPES)


def test_a_message_of_another_shape_is_a_programmers_mistake() -> None:
    with pytest.raises(KeyError):
        encode("play")  # type: ignore[arg-type]
