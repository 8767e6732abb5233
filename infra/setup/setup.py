#!/usr/bin/env python3
"""Installs what assets.json lists into the clone's .cache: no root, no questions, every file pinned by sha256.

Each asset names its sources in order of preference; a source that cannot be fetched or does not match is
followed by the next one. Wheels are kept in .cache/downloads, so a second run downloads nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
MANIFEST = Path(__file__).with_name("assets.json")
CHUNK_BYTES = 1 << 20
# names of unfinished work begin so; the next run sweeps what a killed one left
LEFTOVER = ".unfinished-"

Json = dict[str, Any]
Fetch = Callable[[Json, Path], None]


class SourceError(Exception):
    """One source of an asset cannot be used; the next one may."""


def main() -> int:
    options = parse_arguments()
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        print("setup: only Linux on x86_64 is supported: the speech library and ffmpeg are built for it", file=sys.stderr)
        return 1
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    assets = selected(manifest["assets"], options.names)
    try:
        install(assets, options.cache / "clipwright", options.cache / "downloads")
    except (SourceError, OSError) as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="NAME", help="what to install: a group (runtime, checks, bench, demo) or one asset by name")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / ".cache", help="folder for downloads and results")
    return parser.parse_args()


def selected(assets: list[Json], names: list[str]) -> list[Json]:
    """The assets whose group or own name is among `names`, each of which must select something."""
    if unknown := set(names) - {asset[key] for asset in assets for key in ("group", "name")}:
        sys.exit(f"setup: no group or asset is named {', '.join(sorted(unknown))}; see infra/setup/assets.json")
    return [asset for asset in assets if asset["group"] in names or asset["name"] in names]


def install(assets: list[Json], home: Path, downloads: Path, fetch: Fetch | None = None) -> None:
    """Brings `home` to what `assets` say. Safe to interrupt, and to run twice at once: the second run waits."""
    home.mkdir(parents=True, exist_ok=True)
    downloads.mkdir(parents=True, exist_ok=True)
    with exclusive(downloads.parent / "setup.lock"):
        sweep(home, downloads)
        record = Record(home)
        missing = [asset for asset in assets if not record.holds(asset)]
        for asset in missing:
            record.add(asset, install_asset(asset, home, downloads, fetch or pip_download))
        print(f"setup: {len(missing)} of {len(assets)} installed now, the rest was there: {home}")


def sweep(*folders: Path) -> None:
    for folder in folders:
        for leftover in folder.glob(f"{LEFTOVER}*"):
            shutil.rmtree(leftover, ignore_errors=True)


class Record:
    """What is installed: for each asset the digest of its entry in the manifest and the sizes of its files."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "installed.json"
        try:
            self.entries: Json = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            self.entries = {}

    def holds(self, asset: Json) -> bool:
        entry = self.entries.get(asset["name"], {})
        return entry.get("entry_sha256") == digest_of_entry(asset) and all(
            size_of(self.home / path) == size for path, size in entry["sizes"].items()
        )

    def add(self, asset: Json, paths: list[str]) -> None:
        sizes = {path: size_of(self.home / path) for path in paths}
        self.entries[asset["name"]] = {"entry_sha256": digest_of_entry(asset), "sizes": sizes}
        text = json.dumps(self.entries, indent=1, sort_keys=True) + "\n"
        write_atomically(self.path, lambda part: part.write_text(text, encoding="utf-8"))


def install_asset(asset: Json, home: Path, downloads: Path, fetch: Fetch) -> list[str]:
    """Installs from the first source that works; returns the paths made, relative to `home`."""
    failures = []
    for number, source in enumerate(asset["sources"]):
        announce(asset, source, is_mirror=number > 0)
        try:
            wheels = [cached_wheel(wheel, downloads, fetch) for wheel in source["wheels"]]
            return [install_file(file, wheels, home) for file in source["files"] + asset.get("files", [])]
        except SourceError as error:
            print(f"setup: {asset['name']}: {error}", file=sys.stderr)
            failures.append(str(error))
    raise SourceError(f"no source of {asset['name']} works: " + "; ".join(failures))


def announce(asset: Json, source: Json, *, is_mirror: bool) -> None:
    megabytes = sum(wheel["bytes"] for wheel in source["wheels"]) / 1e6
    packages = " ".join(wheel["package"] for wheel in source["wheels"])
    origin = "mirror" if is_mirror else "from"
    version = source.get("version", asset["version"])
    print(f"setup: {asset['name']} {version}, {megabytes:.1f} MB, {asset['licence']} ({origin} {packages})", flush=True)


def cached_wheel(wheel: Json, downloads: Path, fetch: Fetch) -> Path:
    """The wheel in the cache folder, fetched if it is not there or is not what it should be."""
    target = downloads / wheel["file"]
    if target.is_file() and sha256_of(target) == wheel["sha256"]:
        return target
    with tempfile.TemporaryDirectory(prefix=LEFTOVER, dir=downloads) as folder:
        fetch(wheel, Path(folder))
        fetched = Path(folder) / wheel["file"]
        if not fetched.is_file():
            raise SourceError(f"{wheel['package']}: {wheel['file']} was not delivered")
        check(fetched, wheel["sha256"], wheel["file"])
        os.replace(fetched, target)
    return target


def pip_download(wheel: Json, folder: Path) -> None:
    """Fetches one wheel with the machine's own pip and its configuration, whatever Python runs here."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wheel['package']} --hash=sha256:{wheel['sha256']}\n", encoding="utf-8")
    platforms = wheel["file"].removesuffix(".whl").rsplit("-", 1)[1].split(".")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-cache-dir"]
    command += ["--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"]
    command += [argument for name in platforms for argument in ("--platform", name)]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        reason = (result.stderr.strip() or "no reason given").splitlines()[-1]
        raise SourceError(f"{wheel['package']}: pip: {reason}")


def install_file(file: Json, wheels: list[Path], home: Path) -> str:
    """Makes one entry of `files`; returns its path relative to `home`."""
    target = home / file["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    if "unpack" in file:
        unpack(wheels, target)
    elif "link" in file:
        write_atomically(target, lambda part: part.symlink_to(file["link"]))
    else:
        write_atomically(target, lambda part: write_checked(file, wheels, part))
    return file["path"]


def write_checked(file: Json, wheels: list[Path], part: Path) -> None:
    """Writes a file given as text, or joined from members of the wheels and checked against its sha256."""
    if "text" in file:
        part.write_text(file["text"].replace("{python}", os.path.realpath(sys.executable)), encoding="utf-8")
    else:
        with part.open("wb") as sink:
            for member in file["members"]:
                with open_member(member, wheels) as source:
                    shutil.copyfileobj(source, sink, CHUNK_BYTES)
        check(part, file["sha256"], file["path"])
    part.chmod(0o755 if file.get("executable") else 0o644)


def unpack(wheels: list[Path], target: Path) -> None:
    """Unpacks whole wheels into one folder; the wheels' own sha256 vouches for what is in it."""
    with tempfile.TemporaryDirectory(prefix=LEFTOVER, dir=target.parent) as made:
        folder = Path(made) / target.name
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(folder, target)


@contextlib.contextmanager
def open_member(member: str, wheels: list[Path]) -> Iterator[Any]:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive, contextlib.suppress(KeyError):
            with archive.open(member) as source:
                yield source
                return
    raise SourceError(f"{member} is in none of the wheels")


def write_atomically(target: Path, write: Callable[[Path], object]) -> None:
    """Writes under a temporary name in the same folder, then renames: nobody ever sees half a file."""
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        write(part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds a lock that the system frees even when the holder is killed."""
    with path.open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another set-up is running here, waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check(path: Path, expected: str, name: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise SourceError(f"{name}: sha256 is {found}, expected {expected}")


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def digest_of_entry(asset: Json) -> str:
    return hashlib.sha256(json.dumps(asset, sort_keys=True).encode()).hexdigest()


def size_of(path: Path) -> int:
    """Size in bytes; 0 for a folder, -1 for what is not there."""
    try:
        return 0 if path.is_dir() else path.stat().st_size
    except FileNotFoundError:
        return -1


if __name__ == "__main__":
    sys.exit(main())
