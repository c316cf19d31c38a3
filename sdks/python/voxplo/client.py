"""`byourside.client` under its other name."""

from byourside.client import DEFAULT_BASE_URL, Client

__all__ = ["DEFAULT_BASE_URL", "Client"]
