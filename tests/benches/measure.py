"""Runs a command and measures it: wall time, processor time and memory of its whole process tree."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Dict, Iterator, Mapping, Optional, Sequence, Tuple

SAMPLE_SECONDS = 0.05
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# characters of a failed command's last words that go into the table
REASON_LENGTH = 120


class CommandFailed(Exception):
    """A measured command ended badly; the text is one short line."""


@dataclass(frozen=True)
class Child:
    """One process below the measured one: its command line and how long it lived, to about 0.05 s."""

    command: str
    seconds: float


@dataclass(frozen=True)
class Usage:
    """What one run of a command took. Memory is the highest sum of resident sets, so shared pages count in each process."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    children: Tuple[Child, ...]
    output: str


class TreeSampler(threading.Thread):
    """Follows a process and everything it starts, for as long as it runs."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.peak_bytes = 0
        self.stopped = threading.Event()
        # by process id and start time, since ids come round again
        self.seen: Dict[Tuple[int, float], Child] = {}

    def run(self) -> None:
        while not self.stopped.wait(SAMPLE_SECONDS):
            self.sample()

    def sample(self) -> None:
        pids = list(tree(self.root))
        self.peak_bytes = max(self.peak_bytes, sum(resident_bytes(pid) for pid in pids))
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        for pid in pids:
            started, command = start_seconds(pid), command_line(pid)
            # one that has ended, but is not yet waited for, has no command line
            if pid != self.root and started is not None and command:
                self.seen[pid, started] = Child(command, now - started)


def run(command: Sequence[str], env: Mapping[str, str], limit_s: float, cwd: Optional[Path] = None) -> Usage:
    """Runs `command` to its end. Raises CommandFailed when it fails or takes longer than `limit_s` seconds."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.monotonic()
        try:
            process = subprocess.Popen(
                command, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
            )
        except OSError as error:
            raise CommandFailed(f"{Path(command[0]).name}: {error.strerror}") from error
        sampler = TreeSampler(process.pid)
        sampler.start()
        status, rusage, in_time = wait(process, limit_s)
        wall = time.monotonic() - begun
        sampler.stopped.set()
        sampler.join()
        if not in_time:
            raise CommandFailed(f"stopped after {limit_s:.0f} s")
        if status != 0:
            raise CommandFailed(reason(text_of(errors) or text_of(output), status))
        peak = max(sampler.peak_bytes, rusage.ru_maxrss * 1024)
        cpu = rusage.ru_utime + rusage.ru_stime
        return Usage(wall, cpu, peak / 1e6, tuple(sampler.seen.values()), text_of(output))


def wait(process: "subprocess.Popen[bytes]", limit_s: float) -> "Tuple[int, resource.struct_rusage, bool]":
    """Waits for the process; ends its whole session when the time is over or the wait is broken off."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        end_session(process.pid)

    timer = threading.Timer(max(limit_s, 0.0), expire)
    timer.start()
    try:
        _, status, rusage = os.wait4(process.pid, 0)
    except BaseException:
        end_session(process.pid)
        raise
    finally:
        timer.cancel()
    process.returncode = status
    return status, rusage, not expired.is_set()


def end_session(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def tree(root: int) -> Iterator[int]:
    """The ids of a process and all below it."""
    yield root
    try:
        threads = os.listdir(f"/proc/{root}/task")
    except OSError:
        return
    for thread in threads:
        for child in read(f"/proc/{root}/task/{thread}/children").split():
            yield from tree(int(child))


def resident_bytes(pid: int) -> int:
    fields = read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * PAGE_BYTES if fields else 0


def start_seconds(pid: int) -> Optional[float]:
    """When the process started, in seconds since the machine did; field 22 of proc(5)'s stat."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[19]) / TICKS_PER_SECOND if fields else None


def command_line(pid: int) -> str:
    return read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()


def read(path: str) -> str:
    """The text of a file of /proc, empty when the process has gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace").strip()


def reason(text: str, status: int) -> str:
    """The last line of what a command said, or how it ended."""
    last = text.splitlines()[-1].strip() if text else ""
    return last[:REASON_LENGTH] or f"wait status {status}"
