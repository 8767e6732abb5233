#!/usr/bin/env python3
"""Makes .cache/venvs/NAME from requirements/NAME.txt: no root, no questions, every package pinned by version and sha256.

A virtual environment cannot be renamed, so each is built in a folder named after the digest of what it is made from,
and the link NAME is put on it last: where the link points to that digest, nothing is done.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

from setup import REPOSITORY, SourceError, exclusive, write_atomically

REQUIREMENTS = Path(__file__).with_name("requirements")

Build = Callable[[Path, Path], None]


def main() -> int:
    options = parse_arguments()
    if sys.version_info < (3, 11):
        print("venvs: Python 3.11 or newer is needed: the pins were made for it", file=sys.stderr)
        return 1
    try:
        for name in options.names:
            make(name, options.venvs)
    except (SourceError, OSError) as error:
        print(f"venvs: {error}", file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    known = sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="NAME", choices=known, help=f"environments to make: {', '.join(known)}")
    parser.add_argument("--venvs", type=Path, default=REPOSITORY / ".cache/venvs", help="folder of the environments")
    return parser.parse_args()


def make(name: str, venvs: Path, build: Build | None = None, requirements: Path | None = None) -> None:
    """Brings `venvs/name` to what its requirements say. Safe to interrupt, and to run twice at once: the second run waits."""
    requirements = requirements or REQUIREMENTS / f"{name}.txt"
    venvs = venvs.absolute()
    venvs.mkdir(parents=True, exist_ok=True)
    with exclusive(venvs / "lock"):
        link, folder = venvs / name, venvs / f"{name}-{digest_of(requirements, venvs)}"
        if link.is_symlink() and os.readlink(link) == folder.name and folder.is_dir():
            return
        started = time.monotonic()
        print(f"venvs: {name}: installing {packages(requirements)} packages", flush=True)
        # what a killed run left of it
        shutil.rmtree(folder, ignore_errors=True)
        (build or install)(requirements, folder)
        write_atomically(link, lambda part: part.symlink_to(folder.name))
        for old in venvs.glob(f"{name}-*"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        print(f"venvs: {name}: made in {time.monotonic() - started:.0f} s: {link}", flush=True)


def digest_of(requirements: Path, venvs: Path) -> str:
    """Of all that an environment is made from: the pins, the Python, and the path that its programs begin with."""
    made_from = [requirements.read_bytes(), sys.version.encode(), os.path.realpath(sys.executable).encode(), bytes(venvs)]
    return hashlib.sha256(b"\0".join(made_from)).hexdigest()[:16]


def packages(requirements: Path) -> int:
    return requirements.read_text(encoding="utf-8").count("==")


def install(requirements: Path, folder: Path) -> None:
    """Installs with the machine's own pip and its configuration; the environment itself needs no pip."""
    call(sys.executable, "-m", "venv", "--without-pip", str(folder))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    # the pins are complete: resolving them again would only take time
    call(*pip, "--no-deps", "--require-hashes", "--requirement", str(requirements))


def call(*command: str) -> None:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise SourceError((result.stderr.strip() or "no reason given").splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
