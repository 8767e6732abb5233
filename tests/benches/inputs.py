"""The inputs: read speech of which every word is known, and talks of any length."""

from __future__ import annotations

import json
import random
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Tuple

from bed import REPOSITORY, Bed
from measure import CommandFailed
from wordmatch import TimedWord, words_of

SAMPLE_RATE_HZ = 16_000
BYTES_PER_SAMPLE = 2
PAUSE_S = (0.4, 1.2)
DEMO = REPOSITORY / "infra/demo"


@dataclass(frozen=True)
class Speech:
    """A media file, its length in seconds, what is said in it and where that comes from."""

    path: Path
    seconds: float
    words: List[TimedWord]
    origin: str


def speech(bed: Bed, seconds: float) -> Speech:
    """About `seconds` of read speech: the recordings beside the repository, else the words of the demo's talk."""
    readings, origin = (recordings(bed), "read sentences") if bed.media.is_dir() else (demo_speech(bed), "the demo's speech")
    wav = bed.scratch / f"speech-{seconds:.0f}.wav"
    words, length = join(readings, seconds, wav)
    return Speech(with_picture(bed, wav), length, words, f"{origin}, {length:.0f} s")


def recordings(bed: Bed) -> List[Tuple[bytes, List[TimedWord]]]:
    """The samples and words of the recordings; one without word times has words without."""
    listed = json.loads((bed.media / "speech.json").read_text(encoding="utf-8"))
    return [(samples(bed.media / reading["file"]), words_of_reading(reading)) for reading in listed]


def words_of_reading(reading: Dict[str, Any]) -> List[TimedWord]:
    if not reading["words"]:
        return list(words_of(reading["text"]))
    return [timed for word in reading["words"] for timed in words_of(word["word"], word["start"])]


def demo_speech(bed: Bed) -> List[Tuple[bytes, List[TimedWord]]]:
    """The lines of the demo's talk that say where in its speech they are: `at`, begin and length in seconds."""
    lines = json.loads((DEMO / "talk.json").read_text(encoding="utf-8"))["lines"]
    wav = bed.scratch / "demo-speech.wav"
    bed.bare_ffmpeg("-i", DEMO / "speech.opus", "-ac", 1, "-ar", SAMPLE_RATE_HZ, wav)
    sound = samples(wav)
    return [(cut(sound, *line["at"]), list(words_of(line["text"]))) for line in lines if "at" in line]


def cut(sound: bytes, begin_s: float, length_s: float) -> bytes:
    begin, end = (BYTES_PER_SAMPLE * int(at * SAMPLE_RATE_HZ) for at in (begin_s, begin_s + length_s))
    return sound[begin:end]


def samples(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (SAMPLE_RATE_HZ, 1, BYTES_PER_SAMPLE):
            raise CommandFailed(f"{path.name} is not 16 kHz mono of 16 bits")
        return file.readframes(file.getnframes())


def join(readings: List[Tuple[bytes, List[TimedWord]]], seconds: float, target: Path) -> Tuple[List[TimedWord], float]:
    """Writes the readings one after the other, each round in another order, with pauses; the same every time."""
    chance = random.Random(2)
    words: List[TimedWord] = []
    sound = bytearray()
    order: List[Tuple[bytes, List[TimedWord]]] = []
    while len(sound) < seconds * SAMPLE_RATE_HZ * BYTES_PER_SAMPLE:
        order = order or chance.sample(readings, len(readings))
        samples_, said = order.pop()
        begin = len(sound) / BYTES_PER_SAMPLE / SAMPLE_RATE_HZ
        words += [TimedWord(word.text, None if word.start_s is None else begin + word.start_s) for word in said]
        sound += samples_ + bytes(BYTES_PER_SAMPLE * int(chance.uniform(*PAUSE_S) * SAMPLE_RATE_HZ))
    with wave.open(str(target), "wb") as file:
        file.setparams((1, BYTES_PER_SAMPLE, SAMPLE_RATE_HZ, 0, "NONE", ""))
        file.writeframes(sound)
    return words, len(sound) / BYTES_PER_SAMPLE / SAMPLE_RATE_HZ


def with_picture(bed: Bed, wav: Path) -> Path:
    """The sound unchanged in a video of next to no picture, since a source must have one."""
    video = wav.with_suffix(".mkv")
    picture = ["-f", "lavfi", "-i", "color=gray:size=320x180:rate=5"]
    bed.bare_ffmpeg(*picture, "-i", wav, "-shortest", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac", video)
    return video


def talk(bed: Bed, seconds: float) -> Path:
    """The demo's talk, cut or repeated to a length without coding it anew."""
    if not bed.talk.is_file():
        raise CommandFailed("the talk is not there; `make demo` makes it")
    video = bed.scratch / f"talk-{seconds:.0f}.mp4"
    if not video.exists():
        bed.bare_ffmpeg("-stream_loop", -1, "-i", bed.talk, "-t", seconds, "-c", "copy", video)
    return video
