"""The peers' own Python environments under .cache/bench, made on first use from pinned requirements."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict

from measure import CommandFailed

REQUIREMENTS = Path(__file__).with_name("requirements")


def environment(name: str, cache: Path) -> Path:
    """The folder of an environment, installed if it is not there or its requirements have changed."""
    requirements = REQUIREMENTS / f"{name}.txt"
    folder = cache / "environments" / name
    stamp = folder / "installed"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        install(requirements, folder)
        stamp.write_text(wanted, encoding="utf-8")
    return folder


def install(requirements: Path, folder: Path) -> None:
    """Installs with the machine's own pip and its configuration; the list is complete, so nothing else is resolved."""
    print(f"bench: installing {requirements.stem} ({len(pins(requirements))} packages)", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    call(sys.executable, "-m", "venv", "--without-pip", str(folder))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "--disable-pip-version-check", "--no-input"]
    call(*pip, "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--requirement", str(requirements))


def call(*command: str) -> None:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        lines = result.stdout.strip().splitlines() or ["no reason given"]
        raise CommandFailed(f"installing: {lines[-1][:120]}")


def pins(requirements: Path) -> Dict[str, str]:
    """Package names and versions of a requirements file."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", requirements.read_text(encoding="utf-8"), re.MULTILINE))


def version(environment_name: str, package: str) -> str:
    """The pinned version of a package."""
    return pins(REQUIREMENTS / f"{environment_name}.txt")[package]
