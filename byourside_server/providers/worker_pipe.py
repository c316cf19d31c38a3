"""Whole messages over pipes, and the loop of a worker process that answers them one by one.

A message is its length as four big-endian bytes, then its bytes. An answer's first byte says
whether it is a result (0) or a sentence of complaint (1). Knows nothing of speech.
"""

import os
import select
import signal
import sys
from collections.abc import Callable

RESULT = b"\x00"
COMPLAINT = b"\x01"
LONGEST_MESSAGE = 64 * 1024 * 1024  # an hour of µ-law is half of this; more is a broken pipe's noise
ORPHAN_CHECK_S = 5.0


class BadInput(Exception):
    """A request that this engine can never fulfil; the sentence goes back to whoever asked."""


def write_message(descriptor: int, message: bytes) -> None:
    """Send one message whole."""
    waiting = memoryview(len(message).to_bytes(4, "big") + message)
    while waiting:
        waiting = waiting[os.write(descriptor, waiting) :]


def read_message(descriptor: int) -> bytes | None:
    """The next message, or None where the other side closed the pipe."""
    head = _read_exactly(descriptor, 4)
    if head is None:
        return None
    length = int.from_bytes(head, "big")
    if length > LONGEST_MESSAGE:
        raise ValueError(f"a message of {length} bytes: the pipe is out of step")
    return _read_exactly(descriptor, length)


def _read_exactly(descriptor: int, length: int) -> bytes | None:
    pieces = bytearray()
    while len(pieces) < length:
        piece = os.read(descriptor, length - len(pieces))
        if not piece:
            return None
        pieces += piece
    return bytes(pieces)


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answer requests from standard input on standard output until the parent is gone.

    The engine's libraries may print: their standard output is turned to standard error first.
    A process forked elsewhere may hold our pipe open after the parent died, so an idle worker
    also looks whether it still has the same parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-c goes to the whole group; our end is EOF
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    parent = os.getppid()
    while os.getppid() == parent:
        if not select.select([requests], [], [], ORPHAN_CHECK_S)[0]:
            continue
        request = read_message(requests)
        if request is None:
            return
        try:
            reply = RESULT + answer(request)
        except BadInput as complaint:
            reply = COMPLAINT + str(complaint).encode()
        try:
            write_message(answers, reply)
        except BrokenPipeError:
            sys.exit(0)
