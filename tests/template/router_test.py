"""`cargo lambda watch` answers each path with the function that the template gives it."""

from __future__ import annotations

import tomllib
import unittest

from source import REPOSITORY, functions, load, routes


class RouterTest(unittest.TestCase):
    def test_same_routes_as_in_the_template(self) -> None:
        manifest = tomllib.loads((REPOSITORY / "Cargo.toml").read_text(encoding="utf-8"))
        router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"]
        watched: dict[str, set[str]] = {}
        for path, entry in router.items():
            for each in [{"function": entry}] if isinstance(entry, str) else entry:
                watched.setdefault(path, set()).add(each["function"])
        deployed: dict[str, set[str]] = {}
        for binary, function in functions(load()).items():
            for _, path, _ in routes(function):
                # the agreement test has the paths without their prefix
                for full in (path, f"/api{path}") if not path.startswith("/api/") else (path,):
                    deployed.setdefault(full, set()).add(binary)
        self.assertEqual(watched, deployed)


if __name__ == "__main__":
    unittest.main()
