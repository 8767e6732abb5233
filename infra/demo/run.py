#!/usr/bin/env python3
"""Takes a video through the whole service on this machine: brings the local stack up, uploads and submits the video over HTTP as a user
would, follows the job live with `clipwright watch`, fetches the clips through their links, prints their table, and takes the stack down.

Usage: run.py VIDEO OUTPUT_FOLDER, with the Python of .cache/venvs/stack, as `make demo` does.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
STACK = REPOSITORY / "infra/local/stack.py"
CLIPWRIGHT = REPOSITORY / "target/local/clipwright"
JOBS = "/api/ai-clipping-agent/jobs"
UPLOADS = "/api/ai-clipping-agent/uploads"
STACK_STARTS_S = 60

Json = dict[str, Any]


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def main() -> int:
    video, folder = Path(sys.argv[1]), Path(sys.argv[2])
    # so that a polite kill takes the stack down too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="clipwright-demo-") as temporary:
        addresses = Path(temporary) / "stack.json"
        stack = subprocess.Popen([sys.executable, str(STACK), "up", "--json", str(addresses)], stdout=subprocess.DEVNULL)
        try:
            service = Service(started(stack, addresses))
            job = follow(service, service.submit(video))
            fetch_all(job, folder)
            print(table(job, folder))
        except (DemoError, urllib.error.URLError) as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
        finally:
            stack.send_signal(signal.SIGINT)
            stack.wait()
    return 0


def started(stack: subprocess.Popen[bytes], addresses: Path) -> Json:
    """The addresses of the stack, once it is up."""
    due = time.monotonic() + STACK_STARTS_S
    while not addresses.is_file():
        if stack.poll() is not None or time.monotonic() > due:
            raise DemoError("the local stack does not come up; `make local` shows why")
        time.sleep(0.1)
    return json.loads(addresses.read_text(encoding="utf-8"))


class Service:
    """The public API as a user calls it."""

    def __init__(self, stack: Json) -> None:
        self.api, self.token = stack["api"], stack["token"]
        print(f"the service is up: {self.api}{JOBS}")

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise DemoError(f"{method} {path}: {refused.code} {refused.read().decode(errors='replace')}") from refused

    def submit(self, video: Path) -> Json:
        upload = self.upload(video)
        job = self.call("POST", JOBS, {"uploadId": upload})
        print(f"job {job['id']} is {job['status']}")
        return job

    def upload(self, video: Path) -> str:
        """Sends a file in parts straight to the bucket; gives the upload's id."""
        upload = self.call("POST", UPLOADS, {"fileName": video.name, "sizeBytes": video.stat().st_size})
        numbers = list(range(1, upload["partCount"] + 1))
        links = self.call("POST", f"{UPLOADS}/{upload['uploadId']}/parts", {"partNumbers": numbers})["parts"]
        parts = []
        for link, data in zip(links, pieces(video, upload["partSizeBytes"]), strict=True):
            request = urllib.request.Request(link["url"], data=data, method="PUT")
            with urllib.request.urlopen(request, timeout=60) as answer:
                parts.append({"partNumber": link["partNumber"], "etag": answer.headers["ETag"]})
        self.call("POST", f"{UPLOADS}/{upload['uploadId']}/complete", {"parts": parts})
        print(f"{video.name}: {video.stat().st_size / 1e6:.0f} MB uploaded in {len(parts)} parts")
        return upload["uploadId"]


def pieces(file: Path, size: int) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(size):
            yield piece


def follow(service: Service, job: Json) -> Json:
    """Shows over the WebSocket how far the job is, until it is at its end."""
    told = {"CLIPWRIGHT_API": service.api, "CLIPWRIGHT_TOKEN": service.token}
    # its table is not shown: ours has the files too
    watched = subprocess.run([CLIPWRIGHT, "watch", job["id"]], stdout=subprocess.DEVNULL, env=os.environ | told, check=False)
    job = service.call("GET", f"{JOBS}/{job['id']}")
    if watched.returncode != 0 or job["status"] != "succeeded":
        raise DemoError(f"job {job['id']} is {job['status']}: {job['errorMessage']} ({job['errorCode']})")
    return job


def fetch_all(job: Json, folder: Path) -> None:
    clips = folder / "clips"
    shutil.rmtree(clips, ignore_errors=True)
    clips.mkdir(parents=True)
    for clip in job["clips"]:
        for kind, ending in (("videoUrl", "mp4"), ("captionsUrl", "vtt"), ("thumbnailUrl", "jpg")):
            fetch(clip[kind], clips / f"clip_{clip['clipIndex']:02}.{ending}")
    fetch(job["transcriptUrl"], folder / "transcript.json")
    fetch(job["planUrl"], folder / "plan.json")


def fetch(link: str, to: Path) -> None:
    with urllib.request.urlopen(link, timeout=60) as answer, to.open("wb") as file:
        shutil.copyfileobj(answer, file)


def table(job: Json, folder: Path) -> str:
    lines = [f"{'rank':>4}  {'from – to':<13}  {'length':>6}  {'score':>5}  {'title':<48}  file"]
    for clip in sorted(job["clips"], key=lambda clip: clip["rank"]):
        span = f"{clock(clip['startMs'])} – {clock(clip['endMs'])}"
        file = folder / "clips" / f"clip_{clip['clipIndex']:02}.mp4"
        title = clip["title"] if len(clip["title"]) <= 48 else clip["title"][:47] + "…"
        lines.append(f"{clip['rank']:>4}  {span:<13}  {clip['durationMs'] / 1000:>5.1f}s  {clip['viralityScore']:>5.2f}  {title:<48}  {file}")
    seconds = sum(job["timings"].values()) / 1000
    lines.append(f"\n{len(job['clips'])} clips in {seconds:.0f} s of work, {job['creditsCharged']} credits")
    return "\n".join(lines)


def clock(ms: int) -> str:
    return f"{ms // 60_000}:{ms // 1000 % 60:02}"


if __name__ == "__main__":
    sys.exit(main())
