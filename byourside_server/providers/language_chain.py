"""Several language models behind one door: the next is asked where one fails.

A model that failed twice in a row rests, so that a call does not wait for a vendor that is down. Knows no
vendor and no protocol; time and waiting come in through the constructor.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from byourside_server.providers.base import (
    Completion,
    Generation,
    LanguageModel,
    ProviderError,
    ProviderErrorKind,
    TextDelta,
    Usage,
    total,
)

log = logging.getLogger(__name__)

FAILURES_BEFORE_REST = 2
REST_S = 15.0
PERMANENT_REST_S = 60.0
LONGEST_REST_S = 600.0  # whatever a server wishes with Retry-After
# While one request tries a model whose rest is over, the others go on without it.
TRIAL_S = 5.0
# A wait that a contact on the phone does not notice.
SHORT_WAIT_S = 0.5

Piece = TextDelta | Completion


@dataclass
class _Link:
    """One model of the chain, and how it has been doing. Moments are of the chain's monotonic time."""

    model: LanguageModel
    failures: int = 0  # in a row
    rests_until: float = 0.0
    reason: str = ""

    def succeeded(self) -> None:
        self.failures, self.rests_until, self.reason = 0, 0.0, ""

    def refused(self, error: ProviderError) -> None:
        """It could not do this very request, which says nothing about the next."""
        self.reason = _reason(error)
        log.warning("a language model refused", extra={"model": self.model.name, "why": str(error)})

    def failed(self, error: ProviderError, now: float) -> None:
        """Count it, and rest where it is time."""
        self.reason = _reason(error)
        self.failures += 1
        rest_s = error.retry_after_s or 0.0
        if error.kind.is_permanent:
            rest_s = max(rest_s, PERMANENT_REST_S)
        elif self.failures >= FAILURES_BEFORE_REST:
            rest_s = max(rest_s, REST_S)
        rest_s = min(rest_s, LONGEST_REST_S)
        if rest_s:
            self.rests_until = now + rest_s
        extra = {"model": self.model.name, "kind": error.kind.value, "why": str(error), "rest_s": rest_s}
        log.warning("a language model failed", extra=extra)

    def begin_trial(self, now: float) -> None:
        """Where it comes out of a rest, only the first to ask it does so until it has proved itself."""
        if 0.0 < self.rests_until <= now:
            self.rests_until = now + TRIAL_S


class LanguageChain:
    """A LanguageModel made of others, in order of preference."""

    def __init__(
        self,
        models: Sequence[LanguageModel],
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`sleep` is only asked to wait for a rate limit of at most SHORT_WAIT_S."""
        assert models, "a chain needs a model"
        self.name = ", ".join(model.name for model in models)
        self._links = [_Link(model) for model in models]
        self._now = monotonic
        self._sleep = sleep

    async def generate(self, request: Generation) -> AsyncGenerator[Piece, None]:
        """The answer of the first model that gives one; its usage counts the failures before it.

        Raises ProviderError: after text was handed on that of the model that broke off, else one of the
        last failure's kind that names every model and why.
        """
        failures, may_wait = 0, True
        waiting = self._awake()
        while waiting:
            link = waiting.pop(0)
            link.begin_trial(self._now())
            has_spoken = False
            try:
                async with _closing(link.model.generate(request)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Completion):
                            link.succeeded()
                            yield _with_failures(piece, failures)
                            return
                        has_spoken = True
                        yield piece
                raise ProviderError(ProviderErrorKind.BAD_ANSWER, "the answer has no end")
            except ProviderError as error:
                failures += 1
                last_error = error
            if not (has_spoken or waiting) and may_wait and _is_soon_over(last_error):
                may_wait = False
                await self._sleep(last_error.retry_after_s or 0.0)
                waiting.append(link)
                continue
            if _is_of_this_request(last_error, request):
                link.refused(last_error)
            else:
                link.failed(last_error, self._now())
            if has_spoken:
                raise last_error
        raise self._nobody_answered(last_error)

    async def close(self) -> None:
        """Close every model."""
        for link in self._links:
            await link.model.close()

    def _awake(self) -> list[_Link]:
        """Who is asked, in order: those that do not rest, else the one whose rest ends first."""
        now = self._now()
        awake = [link for link in self._links if link.rests_until <= now]
        if not awake:
            return [min(self._links, key=lambda link: link.rests_until)]
        return awake

    def _nobody_answered(self, last: ProviderError) -> ProviderError:
        reasons = "; ".join(f"{link.model.name} ({link.reason or 'not asked'})" for link in self._links)
        message = f"no language model answered: {reasons}"
        return ProviderError(last.kind, message, retry_after_s=last.retry_after_s)


@asynccontextmanager
async def _closing(pieces: AsyncIterator[Piece]) -> AsyncIterator[AsyncIterator[Piece]]:
    """Closes an answer that nobody listens to any more, so that the model stops at once."""
    try:
        yield pieces
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


def _with_failures(completion: Completion, failures: int) -> Completion:
    return replace(completion, usage=total([Usage(failures=failures), completion.usage]))


def _is_soon_over(error: ProviderError) -> bool:
    wish = error.retry_after_s
    return error.kind is ProviderErrorKind.RATE_LIMITED and wish is not None and wish <= SHORT_WAIT_S


def _is_of_this_request(error: ProviderError, request: Generation) -> bool:
    """A model that writes no proper JSON about one call may well talk in another."""
    if error.kind is ProviderErrorKind.BAD_ANSWER:
        return request.schema is not None
    return error.kind is ProviderErrorKind.BAD_INPUT


def _reason(error: ProviderError) -> str:
    return f"{error.kind.value}: {error}"
