"""The whole stack for tests: the real template, functions and worker on loopback, and what a test looks at and meddles with."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from material import HOME, REPOSITORY, talk, tool

sys.path.insert(0, str(REPOSITORY / "infra" / "local"))
try:
    import deploy
except ImportError as missing:
    raise unittest.SkipTest(f"needs the environment of the local stack: {missing}") from missing

Json = dict[str, Any]
FUNCTIONS = Path(os.environ.get("CLIPWRIGHT_FUNCTIONS", REPOSITORY / "target" / "lambda")).resolve()
WORKER = Path(os.environ.get("CLIPWRIGHT_WORKER", REPOSITORY / "target" / "release" / "clipwright")).resolve()
JOBS = "/api/ai-clipping-agent/jobs"
ENDED = ("succeeded", "failed", "canceled")
# the quickest that still has everything: two clips of a sentence each, without a search for faces
QUICK = {"requestedClipCount": 2, "minClipSeconds": 5, "maxClipSeconds": 7, "aspectRatio": "1:1", "layout": "fit", "captions": "none", "language": "en"}
WRAPPER = """#!/bin/sh
for rule in all "$JOB_ID-$ATTEMPT"; do
    if [ -e {rules}/"$rule" ]; then . {rules}/"$rule"; fi
done
exec {worker} "$@"
"""


def until(condition: Callable[[], Any], seconds: float = 30, what: str = "what is waited for", every: float = 0.05) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(every)
    return value


class Worker:
    """The real worker behind a script, so that a test can change the environment of a task, or its course."""

    def __init__(self, folder: Path) -> None:
        self.rules = folder / "rules"
        self.rules.mkdir()
        self.path = folder / "worker"
        self.path.write_text(WRAPPER.format(rules=shlex.quote(str(self.rules)), worker=shlex.quote(str(WORKER))))
        self.path.chmod(0o755)

    def rule(self, shell: str, job: str | None = None, attempt: int = 1) -> None:
        """Runs in front of every worker, or of that of one attempt."""
        unfinished = self.rules / ".unfinished"
        unfinished.write_text(shell + "\n")
        unfinished.replace(self.rules / (f"{job}-{attempt}" if job else "all"))


class Stack:
    """The stack as a program of its own, up when this is made. Its logs stay in .cache/local."""

    def __init__(self, *more: str, worker: Path = WORKER) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="clipwright-test-")
        file, output = Path(self.folder.name) / "stack.json", Path(self.folder.name) / "output"
        command = [sys.executable, str(REPOSITORY / "infra" / "local" / "stack.py"), "up", f"--json={file}"]
        command += [f"--functions={FUNCTIONS}", f"--worker={worker}", *more]
        with output.open("wb") as to:
            self.process = subprocess.Popen(command, stdout=to, stderr=to, stdin=subprocess.DEVNULL, env=os.environ | {"CLIPWRIGHT_HOME": str(HOME)})
        try:
            until(lambda: file.exists() or self.process.poll() is not None, 60, "the stack")
            if not file.exists():
                raise AssertionError(output.read_text())
            self.addresses: Json = json.loads(file.read_text())
        except BaseException:
            self.stop()
            raise
        self.clients: Json = {}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = deploy.client(service, self.addresses["endpoint"])
        return self.clients[service]

    def user(self, name: str = "alice") -> User:
        token = urllib.request.urlopen(f"{self.addresses['issuer']}/token?sub={name}", timeout=5).read().decode()
        return User(self, token)

    # --- what AWS knows

    def record(self, job: str) -> Json:
        """The job's item, with plain strings for numbers; empty when it is gone."""
        item = self.client("dynamodb").get_item(TableName=self.addresses["jobs_table"], Key={"id": {"S": job}}, ConsistentRead=True)
        return {name: next(iter(value.values())) for name, value in item.get("Item", {}).items()}

    def objects(self, job: str) -> dict[str, Json]:
        """Everything stored for a job, by name: ETag, time of writing, attempt and what it was made from."""
        s3, bucket, prefix = self.client("s3"), self.addresses["bucket"], f"jobs/{job}/"
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        heads = {each["Key"]: s3.head_object(Bucket=bucket, Key=each["Key"]) for each in listed}
        return {key.removeprefix(prefix): {"etag": head["ETag"], "time": head["LastModified"], **head["Metadata"]} for key, head in heads.items()}

    def has(self, job: str, name: str) -> bool:
        try:
            self.client("s3").head_object(Bucket=self.addresses["bucket"], Key=f"jobs/{job}/{name}")
        except self.client("s3").exceptions.ClientError:
            return False
        return True

    def read(self, job: str, name: str) -> bytes:
        return self.client("s3").get_object(Bucket=self.addresses["bucket"], Key=f"jobs/{job}/{name}")["Body"].read()

    def outcome(self, job: str, attempt: int) -> Json | None:
        name = f"attempts/{attempt}/outcome.json"
        return json.loads(self.read(job, name)) if self.has(job, name) else None

    def execution(self, job: str, attempt: int) -> str:
        return f"{self.addresses['state_machine'].replace(':stateMachine:', ':execution:')}:{job}-{attempt}"

    def invoke(self, function: str, event: Json) -> Json:
        physical = next(real for name, real in self.addresses["functions"].items() if function.replace("-", "") in name.lower())
        answer = self.client("lambda").invoke(FunctionName=physical, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise AssertionError(f"{function}: {payload}")
        return payload

    # --- what runs

    def tasks(self, job: str, attempt: int) -> list[Json]:
        """What became of the tasks of an attempt: `running` with the process, `stopping`, `stopped` with the exit code."""
        file = Path(self.addresses["tasks"])
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [line for line in lines if line["job_id"] == job and line["attempt"] == str(attempt)]

    def process_of(self, job: str, attempt: int, seconds: float = 30) -> int:
        return until(lambda: self.tasks(job, attempt), seconds, f"a task of attempt {attempt}")[0]["pid"]

    def ended_task(self, job: str, attempt: int, seconds: float = 60) -> Json:
        stopped = until(lambda: [line for line in self.tasks(job, attempt) if line["status"] == "stopped"], seconds, f"the end of attempt {attempt}")
        return stopped[0]

    def log(self, job: str, attempt: int) -> str:
        return Path(self.tasks(job, attempt)[0]["log"]).read_text(errors="replace")


class User:
    """Somebody with a token."""

    def __init__(self, stack: Stack, token: str) -> None:
        self.stack, self.token = stack, token

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | (headers or {})
        request = urllib.request.Request(self.stack.addresses["api"] + path, data=data, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        return status, json.loads(content) if content else None

    def get(self, job: str) -> Json:
        status, view = self.call("GET", f"{JOBS}/{job}")
        assert status == 200, (status, view)
        return view

    def submit(self, **body: Any) -> str:
        """A quick job, but for what `body` says; gives its id."""
        status, view = self.call("POST", JOBS, QUICK | body)
        assert status == 202, (status, view)
        return view["id"]

    def upload(self, file: Path, name: str) -> str:
        uploads, content = "/api/ai-clipping-agent/uploads", file.read_bytes()
        status, upload = self.call("POST", uploads, {"fileName": name, "sizeBytes": len(content)})
        assert status == 201, (status, upload)
        status, links = self.call("POST", f"{uploads}/{upload['uploadId']}/parts", {"partNumbers": [1]})
        assert status == 200, (status, links)
        put = urllib.request.Request(links["parts"][0]["url"], data=content, method="PUT")
        with urllib.request.urlopen(put, timeout=60) as answer:
            parts = [{"partNumber": 1, "etag": answer.headers["ETag"]}]
        status, done = self.call("POST", f"{uploads}/{upload['uploadId']}/complete", {"parts": parts})
        assert status == 200, (status, done)
        return upload["uploadId"]

    def end(self, job: str, seconds: float = 120) -> Json:
        """The job once it is at its end."""
        return until(lambda: (view := self.get(job))["status"] in ENDED and view, seconds, f"the end of job {job}", 0.2)

    def attempt(self, job: str, attempt: int, status: str, seconds: float = 30) -> Json:
        """The job once an attempt of it has a status."""
        fits = lambda view: (view["attempt"], view["status"]) == (attempt, status)  # noqa: E731
        return until(lambda: fits(view := self.get(job)) and view, seconds, f"attempt {attempt} of job {job} {status}")


class StackTestCase(unittest.TestCase):
    """One stack for all tests of a class."""

    more: tuple[str, ...] = ()

    @classmethod
    def setUpClass(cls) -> None:
        cls.talk = talk()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.worker = Worker(Path(folder.name))
        cls.stack = Stack(*cls.more, worker=cls.worker.path)
        cls.addClassCleanup(cls.stack.stop)
        cls.user = cls.stack.user()


def probe(file: Path) -> Json:
    command = [tool("ffprobe"), "-loglevel", "error", "-print_format", "json", "-show_streams", "-show_format", str(file)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60).stdout)
