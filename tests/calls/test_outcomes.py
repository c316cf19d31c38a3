"""What a refusal on the line means to the caller."""

import pytest

from byourside_server.calls import lifecycle, outcomes


@pytest.mark.parametrize(
    ("sip_status", "state", "error"),
    [
        (486, "declined", None),
        (600, "declined", None),
        (603, "declined", None),
        (480, "no_answer", None),
        (408, "no_answer", None),
        (487, "no_answer", None),
        (404, "failed", "unallocated_number"),
        (484, "failed", "unallocated_number"),
        (604, "failed", "unallocated_number"),
        (401, "failed", "placement_failed"),
        (403, "failed", "placement_failed"),
        (407, "failed", "placement_failed"),
        (500, "failed", "placement_failed"),
        (503, "failed", "placement_failed"),
        (606, "failed", "placement_failed"),
        (488, "failed", "placement_failed"),
    ],
)
def test_a_refusal_has_its_published_outcome(sip_status: int, state: str, error: str | None) -> None:
    outcome = outcomes.of_refusal(sip_status, local=False)
    assert (outcome.state, outcome.error) == (state, error)


def test_a_trunk_that_never_answers_is_down_and_not_an_unanswered_phone() -> None:
    """RFC 3261 §17.1.1.2: Timer B makes a 408 of our own; nobody rang anywhere."""
    assert outcomes.of_refusal(408, local=True).error == "placement_failed"


def test_every_outcome_is_a_state_that_dialling_may_end_in() -> None:
    for outcome in [*outcomes.OUTCOME_OF_SIP_STATUS.values(), outcomes.PLACEMENT_FAILED]:
        assert outcome.state in lifecycle.TRANSITIONS["dialing"]


def test_every_early_tone_is_an_outcome_that_dialling_may_end_in() -> None:
    for outcome in outcomes.OUTCOME_OF_EARLY_SOUND.values():
        assert outcome.state in lifecycle.TRANSITIONS["dialing"]


def test_nobody_to_talk_to_after_the_answer_is_a_failed_call() -> None:
    assert set(outcomes.OUTCOME_OF_END_REASON) == {"fax", "unallocated_number"}
    for reason, outcome in outcomes.OUTCOME_OF_END_REASON.items():
        assert (outcome.state, outcome.end_reason) == ("failed", reason)
        assert outcome.state in lifecycle.TRANSITIONS["in_progress"]
