"""A field's value with the words behind it. A plain value, and the rule that gives it its JSON type."""

from __future__ import annotations

from dataclasses import dataclass

from byourside_server.calls.call import Field, FieldType, FieldValue
from byourside_server.calls.transcript import Turn
from byourside_server.conversation.step import Step


@dataclass(frozen=True)
class Finding:
    """What was learned for one field: the value, the exact quote, and the contact's turn that holds it.

    `step` is the planned step that fills the field, where there is one. `is_claimed` is True for a value
    that a language model gave and False for one read by the rules.
    """

    field: Field
    step: Step | None
    value: FieldValue
    quote: str
    turn: Turn
    is_claimed: bool = False


def typed(kind: FieldType, value: FieldValue) -> FieldValue:
    """`value` as the field's type, None where it is not of that type."""
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind == "number":
        return _number(value)
    return None if value is None or isinstance(value, bool) else str(value)


def _number(value: FieldValue) -> int | float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if value == int(value) else value
    return int(value) if value.isascii() and value.isdigit() else None
