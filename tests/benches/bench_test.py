"""Tests of the benchmark's own measuring: what it says of words, memory, time and failures."""

from __future__ import annotations

import os
import sys
import time
import unittest

import measure
import peers
import report
from wordmatch import TimedWord, compare, words_of


def said(text: str) -> "list[TimedWord]":
    return list(words_of(text))


def python(code: str, limit_s: float = 30.0) -> measure.Usage:
    return measure.run([sys.executable, "-c", code], os.environ, limit_s)


class Words(unittest.TestCase):
    def test_spelling_punctuation_and_hyphens_are_no_errors(self) -> None:
        self.assertEqual(compare(said("mister john was not ill disposed"), said("Mr. John was not ill-disposed!")).error_rate, 0)

    def test_a_wrong_a_missing_and_an_added_word_are_an_error_each(self) -> None:
        self.assertEqual(compare(said("a b c d e f"), said("a x c e f g")).error_rate, 3 / 6)

    def test_only_the_starts_of_matching_words_are_compared(self) -> None:
        truth = [TimedWord("one", 1.0), TimedWord("two", 2.0), TimedWord("three", 3.0), TimedWord("four", None)]
        heard = [TimedWord("one", 1.1), TimedWord("too", 9.0), TimedWord("three", 3.5), TimedWord("four", 4.0)]
        agreement = compare(truth, heard)
        self.assertEqual(agreement.starts_near, 0.5)
        self.assertAlmostEqual(agreement.start_error_s or 0, 0.3)

    def test_without_times_there_is_no_figure_for_them(self) -> None:
        self.assertIsNone(compare(said("a b"), said("a b")).starts_near)


class Measuring(unittest.TestCase):
    def test_memory_and_time_of_children_count(self) -> None:
        child = "import time; held = bytearray(60_000_000); time.sleep(0.6)"
        parent = f"import subprocess, sys; held = bytearray(40_000_000); subprocess.run([sys.executable, '-c', {child!r}])"
        usage = python(parent)
        self.assertGreater(usage.peak_mb, 100)
        self.assertLess(usage.peak_mb, 200)
        self.assertGreater(usage.wall_s, 0.6)
        self.assertEqual(len(usage.children), 1)
        self.assertIn("bytearray(60_000_000)", usage.children[0].command)
        self.assertGreater(usage.children[0].seconds, 0.5)
        self.assertLess(usage.children[0].seconds, usage.wall_s)

    def test_processor_time_of_children_counts(self) -> None:
        spin = "import time\nwhile time.process_time() < 0.5: pass"
        usage = python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])")
        self.assertGreaterEqual(usage.cpu_s, 0.5)

    def test_a_failure_says_its_last_line(self) -> None:
        with self.assertRaisesRegex(measure.CommandFailed, "^the reason$"):
            python("import sys; sys.exit('first\\nthe reason')")

    def test_a_missing_program_is_a_failure(self) -> None:
        with self.assertRaisesRegex(measure.CommandFailed, "^nowhere: No such file"):
            measure.run(["/nowhere"], os.environ, 1.0)

    def test_one_that_takes_too_long_is_ended_with_its_children(self) -> None:
        begun = time.monotonic()
        with self.assertRaisesRegex(measure.CommandFailed, "stopped after"):
            python("import subprocess; subprocess.run(['sleep', '30'])", limit_s=0.5)
        self.assertLess(time.monotonic() - begun, 10)


class Report(unittest.TestCase):
    def test_the_table_is_aligned(self) -> None:
        usage = measure.Usage(1.25, 2.0, 345.6, (), "")
        text = report.table([report.Row("a", "one", usage, "fine"), report.Row("b", "another", None, "failed: gone")])
        self.assertEqual(len({len(line) for line in text.splitlines()}), 1)
        self.assertIn("| 1.2    | 2.0   | 346     | fine", text)

    def test_a_missed_target_is_told(self) -> None:
        self.assertEqual(report.verdict(1.2, 1.15, "≤ 1.15"), "≤ 1.15: MISSED")
        self.assertEqual(report.verdict(0.9, 0.85, "≥ 85%", at_least=True), "≥ 85%: met")


class Requirements(unittest.TestCase):
    def test_every_line_is_pinned(self) -> None:
        for path in peers.REQUIREMENTS.glob("*.txt"):
            self.assertEqual(len(peers.pins(path)), len(path.read_text(encoding="utf-8").splitlines()), path.name)


if __name__ == "__main__":
    unittest.main()
