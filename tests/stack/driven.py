"""Jobs whose course a test tells itself, with the events that a worker would send; their own workers sleep meanwhile."""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime, timezone
from typing import Any

from harness import JOBS, Stack, User

# a rule for the workers of a stack (harness.Worker): a task runs, and says nothing
SLEEPING = "exec sleep 60"
# so many tasks may sleep at once and yet leave room
TASKS_AT_ONCE = "--tasks-at-once=50"


class DrivenJob:
    def __init__(self, user: User, **body: Any) -> None:
        self.user, self.stack = user, user.stack
        self.id = user.submit(**{"videoUrl": "http://127.0.0.1:9/never-asked-for.mp4"} | body)
        self.attempt, self.sequence = 1, 0

    def start(self) -> None:
        self.tell("job.started", "running", 0, current_step="Starting")

    def progress(self, percent: int) -> None:
        self.tell("job.progress", "running", percent, current_step=f"{percent} % done", stage="render")

    def complete(self) -> None:
        address = f"s3://{self.stack.addresses['bucket']}/jobs/{self.id}/clips/clip_00"
        clip = {"clip_index": 0, "s3_url": f"{address}.mp4", "captions_url": f"{address}.vtt", "duration_ms": 61_000, "virality_score": 0.5, "summary": "It ends well."}
        self.tell("job.completed", "succeeded", 100, current_step="Done", output={"total_clips": 1, "clips": [clip]})

    def fail(self) -> None:
        self.tell("job.failed", "failed", 0, current_step="Failed", error="There is no speech in it", error_code="no_speech")

    def cancel(self) -> None:
        status, view = self.user.call("POST", f"{JOBS}/{self.id}/cancel")
        assert (status, view["status"]) == (200, "canceled"), (status, view)

    def retry(self) -> None:
        status, view = self.user.call("POST", f"{JOBS}/{self.id}/retry")
        assert status == 202, (status, view)
        self.attempt, self.sequence = view["attempt"], 0

    def tell(self, event: str, status: str, percent: int, **more: Any) -> None:
        self.sequence += 1
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = {"event": event, "timestamp": now, "job_id": self.id, "external_job_id": self.id, "status": status, "progress_percent": percent}
        self.send(body | {"attempt": self.attempt, "sequence": self.sequence} | more)

    def send(self, body: dict[str, Any]) -> None:
        send(self.stack, json.dumps(body).encode())


def send(stack: Stack, body: bytes, headers: dict[str, str] | None = None) -> None:
    """An event, which a local stack takes without a signature too."""
    request = urllib.request.Request(f"{stack.addresses['events_api']}/api/webhooks/ai-clipping", data=body, headers=headers or {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["received"] is True
