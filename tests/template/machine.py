"""The state machine's structure, where cfn-lint does not look: fields, transitions of Catch, states that nothing leads to, placeholders."""

from __future__ import annotations

import re
from typing import Any, Iterator

Json = dict[str, Any]

# of the Amazon States Language, for the one type of state that ours has; in JSONPath
TASK = {"Type", "Comment", "Resource", "Parameters", "InputPath", "OutputPath", "ResultPath", "ResultSelector"}
TASK |= {"Retry", "Catch", "TimeoutSeconds", "HeartbeatSeconds", "Next", "End"}
RETRY = {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "MaxAttempts"}
CATCH = {"ErrorEquals", "ResultPath", "Next"}


def findings(definition: Json) -> list[str]:
    return [f"state machine: {each}" for each in [*fields(definition), *transitions(definition)]]


def fields(definition: Json) -> Iterator[str]:
    for name, state in definition["States"].items():
        known = [(state, TASK), *((each, RETRY) for each in state.get("Retry", [])), *((each, CATCH) for each in state.get("Catch", []))]
        for part, allowed in known:
            yield from (f"{name}: no such field: {field}" for field in sorted(set(part) - allowed))


def transitions(definition: Json) -> Iterator[str]:
    states = definition["States"]
    reached = {definition["StartAt"]}
    for name, state in states.items():
        reached |= (targets := set(ways_out(state)))
        yield from (f"{name}: leads to {target}, which is not there" for target in sorted(targets - set(states)))
        if ("Next" in state) == state.get("End", False):
            yield f"{name}: needs either Next or End"
    yield from (f"{name}: nothing leads to it" for name in sorted(set(states) - reached))


def ways_out(state: Json) -> Iterator[str]:
    for each in [state, *state.get("Catch", [])]:
        if "Next" in each:
            yield each["Next"]


def placeholders(text: str, given: set[str]) -> list[str]:
    """What the definition leaves open against what the template puts in."""
    wanted = set(re.findall(r"\$\{(\w+)\}", text))
    found = [f"state machine: {each} is not put in" for each in sorted(wanted - given)]
    return found + [f"state machine: {each} is put in and not used" for each in sorted(given - wanted)]
