"""Tests of venvs.py with environments that are only folders; nothing is installed."""

from __future__ import annotations

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import venvs


class MakeTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.venvs = Path(folder.name) / "venvs"
        self.requirements = Path(folder.name) / "tool.txt"
        self.requirements.write_text("tool==1 --hash=sha256:00\n")
        self.built: list[Path] = []

    def build(self, requirements: Path, folder: Path) -> None:
        self.built.append(folder)
        folder.mkdir()
        (folder / "pins").write_text(requirements.read_text())

    def killed(self, requirements: Path, folder: Path) -> None:
        folder.mkdir()
        (folder / "half").touch()
        raise KeyboardInterrupt

    def make(self, build: venvs.Build | None = None) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            venvs.make("tool", self.venvs, build or self.build, self.requirements)

    def test_a_second_run_does_nothing(self) -> None:
        self.make()
        self.make()
        self.assertEqual(len(self.built), 1)
        self.assertEqual((self.venvs / "tool/pins").read_text(), self.requirements.read_text())

    def test_changed_pins_are_installed_anew_and_the_old_ones_swept(self) -> None:
        self.make()
        self.requirements.write_text("tool==2 --hash=sha256:00\n")
        self.make()
        self.assertEqual((self.venvs / "tool/pins").read_text(), self.requirements.read_text())
        self.assertEqual(len(list(self.venvs.glob("tool-*"))), 1)

    def test_a_killed_run_is_never_taken_for_done(self) -> None:
        with self.assertRaises(KeyboardInterrupt):
            self.make(self.killed)
        self.assertFalse((self.venvs / "tool").exists())
        self.make()
        self.assertFalse((self.venvs / "tool/half").exists())

    def test_while_a_new_one_is_built_the_old_one_stays(self) -> None:
        self.make()
        old = (self.venvs / "tool").resolve()
        self.requirements.write_text("tool==2 --hash=sha256:00\n")
        with self.assertRaises(KeyboardInterrupt):
            self.make(self.killed)
        self.assertEqual((self.venvs / "tool").resolve(), old)

    def test_a_lost_environment_is_made_again(self) -> None:
        self.make()
        (self.venvs / "tool/pins").unlink()
        (self.venvs / "tool").resolve().rmdir()
        self.make()
        self.assertTrue((self.venvs / "tool/pins").exists())


if __name__ == "__main__":
    unittest.main()
