"""Numbers as contacts say them, where they are no numbers any more."""

from __future__ import annotations

import pytest

from byourside_server.conversation.understanding import KINDS, read_answer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", ["7" * 400, "one " + "hundred " * 300, "1 " + "million " * 2])
def test_more_figures_than_a_number_has_break_nothing(kind: str, words: str) -> None:
    answer = read_answer(kind, words)
    assert answer is None or answer.quote
