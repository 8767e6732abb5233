#!/usr/bin/env python3
"""Measures clipwright beside what one would use instead, in one run on one machine, and prints one table."""

from __future__ import annotations

import argparse
import datetime
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import functions
import job
import memory
import peers
import realtime
import render
import report
import speech
from bed import REPOSITORY, Bed
from measure import CommandFailed
from report import Row

PARTS: Dict[str, Callable[[Bed], Iterator[Row]]] = {
    "speech": speech.rows,
    "render": render.rows,
    "job": job.rows,
    "functions": functions.rows,
    "realtime": realtime.rows,
    # the longest comes last, and takes what time is left
    "memory": memory.rows,
}
LONGEST_MINUTES = 25
RESULTS = Path(__file__).with_name("results")


def main() -> int:
    options = arguments()
    # an ordinary end, so that what is being measured and the scratch folder go too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    load = os.getloadavg()[0]
    cache: Path = options.cache
    (cache / "bench").mkdir(parents=True, exist_ok=True)
    prepare_peers(cache / "bench", options.only)
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=cache / "bench") as scratch:
        bed = test_bed(options, Path(scratch))
        rows = [row for name in options.only for row in measured(name, bed)]
        text = text_of(bed, rows, load, options.quick)
    print(text)
    if not options.quick and set(options.only) == set(PARTS):
        report.keep(text, RESULTS / f"{datetime.date.today().isoformat()}.md")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="these parts; the result is not kept then")
    parser.add_argument("--quick", action="store_true", help="short inputs, to see that everything runs; the result is not kept")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / ".cache", help="folder of the set-up and the peers")
    parser.add_argument("--binary", type=Path, default=REPOSITORY / "target/release/clipwright", help="the clipwright to measure")
    parser.add_argument("--talk", type=Path, help="the talk to measure with; the demo's if not given")
    return parser.parse_args()


def test_bed(options: argparse.Namespace, scratch: Path) -> Bed:
    cache = options.cache.resolve()
    return Bed(
        home=cache / "clipwright",
        binary=options.binary.resolve(),
        cache=cache / "bench",
        scratch=scratch.resolve(),
        talk=(options.talk or cache / "demo/talk.mp4").resolve(),
        media=REPOSITORY.parent / "shared/media",
        quick=options.quick,
        deadline=time.monotonic() + LONGEST_MINUTES * 60,
    )


def prepare_peers(cache: Path, parts: List[str]) -> None:
    """Installs before the clock runs; a peer that cannot be had shows as failed in its own rows."""
    names = {"speech": "peers", "render": "peers", "job": "shorts-factory"}
    for name in sorted({names[part] for part in parts if part in names}):
        try:
            peers.environment(name, cache)
        except CommandFailed as failure:
            print(f"bench: {name}: {failure}", file=sys.stderr)


def measured(name: str, bed: Bed) -> Iterator[Row]:
    """The rows of one part; what goes wrong becomes a row, so that the others are still measured."""
    try:
        for row in PARTS[name](bed):
            print(f"bench: {' '.join(' '.join(row.cells()).split())}", file=sys.stderr, flush=True)
            yield row
    except (CommandFailed, OSError, ValueError, KeyError) as failure:
        print(f"bench: {name}: failed: {failure}", file=sys.stderr, flush=True)
        yield Row(name, "", None, f"failed: {failure}")


def text_of(bed: Bed, rows: List[Row], load: float, quick: bool) -> str:
    title = f"# Benchmark of {datetime.date.today().isoformat()}{', quick: not to be relied on' if quick else ''}\n"
    versions = [
        "peers: " + ", ".join(f"{package} {peers.version('peers', package)}" for package in ("faster-whisper", "ctranslate2", "moviepy")),
        f"shorts-factory {peers.version('shorts-factory', 'shorts-factory')} with its ctranslate2 {peers.version('shorts-factory', 'ctranslate2')}",
        f"load of the machine at the start: {load:.1f}",
    ]
    text = "\n".join([title, report.machine(bed, versions), report.table(rows)])
    # the reason of a failure may name a file
    return text.replace(f"{REPOSITORY}/", "")


if __name__ == "__main__":
    sys.exit(main())
