#!/usr/bin/env python3
"""Brings the local stack up, sends signed events of jobs and listens on a WebSocket: prints as JSON how long each event took to arrive,
and where the time went as far as the functions' logs tell. Runs in the environment of the local stack."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stack"))
from driven import SLEEPING, TASKS_AT_ONCE, DrivenJob, send  # noqa: E402
from harness import Stack, Worker, until  # noqa: E402
from sockets import Client, Sockets, ticket  # noqa: E402

PERCENTS = range(10, 100, 10)
# so that events do not keep step with whatever the emulator does at intervals
LONGEST_PAUSE_S = 0.1
EVERY_S = 0.01

Json = dict[str, Any]


class SignedJob(DrivenJob):
    """A job whose events are signed as the worker does it; `sent` is when the last of them was."""

    def __init__(self, *args: Any, key: bytes) -> None:
        super().__init__(*args)
        self.key = key

    def send(self, body: Json) -> None:
        identity, now, content = f"{self.id}-{self.sequence}", str(int(time.time())), json.dumps(body).encode()
        tag = hmac.digest(self.key, f"{identity}.{now}.".encode() + content, hashlib.sha256)
        signature = f"v1,{base64.b64encode(tag).decode()}"
        self.sent = time.monotonic()
        send(self.stack, content, {"webhook-id": identity, "webhook-timestamp": now, "webhook-signature": signature})


def main() -> None:
    jobs = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Path(folder))
        worker.rule(SLEEPING)
        stack = Stack(TASKS_AT_ONCE, worker=worker.path)
        sockets = Sockets()
        try:
            print(json.dumps(measured(stack, sockets, jobs)))
        finally:
            sockets.close()
            stack.stop()


def measured(stack: Stack, sockets: Sockets, jobs: int) -> list[Json]:
    """Times in milliseconds of each event: in all, until it was in the table, from there to `publish-events`, from there to the client."""
    user, key = stack.user(), signing_key(stack)
    client = sockets.open(ticket(user)["url"])
    client.subscribe()
    until(lambda: client.heard, what="a snapshot")
    return [times for _ in range(jobs) for times in course(SignedJob(user, key=key), client)]


def course(job: SignedJob, client: Client) -> list[Json]:
    """A job from its start to its end, each event once the one before has arrived."""
    # what a new job sets going is over
    job.stack.process_of(job.id, 1)
    steps = [job.start, *(lambda percent=percent: job.progress(percent) for percent in PERCENTS), job.complete]
    sent, arrived = [], []
    for step in steps:
        time.sleep(random.uniform(0, LONGEST_PAUSE_S))
        before = len(client.heard)
        step()
        until(lambda: len(client.heard) > before, what="a message", every=EVERY_S)
        assert client.heard[before]["job"]["id"] == job.id, client.heard[before]
        sent.append(job.sent)
        arrived.append(client.times[before])
    stored, told = logged(job, "ingest-webhook", "received"), logged(job, "publish-events", "told")
    assert len(sent) == len(stored) == len(told), (len(sent), len(stored), len(told))
    return [split(*each) for each in zip(sent, stored, told, arrived)]


def split(sent: float, stored: float, told: float, arrived: float) -> Json:
    parts = {"all": arrived - sent, "ingest": stored - sent, "stream": told - stored, "telling": arrived - told}
    return {name: seconds * 1000 for name, seconds in parts.items()}


def logged(job: DrivenJob, function: str, message: str) -> list[float]:
    """When a function has logged this of a job, on the monotonic clock."""
    behind = time.time() - time.monotonic()
    file, = Path(job.stack.addresses["logs"], "functions").glob(f"*{function}.log")
    lines = [json.loads(line) for line in file.read_text().splitlines() if line.startswith("{")]
    of_job = [line for line in lines if line.get("message") == message and line["span"]["job_id"] == job.id]
    return [datetime.fromisoformat(line["timestamp"]).timestamp() - behind for line in of_job]


def signing_key(stack: Stack) -> bytes:
    secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.addresses["webhook_secret"])["SecretString"]
    return base64.b64decode(json.loads(secret)["current"].removeprefix("whsec_"))


if __name__ == "__main__":
    main()
