"""What the Rust sources say: binaries, routes, variables, and the calls to AWS that each deployable can make.

Read from the text, as rustfmt lays it out: a function's powers are the methods of crates/aws that it calls on the stores it holds.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from source import REPOSITORY

FUNCTIONS = REPOSITORY / "functions/src"
WORKER = REPOSITORY / "worker/src"
STORES = REPOSITORY / "crates/aws/src"
# what IAM calls each call that crates/aws makes
ACTIONS = {
    "batch_get_item": ["dynamodb:BatchGetItem"],
    "complete_multipart_upload": ["s3:PutObject"],
    "copy_object": ["s3:GetObject", "s3:PutObject"],
    "create_multipart_upload": ["s3:PutObject"],
    "delete_connection": ["execute-api:ManageConnections"],
    "delete_item": ["dynamodb:DeleteItem"],
    "delete_objects": ["s3:DeleteObject"],
    "get_item": ["dynamodb:GetItem"],
    "get_object": ["s3:GetObject"],
    "get_secret_value": ["secretsmanager:GetSecretValue"],
    "head_object": ["s3:GetObject"],
    "list_objects_v2": ["s3:ListBucket"],
    "post_to_connection": ["execute-api:ManageConnections"],
    "put_item": ["dynamodb:PutItem"],
    "put_object": ["s3:PutObject"],
    "query": ["dynamodb:Query"],
    "send_message": ["sqs:SendMessage"],
    "start_execution": ["states:StartExecution"],
    "stop_execution": ["states:StopExecution"],
    # what it writes are parts, each with an action of its own
    "transact_write_items": [],
    "update_item": ["dynamodb:UpdateItem"],
    "upload_part": ["s3:PutObject"],
}
# the parts of a transaction
PARTS = {"Put": "dynamodb:PutItem", "Update": "dynamodb:UpdateItem"}
# without it a missing object is 403, and looks like a lost permission
TELLS_MISSING = (re.compile(r"\b(?:is_missing|none_if_missing)\("), "s3:ListBucket")

# a call of a method on the store itself
SELF = r"self\s*\.\s*"
LITERALS = re.compile(r'"(?:\\.|[^"\\])*"|' r"'(?:\\.|[^'\\])'|//[^\n]*")
# a store's name, an action on it, and the index if it is on one
Power = tuple[str, str, str]


@dataclass(frozen=True)
class Source:
    text: str
    # the same with strings, characters and comments blanked, so that braces and names are code
    code: str

    @staticmethod
    def of(file: Path) -> Source:
        text = file.read_text(encoding="utf-8").partition("#[cfg(test)]")[0]
        return Source(text, LITERALS.sub(lambda found: " " * len(found[0]), text))

    def functions(self) -> dict[str, Source]:
        """The body of each function by its name; of namesakes together."""
        bodies: dict[str, Source] = {}
        for found in re.finditer(r"\bfn (\w+)", self.code):
            begin = self.code.find("{", found.end())
            end = closing(self.code, begin)
            before = bodies.get(found[1], Source("", ""))
            bodies[found[1]] = Source(before.text + self.text[begin:end], before.code + self.code[begin:end])
        return bodies


def closing(code: str, begin: int) -> int:
    depth = 0
    for at in range(begin, len(code)):
        depth += {"{": 1, "}": -1}.get(code[at], 0)
        if depth == 0:
            return at + 1
    return len(code)


def files(*roots: Path) -> list[Source]:
    found = [file for root in roots for file in ([root] if root.is_file() else sorted(root.rglob("*.rs")))]
    return [Source.of(file) for file in found if file.name != "tests.rs"]


# --- binaries, routes, variables


def binaries() -> set[str]:
    return {file.stem for file in (FUNCTIONS / "bin").glob("*.rs")}


def module(binary: str) -> list[Source]:
    """The handler of a binary and the modules below it."""
    name = binary.replace("-", "_")
    return files(FUNCTIONS / f"{name}.rs", FUNCTIONS / name)


def shared() -> list[Source]:
    """The modules that handlers have in common."""
    own = {name.replace("-", "_") for name in binaries()} | {"bin", "lib", "config", "routes"}
    return files(*(each for each in sorted(FUNCTIONS.iterdir()) if each.stem not in own))


@dataclass(frozen=True)
class Route:
    binary: str
    method: str
    path: str
    caller: str
    # requests a second and at once; none: the default of the API
    throttling: tuple[int, int] | None


def routes() -> list[Route]:
    """The rows of the table of routes, each with and without the prefix."""
    table = Source.of(FUNCTIONS / "routes.rs").text.partition("static ROUTES")[2].partition("];")[0]
    rows = re.findall(r'(get|post|put|delete)\("([^"]+)", (\w+)(?:\(\w+\))?, (\w+), "\w+"\)(.*?)(?=\n    \w|\Z)', table, re.DOTALL)
    return [
        Route(kebab_case(function), method.upper(), prefix + path, caller, (int(limits[1]), int(limits[2])) if limits else None)
        for method, path, function, caller, rest in rows
        for limits in [re.search(r"\.throttled\((\d+), (\d+)\)", rest)]
        for prefix in ("", "/api")
    ]


def kebab_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def variables(binary: str) -> set[str]:
    """The variables that a function reads: the methods of its settings that it calls, and what the shared modules read."""
    settings = Source.of(FUNCTIONS / "config.rs").functions()
    read = {name: re.findall(r'\b(?:required|parsed|text)\("(\w+)"', body.text) for name, body in settings.items()}
    called = {name for each in module(binary) + shared() for name in re.findall(r"[sS]ettings\s*\.\s*(\w+)\(", each.code)}
    return {variable for name in called for variable in read.get(name, [])}


def worker_variables() -> set[str]:
    return set(re.findall(r'"([A-Z][A-Z0-9_]+)"', Source.of(WORKER / "config.rs").text))


# --- powers


@functools.cache
def stores() -> dict[str, dict[str, set[Power]]]:
    """By store and method: what the method may do. A method that calls another of its store may do what that may."""
    sources = files(STORES)
    alone = stores_alone(sources)
    # a store that holds another may do what it calls on that
    return {
        holder: closed({name: powers | on_stores([Source("", bodies[name].code)], own, alone) for name, powers in methods.items()}, bodies, SELF)
        for holder, methods in alone.items()
        for own in [of_store(holder, sources)]
        for bodies in [joined(own)]
    }


def stores_alone(sources: list[Source]) -> dict[str, dict[str, set[Power]]]:
    """The same, without what stores may do through each other."""
    holders = {found[1] for each in sources if (found := re.search(r"pub struct (\w+) \{\s*client: Client", each.code))}
    found = {}
    for holder in holders:
        bodies = joined(of_store(holder, sources))
        powers = {name: {(holder, *power) for power in calls(body)} for name, body in bodies.items()}
        found[holder] = closed(powers, bodies, SELF)
    return found


def of_store(holder: str, sources: list[Source]) -> list[Source]:
    """A store's methods may stand in files of their own."""
    return [each for each in sources if re.search(rf"^impl {holder} \{{", each.code, re.MULTILINE)]


def joined(sources: list[Source]) -> dict[str, Source]:
    """The functions of several files; namesakes together."""
    bodies: dict[str, Source] = {}
    for each in sources:
        for name, body in each.functions().items():
            before = bodies.get(name, Source("", ""))
            bodies[name] = Source(before.text + body.text, before.code + body.code)
    return bodies


def calls(body: Source) -> Iterator[tuple[str, str]]:
    index = re.search(r'\.index_name\("([^"]+)"\)', body.text)
    for call in re.findall(r"\bclient\s*\.\s*(\w+)\(", body.code):
        for action in ACTIONS[call]:
            yield action, f"index/{index[1]}" if index else ""
    for part in re.findall(r"\b(\w+)::builder\(", body.code):
        if part in PARTS:
            yield PARTS[part], ""
    if TELLS_MISSING[0].search(body.code):
        yield TELLS_MISSING[1], ""


def lagging_reads() -> set[tuple[str, str]]:
    """Calls that read what may have changed since: the function that makes them, and the index that they ask."""
    reads = re.compile(r"\bclient\s*\.\s*(?:get_item|batch_get_item|query|scan)\(")
    found = set()
    for each in files(STORES):
        for name, body in each.functions().items():
            if len(reads.findall(body.code)) > body.code.count(".consistent_read(true)"):
                index = re.search(r'\.index_name\("([^"]+)"\)', body.text)
                found.add((name, f"index/{index[1]}" if index else ""))
    return found


def closed(powers: dict[str, set[Power]], bodies: dict[str, Source], on: str = "") -> dict[str, set[Power]]:
    """Adds to each function the powers of those that it calls by name (on what `on` says)."""
    called = {name: [other for other in bodies if re.search(rf"\b{on}{other}\(", body.code)] for name, body in bodies.items()}
    while True:
        wider = {name: own.union(*(powers[other] for other in called[name])) for name, own in powers.items()}
        if wider == powers:
            return powers
        powers = wider


def used(sources: list[Source], context: list[Source]) -> set[Power]:
    """What the methods may do that these sources call on stores; their names are found in the context."""
    return on_stores(sources, context, stores())


def on_stores(sources: list[Source], context: list[Source], known: dict[str, dict[str, set[Power]]]) -> set[Power]:
    kinds = "|".join(known)
    declared = rf"(?:\b(\w+): &?(?:'\w+ )?({kinds})\b|\blet (\w+) = ({kinds})::new)"
    names = {one or other: kind or new for each in context for one, kind, other, new in re.findall(declared, each.code)}
    calls = [call for each in sources for call in re.findall(r"\b(\w+)\s*\.\s*(\w+)\(", each.code)]
    return set().union(*(known[names[name]].get(method, set()) for name, method in calls if name in names))


def powers(binary: str) -> set[Power]:
    """What a function can do: its own calls, and those of the shared functions that it calls by name."""
    own, common = module(binary), shared()
    bodies = joined(common)
    below = closed({name: used([body], common) for name, body in bodies.items()}, bodies)
    called = [name for name in below if any(re.search(rf"\b{name}\(", each.code) for each in own)]
    return used(own, own).union(*(below[name] for name in called))


def worker_powers() -> set[Power]:
    return used(files(WORKER), files(WORKER))
