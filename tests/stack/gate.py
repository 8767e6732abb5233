"""A way for the workers' calls to AWS through which nothing goes unseen, and where a call can be held: so that a stage lasts as long as a test wants."""

from __future__ import annotations

import contextlib
import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HELD_SECONDS = 60


class Hold:
    """The first call of a kind, which is to stop at the gate."""

    def __init__(self, pattern: str) -> None:
        self.pattern = re.compile(pattern)
        self.reached = threading.Event()
        self.let_go = threading.Event()
        self.lost = False

    def wait(self, seconds: float = 60) -> None:
        if not self.reached.wait(seconds):
            raise AssertionError(f"no call like {self.pattern.pattern!r} within {seconds} s")

    def pass_after(self, seconds: float) -> bool:
        self.reached.set()
        self.let_go.wait(seconds)
        return not self.lost

    def release(self) -> None:
        self.let_go.set()

    def lose(self) -> None:
        """As when the one who called died before the call was on its way."""
        self.lost = True
        self.let_go.set()


class Gate:
    def __init__(self, endpoint: str) -> None:
        self.behind = urlsplit(endpoint).netloc
        self.calls: list[str] = []
        self.holds: list[Hold] = []
        self.held: list[Hold] = []
        self.lock = threading.Lock()
        handler = type("Handler", (GateHandler,), {"gate": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hold(self, pattern: str) -> Hold:
        """Stops the next call whose `METHOD path?query` the pattern is found in, until it is let go."""
        hold = Hold(pattern)
        self.holds.append(hold)
        return hold

    def holding(self, call: str) -> Hold | None:
        with self.lock:
            found = next((hold for hold in self.holds if hold.pattern.search(call)), None)
            if found:
                self.holds.remove(found)
                self.held.append(found)
            return found

    def written(self, job: str, since: int = 0) -> list[str]:
        """Names of the objects of a job that were sent, in order, also where the bucket refused; `since` so many calls ago."""
        begin = re.compile(rf"^PUT /[^/]+/jobs/{job}/([^?]*)")
        return [found[1] for call in self.calls[since:] if (found := begin.match(call))]

    def close(self) -> None:
        for hold in self.held:
            hold.release()
        self.server.shutdown()
        self.server.server_close()


class GateHandler(BaseHTTPRequestHandler):
    gate: Gate
    protocol_version = "HTTP/1.1"
    # the signature covers what is sent, so nothing of it is changed
    passed = ("GET", "HEAD", "PUT", "POST", "DELETE")

    def __getattr__(self, name: str):
        if name.removeprefix("do_") in self.passed:
            return self.pass_on
        raise AttributeError(name)

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = f"{self.command} {self.path}"
        if (hold := self.gate.holding(call)) and not hold.pass_after(HELD_SECONDS):
            self.close_connection = True
            return
        self.gate.calls.append(call)
        try:
            self.answer(body)
        except OSError:  # the worker, or what is behind, is gone
            self.close_connection = True

    def answer(self, body: bytes) -> None:
        behind = http.client.HTTPConnection(self.gate.behind, timeout=60)
        with contextlib.closing(behind):
            self.relay(behind, body)

    def relay(self, behind: http.client.HTTPConnection, body: bytes) -> None:
        behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                behind.putheader(name, value)
        behind.endheaders(body)
        answer = behind.getresponse()
        content = answer.read()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
