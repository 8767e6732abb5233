"""`cargo lambda watch` sends each path to the function that the table of routes names."""

from __future__ import annotations

import tomllib
import unittest

import rust
from source import REPOSITORY


class RouterTest(unittest.TestCase):
    def test_same_routes_as_in_the_table(self) -> None:
        manifest = tomllib.loads((REPOSITORY / "Cargo.toml").read_text(encoding="utf-8"))
        router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"]
        methods: dict[str, dict[str, set[str]]] = {}
        for route in rust.routes():
            methods.setdefault(route.path, {}).setdefault(route.binary, set()).add(route.method)
        wanted = {path: entry(binaries) for path, binaries in methods.items()}
        self.assertEqual(router, wanted)


def entry(binaries: dict[str, set[str]]) -> object:
    """The one function of a path, or the function of each method if there are several."""
    if len(binaries) == 1:
        return next(iter(binaries))
    return [{"function": binary, "method": method} for binary, methods in sorted(binaries.items()) for method in sorted(methods)]


if __name__ == "__main__":
    unittest.main()
