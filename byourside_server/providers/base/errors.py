"""What a vendor did not do, and whether asking again can help."""

from __future__ import annotations

from enum import Enum


class ProviderErrorKind(Enum):
    """Why a provider failed, and whether asking it again can help."""

    UNAVAILABLE = "unavailable"
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"
    BAD_ANSWER = "bad_answer"
    BAD_CONFIGURATION = "bad_configuration"
    BAD_INPUT = "bad_input"

    @property
    def is_permanent(self) -> bool:
        return self in (ProviderErrorKind.BAD_CONFIGURATION, ProviderErrorKind.BAD_INPUT)


class ProviderError(Exception):
    """A vendor or engine that did not do its part. `retry_after_s` is its own wish, where it named one."""

    def __init__(self, kind: ProviderErrorKind, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s
