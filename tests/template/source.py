"""The template as the tests read it: as it is written, and as the transform makes CloudFormation of it."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATE = REPOSITORY / "template.yaml"

sys.path.insert(0, str(REPOSITORY / "infra/local"))
# the transform asks the SDK for a region, whatever the machine has
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import adapt  # noqa: E402

Json = dict[str, Any]

logging.getLogger("samtranslator").setLevel(logging.ERROR)


def load(template: Path = TEMPLATE) -> Json:
    return adapt.yaml_parse(template.read_text(encoding="utf-8"))


def transformed(template: Path = TEMPLATE, parameters: Json | None = None) -> Json:
    """What CloudFormation would be given, made without a network; the state machine as an object, so that it can be checked too."""
    source = load(template)
    adapt.point_code_to_bucket(source)
    adapt.inline_state_machines(source, template.parent)
    machines = {name: properties["Definition"] for name, properties in adapt.of_type(source, "AWS::Serverless::StateMachine")}
    result = adapt.transform(source, parameters or parameters_of("dev"), adapt.NoManagedPolicies())
    for name, definition in machines.items():
        properties = result["Resources"][name]["Properties"]
        properties.pop("DefinitionString")
        properties["Definition"] = definition
    # plain JSON: without the marks of line numbers
    return json.loads(json.dumps(result))


def parameters_of(environment: str) -> Json:
    """What samconfig.toml sets for an environment, over the template's defaults."""
    defaults = {name: parameter["Default"] for name, parameter in load()["Parameters"].items() if "Default" in parameter}
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))
    given = config[environment]["deploy"]["parameters"]["parameter_overrides"]
    return defaults | dict(each.split("=", 1) for each in given)


def binary_of(function: Json) -> str:
    return function["Metadata"]["BuildProperties"]["Binary"]


def functions(template: Json) -> dict[str, Json]:
    """The functions by the name of their binary."""
    found = [each for each in template["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]
    return {binary_of(each): each for each in found}


def routes(function: Json) -> Iterator[tuple[str, str, Json]]:
    """Method, path and properties of each event of a function that is a route; the one for unknown paths is none."""
    for event in function["Properties"].get("Events", {}).values():
        if event["Type"] in ("HttpApi", "Api") and "Path" in event["Properties"]:
            yield event["Properties"]["Method"], event["Properties"]["Path"], event["Properties"]


def statements(role: Json) -> Iterator[Json]:
    """Every statement of a role's own policies."""
    for policy in role["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def resource_of(reference: Any) -> tuple[str, str]:
    """The logical id that a policy's resource names, and the rest of its path: ("JobsTable", "index/owner-active")."""
    if "Ref" in reference:
        return reference["Ref"], ""
    if "Fn::GetAtt" in reference:
        attribute = reference["Fn::GetAtt"]
        return (attribute if isinstance(attribute, list) else attribute.split("."))[0], ""
    text = reference["Fn::Sub"]
    names = [name for name in re.findall(r"\$\{(\w+)(?:\.\w+)?\}", text) if name != "Environment"]
    return names[-1], text.rpartition("}")[2].strip("/:")
