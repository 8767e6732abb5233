"""Tests of packages.py; nothing is downloaded."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import packages


class LockTest(unittest.TestCase):
    def test_the_lock_pins_each_package_and_names_no_registry(self) -> None:
        """A machine's own registry is asked; what it gives is held to the hash."""
        text = (packages.CONTRACTS / "package-lock.json").read_text(encoding="utf-8")
        self.assertNotIn("://", text)
        self.assertNotIn("resolved", text)
        pinned = {name: package for name, package in json.loads(text)["packages"].items() if name}
        self.assertIn("node_modules/standardwebhooks", pinned)
        for name, package in pinned.items():
            self.assertTrue(package["integrity"].startswith("sha512-"), name)


class MakeTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache, self.source = Path(folder.name) / "cache", Path(folder.name) / "source"
        shutil.copytree(packages.CONTRACTS, self.source)
        self.built = 0
        mock.patch.object(packages, "check_node").start()
        self.addCleanup(mock.patch.stopall)

    def build(self, folder: Path) -> None:
        self.built += 1
        (folder / "node_modules").mkdir()
        shutil.copy(folder / "package-lock.json", folder / "node_modules")

    def killed(self, folder: Path) -> None:
        (folder / "node_modules").mkdir()
        raise KeyboardInterrupt

    def make(self, build: packages.Build | None = None) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            packages.make(self.cache, build or self.build, self.source)

    def names(self) -> set[str]:
        return {path.name for path in self.cache.iterdir()}

    def test_a_second_run_does_nothing(self) -> None:
        self.make()
        self.make()
        self.assertEqual(self.built, 1)
        self.assertEqual(self.names(), {"contracts", "contracts.lock"})

    def test_a_changed_lock_is_installed_anew(self) -> None:
        self.make()
        lock = self.source / "package-lock.json"
        lock.write_text(lock.read_text().replace("5.9.3", "5.9.4"))
        self.make()
        self.assertIn("5.9.4", (self.cache / "contracts/node_modules/package-lock.json").read_text())

    def test_a_killed_run_is_never_taken_for_done_and_is_swept(self) -> None:
        with self.assertRaises(KeyboardInterrupt):
            self.make(self.killed)
        self.assertNotIn("contracts", self.names())
        self.make()
        self.assertEqual(self.names(), {"contracts", "contracts.lock"})

    def test_lost_packages_are_made_again(self) -> None:
        self.make()
        shutil.rmtree(self.cache / "contracts/node_modules")
        self.make()
        self.assertTrue((self.cache / "contracts/node_modules").is_dir())


class NodeTest(unittest.TestCase):
    def test_what_is_missing_is_named_before_anything_is_made(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(shutil, "which", return_value=None):
            with self.assertRaisesRegex(packages.SourceError, r"node and npm not found: `make test` needs Node\.js"):
                packages.make(Path(folder) / "cache")
            self.assertFalse((Path(folder) / "cache").exists())

    def test_one_that_is_too_old_is_refused(self) -> None:
        with mock.patch.object(shutil, "which", return_value="node"), mock.patch.object(packages, "call", return_value="v16.20.2"):
            with self.assertRaisesRegex(packages.SourceError, "v16.20.2 is too old"):
                packages.check_node()


if __name__ == "__main__":
    unittest.main()
