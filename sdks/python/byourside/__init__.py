"""A phone for your program: place AI calls toward an objective, follow them, verify their webhooks.

Standard library alone. The same package is importable as `voxplo`.
"""

from ._version import __version__
from .client import Client
from .errors import ByoursideError, map_error
from .records import (
    CallList,
    CallRecord,
    Evidence,
    Field,
    FieldValue,
    PlacedCall,
    Turn,
    Voicemail,
    WebhookEvent,
    WebhookPayload,
)
from .transport import Transport
from .webhooks import verify_standard_webhook, verify_webhook

__all__ = [
    "ByoursideError",
    "CallList",
    "CallRecord",
    "Client",
    "Evidence",
    "Field",
    "FieldValue",
    "PlacedCall",
    "Transport",
    "Turn",
    "Voicemail",
    "WebhookEvent",
    "WebhookPayload",
    "__version__",
    "map_error",
    "verify_standard_webhook",
    "verify_webhook",
]
