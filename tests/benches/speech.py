"""Speech to text: ours beside faster-whisper, with the same model on the same sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable, Iterator, List

import inputs
import peers
from bed import Bed
from measure import CommandFailed, Usage
from report import Row, verdict
from wordmatch import TimedWord, compare, words_of

FULL_S, QUICK_S, START_S = 565.0, 30.0, 3.0
LIMIT_S = 300.0
MOST_RTF, MOST_ERRORS, LEAST_NEAR = 0.035, 0.045, 0.85

Recogniser = Callable[[Bed, Path], "tuple[Usage, List[TimedWord]]"]


def rows(bed: Bed) -> Iterator[Row]:
    """A row for each recogniser. Start-up (mostly the model) is what a few seconds of speech take, and is told apart."""
    long = inputs.speech(bed, QUICK_S if bed.quick else FULL_S)
    short = inputs.speech(bed, START_S)
    part = f"speech ({long.origin})"
    yield row(bed, part, "clipwright transcribe, base int8, beam 5", ours, long, short, has_targets=True)
    yield row(bed, part, f"faster-whisper {peers.version('peers', 'faster-whisper')}, base int8, beam 5, word times", theirs, long, short)


def row(bed: Bed, part: str, what: str, recognise: Recogniser, long: inputs.Speech, short: inputs.Speech, *, has_targets: bool = False) -> Row:
    try:
        start, _ = recognise(bed, short.path)
        usage, heard = recognise(bed, long.path)
    except CommandFailed as failure:
        return Row(part, what, None, f"failed: {failure}")
    rtf = (usage.wall_s - start.wall_s) / (long.seconds - short.seconds)
    agreement = compare(long.words, heard)
    result = f"RTF {rtf:.3f} ({usage.wall_s / long.seconds:.3f} with start-up), WER {agreement.error_rate:.2%}"
    targets = [verdict(rtf, MOST_RTF, f"RTF ≤ {MOST_RTF}"), verdict(agreement.error_rate, MOST_ERRORS, f"WER ≤ {MOST_ERRORS:.1%}")]
    if agreement.starts_near is not None and agreement.start_error_s is not None:
        result += f", word starts: {agreement.starts_near:.0%} within 0.2 s, median error {agreement.start_error_s:.2f} s"
        targets.append(verdict(agreement.starts_near, LEAST_NEAR, f"starts ≥ {LEAST_NEAR:.0%}", at_least=True))
    return Row(part, what, usage, result, "; ".join(targets) if has_targets else "")


def ours(bed: Bed, path: Path) -> "tuple[Usage, List[TimedWord]]":
    target = bed.scratch / "ours.json"
    usage = bed.ours("transcribe", path, "-o", target, limit_s=LIMIT_S)
    segments = json.loads(target.read_text(encoding="utf-8"))["segments"]
    spoken = [word for segment in segments for word in segment["words"]]
    return usage, [timed for word in spoken for timed in words_of(word["text"], word["start_ms"] / 1000)]


def theirs(bed: Bed, path: Path) -> "tuple[Usage, List[TimedWord]]":
    target = bed.scratch / "faster-whisper.json"
    usage = bed.peer("peers", "faster_whisper_words.py", bed.base_model, path, bed.threads, target, limit_s=LIMIT_S)
    spoken = json.loads(target.read_text(encoding="utf-8"))
    return usage, [timed for word in spoken for timed in words_of(word["text"], word["start_s"])]
