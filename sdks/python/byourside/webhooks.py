"""Did this webhook really come from the server, and just now?

Pure functions of header, body, secret and time. They never raise: whatever is wrong, the answer is False.
Pass the body exactly as received; JSON parsed and written again is another body.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from typing import List, Mapping, Optional, Union

# ASCII digits only: int() would also take "+5", "1_000" and other alphabets' digits. Twelve of them
# last beyond the year 30000 and keep the conversion cheap.
_UNIX_SECONDS = re.compile(r"[0-9]{1,12}")

Text = Union[str, bytes]


def verify_webhook(
    sig: Optional[Text],
    raw_body: Text,
    secret: Text,
    tolerance: float = 300,
    now: Optional[float] = None,
) -> bool:
    """Whether `sig` (the X-BYS-Signature header) signs `raw_body` with `secret`, within `tolerance` seconds.

    The header is `t=<unix seconds>,v1=<hex>`, hex being HMAC-SHA256 of `<t>.<raw_body>` under the whole
    secret. It may carry several `v1` while a secret is being rotated; one match is enough. `now` stands
    in for the clock in tests.
    """
    try:
        return _verify(sig, raw_body, secret, tolerance, now)
    except Exception:  # the promise is False, whatever was passed in
        return False


def verify_standard_webhook(
    headers: Mapping[str, str],
    raw_body: Text,
    secret: Text,
    tolerance: float = 300,
    now: Optional[float] = None,
) -> bool:
    """The same question by the Standard Webhooks headers, which every delivery carries too.

    `headers` may be any mapping; names are compared without regard to case.
    """
    try:
        return _verify_standard(headers, raw_body, secret, tolerance, now)
    except Exception:  # the promise is False, whatever was passed in
        return False


def _verify(
    sig: Optional[Text], raw_body: Text, secret: Text, tolerance: float, now: Optional[float]
) -> bool:
    key = _as_bytes(secret)
    if not sig or not key:
        return False
    header = sig if isinstance(sig, str) else sig.decode("latin-1")
    times: List[str] = []
    signatures: List[str] = []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            times.append(value)
        elif name == "v1":
            signatures.append(value)
    if len(times) != 1 or not _is_recent(times[0], tolerance, now):
        return False
    signed = times[0].encode("ascii") + b"." + _as_bytes(raw_body)
    expected = hmac.new(key, signed, hashlib.sha256).hexdigest()
    return _any_equal(expected, signatures)


def _verify_standard(
    headers: Mapping[str, str], raw_body: Text, secret: Text, tolerance: float, now: Optional[float]
) -> bool:
    found = {name.lower(): value for name, value in headers.items()}
    message_id = found.get("webhook-id", "")
    timestamp = found.get("webhook-timestamp", "")
    key = _decoded_secret(secret)
    if not message_id or not key or not _is_recent(timestamp, tolerance, now):
        return False
    signed = f"{message_id}.{timestamp}.".encode() + _as_bytes(raw_body)
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
    parts = found.get("webhook-signature", "").split(" ")
    signatures = [part[len("v1,") :] for part in parts if part.startswith("v1,")]
    return _any_equal(expected, signatures)


def _is_recent(unix_seconds: str, tolerance: float, now: Optional[float]) -> bool:
    if not _UNIX_SECONDS.fullmatch(unix_seconds):
        return False
    moment = time.time() if now is None else now
    return abs(moment - int(unix_seconds)) <= tolerance


def _any_equal(expected: str, signatures: List[str]) -> bool:
    # As bytes: compare_digest raises on text that is not ASCII. No early exit, so that the time taken
    # does not tell which one matched.
    wanted = expected.encode("ascii")
    matches = [hmac.compare_digest(wanted, given.encode("utf-8")) for given in signatures]
    return any(matches)


def _decoded_secret(secret: Text) -> bytes:
    text = secret if isinstance(secret, str) else secret.decode("utf-8")
    try:
        return base64.b64decode(text[len("whsec_") :] if text.startswith("whsec_") else text, validate=True)
    except binascii.Error:
        return b""


def _as_bytes(text: Text) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else bytes(memoryview(text))
