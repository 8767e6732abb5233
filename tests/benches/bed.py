"""The test bed: where things are, how long they may take, and how ours and the peers are run."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional, Sequence

import measure
import peers

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Bed:
    """What every part of the benchmark needs. Times in seconds; `deadline` on the monotonic clock."""

    home: Path
    binary: Path
    cache: Path
    scratch: Path
    talk: Path
    media: Path
    quick: bool
    deadline: float

    @property
    def threads(self) -> int:
        """Processors that this process may use."""
        return len(os.sched_getaffinity(0))

    @property
    def ffmpeg(self) -> str:
        return str(self.home / "bin/ffmpeg")

    @property
    def base_model(self) -> Path:
        return self.home / "models/whisper-base"

    @property
    def tiny_model(self) -> Path:
        return self.home / "models/whisper-tiny.en"

    def ours(self, *arguments: object, limit_s: float) -> measure.Usage:
        """Runs clipwright."""
        return self.run([self.binary, *arguments], limit_s, {"CLIPWRIGHT_HOME": str(self.home)})

    def bare_ffmpeg(self, *arguments: object, limit_s: float = 300) -> measure.Usage:
        return self.run([self.ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments], limit_s)

    def probe(self, entries: str, path: Path) -> str:
        """What ffprobe says of a file, bare values; a picture's properties are those of its first video stream."""
        tool = self.home / "bin/ffprobe"
        shown = ["-select_streams", "v:0", "-show_entries", entries, "-of", "csv=p=0", path]
        return self.run([tool, "-v", "error", *shown], 60).output

    def peer(self, environment: str, program: str, *arguments: object, limit_s: float) -> measure.Usage:
        """Runs a program of a peers' environment, which is made on first use; `program` is a script here or a tool there."""
        binaries = peers.environment(environment, self.cache) / "bin"
        script = Path(__file__).parent / "peers" / program
        command = [binaries / "python", script] if script.is_file() else [binaries / program]
        return self.run([*command, *arguments], limit_s, self.peer_settings())

    def peer_settings(self) -> Dict[str, str]:
        """The same ffmpeg and fonts as ours, a home of their own with the face model that one would download, no network."""
        home = self.cache / "home"
        faces = home / ".cache/shorts-factory/models/face_detection_yunet_2023mar.onnx"
        if not faces.exists():
            faces.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.home / "models/faces/yunet.onnx", faces)
        fonts = home / "fonts.conf"
        fonts.write_text(f"<fontconfig><dir>{self.home}/fonts</dir><cachedir>{home}/fonts</cachedir></fontconfig>\n", encoding="utf-8")
        return {"HOME": str(home), "FONTCONFIG_FILE": str(fonts), "IMAGEIO_FFMPEG_EXE": self.ffmpeg, "HF_HUB_OFFLINE": "1"}

    def run(self, command: Sequence[object], limit_s: float, settings: Optional[Dict[str, str]] = None) -> measure.Usage:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise measure.CommandFailed("no time left")
        env = {"PATH": f"{self.home}/bin:{os.environ['PATH']}", "LANG": "C.UTF-8", "HOME": os.environ.get("HOME", "/"), **(settings or {})}
        return measure.run([str(word) for word in command], env, min(limit_s, left), self.scratch)
