"""The tools a language model is offered on the telephone, and what its calls of them mean.

Pure tables and readers. Arguments are JSON as a model wrote it: what can't be read is told back to it, never
guessed. Whether a tool is offered hangs on the brief and on whether a menu listens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from byourside_server.conversation.brief import Brief
from byourside_server.conversation.policy import MAX_KEYS, keys_of, target_of
from byourside_server.providers.base import JsonSchema, Tool, ToolCall

# What the model may give as a reason, and what the record says then.
END_REASON_OF: Mapping[str, str] = {
    "done": "completed",
    "not_interested": "not_interested",
    "do_not_call": "do_not_call",
    "wrong_number": "wrong_number",
    "call_back_later": "callback_requested",
    "no_response": "no_response",
}
MAX_NOTE = 500  # characters


@dataclass(frozen=True)
class EndCall:
    """Hang up after the goodbye, where there is one."""

    reason: str
    goodbye: str


@dataclass(frozen=True)
class PressKeys:
    """Send these digits to the menu."""

    digits: str


@dataclass(frozen=True)
class LeaveMessage:
    """A machine is listening."""


@dataclass(frozen=True)
class Transfer:
    """Hand the call over to the target of this name, as it is configured."""

    target: str


@dataclass(frozen=True)
class NoteField:
    """What the contact gave for a field."""

    name: str
    value: str | bool | int | float


@dataclass(frozen=True)
class Problem:
    """Why a call of a tool was not carried out, for the model to read."""

    message: str


Wish = EndCall | PressKeys | LeaveMessage | Transfer | NoteField
Arguments = Mapping[str, object]


def _schema(**properties: JsonSchema) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _end_call(brief: Brief) -> Tool:
    return Tool(
        "end_call",
        "End the call: when the goal is reached or can't be, or the contact wants to stop.",
        _schema(
            reason={"type": "string", "enum": list(END_REASON_OF)},
            goodbye={"type": "string", "description": "Your last words, in the contact's language."},
        ),
    )


def _note_field(brief: Brief) -> Tool:
    return Tool(
        "note_field",
        "Note an answer, in the contact's words, as soon as it is given. Go on talking in the same answer.",
        _schema(
            name={"type": "string", "enum": [field.name for field in brief.fields]},
            value={"type": "string", "description": "The answer; true or false for yes or no."},
        ),
    )


def _leave_message(brief: Brief) -> Tool:
    return Tool(
        "leave_message",
        "A voicemail or answering machine is speaking, not a person. Say nothing else.",
        _schema(),
    )


def _press_keys(brief: Brief) -> Tool:
    return Tool(
        "press_keys",
        "Press keys in the menu that is listening, to reach the right person.",
        _schema(digits={"type": "string", "description": "0-9, * and #; a comma is a pause."}),
    )


def _transfer(brief: Brief) -> Tool:
    return Tool(
        "transfer",
        "Hand the call over to one of these, after telling the contact.",
        _schema(target={"type": "string", "enum": [target.name for target in brief.transfers]}),
    )


def tools_for(brief: Brief, *, in_menu: bool) -> tuple[Tool, ...]:
    """What is offered now. The order never changes, so that a request's beginning can be cached."""
    offered = [_end_call(brief), _leave_message(brief)]
    if brief.fields:
        offered.append(_note_field(brief))
    if brief.transfers:
        offered.append(_transfer(brief))
    if in_menu:
        offered.append(_press_keys(brief))
    return tuple(offered)


def read_call(call: ToolCall, brief: Brief, *, in_menu: bool) -> Wish | Problem:
    """What a call of a tool asks for, or why it can't be carried out."""
    reader = _READERS.get(call.name)
    if reader is None:
        names = _listed(tool.name for tool in tools_for(brief, in_menu=in_menu))
        return Problem(f"There is no such tool. The tools are: {names}.")
    arguments = arguments_of(call.arguments)
    if isinstance(arguments, Problem):
        return arguments
    if call.name == "press_keys" and not in_menu:
        return Problem("Keys can only be pressed while a recorded menu is listening. Nothing was pressed.")
    return reader(arguments, brief)


def arguments_of(text: str) -> Arguments | Problem:
    """The JSON object in `text`. What stands around a whole object is let pass; nothing is mended inside."""
    try:
        value = _decoded(text)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "it can't be read"
        return Problem(f"The arguments were not valid JSON: {why}. Call the tool again with a JSON object.")
    if not isinstance(value, dict):
        return Problem("The arguments were not a JSON object. Call the tool again with a JSON object.")
    return value


def _decoded(text: str) -> object:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        start = text.find("{")
        if start < 0:
            raise
        value, _ = json.JSONDecoder().raw_decode(text, start)
    return json.loads(value) if isinstance(value, str) else value  # encoded twice


def _read_end_call(arguments: Arguments, brief: Brief) -> Wish | Problem:
    reason = END_REASON_OF.get(_text(arguments, "reason").lower(), "completed")
    return EndCall(reason, _text(arguments, "goodbye"))


def _read_note_field(arguments: Arguments, brief: Brief) -> Wish | Problem:
    name, value = _text(arguments, "name"), arguments.get("value")
    field = next((field for field in brief.fields if field.name == name), None)
    if field is None:
        return Problem(f"There is no such field. The fields are: {_listed(f.name for f in brief.fields)}.")
    if isinstance(value, str):
        value = value.strip()[:MAX_NOTE]
    if not isinstance(value, str | bool | int | float) or value == "":
        return Problem("The value was missing. Note a field only once the contact has answered.")
    return NoteField(name, value)


def _read_leave_message(arguments: Arguments, brief: Brief) -> Wish | Problem:
    return LeaveMessage()


def _read_press_keys(arguments: Arguments, brief: Brief) -> Wish | Problem:
    keys = keys_of(_text(arguments, "digits"))
    return PressKeys(keys) if keys else Problem(f"Give one to {MAX_KEYS} keys out of 0-9, *, # and comma.")


def _read_transfer(arguments: Arguments, brief: Brief) -> Wish | Problem:
    target = target_of(brief, _text(arguments, "target"))
    if target is None:
        known = _listed(target.name for target in brief.transfers) or "none"
        return Problem(f"The call can't be handed over to that. Targets: {known}.")
    return Transfer(target.name)


_READERS: Mapping[str, Callable[[Arguments, Brief], Wish | Problem]] = {
    "end_call": _read_end_call,
    "note_field": _read_note_field,
    "leave_message": _read_leave_message,
    "press_keys": _read_press_keys,
    "transfer": _read_transfer,
}


def _text(arguments: Arguments, key: str) -> str:
    """A value as text; numbers are what some models write for digits."""
    value = arguments.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
