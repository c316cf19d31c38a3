"""How a receiver knows that a webhook is ours.

Two signatures over the same bytes, both HMAC-SHA256, both made anew for every attempt: `X-BYS-Signature`
as published (key: the whole `whsec_…` string), and the trio of Standard Webhooks 1.0.0 (key: the bytes that
the part after `whsec_` encodes). During a rotation's overlap each carries one signature per secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

SECRET_PREFIX = "whsec_"


def bys_signature(secrets: Sequence[str], timestamp: int, body: bytes) -> str:
    """The value of `X-BYS-Signature`: `t=…,v1=…`, with one `v1` per secret."""
    signed = f"{timestamp}.".encode() + body
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={mark}" for mark in marks)])


def standard_signature(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,…` per secret, separated by spaces.

    Standard Webhooks, "Signature scheme": base64 of the HMAC over `id.timestamp.body`.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    marks = [hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest() for secret in secrets]
    return " ".join("v1," + base64.b64encode(mark).decode() for mark in marks)


def secret_bytes(secret: str) -> bytes:
    """The key that Standard Webhooks reads out of `whsec_…`; a secret that is no base64 is its own bytes."""
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return encoded.encode()


def signature_headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """All headers that sign one attempt."""
    return {
        "X-BYS-Signature": bys_signature(secrets, timestamp, body),
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_signature(secrets, message_id, timestamp, body),
    }
