#!/usr/bin/env python3
"""Runs the Python tests of folders as `python -m unittest discover` does, and notes how long each took.

    python_tests.py FOLDER... [--times FILE] [-k PATTERN]   run the tests of these folders; add their times to FILE
    python_tests.py --slowest FILE...                       print the slowest twenty tests; also from output of `cargo test`
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Iterator

# a line of `cargo test -- --report-time`, and of the file that --times names
TIMED_LINE = re.compile(r"^(?:test )?(.+?) \.\.\. \w+ <([\d.]+)s>$")
SHOWN = 20


class TimedResult(unittest.TextTestResult):
    """Collects a line with its time for each test."""

    lines: list[str] = []

    def startTest(self, test: unittest.TestCase) -> None:
        self.started = time.monotonic()
        super().startTest(test)

    def stopTest(self, test: unittest.TestCase) -> None:
        self.lines.append(f"{test.id()} ... done <{time.monotonic() - self.started:.3f}s>\n")
        super().stopTest(test)


def main() -> int:
    options = parse_arguments()
    if options.slowest:
        print(slowest(line for file in options.slowest for line in file.read_text(encoding="utf-8").splitlines()))
        return 0
    if len(options.folders) == 1:
        return run(options.folders[0], options)
    # one process for each folder: their modules may have the same names
    more = ["-k", options.k] if options.k else []
    more += ["--times", str(options.times)] if options.times else []
    return max(subprocess.run([sys.executable, __file__, folder, *more], check=False).returncode for folder in options.folders)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", metavar="FOLDER")
    parser.add_argument("-k", metavar="PATTERN", help="only tests whose name has this in it")
    parser.add_argument("--times", type=Path, metavar="FILE")
    parser.add_argument("--slowest", type=Path, nargs="+", metavar="FILE")
    options = parser.parse_args()
    if bool(options.folders) == bool(options.slowest):
        parser.error("name folders to test, or files after --slowest")
    return options


def run(folder: str, options: argparse.Namespace) -> int:
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{options.k}*"] if options.k else None
    print(f"tests of {folder}", file=sys.stderr)
    result = unittest.TextTestRunner(resultclass=TimedResult).run(loader.discover(folder, pattern="*_test.py"))
    if options.times:
        with options.times.open("a", encoding="utf-8") as file:
            file.writelines(TimedResult.lines)
    return 0 if result.wasSuccessful() else 1


def slowest(lines: Iterator[str]) -> str:
    """The slowest tests, slowest first, with their seconds."""
    times = [(float(found[2]), found[1]) for line in lines if (found := TIMED_LINE.match(line))]
    return "\n".join(["slowest tests:", *(f"{seconds:8.1f} s  {name}" for seconds, name in sorted(times, reverse=True)[:SHOWN])])


if __name__ == "__main__":
    sys.exit(main())
