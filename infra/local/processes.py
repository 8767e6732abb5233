"""Starts the parts of the stack, and makes sure that none outlives it: also after `kill -9`.

Every part, and whatever a part starts, carries the run's mark in its environment. A keeper process waits at a pipe that only
stack.py holds; when that closes, for whatever reason, the keeper ends everything that carries the mark and removes the run's state.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping

MARK = "CLIPWRIGHT_LOCAL_RUN"
GRACE_SECONDS = 3.0


class Part:
    """One process of the stack, with its log."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("ab") as output:
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen(command, env=dict(environment), start_new_session=True, **streams)

    def ended(self) -> bool:
        return self.process.poll() is not None

    def last_lines(self, count: int = 20) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-count:])


class Keeper:
    """Ends all processes of a run, once `stop` is called or this process is gone."""

    def __init__(self, mark: str, state: Path) -> None:
        command = [sys.executable, str(Path(__file__)), mark, str(state)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env={"PATH": os.environ.get("PATH", os.defpath)}, start_new_session=True)

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def free_ports(count: int) -> list[int]:
    """Different ports of loopback that nothing listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def carrying(mark: str) -> list[int]:
    """Processes with the mark in the environment that they were started with."""
    wanted = f"{MARK}={mark}".encode()
    return [pid for pid in processes() if wanted in read(f"/proc/{pid}/environ").split(b"\0") and not is_zombie(pid)]


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def is_zombie(pid: int) -> bool:
    return read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[:1] in ([b"Z"], [])


def read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:  # it ended meanwhile, or is not ours
        return b""


def end_all(mark: str, grace: float = GRACE_SECONDS) -> None:
    for pid in carrying(mark):
        send(os.kill, pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while carrying(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    while left := carrying(mark):
        for pid in left:
            if group := own_group(pid):
                send(os.killpg, group, signal.SIGKILL)
            send(os.kill, pid, signal.SIGKILL)
        time.sleep(0.05)


def own_group(pid: int) -> int | None:
    """The process group that `pid` leads: with it end children that were started without the mark."""
    try:
        return pid if os.getpgid(pid) == pid else None
    except ProcessLookupError:
        return None


def send(how, target: int, number: int) -> None:
    try:
        how(target, number)
    except ProcessLookupError:
        pass


def keep(mark: str, state: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_all(mark)
    shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    keep(sys.argv[1], sys.argv[2])
