"""Truth: the design's rotation with overlap: for a while two signatures, then one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from byourside_server.accounts.account import Account, AgentKey, Number

ACCOUNT = Account(
    id="acct_1",
    name="default",
    calls_per_minute=30,
    minute_allowance=1000.0,
    max_concurrent=10,
    default_caller_id="+12134932550",
    webhook_secret="whsec_new",
    created_at=1_800_000_000.0,
)


def test_an_account_that_never_rotated_signs_with_one_secret() -> None:
    assert ACCOUNT.signing_secrets(now=1_800_000_001.0) == ("whsec_new",)


def test_after_a_rotation_both_secrets_sign_until_the_old_one_expires() -> None:
    rotated = replace(
        ACCOUNT, webhook_secret_previous="whsec_old", previous_secret_expires_at=1_800_086_400.0
    )
    assert rotated.signing_secrets(now=1_800_086_399.0) == ("whsec_new", "whsec_old")
    assert rotated.signing_secrets(now=1_800_086_400.0) == ("whsec_new",)


def test_a_previous_secret_without_an_end_does_not_sign() -> None:
    assert replace(ACCOUNT, webhook_secret_previous="whsec_old").signing_secrets(now=0.0) == ("whsec_new",)


def test_a_key_works_until_it_is_revoked() -> None:
    key = AgentKey("key_1", "acct_1", "laptop", "wxyz", "00" * 32, created_at=1.0)
    assert key.is_active
    assert not replace(key, revoked_at=2.0).is_active


@pytest.mark.parametrize("value", [ACCOUNT, Number("+12134932550", "acct_1", 1.0)])
def test_what_happened_does_not_change(value: object) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, "created_at", 0.0)  # noqa: B010
