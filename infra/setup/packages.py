#!/usr/bin/env python3
"""Makes .cache/contracts from tests/contracts: the npm packages that the receiver in TypeScript needs, pinned by its lock.

The packages are installed beside and put in place as a whole, with the digest of what they were made from: where that stands, nothing is done.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

from setup import LEFTOVER, REPOSITORY, SourceError, exclusive, sweep

CONTRACTS = REPOSITORY / "tests/contracts"
FILES = ("package.json", "package-lock.json")
# the oldest that the packages, and what is compiled for it, run on
NODE = 18

Build = Callable[[Path], None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=REPOSITORY / ".cache", help="folder in which `contracts` is made")
    try:
        make(parser.parse_args().cache)
    except (SourceError, OSError) as error:
        print(f"packages: {error}", file=sys.stderr)
        return 1
    return 0


def make(cache: Path, build: Build | None = None, source: Path = CONTRACTS) -> None:
    """Brings `cache/contracts` to what the lock says. Safe to interrupt, and to run twice at once: the second run waits."""
    check_node()
    cache.mkdir(parents=True, exist_ok=True)
    with exclusive(cache / "contracts.lock"):
        sweep(cache)
        target, wanted = cache / "contracts", digest_of(source)
        if is_made(target, wanted):
            return
        started = time.monotonic()
        print("packages: installing what the receiver in TypeScript needs", flush=True)
        unfinished = Path(tempfile.mkdtemp(prefix=LEFTOVER, dir=cache))
        for name in FILES:
            shutil.copy(source / name, unfinished)
        (build or install)(unfinished)
        (unfinished / "made-from").write_text(wanted, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        unfinished.replace(target)
        print(f"packages: made in {time.monotonic() - started:.0f} s: {target}", flush=True)


def check_node() -> None:
    """`make test` checks signatures against the npm package too: without Node it says so before anything is built."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        raise SourceError(f"{' and '.join(missing)} not found: `make test` needs Node.js {NODE} or newer with npm (Debian: apt install nodejs npm)")
    version = call("node", "--version")
    if int(version.lstrip("v").partition(".")[0]) < NODE:
        raise SourceError(f"Node.js {version} is too old: `make test` needs {NODE} or newer")


def digest_of(source: Path) -> str:
    return hashlib.sha256(b"\0".join((source / name).read_bytes() for name in FILES)).hexdigest()


def is_made(target: Path, wanted: str) -> bool:
    stamp = target / "made-from"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and (target / "node_modules").is_dir()


def install(folder: Path) -> None:
    """With the machine's own npm and its configuration; what it downloads is checked against the lock and kept nowhere else."""
    kept = folder / "npm-cache"
    npm = ["npm", "ci", "--prefix", str(folder), "--cache", str(kept), "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    call(*npm)
    shutil.rmtree(kept, ignore_errors=True)


def call(*command: str) -> str:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise SourceError("; ".join(lines[:3]) or "no reason given")
    return result.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
