"""WHATWG HTML §9.2.6, the parts that the API's streams use and those that proxies may add."""

from __future__ import annotations

from byourside_server.mcp.event_lines import EventLines, ServerEvent


def events_of(text: str) -> list[ServerEvent]:
    lines = EventLines()
    return [event for line in text.split("\n") if (event := lines.receive(line))]


def test_a_blank_line_completes_an_event() -> None:
    assert events_of('id: 4.1\nevent: turn\ndata: {"index": 0}\n\n') == [
        ServerEvent("4.1", "turn", '{"index": 0}')
    ]


def test_an_id_holds_until_the_next_and_a_type_does_not() -> None:
    assert events_of("id: 1\nevent: a\ndata: x\n\ndata: y\n\n") == [
        ServerEvent("1", "a", "x"),
        ServerEvent("1", "message", "y"),
    ]


def test_data_of_several_lines_is_joined_and_only_one_blank_is_taken_off() -> None:
    assert events_of("data:a\ndata:  b\n\n") == [ServerEvent("", "message", "a\n b")]


def test_comments_unknown_fields_and_events_without_data_are_passed_over() -> None:
    assert events_of(": still here\n\nretry: 10\nevent: a\n\ndata: x\n\n") == [
        ServerEvent("", "message", "x")
    ]
