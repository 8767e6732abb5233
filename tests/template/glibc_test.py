"""The functions start on al2023: they need no symbol of a glibc later than its 2.34."""

from __future__ import annotations

import os
import re
import unittest
import zipfile
from pathlib import Path

from source import REPOSITORY

NEWEST = (2, 34)
FUNCTIONS = Path(os.environ.get("CLIPWRIGHT_FUNCTIONS", REPOSITORY / "target/lambda"))


def bootstraps(folder: Path) -> dict[str, bytes]:
    """The binary of each function that was built, out of its zip or as it is."""
    found = {file.parent.name: file.read_bytes() for file in folder.glob("*/bootstrap")}
    for file in folder.glob("*/bootstrap.zip"):
        with zipfile.ZipFile(file) as archive:
            found[file.parent.name] = archive.read("bootstrap")
    return found


class GlibcTest(unittest.TestCase):
    def test_no_symbol_is_too_new(self) -> None:
        built = bootstraps(FUNCTIONS)
        if not built:
            self.skipTest("no function was built")
        for name, binary in built.items():
            versions = {tuple(map(int, found)) for found in re.findall(rb"\x00GLIBC_(\d+)\.(\d+)", binary)}
            self.assertTrue(versions, f"{name} is not linked against glibc")
            self.assertLessEqual(max(versions), NEWEST, name)


if __name__ == "__main__":
    unittest.main()
