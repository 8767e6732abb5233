"""`clipwright watch`, the real program, on the running stack: to the end of a job, through broken connections, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import threading
import unittest
import urllib.request
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from harness import JOBS, WORKER, StackTestCase, until
from material import Sources


class Wire:
    """A way to the stack that can be cut: all its connections break at once."""

    def __init__(self, port: int) -> None:
        self.behind = port
        self.open: list[socket.socket] = []
        self.accepted = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:  # closed
                return
            behind = socket.create_connection(("127.0.0.1", self.behind))
            self.accepted += 1
            self.open += [client, behind]
            for one, other in ((client, behind), (behind, client)):
                threading.Thread(target=copy, args=(one, other), daemon=True).start()

    def cut(self) -> None:
        for each in self.open:
            # close() alone leaves a socket open that another thread reads
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.open.clear()

    def close(self) -> None:
        self.server.close()
        self.cut()


class Detour:
    """The API, but that its tickets lead through a wire."""

    def __init__(self, api: str, wire: Wire) -> None:
        handler = type("Handler", (DetourHandler,), {"api": api, "wire": wire})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class DetourHandler(BaseHTTPRequestHandler):
    api: str
    wire: Wire

    def do_POST(self) -> None:
        headers = {"Authorization": self.headers["Authorization"]}
        with urllib.request.urlopen(urllib.request.Request(self.api + self.path, b"", headers), timeout=20) as answer:
            status, ticket = answer.status, json.load(answer)
        ticket["url"] = ticket["url"].replace(f":{self.wire.behind}/", f":{self.wire.port}/")
        content = json.dumps(ticket).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := one.recv(65536):
            other.sendall(part)
        other.shutdown(socket.SHUT_WR)


class WatchTest(StackTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.sources = Sources(cls.talk)
        cls.addClassCleanup(cls.sources.close)

    def watch(self, *words: str, api: str | None = None, token: str | None = None) -> subprocess.Popen[str]:
        told = {"CLIPWRIGHT_API": api or self.stack.addresses["api"], "CLIPWRIGHT_TOKEN": token or self.user.token}
        process = subprocess.Popen([WORKER, "watch", *words], env=os.environ | told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def on_a_terminal(self, *words: str) -> Callable[[], str]:
        """Starts it on a terminal; gives what ends it, with all that was drawn."""
        ours, its = pty.openpty()
        told = {"CLIPWRIGHT_API": self.stack.addresses["api"], "CLIPWRIGHT_TOKEN": self.user.token}
        process = subprocess.Popen([WORKER, "watch", *words], env=os.environ | told | {"TERM": "xterm"}, stdout=its, stderr=its)
        os.close(its)
        drawn: list[bytes] = []

        def read() -> None:
            with contextlib.suppress(OSError):  # the terminal's other end is closed
                while part := os.read(ours, 65536):
                    drawn.append(part)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def end() -> str:
            self.assertEqual(0, process.wait(60))
            reader.join(10)
            os.close(ours)
            return b"".join(drawn).decode()

        return end

    def ended(self, process: subprocess.Popen[str], seconds: float = 60) -> tuple[int, str, str]:
        out, error = process.communicate(timeout=seconds)
        return process.returncode, out, error

    def test_a_job_is_followed_to_its_end_and_its_clips_are_shown(self) -> None:
        job = self.user.submit(videoUrl=self.sources.url("talk", "A watched talk"))
        machine, person, shown = self.watch(job, "--json"), self.watch(job), self.on_a_terminal(job)
        code, out, error = self.ended(machine, 120)
        told = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((0, ""), (code, error))
        places = [(each["attempt"], each["sequence"]) for each in told]
        self.assertEqual(sorted(set(places)), places)
        self.assertEqual(("succeeded", 100, 2), (told[-1]["job"]["status"], told[-1]["job"]["progressPercent"], len(told[-1]["job"]["clips"])))
        self.assertGreater(len(told), 1, "at least where it stood, and its end")
        code, out, error = self.ended(person)
        self.assertEqual(0, code, error)
        self.assertEqual(3, len(out.splitlines()), out)
        self.assertIn("A watched talk", error.splitlines()[-1])
        self.assertIn("100% succeeded", error.splitlines()[-1])
        screen = shown()
        self.assertRegex(screen, r"[█░]{20}.* \d+% ", "a bar")
        self.assertIn("100% succeeded", screen)

    def test_it_connects_again_and_misses_no_end(self) -> None:
        wire = Wire(urlsplit(self.stack.addresses["endpoint"]).port)
        self.addCleanup(wire.close)
        api = Detour(self.stack.addresses["api"], wire)
        self.addCleanup(api.close)
        before = self.user.submit(videoUrl=self.sources.url("text", "before"))
        self.user.end(before)
        process = self.watch("--all", "--json", api=api.url)
        lines: list[Any] = []
        threading.Thread(target=lambda: lines.extend(json.loads(line) for line in process.stdout), daemon=True).start()
        until(lambda: wire.accepted == 1, what="a connection")
        seen = self.user.submit(videoUrl=self.sources.url("held", "seen"))
        until(lambda: any(each["job"]["id"] == seen for each in lines), what="news")
        wire.cut()
        self.assertEqual(200, self.user.call("POST", f"{JOBS}/{seen}/cancel")[0])
        until(lambda: wire.accepted == 2, what="another connection")
        meanwhile = self.user.submit(videoUrl=self.sources.url("text", "after"))
        until(lambda: {seen, meanwhile} <= {each["job"]["id"] for each in lines if each["job"]["status"] in ("canceled", "failed")}, 60, "both ends")
        self.assertNotIn(before, {each["job"]["id"] for each in lines}, "it had ended before anybody watched")
        process.send_signal(signal.SIGINT)
        self.assertEqual(0, process.wait(20))

    def test_a_job_that_fails_is_a_failure_with_its_code(self) -> None:
        job = self.user.submit(videoUrl=self.sources.url("text", "fails"))
        code, out, error = self.ended(self.watch(job))
        self.assertEqual((3, ""), (code, out))
        self.assertRegex(error.splitlines()[-1], r"^error: the job is failed: .*\(source_unsupported\)$")
        # and once more, when it has ended before
        self.assertEqual(3, self.ended(self.watch(job))[0])

    def test_what_will_never_be_there_is_told_at_once(self) -> None:
        cases = {
            "there is no such job": self.watch(str(uuid.uuid4())),
            "does not accept the token": self.watch("--all", token="no.such.token"),
            "is not the address of the service": self.watch("--all", api=self.stack.addresses["api"] + "/elsewhere"),
            "relative URL": self.watch("--all", api="nowhere"),
        }
        for why, process in cases.items():
            code, out, error = self.ended(process, 20)
            self.assertEqual((1, ""), (code, out), error)
            self.assertRegex(error, rf"^error: .*{why}")
            self.assertEqual(1, len(error.splitlines()), error)
        for words in ((), ("job", "--all")):
            self.assertEqual(2, self.ended(self.watch(*words))[0])


if __name__ == "__main__":
    unittest.main()
