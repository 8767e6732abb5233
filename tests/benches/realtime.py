"""How soon a user hears of an event: from its arrival at ingest to the message on a WebSocket, on the local stack with the release functions."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Iterator, List

from bed import REPOSITORY, Bed
from report import Row

PYTHON = REPOSITORY / ".cache/venvs/stack/bin/python"
FULL_JOBS, QUICK_JOBS = 20, 2
LIMIT_S = 300.0
# what an event goes through, one after the other
PARTS = {
    "ingest": "of which to the table: gateway, ingest-webhook, store",
    "stream": "of which the stream: the emulator's polling, publish-events' query",
    "telling": "of which to the client: the emulator's connections",
}


def rows(bed: Bed) -> Iterator[Row]:
    jobs = QUICK_JOBS if bed.quick else FULL_JOBS
    program = Path(__file__).with_name("listen.py")
    usage = bed.run([PYTHON, program, jobs], LIMIT_S, {"CLIPWRIGHT_HOME": str(bed.home)})
    events = json.loads(usage.output)
    yield Row("realtime", f"event to WebSocket client, {len(events)} events one by one", None, quantiles([event["all"] for event in events]))
    for name, what in PARTS.items():
        yield Row("realtime", f"  {what}", None, quantiles([event[name] for event in events]))


def quantiles(times_ms: List[float]) -> str:
    hundredths = statistics.quantiles(times_ms, n=100, method="inclusive")
    return f"p50 {hundredths[49]:.0f} ms, p99 {hundredths[98]:.0f} ms"
