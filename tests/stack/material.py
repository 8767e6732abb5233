"""Sources for jobs: a short talk, made once by ffmpeg from what lies in this repository, and a server on loopback that hands sources out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("CLIPWRIGHT_HOME", REPOSITORY / ".cache" / "clipwright"))
CACHE = REPOSITORY / ".cache" / "tests"
SPEECH = REPOSITORY / "infra" / "demo" / "speech.opus"
FACE = REPOSITORY / "tests" / "fixtures" / "astronaut.jpg"
SECONDS = 14  # the first two sentences of the speech, of six seconds each
CODECS = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -r 25 -c:a aac -movflags +faststart"


def tool(name: str) -> str:
    return str(HOME / "bin" / name)


def talk(seconds: int = SECONDS) -> Path:
    """A face before a calm ground, and so many seconds of speech."""
    ground = f"gradients=s=640x360:c0=0x31485a:c1=0x6d8a96:d={seconds}:speed=0.01:r=25:seed=1"
    graph = "[1:v]scale=-2:288[face];[0:v][face]overlay=x=(W-w)/2:y=H-h[v]"
    inputs = ["-f", "lavfi", "-i", ground, "-loop", "1", "-i", str(FACE), "-i", str(SPEECH)]
    words = [*inputs, "-filter_complex", graph, "-map", "[v]", "-map", "2:a", "-t", str(seconds), *CODECS.split()]
    recipe = hashlib.sha256(repr(words).encode() + FACE.read_bytes() + SPEECH.read_bytes()).hexdigest()[:12]
    file = CACHE / f"talk-{seconds}s-{recipe}.mp4"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = CACHE / f"{os.getpid()}-{file.name}"
        ffmpeg(*words, str(unfinished))
        unfinished.replace(file)
    return file


def ffmpeg(*words: str) -> bytes:
    command = [tool("ffmpeg"), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=120).stdout


def decoded(clip: bytes) -> str:
    """What is seen and heard in a clip, as one hash."""
    command = [tool("ffmpeg"), "-loglevel", "error", "-i", "pipe:0", "-map", "0:v", "-map", "0:a", "-f", "md5", "-"]
    return subprocess.run(command, input=clip, check=True, stdout=subprocess.PIPE, timeout=120).stdout.decode().strip()


class Sources:
    """Serves sources: `/talk/NAME.mp4`; `/held/NAME.mp4`, which stops half-way until it is let go; `/text/NAME.mp4`, which is no video."""

    def __init__(self, file: Path) -> None:
        self.content = file.read_bytes()
        self.asked = threading.Semaphore(0)
        self.let_go = threading.Event()
        handler = type("Handler", (SourceHandler,), {"sources": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, kind: str, name: str = "My talk") -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{kind}/{name.replace(' ', '%20')}.mp4"

    def close(self) -> None:
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()


class SourceHandler(BaseHTTPRequestHandler):
    sources: Sources
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        kind = self.path.split("/")[1]
        content = b"This is no video. " * 4000 if kind == "text" else self.sources.content
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            self.send(content, held=kind == "held")
        except OSError:  # the worker is gone
            self.close_connection = True

    def send(self, content: bytes, held: bool) -> None:
        half = len(content) // 2 if held else 0
        self.wfile.write(content[:half])
        self.wfile.flush()
        if held:
            self.sources.asked.release()
            self.sources.let_go.wait(25)  # less than a worker waits for a silent server
        self.wfile.write(content[half:])

    def log_message(self, *_: object) -> None:
        pass
