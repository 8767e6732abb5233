"""The one table: its rows, how they are printed, and on what machine they were measured."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

from bed import REPOSITORY, Bed
from measure import Usage, read

HEAD = ("part", "what", "wall s", "CPU s", "peak MB", "result", "target")


@dataclass(frozen=True)
class Row:
    """One line of the table; without a usage it is one that failed or has only a result."""

    part: str
    what: str
    usage: Optional[Usage]
    result: str = ""
    target: str = ""

    def cells(self) -> Sequence[str]:
        if self.usage is None:
            return (self.part, self.what, "", "", "", self.result, self.target)
        numbers = (f"{self.usage.wall_s:.1f}", f"{self.usage.cpu_s:.1f}", f"{self.usage.peak_mb:.0f}")
        return (self.part, self.what, *numbers, self.result, self.target)


def verdict(value: float, bound: float, wanted: str, *, at_least: bool = False) -> str:
    """A target and whether it is met."""
    met = value >= bound if at_least else value <= bound
    return f"{wanted}: {'met' if met else 'MISSED'}"


def table(rows: Sequence[Row]) -> str:
    """A Markdown table that can be read as plain text too."""
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in cells]
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def machine(bed: Bed, versions: Sequence[str]) -> str:
    """What it was measured on and with, one line each; no names of hosts or folders."""
    return "".join(f"- {line}\n" for line in machine_lines(bed, versions))


def machine_lines(bed: Bed, versions: Sequence[str]) -> Iterator[str]:
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    yield f"processor: {processor()}, {bed.threads} cores, {gigabytes:.0f} GB of memory"
    yield f"system: {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield f"clipwright: commit {commit()}"
    yield "ffmpeg: " + (first_line([bed.ffmpeg, "-version"]).split() + ["unknown"] * 3)[2]
    yield from versions


def processor() -> str:
    models: List[str] = [line.partition(":")[2].strip() for line in read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return models[0] if models else platform.machine()


def commit() -> str:
    changed = first_line(["git", "-C", str(REPOSITORY), "status", "--porcelain", "--untracked-files=no"])
    return first_line(["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"]) + (" and changes" if changed else "")


def first_line(command: Sequence[str]) -> str:
    try:
        text = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    except OSError:
        return "unknown"
    return (text.strip().splitlines() or [""])[0]


def keep(text: str, path: Path) -> None:
    """Writes the report so that it is there whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
