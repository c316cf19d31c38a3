"""Truth: a person who said "don't call me again" is not called again."""

from __future__ import annotations

import pytest

from byourside_server.errors import Refusal
from byourside_server.guardrails.consent import check_consent, has_opted_out


class StoredList:
    """A look-up that is no set, as a store would hand it in."""

    def __contains__(self, e164: object, /) -> bool:
        return e164 == "+14155550148"


def test_a_number_on_the_list_is_destination_blocked_and_told_why() -> None:
    with pytest.raises(Refusal, match="not to call again") as caught:
        check_consent("+14155550148", {"+14155550148"})
    assert caught.value.token == "destination_blocked"


def test_a_look_up_serves_as_well_as_a_set() -> None:
    assert has_opted_out("+14155550148", StoredList())
    with pytest.raises(Refusal):
        check_consent("+14155550148", StoredList())


def test_everyone_else_may_be_called() -> None:
    assert not has_opted_out("+14155550123", {"+14155550148"})
    check_consent("+14155550123", StoredList())
    check_consent("+14155550123", frozenset())
