"""The table of states is the only way a call changes. Source: docs/decisions and the published lifecycle."""

import pytest

from byourside_server.calls import lifecycle

PUBLISHED = {"queued", "dialing", "in_progress", "completed", "no_answer", "voicemail", "declined", "failed"}
PUBLISHED_TERMINAL = {"completed", "no_answer", "voicemail", "declined", "failed"}


def test_public_statuses_are_exactly_the_published_ones() -> None:
    assert set(lifecycle.PUBLIC_STATUSES) == PUBLISHED
    assert lifecycle.TERMINAL_STATUSES == PUBLISHED_TERMINAL


def test_every_state_leads_to_known_states_only() -> None:
    for onward in lifecycle.TRANSITIONS.values():
        assert onward <= set(lifecycle.STATES)


def test_every_state_can_be_reached_from_queued() -> None:
    reached, fresh = {"queued"}, {"queued"}
    while fresh:
        fresh = {onward for state in fresh for onward in lifecycle.TRANSITIONS[state]} - reached
        reached |= fresh
    assert reached == set(lifecycle.STATES)


@pytest.mark.parametrize("state", sorted(lifecycle.TERMINAL_STATES))
def test_nothing_leaves_a_terminal_state(state: str) -> None:
    for onward in lifecycle.STATES:
        with pytest.raises(lifecycle.ForbiddenTransition):
            lifecycle.apply(state, onward)


def test_a_call_that_rang_is_never_queued_again() -> None:
    assert "dialing" not in lifecycle.sources_of("queued")
    assert "in_progress" not in lifecycle.sources_of("queued")
    assert lifecycle.sources_of("dialing") == ("claimed",)


def test_apply_returns_the_new_state() -> None:
    assert lifecycle.apply("queued", "claimed") == "claimed"


def test_after_hang_up_the_public_still_sees_in_progress() -> None:
    assert lifecycle.PUBLIC_STATUS["post"] == "in_progress"


def test_each_terminal_state_has_the_event_of_its_public_status() -> None:
    assert lifecycle.EVENT_OF_STATE["voicemail"] == "call.voicemail"
    assert lifecycle.EVENT_OF_STATE["canceled"] == "call.failed"
    assert lifecycle.EVENT_OF_STATE["post"] == "call.ended"
