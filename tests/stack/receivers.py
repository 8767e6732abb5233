"""Customers' servers: they answer as a test says and keep what they were sent."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

Json = dict[str, Any]


@dataclass
class Received:
    """One request as it came, and what it was answered with."""

    headers: dict[str, str]
    raw: bytes
    answer: int
    time: float = field(default_factory=time.time)

    @property
    def body(self) -> Json:
        return json.loads(self.raw)

    @property
    def event(self) -> str:
        return self.body["event"]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Json:
        """The body, as the library of Standard Webhooks gives it once the signature is found good."""
        return Webhook(secret).verify(self.raw, self.headers)


class Receiver:
    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.received: list[Received] = []
        self.lock = threading.Lock()
        handler = type("Handler", (ReceiverHandler,), {"receiver": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers: dict[str, str], raw: bytes) -> int:
        """What a request is answered with: the answers in turn, 204 once there are no more."""
        with self.lock:
            answer = self.answers.pop(0) if self.answers else 204
            self.received.append(Received(headers, raw, answer))
            return answer

    def of(self, job: str, *events: str) -> list[Received]:
        """What came about a job, of these events or of all but progress, which may be told or not."""
        with self.lock:
            received = [each for each in self.received if each.body["job_id"] == job]
        return [each for each in received if each.event in (events or ("job.started", "job.completed", "job.failed"))]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class ReceiverHandler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.receiver.take(headers, raw))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
