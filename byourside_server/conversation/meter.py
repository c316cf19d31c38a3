"""What a call's requests to language models have cost, those included that nobody heard the end of.

A server counts the tokens of an answer at its end. One called off in its middle is paid for and was never
counted: its tokens are estimated, at as many for a character as this call's counted requests had, and its
cost at what their tokens cost on the average. Where none was counted there is nothing to go by, and they
stay 0. What a model thinks before it speaks is not seen, and so is not in the estimate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from byourside_server.providers.base import Ahead, Generation, Usage, total


@dataclass
class Reading:
    """One request: characters sent and given so far. Without a `usage` it is under way, or was called off."""

    sent: int
    given: int = 0
    usage: Usage | None = None


@dataclass
class Account:
    """The requests of one reply."""

    is_ahead: bool
    is_taken_over: bool = False
    readings: list[Reading] = field(default_factory=list)

    def open(self, request: Generation) -> Reading:
        """A request is made."""
        reading = Reading(_characters(request))
        self.readings.append(reading)
        return reading


@dataclass
class Meter:
    """The requests of one call."""

    _accounts: list[Account] = field(default_factory=list)

    def account(self, *, is_ahead: bool = False) -> Account:
        """For one reply."""
        account = Account(is_ahead)
        self._accounts.append(account)
        return account

    @property
    def usage(self) -> Usage:
        """The sum over all requests; one that failed or was called off counts as a failure."""
        rates = _Rates(reading for account in self._accounts for reading in account.readings)
        used = total(rates.usage_of(account) for account in self._accounts)
        ahead = [account for account in self._accounts if account.is_ahead]
        if not ahead:
            return used
        dropped = [account for account in ahead if not account.is_taken_over]
        cost = total(rates.usage_of(account) for account in dropped)
        return replace(used, ahead=Ahead(len(ahead), len(ahead) - len(dropped), cost))


class _Rates:
    """What a character of the counted requests came to."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        counted = [(each, each.usage) for each in readings if each.usage and each.usage.prompt_tokens]
        used = total(usage for _, usage in counted)
        self._of_sent = _share(used.prompt_tokens, sum(each.sent for each, _ in counted))
        self._of_given = _share(used.completion_tokens, sum(each.given for each, _ in counted))
        tokens = used.prompt_tokens + used.completion_tokens
        self._usd = None if used.cost_usd is None else _share(used.cost_usd, tokens)

    def usage_of(self, account: Account) -> Usage:
        return total(each.usage or self._estimate(each) for each in account.readings)

    def _estimate(self, reading: Reading) -> Usage:
        prompt, completion = round(self._of_sent * reading.sent), round(self._of_given * reading.given)
        tokens = prompt + completion
        return Usage(
            failures=1,
            prompt_tokens=prompt,
            completion_tokens=completion,
            cost_usd=None if self._usd is None else self._usd * tokens,
            estimated_tokens=tokens,
        )


def _share(what: float, of: int) -> float:
    return what / of if of else 0.0


def _characters(request: Generation) -> int:
    """Of all that the model reads."""
    messages = sum(
        len(message.text) + sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
        for message in request.messages
    )
    tools = sum(len(tool.name) + len(tool.description) + len(str(tool.parameters)) for tool in request.tools)
    return messages + tools
