"""A real HTTP server on loopback that answers from a script and remembers what it was asked."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union


class Reply(NamedTuple):
    """What to answer: JSON, or raw bytes; `promise` overstates Content-Length, as a broken line would."""

    status: int = 200
    json: Any = None
    raw: Optional[bytes] = None
    headers: Optional[Dict[str, str]] = None
    promise: Optional[int] = None


HANG_UP = "hang up without a word"
SILENCE = "never answer"


class Request(NamedTuple):
    method: str
    path: str
    headers: Dict[str, str]
    body: Any


Script = Callable[[Request], Union[Reply, str]]


class ScriptedServer:
    """Answers each request with what `script` says, a function or a list taken from the front."""

    def __init__(self, script: Union[Script, List[Any]]) -> None:
        self.requests: List[Request] = []
        self._release = threading.Event()
        replies = script
        self._script: Script = replies if callable(replies) else lambda request: replies.pop(0)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                names = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, names, json.loads(raw) if raw else None)
                outer.requests.append(request)
                reply = outer._script(request)
                if reply == SILENCE:
                    outer._release.wait(10)
                if isinstance(reply, str):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                data = reply.raw if reply.raw is not None else json.dumps(reply.json).encode()
                self.send_response(reply.status)
                for name, value in (reply.headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(reply.promise or len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_any

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._release.set()
        self._server.shutdown()
        self._server.server_close()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
