"""What goes over the pipe to a whisper worker and back. Pure: values and bytes.

A request is one line of JSON {language, hint} and then the µ-law bytes; what was heard is JSON.
"""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """Sound to recognise; `hint` is what may be said, "" for nothing in particular."""

    ulaw: bytes
    language: str
    hint: str


@dataclass(frozen=True)
class Heard:
    """Words as the model wrote them; confidence 0 to 1."""

    text: str
    confidence: float


def write_asked(ulaw: bytes, language: str, hint: str) -> bytes:
    return json.dumps({"language": language, "hint": hint}).encode() + b"\n" + ulaw


def read_asked(message: bytes) -> Asked:
    head, _, ulaw = message.partition(b"\n")
    asked = json.loads(head)
    return Asked(ulaw, asked["language"], asked["hint"])


def write_heard(heard: Heard) -> bytes:
    return json.dumps({"text": heard.text, "confidence": heard.confidence}).encode()


def read_heard(message: bytes) -> Heard:
    answer = json.loads(message)
    return Heard(answer["text"], answer["confidence"])
