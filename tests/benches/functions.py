"""The functions as they are deployed: size, cold start, and what an event costs; beside a Node function that does the least of the same."""

from __future__ import annotations

import json
import shutil
import statistics
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

import peers
from bed import REPOSITORY, Bed
from report import Row, verdict

DEPLOYED = REPOSITORY / "target/lambda"
HARNESS = REPOSITORY / "target/debug/examples/harness"
NODE = Path(__file__).parent / "peers/node"
FULL_EVENTS, QUICK_EVENTS = 4000, 200
FULL_STARTS, QUICK_STARTS = 15, 3
# connections of an owner, and how many events are published to so many
CONNECTIONS = {1: 2000, 10: 1000, 1000: 30}
# how callbacks are delivered, how many of a batch, and how many batches there are; 10 is what the template has
CALLBACKS = [("deliver", 1, 1000), ("deliver", 10, 100), ("deliver-tls", 10, 100)]
LINES = {"deliver": "no TLS", "deliver-tls": "TLS, each its own connection"}
# of those numbers, what a quick run does
QUICK_PART = 20
# what the issue of a deployment is held to
MOST_ZIP_MB, MOST_COLD_MS, MOST_OURS_MS = 8.0, 15.0, 0.2
HTTP_EVENT = {
    "version": "2.0",
    "rawPath": "/api/health",
    "rawQueryString": "",
    "headers": {"host": "api"},
    "isBase64Encoded": False,
    "requestContext": {"http": {"method": "GET", "path": "/api/health", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}, "stage": "$default"},
}
# an event that each function answers without work, so that its start is what is measured
FIRST: Dict[str, Any] = {
    "submit-job": HTTP_EVENT,
    "manage-jobs": HTTP_EVENT,
    "start-job": {"Records": []},
    "settle-job": {"job_id": "nobody", "attempt": 1},
    "publish-events": {"Records": []},
    "deliver-callback": {"Records": []},
    # without a ticket
    "realtime": {"requestContext": {"connectionId": "none", "eventType": "CONNECT"}},
}

Json = Dict[str, Any]


def rows(bed: Bed) -> Iterator[Row]:
    binaries = unpacked(bed.scratch / "functions")
    node = installed_node(bed)
    starts = QUICK_STARTS if bed.quick else FULL_STARTS
    for name, binary in binaries.items():
        yield size(name)
        cold = statistics.median(first_answer(bed, name, binary) for _ in range(starts))
        yield Row("function", f"{name}: cold start", None, f"{cold:.1f} ms to the first answer", verdict(cold, MOST_COLD_MS, f"<= {MOST_COLD_MS:.0f} ms"))
    cold = statistics.median(run(bed, "ingest", 1, node)["cold_ms"] for _ in range(starts))
    yield Row("function", "Node, the least: cold start", None, f"{cold:.1f} ms to the first answer")
    events = QUICK_EVENTS if bed.quick else FULL_EVENTS
    yield ingest("ingest-webhook", run(bed, "ingest", events, [binaries["ingest-webhook"]]))
    yield ingest("Node, the least", run(bed, "ingest", events, node))
    ours = run(bed, "refused", events, [binaries["ingest-webhook"]])["cpu_ms_each"]
    what = "ingest-webhook: all but the store"
    yield Row("event", what, None, f"{ours:.3f} ms of processor each", verdict(ours, MOST_OURS_MS, f"<= {MOST_OURS_MS} ms"))
    yield from published(bed, binaries["publish-events"])
    yield from delivered(bed, binaries["deliver-callback"])


def published(bed: Bed, binary: Path) -> Iterator[Row]:
    """What it costs to tell the connections of an owner."""
    for connections, events in CONNECTIONS.items():
        taken = run(bed, f"publish:{connections}", part_of(bed, events), [binary])
        each = taken["cpu_ms_each"]
        result = f"p50 {taken['p50_ms']:.1f} ms, p99 {taken['p99_ms']:.1f} ms; {each:.2f} ms of processor each, {each / connections:.2f} ms a connection"
        yield Row("event", f"publish-events: {connections} connection{'s' * (connections > 1)}", None, result)


def delivered(bed: Bed, binary: Path) -> Iterator[Row]:
    """What it costs to tell a receiver of a job's end, with links to three clips."""
    for kind, size, batches in CALLBACKS:
        taken = run(bed, f"{kind}:{size}", part_of(bed, batches), [binary])
        each = taken["cpu_ms_each"] / size
        result = f"p50 {taken['p50_ms']:.1f} ms, p99 {taken['p99_ms']:.1f} ms a batch; {each:.2f} ms of processor each: {1000 / each:.0f} a second and core"
        yield Row("callback", f"deliver-callback: {size} a batch, {LINES[kind]}", None, result)


def part_of(bed: Bed, number: int) -> int:
    return max(number // QUICK_PART, 2) if bed.quick else number


def size(name: str) -> Row:
    megabytes = (DEPLOYED / name / "bootstrap.zip").stat().st_size / 1e6
    return Row("function", f"{name}: zip", None, f"{megabytes:.1f} MB", verdict(megabytes, MOST_ZIP_MB, f"<= {MOST_ZIP_MB:.0f} MB"))


def ingest(what: str, taken: Json) -> Row:
    each = taken["cpu_ms_each"]
    result = f"p50 {taken['p50_ms']:.2f} ms, p99 {taken['p99_ms']:.2f} ms; {each:.2f} ms of processor each: {1000 / each:.0f} a second and core"
    return Row("event", what, None, result)


def first_answer(bed: Bed, name: str, binary: Path) -> float:
    if name not in FIRST:
        return run(bed, "ingest", 1, [binary])["cold_ms"]
    file = bed.scratch / f"{name}.json"
    file.write_text(json.dumps(FIRST[name]), encoding="utf-8")
    return run(bed, "first", file, [binary])["cold_ms"]


def run(bed: Bed, kind: str, what: object, command: Sequence[object]) -> Json:
    return json.loads(bed.run([HARNESS, kind, what, *command], 180).output)


def unpacked(folder: Path) -> Dict[str, Path]:
    """The binaries out of what is deployed."""
    binaries = {}
    for archive in sorted(DEPLOYED.glob("*/bootstrap.zip")):
        to = folder / archive.parent.name
        with zipfile.ZipFile(archive) as zipped:
            zipped.extract("bootstrap", to)
        (to / "bootstrap").chmod(0o755)
        binaries[archive.parent.name] = to / "bootstrap"
    return binaries


def installed_node(bed: Bed) -> List[object]:
    """The Node function with the packages of its lock."""
    folder = bed.cache / "node"
    folder.mkdir(exist_ok=True)
    for file in NODE.iterdir():
        shutil.copy(file, folder)
    peers.call("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder))
    return [shutil.which("node") or "node", folder / "ingest.mjs"]
