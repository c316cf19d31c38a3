"""What stands between a server and its PostgreSQL: a TCP port that can fall silent, and go on again."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class StallingProxy:
    """Hands bytes on both ways while it flows; stalled, it takes connections and bytes and says nothing."""

    def __init__(self, unix_socket: str) -> None:
        self._target = unix_socket
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self.port: int = self._listening.getsockname()[1]
        self.taken = threading.Semaphore(0)
        """One more for each connection taken."""
        self._in_thread(self._accept)

    def stall(self) -> None:
        self._flowing.clear()

    def go_on(self) -> None:
        self._flowing.set()

    def close(self) -> None:
        self._flowing.set()
        for each in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self._open += client, server
                self.taken.release()
                self._in_thread(self._pump, client, server)
                self._in_thread(self._pump, server, client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._flowing.wait()
                sink.sendall(data)
            self._flowing.wait()
            sink.shutdown(socket.SHUT_WR)

    def _in_thread(self, work: object, *given: socket.socket) -> None:
        threading.Thread(target=work, args=given, daemon=True).start()  # type: ignore[arg-type]


@contextlib.contextmanager
def stalling_proxy(unix_socket: str) -> Iterator[StallingProxy]:
    proxy = StallingProxy(unix_socket)
    try:
        yield proxy
    finally:
        proxy.close()
