"""One clip rendered: ours beside a bare ffmpeg run with the same encoder settings, and beside moviepy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import median
from typing import Any, Dict, Iterator, List

import inputs
import peers
from bed import Bed
from measure import CommandFailed, Usage
from report import Row, verdict

# one person in view throughout, so that ours crops too, and where that person stands as a share of the width
SOURCE_S, START_S, SPEAKER_AT = 112.0, 54.0, 0.4
FULL_S, QUICK_S = 20.0, 4.0
FULL_RUNS, QUICK_RUNS = 3, 1
LIMIT_S = 240.0
MOST_RATIO = 1.15
WIDTH, HEIGHT = 1080, 1920
# those of worker/src/stages/render/clip.rs
ENCODER = "-c:v libx264 -preset veryfast -crf 20 -profile:v high -pix_fmt yuv420p -c:a aac -b:a 160k -movflags +faststart".split()
FONT = "fonts/Poppins-Bold.ttf"


def rows(bed: Bed) -> Iterator[Row]:
    """Ours and the bare run take turns, so that a slower spell of the machine meets both; the median run of each is shown."""
    source = inputs.talk(bed, SOURCE_S)
    seconds = QUICK_S if bed.quick else FULL_S
    part = f"render (one {seconds:.0f} s clip, {WIDTH}×{HEIGHT})"
    bed.ours("transcribe", source, "-o", bed.scratch / "transcript.json", limit_s=LIMIT_S)
    write_plan(bed.scratch / "plan.json", START_S, START_S + seconds)
    ours, bare = [], []
    for _ in range(QUICK_RUNS if bed.quick else FULL_RUNS):
        ours.append(render_ours(bed, source))
        bare.append(render_bare(bed, source, seconds))
    yield from compared(part, middle(ours), middle(bare))
    yield moviepy_row(bed, part, source, seconds)


def compared(part: str, ours: Usage, bare: Usage) -> Iterator[Row]:
    encode_s = max((child.seconds for child in ours.children if "libx264" in child.command), default=0.0)
    whole, encode = ours.wall_s / bare.wall_s, encode_s / bare.wall_s
    target = verdict(whole, MOST_RATIO, f"≤ {MOST_RATIO} × bare")
    yield Row(part, "clipwright render, captions, loudness, faces", ours, f"{whole:.2f} × bare ffmpeg", target)
    yield Row(part, "  of which its encode run", None, f"{encode_s:.1f} s, {encode:.2f} × bare ffmpeg")
    yield Row(part, "bare ffmpeg: decode, crop, scale, encode", bare, "1.00")


def moviepy_row(bed: Bed, part: str, source: Path, seconds: float) -> Row:
    what = f"moviepy {peers.version('peers', 'moviepy')}: crop, scale, a TextClip per word"
    try:
        usage = render_moviepy(bed, source, seconds)
    except CommandFailed as failure:
        return Row(part, what, None, f"failed: {failure}")
    return Row(part, what, usage, f"{seconds / usage.wall_s:.2f} s of clip per second")


def render_ours(bed: Bed, source: Path) -> Usage:
    out = bed.scratch / "rendered"
    shutil.rmtree(out, ignore_errors=True)
    return bed.ours("render", source, bed.scratch / "plan.json", "--out", out, "--json", limit_s=LIMIT_S)


def render_bare(bed: Bed, source: Path, seconds: float) -> Usage:
    crop = f"crop=min(iw\\,ih*{WIDTH}/{HEIGHT}):ih:iw*{SPEAKER_AT}-ow/2,scale={WIDTH}:{HEIGHT},setsar=1"
    return bed.bare_ffmpeg("-ss", START_S, "-t", seconds, "-i", source, "-vf", crop, *ENCODER, bed.scratch / "bare.mp4", limit_s=LIMIT_S)


def render_moviepy(bed: Bed, source: Path, seconds: float) -> Usage:
    job = {
        "source": str(source),
        "start_s": START_S,
        "end_s": START_S + seconds,
        "width": WIDTH,
        "height": HEIGHT,
        "speaker_at": SPEAKER_AT,
        "font": str(bed.home / FONT),
        "words": spoken(bed.scratch / "transcript.json", START_S, START_S + seconds),
        "threads": bed.threads,
        "out": str(bed.scratch / "moviepy.mp4"),
    }
    return bed.peer("peers", "moviepy_clip.py", json.dumps(job), limit_s=LIMIT_S)


def spoken(transcript: Path, start_s: float, end_s: float) -> List[Dict[str, Any]]:
    """The words that lie wholly within a range."""
    segments = json.loads(transcript.read_text(encoding="utf-8"))["segments"]
    words = [(word["text"], word["start_ms"] / 1000, word["end_ms"] / 1000) for segment in segments for word in segment["words"]]
    return [{"text": text, "start_s": start, "end_s": end} for text, start, end in words if start_s <= start < end <= end_s]


def write_plan(path: Path, start_s: float, end_s: float) -> None:
    clip = {
        "clip_index": 0,
        "rank": 1,
        "start_ms": int(start_s * 1000),
        "end_ms": int(end_s * 1000),
        "title": "One clip",
        "summary": "One clip",
        "reason": "to be measured",
        "virality_score": 0.5,
        "score_breakdown": {"hook": 0.5, "flow": 0.5, "value": 0.5, "emotion": 0.5},
    }
    path.write_text(json.dumps({"version": 1, "clips": [clip]}), encoding="utf-8")


def middle(runs: List[Usage]) -> Usage:
    """The run of median wall time."""
    wall = median(run.wall_s for run in runs)
    return min(runs, key=lambda run: abs(run.wall_s - wall))
