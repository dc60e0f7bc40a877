"""A server on loopback that sends what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from router.providers.clients import Clients


@dataclass
class Canned:
    """A server that sends its ``replies`` in turn, the last one for ever, and records what it was sent.

    A reply is (status, headers, body); a body that is no text is sent as JSON.
    """

    url: str = ""
    replies: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def reply(self, body: Any, *, status: int = 200, **headers: str) -> None:
        """Queue a reply."""
        self.replies.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))

    def stream(self, body: str) -> None:
        """Queue server-sent events."""
        self.reply(body, content_type="text/event-stream")


@pytest.fixture
def canned() -> Iterator[Canned]:
    """A scripted server, stopped afterwards."""
    script = Canned()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            script.requests.append(
                {
                    "path": self.path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": body,
                }
            )
            status, headers, answer = script.replies.pop(0) if len(script.replies) > 1 else script.replies[0]
            data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            for name, value in {
                "content-type": "application/json",
                "content-length": str(len(data)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Clients with no key in their environment, closed afterwards."""
    made = Clients(environ={})
    yield made
    made.close()
