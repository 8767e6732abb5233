"""Memory and time of ours on sources of ten minutes, an hour and two hours."""

from __future__ import annotations

import shutil
from typing import Callable, Iterator, List, Sequence, Tuple

import inputs
from bed import Bed
from measure import CommandFailed, Usage
from report import Row, verdict

FULL_MINUTES = {"transcribe": (10, 60, 120), "clip": (10, 60)}
QUICK_MINUTES = {"transcribe": (1, 2), "clip": (1,)}
LIMIT_S = 600.0
# an hour may take this much more than ten minutes: transcripts and plans grow with the source, samples and pictures do not
MOST_GROWTH = 1.25


def rows(bed: Bed) -> Iterator[Row]:
    """A row for each length and command, the longest source last."""
    minutes = QUICK_MINUTES if bed.quick else FULL_MINUTES
    commands: Sequence[Tuple[str, Callable[[Bed, int], Usage]]] = [("transcribe", transcribe), ("clip", clip)]
    for name, command in commands:
        peaks: List[float] = []
        for length in minutes[name]:
            yield row(bed, name, command, length, peaks)


def row(bed: Bed, name: str, command: Callable[[Bed, int], Usage], length: int, peaks: List[float]) -> Row:
    part = f"memory ({length} min talk)"
    what = f"clipwright {name}" + (", 1 clip" if name == "clip" else "")
    try:
        usage = command(bed, length)
    except CommandFailed as failure:
        return Row(part, what, None, f"failed: {failure}")
    peaks.append(usage.peak_mb)
    result = f"{length * 60 / usage.wall_s:.1f} s of talk per second"
    if len(peaks) == 1:
        return Row(part, what, usage, result)
    growth = usage.peak_mb / peaks[0]
    return Row(part, what, usage, f"{result}, peak {growth:.2f} × the shortest", verdict(growth, MOST_GROWTH, f"≤ {MOST_GROWTH} ×"))


def transcribe(bed: Bed, length: int) -> Usage:
    return bed.ours("transcribe", inputs.talk(bed, length * 60), "-o", bed.scratch / "long.json", limit_s=LIMIT_S)


def clip(bed: Bed, length: int) -> Usage:
    out = bed.scratch / "long-clip"
    shutil.rmtree(out, ignore_errors=True)
    return bed.ours("clip", inputs.talk(bed, length * 60), "--out", out, "--clips", 1, "--json", limit_s=LIMIT_S)
