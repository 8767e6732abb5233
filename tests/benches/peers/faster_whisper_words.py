"""Recognises speech with faster-whisper, as its documentation shows it; runs in the peers' environment.

Arguments: model folder, media file, threads, where the words go as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from faster_whisper import WhisperModel


def main(model_folder: str, media: str, threads: str, target: str) -> None:
    model = WhisperModel(model_folder, device="cpu", compute_type="int8", cpu_threads=int(threads))
    segments, _ = model.transcribe(media, beam_size=5, word_timestamps=True)
    words = [{"text": word.word, "start_s": word.start} for segment in segments for word in segment.words]
    Path(target).write_text(json.dumps(words), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
