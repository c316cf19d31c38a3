"""What goes over the pipe to a recognition worker and back. Pure: values and bytes.

A request is one line of JSON {kinds, phrases} and then the µ-law bytes; a recognition is JSON.
"""

import json

from byourside_server.providers.base import Expectation, Recognition


def write_request(ulaw: bytes, expect: Expectation) -> bytes:
    head = {"kinds": sorted(expect.kinds), "phrases": list(expect.phrases)}
    return json.dumps(head).encode() + b"\n" + ulaw


def read_request(message: bytes) -> tuple[bytes, Expectation]:
    head, _, ulaw = message.partition(b"\n")
    asked = json.loads(head)
    return ulaw, Expectation(frozenset(asked["kinds"]), tuple(asked["phrases"]))


def write_recognition(recognition: Recognition) -> bytes:
    return json.dumps({"text": recognition.text, "confidence": recognition.confidence}).encode()


def read_recognition(message: bytes) -> Recognition:
    answer = json.loads(message)
    return Recognition(answer["text"], answer["confidence"])
