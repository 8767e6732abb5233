"""Compares recognised words with what was said: word error rate and the times at which words begin."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import Iterator, List, Optional, Sequence, Tuple

# written in more than one way, said in one
SPOKEN = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}
# a start is right when it is this near, in seconds
NEAR_S = 0.2


@dataclass(frozen=True)
class TimedWord:
    """A word, and when it begins in seconds where that is known."""

    text: str
    start_s: Optional[float]


@dataclass(frozen=True)
class Agreement:
    """How far two transcripts agree; rates from 0 to 1, times in seconds, None where no word has a time."""

    error_rate: float
    starts_near: Optional[float]
    start_error_s: Optional[float]


def words_of(text: str, start_s: Optional[float] = None) -> Iterator[TimedWord]:
    """The words of a text in one spelling: small letters, no punctuation, hyphens as gaps."""
    plain = re.sub(r"[^\w\s']", " ", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    for word in plain.split():
        yield TimedWord(SPOKEN.get(word.strip("'"), word.strip("'")), start_s)
        # only the first of several knows its time
        start_s = None


def compare(said: Sequence[TimedWord], heard: Sequence[TimedWord]) -> Agreement:
    """Aligns both by the fewest edits (Levenshtein) and compares the starts of the words that match."""
    errors, pairs = align([word.text for word in said], [word.text for word in heard])
    starts = [(said[i].start_s, heard[j].start_s) for i, j in pairs]
    gaps = [abs(true - found) for true, found in starts if true is not None and found is not None]
    near = sum(gap <= NEAR_S for gap in gaps) / len(gaps) if gaps else None
    return Agreement(errors / max(len(said), 1), near, statistics.median(gaps) if gaps else None)


def align(said: Sequence[str], heard: Sequence[str]) -> Tuple[int, List[Tuple[int, int]]]:
    """The least number of edits between two lists of words, and the pairs of places that match."""
    rows = [list(range(len(heard) + 1))]
    for i, word in enumerate(said, 1):
        above, row = rows[-1], [i]
        for j, other in enumerate(heard, 1):
            row.append(min(above[j - 1] + (word != other), above[j] + 1, row[-1] + 1))
        rows.append(row)
    return rows[-1][-1], list(reversed(list(matches(said, heard, rows))))


def matches(said: Sequence[str], heard: Sequence[str], rows: List[List[int]]) -> Iterator[Tuple[int, int]]:
    """Goes back through the table of edits, from its end, and gives the pairs that are equal."""
    i, j = len(said), len(heard)
    while i and j:
        if rows[i][j] == rows[i - 1][j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            if said[i] == heard[j]:
                yield i, j
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
