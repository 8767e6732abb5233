#!/usr/bin/env python3
"""Checks template.yaml as far as that goes without an account: sam validate, transform, cfn-lint, state machine, checkov.

Nothing of it asks the network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cfnlint
import machine
from source import REPOSITORY, TEMPLATE, Json, load, transformed

CHECKOV = REPOSITORY / ".cache/venvs/checkov/bin/checkov"
ALLOWED = REPOSITORY / ".checkov.yaml"
# nothing listens there
NOWHERE = "http://127.0.0.1:9"


def main() -> int:
    findings = check(TEMPLATE) or checkov(transformed(TEMPLATE))
    print("\n".join(findings) or "template: sam validate, transform, cfn-lint, state machine and checkov found nothing")
    return 1 if findings else 0


def check(template: Path) -> list[str]:
    """What is wrong with the template; where it cannot be transformed, that alone."""
    if found := validate(template):
        return found
    try:
        result = transformed(template)
    except Exception as error:  # the transform's own errors have no common type
        return [f"transform: {error}"]
    return nothings(result) + lint(result) + state_machines(template, result)


def validate(template: Path) -> list[str]:
    """`sam validate`, with made-up credentials."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": "/usr/bin:/bin", "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
        environment |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_ENDPOINT_URL": NOWHERE, "HTTPS_PROXY": NOWHERE}
        command = [str(Path(sys.executable).with_name("sam")), "validate", "--template", str(template)]
        result = subprocess.run(command, env=environment, cwd=template.parent, capture_output=True, text=True, check=False)
    return [] if result.returncode == 0 else [f"sam validate: {(result.stderr or result.stdout).strip()}"]


def lint(result: Json) -> list[str]:
    """cfn-lint on what CloudFormation would be given; warnings count."""
    matches = cfnlint.lint(json.dumps(result, indent=1), regions=["us-east-1"])
    return [f"cfn-lint: {match.rule.id} {match.message}" for match in matches]


def nothings(result: Any, path: str = "") -> list[str]:
    """A list's item or a field that says nothing is a slip of the pen in YAML; only ASL has a meaning for it."""
    if result is None and not path.endswith("/ResultPath"):
        return [f"transform: nothing at {path}"]
    parts = result.items() if isinstance(result, dict) else enumerate(result) if isinstance(result, list) else ()
    return [each for key, part in parts for each in nothings(part, f"{path}/{key}")]


def state_machines(template: Path, result: Json) -> list[str]:
    found = []
    for name, resource in load(template)["Resources"].items():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            text = (template.parent / resource["Properties"]["DefinitionUri"]).read_text(encoding="utf-8")
            found += machine.placeholders(text, set(resource["Properties"]["DefinitionSubstitutions"]))
            found += machine.findings(result["Resources"][name]["Properties"]["Definition"])
    return found


def checkov(result: Json, allowed: set[str] | None = None) -> list[str]:
    """checkov's findings other than those allowed, and what is allowed and was not found."""
    allowed = allowlist() if allowed is None else allowed
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.json"
        file.write_text(json.dumps(result), encoding="utf-8")
        command = [str(CHECKOV), "--framework", "cloudformation", "--file", str(file), "--output", "json", "--quiet", "--compact", "--soft-fail"]
        # from there, since it would take the list below the current folder by itself and not say what that keeps back
        output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    failed = [(each["check_id"], each["resource"], each["check_name"]) for each in json.loads(output)["results"]["failed_checks"]]
    found = [f"checkov: {id} {resource}: {name}" for id, resource, name in failed if id not in allowed]
    return found + [f"checkov: {id} is allowed and not found" for id in sorted(allowed - {id for id, _, _ in failed})]


def allowlist() -> set[str]:
    return set(re.findall(r"^ +- (\w+)", ALLOWED.read_text(encoding="utf-8"), re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main())
