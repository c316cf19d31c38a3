"""A worker for the tests of the pipe: does what it is told, also the bad things."""

import os
import signal
import time

from byourside_server.providers.worker_pipe import BadInput, serve


def answer(request: bytes) -> bytes:
    command, _, rest = request.partition(b" ")
    if command == b"say":
        return rest
    if command == b"pid":
        return str(os.getpid()).encode()
    if command == b"print":
        print("an engine that talks", flush=True)  # noqa: T201
        return b"printed"
    if command == b"die":
        with open(rest, "ab") as deaths:
            deaths.write(b"x")
        os.kill(os.getpid(), signal.SIGKILL)
    if command == b"hang":
        time.sleep(30)
    raise BadInput("no such trick")


if __name__ == "__main__":
    serve(answer)
