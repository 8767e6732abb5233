#!/usr/bin/env python3
"""Assembles the demo's talk from talk.json, speech.opus and the stills that set-up installed; see README.md.

Usage: make_talk.py OUTPUT.mp4. The work is skipped when the output was made from the same material.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from shots import FPS, SHOTS, STILLS, shot_command

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".cache/clipwright"
GAP_S = 0.45
READING_S = 44.2
LEAD_S, TAIL_S = 0.6, 1.2
# bring both recordings, measured at -24.4 and -35.7 LUFS, to about -18
SPEECH_GAIN_DB, READING_GAIN_DB = 6.5, 17.5

Json = dict[str, Any]


def main() -> int:
    output = Path(sys.argv[1])
    mark = output.with_suffix(".made-from")
    fingerprint = fingerprint_of_material()
    if output.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == fingerprint:
        print(f"demo: {output} is there already")
        return 0
    started = time.monotonic()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".talk-", dir=output.parent) as folder:
        talk = assemble(Path(folder))
        os.replace(talk, output)
    mark.write_text(fingerprint, encoding="utf-8")
    print(f"demo: {output} assembled in {time.monotonic() - started:.0f} s")
    return 0


def fingerprint_of_material() -> str:
    digest = hashlib.sha256()
    ours = [path for path in HERE.iterdir() if path.suffix in {".py", ".json", ".opus"}]
    for path in sorted([*ours, *(HERE / "masks").iterdir(), *(HOME / "demo").iterdir()]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def assemble(work: Path) -> Path:
    lines = json.loads((HERE / "talk.json").read_text(encoding="utf-8"))["lines"]
    plan = timeline(lines)
    print(f"demo: a talk of {plan[-1][2] / FPS:.0f} s in {len(plan)} shots", flush=True)
    for name, (inputs, graph) in STILLS.items():
        ffmpeg(work, [*inputs_of(inputs), "-filter_complex", graph, "-frames:v", "1", name])
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda item: render(work, *item), enumerate(plan)))
    (work / "parts.txt").write_text("".join(f"file {part}\n" for part in parts), encoding="utf-8")
    render_sound(work, lines, plan[-1][2] / FPS)
    streams = ["-f", "concat", "-i", "parts.txt", "-i", "sound.m4a"]
    ffmpeg(work, [*streams, "-map", "0:v", "-map", "1:a", "-c", "copy", "-movflags", "+faststart", "talk.mp4"])
    return work / "talk.mp4"


def timeline(lines: list[Json]) -> list[tuple[str, int, int]]:
    """The shots in order: "name" or "ground/name", first frame, frame after the last. A line's picture changes in the pause before it."""
    plan: list[tuple[str, int, int]] = []
    now_s, cut = LEAD_S, 0
    for number, line in enumerate(lines):
        end_s = now_s + length_s(line)
        after_s = TAIL_S if number + 1 == len(lines) else lines[number + 1].get("gap", GAP_S)
        last_cut = round((end_s + (after_s if number + 1 == len(lines) else after_s / 2)) * FPS)
        for shot in line["shots"]:
            name, _, wanted_s = shot.partition(" ")
            end = min(last_cut, cut + round(float(wanted_s) * FPS)) if wanted_s else last_cut
            plan.append((name, cut, end))
            cut = end
        now_s = end_s + after_s
    return plan


def length_s(line: Json) -> float:
    return line["at"][1] if "at" in line else READING_S


def render(work: Path, number: int, part: tuple[str, int, int]) -> str:
    named, first, end = part
    ground, _, name = named.rpartition("/")
    shot = replace(SHOTS[name], ground=ground) if ground else SHOTS[name]
    target = f"part{number:02d}.mp4"
    stills, graph = shot_command(shot, work / f"text{number:02d}.ass", HOME / "fonts")
    inputs = [argument for still in stills for argument in ("-framerate", str(FPS), "-i", still)]
    encode = ["-c:v", "libx264", "-preset", "superfast", "-crf", "19", "-g", str(2 * FPS), "-threads", "1"]
    colours = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    frames = ["-frames:v", str(end - first), "-r", str(FPS), "-video_track_timescale", "12800"]
    ffmpeg(work, [*inputs, "-filter_complex", graph, "-map", "[out]", *encode, *colours, *frames, target])
    return target


def render_sound(work: Path, lines: list[Json], total_s: float) -> None:
    """One mono track: silence, then each line and the pause after it."""
    copies = "".join(f"[s{number}]" for number in range(1, len(lines)))
    steps = [f"[0]aresample=48000,aformat=channel_layouts=mono,asplit={len(lines) - 1}{copies}"]
    for number, line in enumerate(lines):
        pause_s = lines[number + 1].get("gap", GAP_S) if number + 1 < len(lines) else TAIL_S
        if "at" in line:
            start_s, long_s = line["at"]
            cut = f"[s{number}]atrim=start={start_s}:duration={long_s},asetpts=PTS-STARTPTS"
        else:
            cut = f"[1]aresample=48000,aformat=channel_layouts=mono,atrim=duration={READING_S},afade=out:st={READING_S - 0.3}:d=0.3"
        gain_db = SPEECH_GAIN_DB if "at" in line else READING_GAIN_DB
        steps.append(f"{cut},volume={gain_db}dB,alimiter=limit=0.85:level=0,apad=pad_dur={pause_s}[a{number}]")
    steps.append("".join(f"[a{number}]" for number in range(len(lines))) + f"concat=n={len(lines)}:v=0:a=1[talk]")
    steps.append(f"[talk]adelay={round(LEAD_S * 1000)},atrim=duration={total_s}[out]")
    inputs = ["-i", str(HERE / "speech.opus"), "-i", str(HOME / "demo/reading.wav")]
    ffmpeg(work, [*inputs, "-filter_complex", ";".join(steps), "-map", "[out]", "-c:a", "aac", "-b:a", "128k", "sound.m4a"])


def inputs_of(names: list[str]) -> list[str]:
    paths = [HERE / name if name.startswith("masks/") else HOME / "demo" / name for name in names]
    return [argument for path in paths for argument in ("-i", str(path))]


def ffmpeg(work: Path, arguments: list[str]) -> None:
    bare = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-fflags", "+bitexact"]
    # bitexact output: the same talk, byte for byte, each time
    exact = ["-flags:v", "+bitexact", "-flags:a", "+bitexact", "-fflags", "+bitexact", "-map_metadata", "-1"]
    command = [str(HOME / "bin/ffmpeg"), *bare, *arguments[:-1], *exact, arguments[-1]]
    subprocess.run(command, cwd=work, check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
