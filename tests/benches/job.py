"""The whole job, from a talk to three clips: ours beside shorts-factory."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator, List

import inputs
import peers
from bed import Bed
from measure import CommandFailed, Usage
from report import Row

FULL_S, QUICK_S = 112.0, 60.0
FULL_CLIPS, QUICK_CLIPS = 3, 1
# what both are told about the length of a clip
SHORTEST_S, LONGEST_S = 15, 60
LIMIT_S = 420.0


def rows(bed: Bed) -> Iterator[Row]:
    """How many seconds of finished clips each makes in a second."""
    source_s, clips = (QUICK_S, QUICK_CLIPS) if bed.quick else (FULL_S, FULL_CLIPS)
    source = inputs.talk(bed, source_s)
    part = f"whole job ({source_s:.0f} s talk, {clips} clips)"

    def ours() -> Usage:
        lengths = ["--min-clip-seconds", SHORTEST_S, "--max-clip-seconds", LONGEST_S]
        return bed.ours("clip", source, "--out", bed.scratch / "job-ours", "--clips", clips, *lengths, "--json", limit_s=LIMIT_S)

    def theirs() -> Usage:
        lengths = ["--min-dur", SHORTEST_S, "--max-dur", LONGEST_S]
        model = ["--model", bed.tiny_model, "--no-llm"]
        out = ["-o", bed.scratch / "job-theirs", "--top", clips]
        return bed.peer("shorts-factory", "shorts-factory", "run", source, *out, *model, *lengths, limit_s=LIMIT_S)

    yield row(bed, part, "clipwright clip, base", ours, bed.scratch / "job-ours", "clip_*.mp4")
    version = peers.version("shorts-factory", "shorts-factory")
    yield row(bed, part, f"shorts-factory {version}, tiny.en", theirs, bed.scratch / "job-theirs", "short_*.mp4")


def row(bed: Bed, part: str, what: str, job: Callable[[], Usage], out: Path, pattern: str) -> Row:
    try:
        usage = job()
        lengths = [float(bed.probe("format=duration", path)) for path in made_in(out, pattern)]
    except CommandFailed as failure:
        return Row(part, what, None, f"failed: {failure}")
    made = sum(lengths)
    return Row(part, what, usage, f"{len(lengths)} clips of {made:.0f} s together: {made / usage.wall_s:.2f} s of clip per second")


def made_in(out: Path, pattern: str) -> List[Path]:
    """The clips below a folder; ours keeps records of the same names in a hidden one."""
    return sorted(path for path in out.rglob(pattern) if ".clipwright" not in path.parts)
