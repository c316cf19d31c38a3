"""Who may call, and what they are allowed?

Frozen values. Times are epoch seconds, UTC. Knows no SQL, no clock and no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """One tenant: sees its own calls, numbers and keys, and no one else's."""

    id: str
    """`acct_` and random letters."""
    name: str
    """What the operator calls it; unique."""
    calls_per_minute: int
    """Calls one agent key may place in a minute; 0 suspends."""
    minute_allowance: float | None
    """Outbound minutes per billing period; None is no cap."""
    max_concurrent: int
    """Calls of this account that may be on the line at once; the rest wait in the queue."""
    default_caller_id: str | None
    """E.164 number shown where a call names none; must be one of the account's numbers."""
    webhook_secret: str
    """Signs webhooks; `whsec_…`."""
    created_at: float
    """When the account was made."""
    webhook_secret_previous: str | None = None
    """The secret before the last rotation."""
    previous_secret_expires_at: float | None = None
    """Until then webhooks carry a signature of the previous secret too."""

    def signing_secrets(self, now: float) -> tuple[str, ...]:
        """Return the secrets that sign a webhook now, the current one first."""
        if self.webhook_secret_previous is None or self.previous_secret_expires_at is None:
            return (self.webhook_secret,)
        if now >= self.previous_secret_expires_at:
            return (self.webhook_secret,)
        return (self.webhook_secret, self.webhook_secret_previous)


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number that an account may show as its caller ID."""

    e164: str
    """For example +12134932550."""
    account_id: str
    """Whose it is; a number has one owner."""
    created_at: float
    """When it was put on the account."""


@dataclass(frozen=True, slots=True)
class AgentKey:
    """A key that places calls, as it is kept: the secret itself is shown once and stored nowhere."""

    id: str
    """`key_` and random letters; names the key in lists and when revoking."""
    account_id: str
    """On whose account it calls."""
    name: str
    """What its owner calls it."""
    last4: str
    """The last four characters, so that its owner can tell keys apart."""
    hash: str
    """SHA-256 of the key, in hex."""
    created_at: float
    """When it was made."""
    revoked_at: float | None = None
    """When it stopped working, or None."""

    @property
    def is_active(self) -> bool:
        """True until the key is revoked."""
        return self.revoked_at is None
