"""The tools a model is offered, and what is made of its calls, however it writes them."""

from __future__ import annotations

import pytest

from byourside_server.calls.call import Field
from byourside_server.conversation.brief import Brief, TransferTarget
from byourside_server.conversation.policy import REASONS_OF_A_MIND
from byourside_server.conversation.tools import (
    END_REASON_OF,
    EndCall,
    LeaveMessage,
    NoteField,
    PressKeys,
    Problem,
    Transfer,
    Wish,
    read_call,
    tools_for,
)
from tests.conversation.scripted_model import calls

BRIEF = Brief(
    "Ask for the price.",
    fields=(Field("price", "number"), Field("name")),
    transfers=(TransferTarget("Front Desk", "+12025550123"),),
)


def names(brief: Brief, *, in_menu: bool = False) -> list[str]:
    return [tool.name for tool in tools_for(brief, in_menu=in_menu)]


def read(
    name: str, arguments: str | None = None, /, *, in_menu: bool = False, **values: object
) -> Wish | Problem:
    return read_call(calls(name, arguments, **values), BRIEF, in_menu=in_menu)


def test_tools_are_offered_where_policy_allows_them() -> None:
    assert names(Brief("Ask.")) == ["end_call", "leave_message"]
    assert names(BRIEF) == ["end_call", "leave_message", "note_field", "transfer"]
    assert names(BRIEF, in_menu=True) == [*names(BRIEF), "press_keys"]


def test_every_schema_is_closed_and_names_what_there_is() -> None:
    """OpenAI's strict mode takes closed objects with every property required."""
    tools = {tool.name: tool.parameters for tool in tools_for(BRIEF, in_menu=True)}
    for schema in tools.values():
        properties = schema["properties"]
        assert isinstance(properties, dict)
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(properties)
    assert "'price', 'name'" in str(tools["note_field"])
    assert "Front Desk" in str(tools["transfer"])
    assert "+1202" not in str(tools)


def test_every_reason_to_end_is_one_that_a_mind_may_give() -> None:
    assert set(END_REASON_OF.values()) <= REASONS_OF_A_MIND


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ('{"reason": "call_back_later", "goodbye": "Bye."}', "callback_requested"),
        ('{"reason": "DONE", "goodbye": "Bye."}', "completed"),
        ('{"reason": "because", "goodbye": "Bye."}', "completed"),
        ('{"goodbye": "Bye."}', "completed"),
        ('{"reason": "done", "goodbye": "Bye."}}', "completed"),
        ('```json\n{"reason": "done", "goodbye": "Bye."}\n```', "completed"),
        ('"{\\"reason\\": \\"do_not_call\\", \\"goodbye\\": \\"Bye.\\"}"', "do_not_call"),
    ],
)
def test_a_whole_object_is_read_whatever_stands_around_it(arguments: str, reason: str) -> None:
    assert read("end_call", arguments) == EndCall(reason, "Bye.")


@pytest.mark.parametrize(
    "arguments",
    ["{'reason': 'done'}", '{"reason": "do', "done", '{"reason": "done",}', "{" * 100_000],
    ids=["single quotes", "cut off", "no JSON", "comma", "deep"],
)
def test_what_is_no_json_is_told_back_and_not_guessed(arguments: str) -> None:
    problem = read("end_call", arguments)
    assert isinstance(problem, Problem)
    assert problem.message.startswith("The arguments were not valid JSON: ")
    assert "done" not in problem.message


@pytest.mark.parametrize("arguments", ["[]", "1", "null", '"done"'])
def test_arguments_that_are_no_object_are_told_back(arguments: str) -> None:
    assert isinstance(read("end_call", arguments), Problem)


def test_a_message_needs_no_arguments() -> None:
    assert read("leave_message", "") == LeaveMessage()


def test_keys_are_read_in_a_menu_and_refused_elsewhere() -> None:
    assert read("press_keys", digits="1#", in_menu=True) == PressKeys("1#")
    assert read("press_keys", digits=2, in_menu=True) == PressKeys("2")
    assert isinstance(read("press_keys", digits="1#"), Problem)
    assert isinstance(read("press_keys", digits="one", in_menu=True), Problem)


def test_a_transfer_names_a_target_as_it_is_configured() -> None:
    assert read("transfer", target="front desk") == Transfer("Front Desk")
    problem = read("transfer", target="+19005550123")
    assert problem == Problem("The call can't be handed over to that. Targets: Front Desk.")


def test_a_note_is_for_a_field_that_exists_and_holds_a_value() -> None:
    assert read("note_field", name="price", value=40) == NoteField("price", 40)
    assert read("note_field", name="name", value=" Ann ") == NoteField("name", "Ann")
    assert isinstance(read("note_field", name="colour", value="red"), Problem)
    assert isinstance(read("note_field", name="price", value=None), Problem)
    assert isinstance(read("note_field", name="price", value=""), Problem)


def test_a_tool_that_does_not_exist_is_answered_with_those_that_do() -> None:
    assert read("send_email") == Problem(
        "There is no such tool. The tools are: end_call, leave_message, note_field, transfer."
    )
