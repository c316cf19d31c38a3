"""`byourside.webhooks` under its other name."""

from byourside.webhooks import verify_standard_webhook, verify_webhook

__all__ = ["verify_standard_webhook", "verify_webhook"]
