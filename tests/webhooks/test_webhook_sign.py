"""Signatures that receivers can check, against values made by others."""

from __future__ import annotations

import base64
import hashlib
import hmac

from byourside_server.webhooks.sign import (
    bys_signature,
    secret_bytes,
    signature_headers,
    standard_signature,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_signature_is_hex_over_time_dot_body() -> None:
    """README, "Webhook verification": hex = HMAC-SHA256(secret, f"{t}.{raw_body}")."""
    expected = hmac.new(SECRET.encode(), b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert bys_signature([SECRET], 1_700_000_000, b'{"a":1}') == f"t=1700000000,v1={expected}"


def test_the_standard_signature_is_that_of_the_published_example() -> None:
    """Standard Webhooks' and Svix's documentation use this secret, id, time, body and result."""
    signature = standard_signature(
        [SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_give_two_marks_each() -> None:
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    headers = signature_headers([SECRET, other], "evt_1", 5, b"{}")
    assert headers["X-BYS-Signature"].count("v1=") == 2
    assert [mark[:3] for mark in headers["webhook-signature"].split(" ")] == ["v1,", "v1,"]
    assert headers["webhook-id"] == "evt_1"
    assert headers["webhook-timestamp"] == "5"


def test_a_secret_that_is_no_base64_still_signs() -> None:
    assert secret_bytes("whsec_YOUR_SECRET") == b"YOUR_SECRET"
