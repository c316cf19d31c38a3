"""What requests to models have cost: counted by the server, or estimated where they were called off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from byourside_server.conversation.llm_mind import LlmMind
from byourside_server.conversation.meter import Account, Meter
from byourside_server.conversation.mind import Situation
from byourside_server.providers.base import (
    Ahead,
    Completion,
    Generation,
    Message,
    TextDelta,
    Tool,
    ToolCall,
    Usage,
    total,
)
from tests.conversation.scripted_model import ONE_REQUEST, ScriptedModel, fails, model
from tests.conversation.test_llm_mind import OPENED, reply_of, situation

PROMPT = Generation((Message("system", "x" * 300), Message("user", "y" * 100)))
COUNTED = Usage(1, 0, 100, 40, 20, 0.0012, ("m",))
"""0.25 tokens a character sent, 0.5 a character given, $0.00001 a token."""


def counted(account: Account, usage: Usage = COUNTED) -> None:
    reading = account.open(PROMPT)
    reading.given, reading.usage = 40, usage


def called_off(account: Account, given: int) -> None:
    account.open(replace(PROMPT, messages=PROMPT.messages[:1])).given = given


def test_a_request_called_off_is_estimated_by_the_calls_own_counted_ones() -> None:
    meter = Meter()
    counted(meter.account())
    called_off(meter.account(), given=20)
    used = meter.usage
    assert (used.requests, used.failures) == (1, 1)
    assert (used.prompt_tokens, used.completion_tokens) == (100 + 75, 20 + 10)
    assert used.estimated_tokens == 85, "told apart from what a server counted"
    assert used.cached_tokens == 40, "no cache is supposed"
    assert used.cost_usd == pytest.approx(0.0012 + 0.00085)
    assert used.ahead is None, "nothing was asked ahead"


def test_all_that_a_model_reads_is_in_the_estimate() -> None:
    meter = Meter()
    counted(meter.account())
    calls = (ToolCall("1", "note", "z" * 96),)
    tool = Tool("hang_up", "d" * 91, {})
    meter.account().open(Generation((Message("assistant", "", calls),), tools=(tool,)))
    assert meter.usage.estimated_tokens == round(0.25 * (100 + 100))


def test_without_a_counted_request_there_is_nothing_to_estimate_by() -> None:
    meter = Meter()
    called_off(meter.account(), given=20)
    assert meter.usage == Usage(failures=1)
    silent = Usage(1, models=("counts nothing",))
    counted(meter.account(), silent)
    assert (meter.usage.prompt_tokens, meter.usage.estimated_tokens) == (0, 0)


def test_a_request_that_failed_is_not_taken_to_be_paid_for() -> None:
    meter = Meter()
    counted(meter.account())
    counted(meter.account(), Usage(failures=1))
    assert (meter.usage.failures, meter.usage.estimated_tokens) == (1, 0)


def test_without_prices_the_cost_of_an_estimate_is_not_known_either() -> None:
    meter = Meter()
    counted(meter.account(), replace(COUNTED, cost_usd=None))
    called_off(meter.account(is_ahead=True), given=20)
    used = meter.usage
    assert used.cost_usd is None
    assert used.ahead is not None
    assert used.ahead.dropped_usage.cost_usd is None
    assert used.ahead.dropped_usage.estimated_tokens == 85


def test_what_was_asked_ahead_is_told_by_what_became_of_it_and_its_cost_is_in_the_sum() -> None:
    meter = Meter()
    taken, whole, cut = (meter.account(is_ahead=True) for _ in range(3))
    for account in (meter.account(), taken, whole):
        counted(account)
    called_off(cut, given=0)
    taken.is_taken_over = True
    used = meter.usage
    assert (used.requests, used.failures, used.prompt_tokens) == (3, 1, 375)
    ahead = used.ahead
    assert ahead is not None
    assert (ahead.asked, ahead.taken_over, ahead.dropped) == (3, 1, 2)
    lost = ahead.dropped_usage
    assert (lost.prompt_tokens, lost.completion_tokens, lost.estimated_tokens) == (100 + 75, 20, 75)
    assert lost.cost_usd == pytest.approx(0.0012 + 0.00075)


def test_usages_with_and_without_replies_ahead_are_added_up() -> None:
    one = Usage(2, ahead=Ahead(3, 2, Usage(1, prompt_tokens=10, cost_usd=0.5)), estimated_tokens=4)
    other = Usage(1, ahead=Ahead(1, 0, Usage(1, prompt_tokens=5, cost_usd=0.25)), estimated_tokens=3)
    used = total([one, Usage(1), other])
    assert used.estimated_tokens == 7
    assert used.ahead is not None
    assert (used.ahead.asked, used.ahead.dropped) == (4, 2)
    assert (used.ahead.dropped_usage.prompt_tokens, used.ahead.dropped_usage.cost_usd) == (15, 0.75)


# in the mind


def ahead(*lines: str) -> Situation:
    return replace(situation(*lines), is_ahead=True)


def told(mind: LlmMind) -> tuple[int, int, int]:
    found = mind.usage.ahead
    assert found is not None
    return found.asked, found.taken_over, found.dropped


def test_a_reply_ahead_is_dropped_unless_it_is_confirmed() -> None:
    mind = LlmMind(model("Great. Anything else?", "Good.", "Fine."))
    reply_of(mind, ahead(*OPENED, "yes"))
    assert told(mind) == (1, 0, 1)
    reply_of(mind, ahead(*OPENED, "yes that works"))
    mind.confirm()
    mind.confirm()
    assert told(mind) == (2, 1, 1)
    reply_of(mind, situation(*OPENED, "yes that works", "Good.", "no"))
    assert told(mind) == (2, 1, 1), "asked when it was time"
    used = mind.usage
    assert used.prompt_tokens == 3 * ONE_REQUEST.prompt_tokens, "all of them are paid for"
    assert used.ahead is not None
    assert used.ahead.dropped_usage == ONE_REQUEST


def test_a_reply_ahead_that_failed_was_dropped_and_cost_nothing_that_is_known() -> None:
    mind = LlmMind(model(fails(), "Great."))
    reply_of(mind, ahead(*OPENED, "yes"))
    reply_of(mind, situation(*OPENED, "yes"))
    assert told(mind) == (1, 0, 1)
    assert mind.usage.ahead is not None
    assert mind.usage.ahead.dropped_usage == Usage(failures=1)


class Waiting(ScriptedModel):
    """Falls silent in the middle of its second answer."""

    async def generate(self, request: Generation) -> AsyncGenerator[TextDelta | Completion, None]:
        if not self.requests:
            async for piece in super().generate(request):
                yield piece
        else:
            yield TextDelta("One sentence. And")
            await asyncio.Event().wait()


@pytest.mark.parametrize("is_told_yet", [False, True])
def test_a_reply_ahead_called_off_is_in_the_sum_the_moment_it_is_asked_for(is_told_yet: bool) -> None:
    """A call's usage is read when it ends, and what is called off then has not noticed yet."""
    scripted = Waiting(model("Great.").script)
    mind = LlmMind(scripted)

    async def story() -> Usage:
        await mind.reply(situation(*OPENED, "yes"), lambda _: None)
        spoken = asyncio.Event()
        task = asyncio.create_task(mind.reply(ahead(*OPENED, "yes", "Great.", "no"), lambda _: spoken.set()))
        await spoken.wait()
        task.cancel()
        if is_told_yet:
            await asyncio.gather(task, return_exceptions=True)
        used = mind.usage
        await asyncio.gather(task, return_exceptions=True)
        return used

    used = asyncio.run(story())
    assert (used.requests, used.failures) == (1, 1)
    assert told(mind) == (1, 0, 1)
    assert used.ahead is not None
    lost = used.ahead.dropped_usage
    assert 100 < lost.prompt_tokens < 125, "a prompt that is a little longer than the one before"
    assert lost.completion_tokens == round(ONE_REQUEST.completion_tokens * len("One sentence. And") / 6)
    assert used.prompt_tokens == ONE_REQUEST.prompt_tokens + lost.prompt_tokens
