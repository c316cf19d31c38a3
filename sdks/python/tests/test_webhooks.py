import hashlib
import hmac
import time
import unittest
from typing import Any, List

from byourside import verify_standard_webhook, verify_webhook
from contract_data import load, needs_contract

SECRET = "whsec_YOUR_SECRET"


def header(body: bytes, t: int, secret: str = SECRET) -> str:
    return f"t={t},v1=" + hmac.new(secret.encode(), b"%d." % t + body, hashlib.sha256).hexdigest()


class TheSharedVectors(unittest.TestCase):
    """contract/signatures.json: the same vectors bind the server that signs."""

    @needs_contract
    def test_each_x_bys_signature_is_judged_as_stated(self) -> None:
        vectors = load("signatures.json")["x_bys_signature"]
        self.assertGreater(len(vectors), 40)
        for vector in vectors:
            for body in (vector["body"], vector["body"].encode("utf-8")):
                with self.subTest(vector["name"], kind=type(body).__name__):
                    verdict = verify_webhook(
                        vector["header"], body, vector["secret"], vector["tolerance"], vector["now"]
                    )
                    self.assertIs(verdict, vector["valid"], vector["why"])

    @needs_contract
    def test_each_standard_webhook_is_judged_as_stated(self) -> None:
        for vector in load("signatures.json")["standard_webhooks"]:
            headers = {
                "Webhook-Id": vector["id"],
                "Webhook-Timestamp": vector["timestamp"],
                "Webhook-Signature": vector["signature"],
            }
            with self.subTest(vector["name"]):
                verdict = verify_standard_webhook(
                    headers, vector["body"], vector["secret"], vector["tolerance"], vector["now"]
                )
                self.assertIs(verdict, vector["valid"], vector["why"])


class Verification(unittest.TestCase):
    def test_the_clock_is_used_where_no_time_is_given(self) -> None:
        now = int(time.time())
        self.assertTrue(verify_webhook(header(b"{}", now), "{}", SECRET))
        self.assertFalse(verify_webhook(header(b"{}", now - 400), "{}", SECRET))
        self.assertTrue(verify_webhook(header(b"{}", now - 400), "{}", SECRET, tolerance=500))

    def test_bytes_that_are_no_text_can_be_verified_too(self) -> None:
        body = b"\xff\xfe\x00"
        for form in (body, bytearray(body), memoryview(body)):
            verdict = verify_webhook(header(body, 1000), form, SECRET, now=1000)  # type: ignore[arg-type]
            self.assertTrue(verdict)

    def test_header_and_secret_may_be_bytes(self) -> None:
        self.assertTrue(verify_webhook(header(b"x", 1000).encode(), b"x", SECRET.encode(), now=1000))

    def test_nonsense_is_false_and_never_raises(self) -> None:
        good = header(b"x", 1000)
        nonsense: List[Any] = [None, 7, [], {}, object(), "\ud800", b"\xff", float("nan"), "=" * 9000]
        for thing in nonsense:
            with self.subTest(thing=type(thing).__name__):
                self.assertIs(verify_webhook(thing, "x", SECRET, now=1000), False)
                self.assertIs(verify_webhook(good, thing, SECRET, now=1000), False)
                self.assertIs(verify_webhook(good, "x", thing, now=1000), False)
                self.assertIs(verify_standard_webhook(thing, "x", SECRET, now=1000), False)
        for thing in (None, "soon", [], float("nan")):
            self.assertIs(verify_webhook(good, "x", SECRET, thing, 1000), False)  # type: ignore[arg-type]
        for thing in ("soon", [], float("nan"), float("inf")):
            self.assertIs(verify_webhook(good, "x", SECRET, 300, thing), False)  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
